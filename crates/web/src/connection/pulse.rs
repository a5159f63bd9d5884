//! What one connection is doing, written by its socket and its requests and read by its watch. It
//! costs a request a few unshared atomic writes and no timer.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use crate::settings::ServerSettings;

/// The shortest step between two looks at a connection.
const STEP_MIN: Duration = Duration::from_millis(5);

/// The signs of life of one connection.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    open: AtomicU32,
    served: AtomicU32,
    head: AtomicBool,
}

/// What a connection that answers nothing at the moment waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// The rest of a request's head.
    ForHead,
    /// The next request.
    ForRequest,
}

/// Whether octets between two requests are the head of the next (HTTP/1.1) or may be anything
/// (frames of HTTP/2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heads {
    /// They are.
    Plain,
    /// They may be anything.
    Framed,
}

/// A request that is being answered; ends when dropped.
pub(crate) struct Open<'a>(&'a Pulse);

impl Pulse {
    /// A request's head is complete.
    pub(crate) fn enter(&self) -> Open<'_> {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.served.fetch_add(1, Ordering::Relaxed);
        self.head.store(false, Ordering::Relaxed);
        Open(self)
    }

    /// Octets came.
    pub(crate) fn heard(&self) {
        self.head.store(true, Ordering::Relaxed);
    }

    fn state(&self, heads: Heads) -> Option<(Waiting, u32)> {
        if self.open.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let waiting = match heads {
            Heads::Plain if self.head.load(Ordering::Relaxed) => Waiting::ForHead,
            _ => Waiting::ForRequest,
        };
        Some((waiting, self.served.load(Ordering::Relaxed)))
    }

    /// Returns once the connection has waited for too long, at most a quarter of the bound later.
    /// Requests have bounds of their own, so that a connection with an open one is left alone.
    pub(crate) async fn stopped(&self, heads: Heads, settings: &ServerSettings) -> Waiting {
        let mut patience = Patience::new(self.state(heads), settings);
        loop {
            tokio::time::sleep(patience.step).await;
            if let Some(waiting) = patience.look(self.state(heads)) {
                return waiting;
            }
        }
    }
}

/// What a connection waits for, and how many requests it has had; `None` while one is open.
type State = Option<(Waiting, u32)>;

/// Adds up for how long nothing has changed, in steps.
#[derive(Debug)]
struct Patience {
    header_timeout: Duration,
    idle_timeout: Duration,
    step: Duration,
    last: State,
    waited: Duration,
}

impl Patience {
    fn new(last: State, settings: &ServerSettings) -> Self {
        let ServerSettings {
            header_timeout,
            idle_timeout,
            ..
        } = *settings;
        let step = (header_timeout.min(idle_timeout) / 4).max(STEP_MIN);
        Self {
            header_timeout,
            idle_timeout,
            step,
            last,
            waited: Duration::ZERO,
        }
    }

    /// Takes a look, one step after the last one.
    fn look(&mut self, now: State) -> Option<Waiting> {
        let same = now.is_some() && now == self.last;
        self.waited = if same {
            self.waited + self.step
        } else {
            Duration::ZERO
        };
        self.last = now;
        let (waiting, _) = now?;
        let bound = match waiting {
            Waiting::ForHead => self.header_timeout,
            Waiting::ForRequest => self.idle_timeout,
        };
        (self.waited >= bound).then_some(waiting)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        // What came until now was this request's body.
        self.0.head.store(false, Ordering::Relaxed);
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many seconds a connection is ended, and why, when it never changes.
    fn ended(pulse: &Pulse, heads: Heads) -> Option<(Waiting, u64)> {
        let settings = ServerSettings {
            header_timeout: Duration::from_secs(4),
            idle_timeout: Duration::from_secs(40),
            ..ServerSettings::default()
        };
        let mut patience = Patience::new(pulse.state(heads), &settings);
        (1..1_000).find_map(|steps| Some((patience.look(pulse.state(heads))?, steps)))
    }

    #[test]
    fn an_idle_connection_and_a_slow_head_each_have_their_bound() {
        let pulse = Pulse::default();
        assert_eq!(ended(&pulse, Heads::Plain), Some((Waiting::ForRequest, 40)));
        pulse.heard();
        assert_eq!(ended(&pulse, Heads::Plain), Some((Waiting::ForHead, 4)));
        // A ping is not the head of a request.
        assert_eq!(
            ended(&pulse, Heads::Framed),
            Some((Waiting::ForRequest, 40))
        );
    }

    #[test]
    fn an_open_request_keeps_its_connection_and_its_body_is_no_head() {
        let pulse = Pulse::default();
        let open = pulse.enter();
        pulse.heard();
        assert_eq!(ended(&pulse, Heads::Plain), None);
        drop(open);
        assert_eq!(ended(&pulse, Heads::Plain), Some((Waiting::ForRequest, 40)));
    }

    #[test]
    fn every_request_begins_the_wait_anew() {
        let (pulse, settings) = (Pulse::default(), ServerSettings::default());
        let mut patience = Patience::new(pulse.state(Heads::Plain), &settings);
        for _ in 0..1_000 {
            drop(pulse.enter());
            assert_eq!(patience.look(pulse.state(Heads::Plain)), None);
        }
    }
}
