//! Frames of HTTP/2 that carry no request and no body (pings, settings, resets, window updates, empty
//! frames), and heads that never become a request: a client may send some, but work that nobody asked for must not be
//! free. Each takes from a budget that requests, answers and time refill. It looks at the frames' heads only; whether they make
//! sense is hyper's affair.

use std::time::Duration;

/// Octets of the preface with which a connection begins (RFC 9113 section 3.4).
const PREFACE: usize = 24;
/// Octets of a frame's head (RFC 9113 section 4.1).
const HEAD: usize = 9;

const DATA: u8 = 0;
const RST_STREAM: u8 = 3;
/// The flag of a stream's last frame.
const END_STREAM: u8 = 1;

/// What a request that was served refills: its head, window updates for its answer, and pings of a client that
/// measures the line.
const PER_REQUEST: u32 = 5;
/// A reset takes more than a served request refills, so that whoever asks only to reset runs dry
/// (CVE-2023-44487), and little enough that a client may give up all its streams at once.
const PER_RESET: u32 = 6;
/// For so many octets of answers one more window update is in order.
const OCTETS_PER_FRAME: u64 = 1_024;

/// The budget is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client sent too many frames that carry nothing")]
pub(crate) struct Spent;

/// What has happened on a connection until now; each only grows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// Requests whose head was complete.
    pub(crate) served: u32,
    /// Octets of answers that went.
    pub(crate) written: u64,
    /// The age of the connection.
    pub(crate) age: Duration,
}

/// The frames of one connection.
#[derive(Debug)]
pub(crate) struct Frames {
    head: [u8; HEAD],
    /// Octets of the head that came.
    filled: usize,
    /// Octets to pass over: of the preface, or of a payload.
    skip: usize,
    budget: u32,
    most: u32,
    seen: Seen,
}

impl Frames {
    /// A connection that begins, with so large a budget.
    pub(crate) const fn new(most: u32) -> Self {
        Self {
            head: [0; HEAD],
            filled: 0,
            skip: PREFACE,
            budget: most,
            most,
            seen: Seen {
                served: 0,
                written: 0,
                age: Duration::ZERO,
            },
        }
    }

    /// Takes in octets as they came. `seen` is asked only when something takes from the budget.
    pub(crate) fn take(&mut self, octets: &[u8], seen: impl Fn() -> Seen) -> Result<(), Spent> {
        let mut cost = 0_u32;
        let mut rest = octets;
        while !rest.is_empty() {
            if self.skip > 0 {
                let skipped = self.skip.min(rest.len());
                self.skip -= skipped;
                rest = rest.get(skipped..).unwrap_or_default();
                continue;
            }
            for octet in rest.iter().take(HEAD - self.filled) {
                if let Some(place) = self.head.get_mut(self.filled) {
                    *place = *octet;
                }
                self.filled += 1;
                rest = rest.get(1..).unwrap_or_default();
            }
            if self.filled == HEAD {
                self.filled = 0;
                cost = cost.saturating_add(self.frame());
            }
        }
        if cost == 0 {
            return Ok(());
        }
        self.refill(seen());
        self.budget = self.budget.checked_sub(cost).ok_or(Spent)?;
        Ok(())
    }

    /// A head is whole: passes over what it announces, and tells what it takes.
    fn frame(&mut self) -> u32 {
        let [high, middle, low, kind, flags, ..] = self.head;
        let length = u32::from_be_bytes([0, high, middle, low]);
        self.skip = usize::try_from(length).unwrap_or(usize::MAX);
        match kind {
            DATA if length > 0 || flags & END_STREAM != 0 => 0,
            RST_STREAM => PER_RESET,
            _ => 1,
        }
    }

    fn refill(&mut self, now: Seen) {
        let served = now.served.saturating_sub(self.seen.served);
        let frames =
            (now.written / OCTETS_PER_FRAME).saturating_sub(self.seen.written / OCTETS_PER_FRAME);
        let seconds = now.age.as_secs().saturating_sub(self.seen.age.as_secs());
        let more = u32::try_from(frames.saturating_add(seconds)).unwrap_or(u32::MAX);
        let more = more.saturating_add(served.saturating_mul(PER_REQUEST));
        self.budget = self.budget.saturating_add(more).min(self.most);
        self.seen = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADERS: u8 = 1;
    const PING: u8 = 6;

    fn frame(kind: u8, flags: u8, payload: usize) -> Vec<u8> {
        let low = u8::try_from(payload).unwrap();
        let mut frame = vec![0, 0, low, kind, flags, 0, 0, 0, 1];
        frame.resize(HEAD + payload, 0xff);
        frame
    }

    /// How many frames pass, each in pieces of `piece` octets.
    fn passing(frame: &[u8], piece: usize, seen: impl Fn(u32) -> Seen) -> u32 {
        let mut frames = Frames::new(100);
        assert_eq!(frames.take(&[b'P'; PREFACE], Seen::default), Ok(()));
        let mut count = 0;
        while count < 10_000 {
            for part in frame.chunks(piece) {
                if frames.take(part, || seen(count)).is_err() {
                    return count;
                }
            }
            count += 1;
        }
        count
    }

    #[test]
    fn frames_that_carry_nothing_run_dry_however_they_are_cut() {
        let idle = |_| Seen::default();
        for piece in [1, 2, 7, 9, 10, 1_000] {
            assert_eq!(passing(&frame(PING, 0, 8), piece, idle), 100, "{piece}");
            assert_eq!(passing(&frame(DATA, 0, 0), piece, idle), 100);
            assert_eq!(passing(&frame(4, 0, 0), piece, idle), 100, "settings");
            assert_eq!(passing(&frame(0x77, 0, 3), piece, idle), 100, "unknown");
            assert_eq!(passing(&frame(HEADERS, 5, 9), piece, idle), 100, "refused");
            assert_eq!(passing(&frame(RST_STREAM, 0, 4), piece, idle), 16);
        }
    }

    #[test]
    fn requests_and_bodies_take_nothing() {
        let idle = |_| Seen::default();
        for free in [frame(DATA, 0, 200), frame(DATA, 1, 0)] {
            assert_eq!(passing(&free, 5, idle), 10_000);
        }
        let served = |served| Seen {
            served,
            ..Seen::default()
        };
        assert_eq!(passing(&frame(HEADERS, 4, 30), 5, served), 10_000);
    }

    #[test]
    fn requests_answers_and_time_refill_but_no_request_pays_for_a_reset() {
        let served = |count| Seen {
            served: count,
            ..Seen::default()
        };
        assert_eq!(passing(&frame(PING, 0, 8), 17, served), 10_000);
        let asked = [frame(HEADERS, 5, 9), frame(RST_STREAM, 0, 4)].concat();
        assert!(passing(&asked, 13, served) < 60);
        let written = |count| Seen {
            written: u64::from(count) * OCTETS_PER_FRAME,
            ..Seen::default()
        };
        assert_eq!(passing(&frame(8, 0, 4), 13, written), 10_000);
        let aged = |count| Seen {
            age: Duration::from_secs(u64::from(count)),
            ..Seen::default()
        };
        assert_eq!(passing(&frame(PING, 0, 8), 17, aged), 10_000);
    }
}
