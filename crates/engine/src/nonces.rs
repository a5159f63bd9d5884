//! The nonces of signed requests that were taken: none is taken twice. They are in memory, each for as long as a
//! signature with it could be taken, and none is let go early. After a start nobody knows which came before, so
//! that signatures made before it, or as much later as clocks may differ, are refused: see [`Nonces::begin`].

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use domain::id::{ClientId, KeyId};
use domain::signature::sha256;
use domain::time::Timestamp;

/// How far the time of a signature may be from ours, on either side.
pub(crate) const WINDOW: Duration = Duration::from_mins(5);

/// Clocks differ by so much without anybody noticing: signatures of the next moments are taken like those of now,
/// and are the reason why signatures made within so long after a start are not taken.
pub(crate) const LEAD: Duration = Duration::from_secs(2);

/// A nonce of a key, as it is kept: half of its hash, which nobody but the client can bring to anything.
type Mark = [u8; 16];

/// The last quarter of the room is given out in shares of this part of the whole: it takes 16 more clients to fill it.
const SHARES: usize = 64;

/// How many nonces are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NonceBounds {
    /// Of all clients together.
    pub(crate) all_max: usize,
    /// Of one client.
    pub(crate) client_max: usize,
}

impl NonceBounds {
    /// How many one client may have while so many are kept of all. The last quarter is for those who have few: a
    /// small number of clients cannot fill it.
    fn room(self, kept: usize) -> usize {
        if kept >= self.all_max {
            0
        } else if kept >= self.all_max - self.all_max / 4 {
            self.client_max.min((self.all_max / SHARES).max(1))
        } else {
            self.client_max
        }
    }
}

/// What a signature is known by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Use<'a> {
    pub(crate) client: ClientId,
    pub(crate) key: KeyId,
    pub(crate) nonce: &'a str,
    /// When it was made, in seconds since 1970.
    pub(crate) created: u64,
}

/// Whether a nonce came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It did not, and is kept from now on.
    First,
    /// It did.
    Before,
    /// It is so old that nobody knows.
    TooOld,
    /// There is no room to keep it.
    Full,
}

/// The nonces that were taken.
#[derive(Debug, Default)]
pub(crate) struct Nonces {
    marks: HashSet<Mark>,
    /// The same, by the second in which their signatures were made.
    seconds: BTreeMap<u64, Vec<(Mark, ClientId)>>,
    of_clients: HashMap<ClientId, usize>,
    /// Of signatures made up to this second nothing is known any more.
    forgotten: u64,
    /// The same of single keys, from before the start.
    leads: HashMap<KeyId, u64>,
}

impl Nonces {
    /// Begins with nothing. `last` is the latest moment that the life before can have reached; `leads` are keys
    /// whose signatures from later than that were taken, and until when.
    pub(crate) fn begin(&mut self, last: Timestamp, leads: impl Iterator<Item = (KeyId, u64)>) {
        self.forgotten = last.saturating_add(LEAD).seconds();
        self.leads = leads.collect();
    }

    /// How many are kept.
    pub(crate) fn count(&self) -> usize {
        self.marks.len()
    }

    /// Takes a nonce, once. The signature was verified before, so that nobody but the client uses up its nonces.
    pub(crate) fn take(&mut self, used: Use<'_>, bounds: NonceBounds, now: Timestamp) -> Seen {
        self.let_go(now);
        let lead = self.leads.get(&used.key).copied().unwrap_or(0);
        if used.created <= self.forgotten.max(lead) {
            return Seen::TooOld;
        }
        let mark = mark(used.key, used.nonce);
        // The same nonce in a signature of another time is as much a replay.
        if self.marks.contains(&mark) {
            return Seen::Before;
        }
        let of_client = self.of_clients.entry(used.client).or_default();
        if *of_client >= bounds.room(self.marks.len()) {
            return Seen::Full;
        }
        *of_client += 1;
        self.marks.insert(mark);
        let second = self.seconds.entry(used.created).or_default();
        second.push((mark, used.client));
        Seen::First
    }

    /// Lets go what no signature can be taken with any more, and the memory with the last of it.
    pub(crate) fn let_go(&mut self, now: Timestamp) {
        self.forget_before(now.saturating_sub(WINDOW).seconds());
        if self.marks.is_empty() && self.marks.capacity() > 0 {
            (self.marks, self.of_clients) = Default::default();
        }
    }

    fn forget_before(&mut self, second: u64) {
        while let Some(first) = self.seconds.first_entry() {
            if *first.key() >= second {
                break;
            }
            for (mark, client) in first.remove() {
                self.marks.remove(&mark);
                if let Some(count) = self.of_clients.get_mut(&client) {
                    *count = count.saturating_sub(1);
                }
            }
        }
        // A clock that is set back later does not bring back what was let go.
        self.forgotten = self.forgotten.max(second.saturating_sub(1));
    }
}

fn mark(key: KeyId, nonce: &str) -> Mark {
    let whole = sha256(&[&key.to_bytes()[..], nonce.as_bytes()].concat());
    let mut mark = Mark::default();
    for (to, from) in mark.iter_mut().zip(whole) {
        *to = from;
    }
    mark
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_764_064_800);
    const BOUNDS: NonceBounds = NonceBounds {
        all_max: 4,
        client_max: 3,
    };

    fn used(client: u64, nonce: &str, created: u64) -> Use<'_> {
        Use {
            client: ClientId::new(client, 0),
            key: KeyId::new(client, 0),
            nonce,
            created,
        }
    }

    fn later(seconds: u64) -> Timestamp {
        NOW.saturating_add(Duration::from_secs(seconds))
    }

    #[test]
    fn a_nonce_is_taken_once_by_each_key_whatever_time_its_signature_names() {
        let mut nonces = Nonces::default();
        let now = NOW.seconds();
        assert_eq!(nonces.take(used(1, "a", now), BOUNDS, NOW), Seen::First);
        assert_eq!(nonces.take(used(1, "a", now), BOUNDS, NOW), Seen::Before);
        assert_eq!(
            nonces.take(used(1, "a", now + 9), BOUNDS, NOW),
            Seen::Before
        );
        assert_eq!(nonces.take(used(1, "b", now), BOUNDS, NOW), Seen::First);
        assert_eq!(nonces.take(used(2, "a", now), BOUNDS, NOW), Seen::First);
    }

    #[test]
    fn none_is_let_go_while_its_signature_could_be_taken_and_room_comes_back_after() {
        let mut nonces = Nonces::default();
        let made = NOW.seconds() + 300;
        assert_eq!(nonces.take(used(1, "a", made), BOUNDS, NOW), Seen::First);
        assert_eq!(
            nonces.take(used(1, "a", made), BOUNDS, later(600)),
            Seen::Before
        );
        assert_eq!(nonces.count(), 1);
        // By now the signature is too old by its own time; were it not, it would be too old here.
        assert_eq!(
            nonces.take(used(1, "a", made), BOUNDS, later(601)),
            Seen::TooOld
        );
        assert_eq!(nonces.count(), 0);
        assert_eq!(
            nonces.take(used(1, "a", made), BOUNDS, NOW),
            Seen::TooOld,
            "set back"
        );
    }

    #[test]
    fn no_client_takes_all_the_room_and_nothing_is_let_go_for_a_newcomer() {
        let mut nonces = Nonces::default();
        let now = NOW.seconds();
        for nonce in ["a", "b", "c"] {
            assert_eq!(nonces.take(used(1, nonce, now), BOUNDS, NOW), Seen::First);
        }
        assert_eq!(nonces.take(used(1, "d", now), BOUNDS, NOW), Seen::Full);
        assert_eq!(nonces.take(used(2, "a", now), BOUNDS, NOW), Seen::First);
        assert_eq!(nonces.take(used(3, "a", now), BOUNDS, NOW), Seen::Full);
        assert_eq!(nonces.take(used(1, "a", now), BOUNDS, NOW), Seen::Before);
    }

    #[test]
    fn two_clients_leave_room_for_those_who_have_few() {
        let mut nonces = Nonces::default();
        let now = NOW.seconds();
        let bounds = NonceBounds {
            all_max: 128,
            client_max: 64,
        };
        let mut come = |client, nonces_wanted: u64| {
            let names = (0..nonces_wanted).map(|n| n.to_string());
            let seen = names.map(|name| nonces.take(used(client, &name, now), bounds, NOW));
            seen.filter(|seen| *seen == Seen::First).count()
        };
        assert_eq!(come(1, 100), 64);
        assert_eq!(come(2, 100), 32, "three quarters are full");
        assert_eq!((come(3, 9), come(4, 9)), (2, 2), "a share each");
        let others: usize = (5..40).map(|client| come(client, 1)).sum();
        assert_eq!(others, 28, "up to the bound of all");
    }

    #[test]
    fn old_ones_go_with_time_alone_and_their_memory_with_the_last() {
        let mut nonces = Nonces::default();
        let now = NOW.seconds();
        assert_eq!(nonces.take(used(1, "a", now), BOUNDS, NOW), Seen::First);
        nonces.let_go(later(300));
        assert_eq!(nonces.count(), 1);
        nonces.let_go(later(301));
        assert_eq!((nonces.count(), nonces.marks.capacity()), (0, 0));
        assert!(nonces.of_clients.is_empty());
        assert_eq!(
            nonces.take(used(1, "a", now), BOUNDS, later(300)),
            Seen::TooOld
        );
    }

    #[test]
    fn after_a_start_only_later_signatures_are_taken() {
        let mut nonces = Nonces::default();
        let ahead = KeyId::new(2, 0);
        nonces.begin(NOW, [(ahead, NOW.seconds() + 200)].into_iter());
        let now = NOW.seconds();
        let then = later(3);
        for before in [now - 10, now, now + 2] {
            assert_eq!(
                nonces.take(used(1, "a", before), BOUNDS, then),
                Seen::TooOld
            );
        }
        assert_eq!(
            nonces.take(used(1, "a", now + 3), BOUNDS, then),
            Seen::First
        );
        assert_eq!(
            nonces.take(used(2, "a", now + 200), BOUNDS, then),
            Seen::TooOld
        );
        assert_eq!(
            nonces.take(used(2, "a", now + 201), BOUNDS, then),
            Seen::First
        );
    }
}
