//! What carriers over HTTPS post: what became of messages, and what handsets write. It takes the same road as
//! what a carrier delivers over SMPP, and is answered with success only once it is durable.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use engine::AuthError;
use engine::ports::CarrierEvents as _;
use engine::ports::carrier::{Delivery, Verdict};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, HeaderName, StatusCode};
use hyper::body::Incoming;
use tokio::sync::oneshot;

use super::body::{self, Pace};
use super::{Api, refuse_query};
use crate::http_errors::busy;
use crate::problem::{Code, Place, Problem};
use crate::provider::callback::{About, Door, NotTaken, Said};
use crate::provider::seen::Before;
use crate::reply::{Kind, Reply};
use crate::route::PathNames;

const SIGNATURE: HeaderName = HeaderName::from_static("x-twilio-signature");

/// Octets of a post: ten times the longest message that a provider brings, each octet of it escaped.
const BODY_MAX: usize = 32 * 1_024;

/// Posts being read at once, 8 MiB: nobody has shown yet who they are.
pub(super) const POSTS_MAX: usize = 256;

/// The same from one address or network of IPv6.
pub(super) const POSTS_PER_SOURCE_MAX: usize = 32;

/// When to come back with what is being recorded, or could not be.
const SOON: std::time::Duration = std::time::Duration::from_secs(1);

impl Api {
    /// Takes in what a carrier posts.
    pub(super) async fn carrier_post(
        &self,
        (about, path): (About, PathNames<'_>),
        parts: &Parts,
        body: &mut Incoming,
        peer: SocketAddr,
    ) -> Result<Reply, Problem> {
        let source = self.source(parts, peer.ip());
        let _place = self.posts.take().ok_or_else(busy)?;
        let of_source = self.posts_of_sources.take(network(source));
        let _of_source = of_source.ok_or_else(busy)?;
        refuse_query(parts)?;
        // A hand-over is named after its carrier.
        let (name, named) = match path.within {
            "" => (path.object, ""),
            within => (within, path.object),
        };
        let Some((door, shown)) = self.called(name, &parts.headers) else {
            return Err(self.not_a_carrier(source));
        };
        let octets = body::collect(body, BODY_MAX, Pace::begin(&self.settings)).await?;
        match door.read((about, named), &octets, shown) {
            Ok(said) => self.told(door, said).await,
            Err(NotTaken::Foreign) => Err(self.not_a_carrier(source)),
            Err(NotTaken::Senseless(field)) => Err(senseless(field)),
        }
    }

    /// The door that is meant, and the signature that is shown, where both can be.
    fn called<'a>(
        &'a self,
        name: &str,
        headers: &'a HeaderMap,
    ) -> Option<(&'a Arc<Door>, &'a str)> {
        let mut shown = headers.get_all(&SIGNATURE).iter();
        let signature = shown.next()?.to_str().ok()?;
        let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let kind = kind.split(';').next()?.trim();
        let is_form = kind.eq_ignore_ascii_case("application/x-www-form-urlencoded");
        let door = self.providers.as_ref()?.door(name)?;
        (is_form && shown.next().is_none()).then_some((door, signature))
    }

    /// One answer for all of them: which carriers there are is told to nobody.
    fn not_a_carrier(&self, source: IpAddr) -> Problem {
        match self.gateway.refuse_carrier_call(source) {
            AuthError::Throttled(throttled) => throttled.into(),
            _ => Problem::new(
                Code::Unauthorized,
                "this is for carriers: the post is not signed under the secret and for the URL that were agreed, \
                 or is about another account",
            ),
        }
    }

    /// Takes in what a carrier says: first of which hand-over, so that what became of it finds its message.
    async fn told(&self, door: &Arc<Door>, said: Said) -> Result<Reply, Problem> {
        let news = said.news.as_ref();
        let is_known = news.is_some_and(|(key, _)| door.knows(key));
        if let Some((named, id)) = said.of.filter(|_| !is_known) {
            let took = self.gateway.take_hand_over(door.bind(), named, &id).await;
            if took == Verdict::Again {
                return Err(again());
            }
        }
        match said.news {
            Some((key, delivery)) => self.record(door, key, delivery).await,
            None => Ok(taken()),
        }
    }

    /// Records what is new, once.
    async fn record(
        &self,
        door: &Arc<Door>,
        key: Box<str>,
        delivery: Delivery,
    ) -> Result<Reply, Problem> {
        match door.begin(&key) {
            Before::Never => {}
            Before::Taken => return Ok(taken()),
            Before::Underway => return Err(again()),
        }
        let (told, verdict) = oneshot::channel();
        let done = Arc::clone(door);
        // It ends by itself, also when nobody waits for it any more.
        let verdicts = move |verdicts: Vec<Verdict>| {
            let word = verdicts.first().copied().unwrap_or(Verdict::Again);
            match word {
                Verdict::Taken => done.taken(&key),
                Verdict::Again => done.failed(&key),
            }
            let _ = told.send(word);
        };
        self.gateway
            .delivered(door.bind(), vec![delivery], Box::new(verdicts));
        match verdict.await {
            Ok(Verdict::Taken) => Ok(taken()),
            Ok(Verdict::Again) | Err(_) => Err(again()),
        }
    }
}

/// An address, or the network of one of IPv6.
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

fn taken() -> Reply {
    Reply::ready(StatusCode::NO_CONTENT, Kind::Json, Bytes::new())
}

fn again() -> Problem {
    Problem::new(
        Code::Unavailable,
        "the post could not be recorded at this moment, so that it does not count: send it again",
    )
    .retry_after(SOON)
}

fn senseless(field: &'static str) -> Problem {
    Problem::with_fault(
        Place::Parameter(field.to_owned()),
        "is missing, twice there, or nothing that this gateway takes: a number as +447700900123, a short code as \
         12345, an id of printable ASCII",
    )
}
