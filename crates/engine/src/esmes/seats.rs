//! The places of accounts: how many ESMEs are bound under each, and how often they bound of late. In memory
//! only; time is that of a clock that nobody sets.

use std::collections::HashMap;
use std::time::Duration;

use domain::system_id::SystemId;

use crate::settings::EsmeAccount;

/// What [`EsmeAccount::binds_per_minute_max`] is counted over.
const MINUTE: Duration = Duration::from_mins(1);

/// Every account that was ever bound under; there are no more than were configured.
#[derive(Debug, Default)]
pub(super) struct Seats(HashMap<SystemId, Seat>);

#[derive(Debug, Default)]
struct Seat {
    taken: usize,
    /// When its minute will be unused again: each bind uses its share of one.
    used_until: Duration,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoSeat {
    /// The account has as many binds as it may.
    Full,
    /// It has bound as often as it may in a minute.
    Spent,
}

impl Seats {
    /// Takes a place.
    pub(super) fn take(
        &mut self,
        system_id: &SystemId,
        account: &EsmeAccount,
        now: Duration,
    ) -> Result<(), NoSeat> {
        let seat = self.0.entry(system_id.clone()).or_default();
        if seat.taken >= account.binds_max {
            return Err(NoSeat::Full);
        }
        let used_until = seat.used_until.max(now).saturating_add(share(account));
        if used_until > now.saturating_add(MINUTE) {
            return Err(NoSeat::Spent);
        }
        seat.taken += 1;
        seat.used_until = used_until;
        Ok(())
    }

    /// Somebody has left a place.
    pub(super) fn free(&mut self, system_id: &SystemId) {
        if let Some(seat) = self.0.get_mut(system_id) {
            seat.taken = seat.taken.saturating_sub(1);
        }
    }

    /// A place was taken by somebody who did not bind after all: that does not count as a bind.
    pub(super) fn forgive(&mut self, system_id: &SystemId, account: &EsmeAccount) {
        if let Some(seat) = self.0.get_mut(system_id) {
            seat.used_until = seat.used_until.saturating_sub(share(account));
        }
    }

    /// How many are bound, by account.
    pub(super) fn taken(&self) -> impl Iterator<Item = (&SystemId, usize)> {
        let all = self
            .0
            .iter()
            .map(|(system_id, seat)| (system_id, seat.taken));
        all.filter(|(_, taken)| *taken > 0)
    }
}

/// What one bind uses of a minute.
fn share(account: &EsmeAccount) -> Duration {
    MINUTE / account.binds_per_minute_max.max(1)
}
