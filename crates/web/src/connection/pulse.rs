//! What one connection is doing, written by its socket and its requests and read by its watch. It
//! costs a request a few unshared atomic writes and no timer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use crate::settings::ServerSettings;

/// The shortest step between two looks at a connection.
const STEP_MIN: Duration = Duration::from_millis(5);

/// Spans by which the ages of answers are told apart. Four of them are the time that a client has to take
/// an answer.
const SPANS: usize = 6;

/// The signs of life of one connection.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    open: AtomicU32,
    served: AtomicU32,
    head: AtomicBool,
    /// Answers on their way, by the span in which they began.
    sending: [AtomicU32; SPANS],
    /// The span of now.
    span: AtomicUsize,
}

/// What a connection that answers nothing at the moment waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// The rest of a request's head.
    ForHead,
    /// The next request.
    ForRequest,
    /// Nothing more: an answer is not taken.
    Untaken,
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

/// An answer on its way; ends when dropped.
#[derive(Debug)]
pub(crate) struct Sending {
    pulse: Arc<Pulse>,
    span: usize,
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Some(count) = self.pulse.sending.get(self.span) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Pulse {
    /// Requests whose head was complete.
    pub(crate) fn served(&self) -> u32 {
        self.served.load(Ordering::Relaxed)
    }

    /// An answer begins its way.
    pub(crate) fn send(self: &Arc<Self>) -> Sending {
        let span = self.span.load(Ordering::Relaxed) % SPANS;
        if let Some(count) = self.sending.get(span) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        Sending {
            pulse: Arc::clone(self),
            span,
        }
    }

    /// Begins the next span, unless an answer that began when it last was is still on its way: then the
    /// client is too slow.
    fn next_span(&self) -> Option<Waiting> {
        let next = (self.span.load(Ordering::Relaxed) + 1) % SPANS;
        let is_stuck = self
            .sending
            .get(next)
            .is_some_and(|count| count.load(Ordering::Relaxed) > 0);
        if is_stuck {
            return Some(Waiting::Untaken);
        }
        self.span.store(next, Ordering::Relaxed);
        None
    }

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
    /// Requests have bounds of their own, so that a connection with an open one is left alone, unless an
    /// answer is not taken.
    pub(crate) async fn stopped(&self, heads: Heads, settings: &ServerSettings) -> Waiting {
        let mut patience = Patience::new(self.state(heads), settings);
        loop {
            tokio::time::sleep(patience.step).await;
            if patience.is_span_over()
                && let Some(waiting) = self.next_span()
            {
                return waiting;
            }
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
    write_timeout: Duration,
    step: Duration,
    last: State,
    waited: Duration,
    span: Duration,
}

impl Patience {
    fn new(last: State, settings: &ServerSettings) -> Self {
        let ServerSettings {
            header_timeout,
            idle_timeout,
            write_timeout,
            ..
        } = *settings;
        let shortest = header_timeout.min(idle_timeout).min(write_timeout);
        let step = (shortest / 4).max(STEP_MIN);
        Self {
            header_timeout,
            idle_timeout,
            write_timeout,
            step,
            last,
            waited: Duration::ZERO,
            span: Duration::ZERO,
        }
    }

    /// Whether, with one step more, a quarter of the time for an answer has passed.
    fn is_span_over(&mut self) -> bool {
        self.span += self.step;
        let is_over = self.span >= self.write_timeout / 4;
        if is_over {
            self.span = Duration::ZERO;
        }
        is_over
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
            Waiting::Untaken => self.write_timeout,
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
    fn an_answer_that_is_not_taken_has_its_bound_beside_others_that_are() {
        let pulse = Arc::new(Pulse::default());
        let stuck = pulse.send();
        let spans = (1..100).find(|_| {
            drop(pulse.send());
            pulse.next_span().is_some()
        });
        assert_eq!(spans, Some(SPANS), "four spans and at most two more");
        drop(stuck);
        assert!((0..100).all(|_| pulse.next_span().is_none()));
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
