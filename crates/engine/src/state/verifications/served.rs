//! Verifications under verify services: which is the one that a client means when it names a number, and which
//! had every check used up. A number is known here by its keyed hash.

use std::collections::{BTreeSet, HashMap};

use domain::id::{ClientId, VerificationId, VerifyServiceId};
use domain::time::Timestamp;
use domain::verification::state::State;

use super::{Holder, Live};

/// Whose, and under which service.
type Place = (Holder, VerifyServiceId);

/// How many used-up ones are remembered; the one that ends first makes room. Each took five failed checks of a
/// number's day, and who is forgotten is told that there is none, as after a restart.
const USED_UP_MAX: usize = 10_000;

/// Those that began under a verify service.
#[derive(Debug, Default)]
pub(crate) struct Served {
    /// The one that began last and has not ended.
    current: HashMap<Place, u64>,
    used_up: HashMap<u64, UsedUp>,
    /// Those by their places, the latest of each.
    used_up_at: HashMap<Place, u64>,
    /// Those by the end of their codes.
    until: BTreeSet<(Timestamp, u64)>,
}

/// One whose checks were all wrong, until its code would have ended.
#[derive(Debug)]
struct UsedUp {
    id: VerificationId,
    place: Place,
    until: Timestamp,
}

impl Served {
    /// The sequence of the one that a client means.
    pub(super) fn current(&self, holder: &Holder, service: VerifyServiceId) -> Option<u64> {
        self.current.get(&(*holder, service)).copied()
    }

    /// Takes in one that is new, changed or ended.
    pub(super) fn put(&mut self, live: &Live) {
        let Some(service) = live.service else { return };
        let (place, sequence) = ((live.holder, service), live.id.sequence());
        let stored = live.verification.to_stored();
        let Some(ended) = stored.ended else {
            let newest = self.current.entry(place).or_insert(sequence);
            *newest = sequence.max(*newest);
            self.used_up_at.remove(&place);
            return;
        };
        if self.current.get(&place) == Some(&sequence) {
            self.current.remove(&place);
        }
        if ended == State::Failed {
            let (id, until) = (live.id, live.verification.expires());
            self.remember(UsedUp { id, place, until }, stored.latest);
        }
    }

    /// Whether every check of this one of a client was used up, while its code would still be good.
    pub(crate) fn is_used_up(
        &self,
        (client, service): (ClientId, VerifyServiceId),
        id: VerificationId,
        now: Timestamp,
    ) -> bool {
        let known = self.used_up.get(&id.sequence());
        known.is_some_and(|known| {
            let ((whose, _), under) = known.place;
            (known.id, whose, under) == (id, client, service) && now < known.until
        })
    }

    /// Whether that is so of the one of a holder that began last.
    pub(crate) fn is_last_used_up(
        &self,
        holder: &Holder,
        service: VerifyServiceId,
        now: Timestamp,
    ) -> bool {
        let last = self.used_up_at.get(&(*holder, service));
        let known = last.and_then(|sequence| self.used_up.get(sequence));
        known.is_some_and(|known| now < known.until)
    }

    fn remember(&mut self, used_up: UsedUp, now: Timestamp) {
        while let Some(first) = self.until.first().copied()
            && (first.0 <= now || self.until.len() >= USED_UP_MAX)
        {
            self.forget(first);
        }
        let sequence = used_up.id.sequence();
        self.until.insert((used_up.until, sequence));
        self.used_up_at.insert(used_up.place, sequence);
        self.used_up.insert(sequence, used_up);
    }

    fn forget(&mut self, place: (Timestamp, u64)) {
        self.until.remove(&place);
        let Some(gone) = self.used_up.remove(&place.1) else {
            return;
        };
        if self.used_up_at.get(&gone.place) == Some(&place.1) {
            self.used_up_at.remove(&gone.place);
        }
    }
}
