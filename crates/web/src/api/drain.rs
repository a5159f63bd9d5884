//! Reads and drops what is left of a body whose answer is known early. A client that is still sending
//! may otherwise never see the answer: HTTP/1.1 closes under it, HTTP/2 resets its stream. Not for
//! bodies that are of use; those are read in `body`.

use std::time::Duration;

use http::StatusCode;
use http::header::EXPECT;
use http::request::Parts;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use crate::api::places::Places;
use crate::reply::{After, Reply};
use crate::settings::ServerSettings;

/// For so many requests of the bound one rest may be read at once.
const REQUESTS_PER_DRAIN: usize = 32;

/// The bounds of rests, all of them together.
#[derive(Debug)]
pub(crate) struct Drains {
    places: Places,
    octets_max: usize,
    within: Duration,
}

/// What became of a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// It was read to its end.
    Gone,
    /// It was too much, too slow, or broken.
    Left,
}

impl Drains {
    /// A batch is the most that anybody may send, and one more body covers what goes beyond a bound
    /// by a little. The time is that of every body.
    pub(crate) fn new(settings: &ServerSettings) -> Self {
        let octets_max = settings.batch_body_bytes_max;
        Self {
            places: Places::new(settings.requests_max.div_ceil(REQUESTS_PER_DRAIN)),
            octets_max: octets_max.saturating_add(settings.body_bytes_max),
            within: settings.body_timeout,
        }
    }

    /// Makes an answer fit to be sent: without a rest of the body before it, or else as the last one
    /// of its connection.
    pub(crate) async fn clear(&self, parts: &Parts, body: &mut Incoming, reply: Reply) -> Reply {
        if self.rest(parts, body, reply.status).await == Rest::Gone {
            return reply;
        }
        Reply {
            after: After::Close,
            ..reply
        }
    }

    async fn rest(&self, parts: &Parts, body: &mut Incoming, status: StatusCode) -> Rest {
        let promised = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        // A body that was too slow has had its time, and who asks before sending has sent nothing.
        let hopeless = status == StatusCode::REQUEST_TIMEOUT || parts.headers.contains_key(EXPECT);
        if hopeless || promised > self.octets_max {
            return Rest::Left;
        }
        let Some(_place) = self.places.take() else {
            return Rest::Left;
        };
        let all = dropped(body, self.octets_max);
        tokio::time::timeout(self.within, all)
            .await
            .unwrap_or(Rest::Left)
    }
}

/// Reads up to so many octets and keeps none.
async fn dropped(body: &mut Incoming, octets_max: usize) -> Rest {
    let mut left = octets_max;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Rest::Left;
        };
        let came = frame.data_ref().map_or(0, bytes::Bytes::len);
        match left.checked_sub(came) {
            Some(less) => left = less,
            None => return Rest::Left,
        }
    }
    Rest::Gone
}
