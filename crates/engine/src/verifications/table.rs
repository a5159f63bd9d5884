//! Whether one more verification has a place: on the disk, in the table that all clients share, and among those
//! of one person for which nothing is sent.

use domain::time::{Moment, Timestamp};
use domain::verification::budget::number::NotYet;
use domain::verification::budget::policy::Policy;
use domain::verification::budget::sends::SendWait;
use domain::verification::channel::Channel;

use super::start::{Ended, StartVerificationError, Starting, count};
use super::{OFFERED, OFFERED_TO_USERS};
use crate::gateway::Gateway;
use crate::state::State;
use crate::state::verifications::{Holder, Live};
use crate::submit::SubmitError;

/// How many verifications of a holder may wait at once for which nothing is sent, so that no budget of sends
/// bounds them.
pub(super) struct Waiting {
    /// On these channels together.
    channels: &'static [Channel],
    most: usize,
    /// What a person who meets the bound could use instead.
    offered: &'static [Channel],
}

/// Codes that a client awaits from one handset: a person who begins anew twice has still all three to text.
pub(super) const TEXTS: Waiting = Waiting {
    channels: &[Channel::Mo],
    most: 3,
    offered: &OFFERED,
};

/// Verifications that ask for factors of one user. They are more than a person begins, and few enough for a
/// page that begins them by itself to fill no table.
pub(super) const FACTORS: Waiting = Waiting {
    channels: &OFFERED_TO_USERS,
    most: 10,
    offered: &OFFERED_TO_USERS,
};

impl Gateway {
    /// Whether there is room for one more, on the disk and in memory.
    pub(super) fn has_room(
        &self,
        state: &mut State,
        starting: &Starting<'_>,
        (live, now): (&Live, Timestamp),
    ) -> Result<(), Ended> {
        if self.is_short_of_room() {
            self.turned_away_for_room();
            return Err(SubmitError::StorageLow.into());
        }
        let (client, most) = (
            starting.caller.client,
            starting.settings.bounds.verifications_max,
        );
        let is_full = state.verifications.is_full_for(client, most)
            || !self.has_place(state, starting.settings, &live.holder);
        if is_full {
            count(state, starting.caller, "verifications-full", now);
            return Err(StartVerificationError::Full.into());
        }
        Ok(())
    }
}

/// Whether one more of a holder may wait. Whoever asks holds the holder's lock, so that none is on its way.
pub(super) fn may_wait_one_more(
    state: &State,
    waiting: &Waiting,
    policy: &Policy,
    holder: &Holder,
    now: Moment,
) -> Result<(), StartVerificationError> {
    let ends = state.verifications.waiting_of(holder, waiting.channels);
    let ends: Vec<Timestamp> = ends.filter(|end| *end > now.wall).collect();
    let first = ends.iter().min();
    match first {
        Some(first) if ends.len() >= waiting.most => {
            let wait = first.since(now.wall);
            let budgets = state.budgets.of(holder);
            Err(StartVerificationError::Awaited(NotYet {
                wait: SendWait::Budget(wait),
                still_works: budgets.still_works(policy, waiting.offered, now.steady),
            }))
        }
        _ => Ok(()),
    }
}
