//! Whether one more verification has a place: on the disk, in the table that all clients share, and among the
//! codes that are awaited from one handset.

use domain::time::{Moment, Timestamp};
use domain::verification::budget::number::NotYet;
use domain::verification::budget::sends::SendWait;

use super::start::{Ended, StartVerificationError, Starting, count};
use super::{OFFERED, VerificationSettings};
use crate::gateway::Gateway;
use crate::state::State;
use crate::state::verifications::{Holder, Live};
use crate::submit::SubmitError;

/// Codes that a client awaits from one handset at once. Nothing is sent for them, so that no budget of sends
/// bounds them; a person who begins anew twice has still all three to text.
const AWAITED_MAX: usize = 3;

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
        let bounds = &starting.settings.bounds;
        let (most, numbers_max) = (bounds.verifications_max, bounds.guess_budgets_max);
        let policy = &starting.terms.policy;
        // One that may be let go is, with this very start: see `forget_idle`.
        let is_full = state
            .verifications
            .is_full_for(starting.caller.client, most)
            || state.budgets.is_full_for(&live.holder, numbers_max)
                && !state.budgets.has_idle(policy, self.steady());
        if is_full {
            count(state, starting.caller, "verifications-full", now);
            return Err(StartVerificationError::Full.into());
        }
        Ok(())
    }
}

/// Whether a client may await one more code of a handset. Whoever asks holds the lock of the number, so that
/// none is on its way.
pub(super) fn may_await_one_more(
    state: &State,
    terms: &VerificationSettings,
    holder: &Holder,
    now: Moment,
) -> Result<(), StartVerificationError> {
    let ends = state.verifications.awaited_by(holder);
    let ends: Vec<Timestamp> = ends.filter(|end| *end > now.wall).collect();
    let first = ends.iter().min();
    match first {
        Some(first) if ends.len() >= AWAITED_MAX => {
            let wait = first.since(now.wall);
            let budgets = state.budgets.of(holder);
            Err(StartVerificationError::Awaited(NotYet {
                wait: SendWait::Budget(wait),
                still_works: budgets.still_works(&terms.policy, &OFFERED, now.steady),
            }))
        }
        _ => Ok(()),
    }
}
