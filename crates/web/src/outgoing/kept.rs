//! Connections that are kept between two requests to one service (HTTP/1.1). One that the other side has closed
//! meanwhile is not used again; of a request that meets such an end all the same it is known whether an octet of it
//! was written. No task runs for a connection that rests: whoever asks over it drives it.

use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::header::{CONNECTION, HeaderName};
use http::{HeaderMap, Request};
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use tokio::time::Instant;

use super::place::Place;
use super::post::{Answered, Driver, Opened, Unanswered, because, driven, open, taken_in};
use super::trust::Trust;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// How long before the other side ends a connection, by its own word, it is not used any more.
const MARGIN: Duration = Duration::from_secs(1);

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptBounds {
    /// Connections that rest at most; with 0 each request has a connection of its own.
    pub connections_max: usize,
    /// How long one may rest. Less where the service says less (`Keep-Alive: timeout`).
    pub idle: Duration,
}

/// The connections to one service that rest.
pub(crate) struct Kept {
    bounds: KeptBounds,
    resting: Mutex<Vec<Resting>>,
}

struct Resting {
    live: Live,
    until: Instant,
}

/// A connection over which one thing may be asked.
pub(crate) struct Live {
    sender: SendRequest<Full<Bytes>>,
    driver: Driver,
}

/// No answer.
pub(crate) enum Unasked {
    /// The connection had ended: not an octet of the request was written. Here it is again.
    Unsent(Box<Request<Full<Bytes>>>),
    /// Nobody knows how much of it left.
    Lost(Unanswered),
}

impl Kept {
    pub(crate) const fn new(bounds: KeptBounds) -> Self {
        Self {
            bounds,
            resting: Mutex::new(Vec::new()),
        }
    }

    /// The connection that was used last and lives still.
    pub(crate) fn take(&self) -> Option<Live> {
        let now = Instant::now();
        let mut resting = self.resting();
        resting.retain(|resting| resting.until > now);
        while let Some(Resting { mut live, .. }) = resting.pop() {
            if live.is_ready() {
                return Some(live);
            }
        }
        None
    }

    /// Keeps a connection after its answer, where both sides will.
    pub(crate) fn keep(&self, mut live: Live, headers: &HeaderMap) {
        let Some(idle) = idle_for(self.bounds.idle, headers) else {
            return;
        };
        if !live.is_ready() {
            return;
        }
        let now = Instant::now();
        let mut resting = self.resting();
        resting.retain(|resting| resting.until > now);
        if resting.len() < self.bounds.connections_max {
            let until = now + idle;
            resting.push(Resting { live, until });
        }
    }

    fn resting(&self) -> MutexGuard<'_, Vec<Resting>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// A new connection; no octet of a request leaves. It has no time limit.
    pub(crate) async fn open(place: &Place, trust: &Trust) -> Result<Self, Unanswered> {
        let made = match open(place, trust).await? {
            Opened::Plain(socket) => driven(socket).await,
            Opened::Tls(protected) => driven(*protected).await,
        };
        let (sender, driver) = made?;
        Ok(Self { sender, driver })
    }

    /// Asks, and gives the connection back with the answer. It has no time limit; a caller that stops waiting
    /// takes the connection with it.
    pub(crate) async fn ask(
        self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<(Answered, Self), Unasked> {
        let Self { mut sender, driver } = self;
        request.headers_mut().remove(CONNECTION);
        let answer = async {
            let asked = sender.try_send_request(request).await;
            let answer = asked.map_err(|mut error| match error.take_message() {
                Some(request) => Unasked::Unsent(Box::new(request)),
                None => Unasked::Lost(because("no sound answer")(error.into_error())),
            })?;
            taken_in(answer).await.map_err(Unasked::Lost)
        };
        // A driver that has ended is gone after this, so that what waits on its connection learns of the end.
        let (answered, driver) = match select(pin!(answer), driver).await {
            Either::Left((answered, driver)) => (answered?, driver),
            Either::Right((_, answer)) => (answer.await?, over()),
        };
        Ok((answered, Self { sender, driver }))
    }

    /// Whether it takes another request: what came meanwhile is looked at, an end above all.
    fn is_ready(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        self.driver.as_mut().poll(&mut context).is_pending() && self.sender.is_ready()
    }
}

/// What is left of a driver that has ended.
fn over() -> Driver {
    Box::pin(std::future::ready(Ok(())))
}

/// How long a connection may rest, by our word and by that of the other side.
fn idle_for(ours: Duration, headers: &HeaderMap) -> Option<Duration> {
    let words = headers.get(KEEP_ALIVE).and_then(|said| said.to_str().ok());
    let theirs = words.into_iter().flat_map(|said| said.split(','));
    let theirs = theirs.filter_map(|word| {
        let (name, value) = word.split_once('=')?;
        let is_timeout = name.trim().eq_ignore_ascii_case("timeout");
        let seconds: u32 = value.trim().trim_matches('"').parse().ok()?;
        is_timeout.then(|| Duration::from_secs(seconds.into()).saturating_sub(MARGIN))
    });
    theirs.chain([ours]).min().filter(|idle| !idle.is_zero())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_connection_rests_for_as_long_as_the_less_patient_side_says() {
        let ours = Duration::from_secs(4);
        let of = |said: &'static str| {
            let headers = HeaderMap::from_iter([(KEEP_ALIVE, HeaderValue::from_static(said))]);
            idle_for(ours, &headers).map(|idle| idle.as_secs())
        };
        assert_eq!(idle_for(ours, &HeaderMap::new()), Some(ours));
        assert_eq!(of("timeout=60, max=100"), Some(4));
        assert_eq!(of("max=100, Timeout=\"3\""), Some(2));
        assert_eq!(of("timeout=1"), None);
        assert_eq!(of("timeout=0"), None);
        assert_eq!(of("timeout=soon, =, x"), Some(4));
    }
}
