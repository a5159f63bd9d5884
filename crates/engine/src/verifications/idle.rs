//! Room among the budgets: whoever keeps some looks whether those of another holder can go.

use domain::id::ClientId;
use domain::verification::budget::policy::Policy;

use super::locks::Held;
use crate::gateway::Gateway;
use crate::settings::Settings;
use crate::state::State;
use crate::state::verifications::Holder;

impl Gateway {
    /// Whether a failure of a holder can be counted, within what its client may fill.
    pub(crate) fn has_place(
        &self,
        state: &mut State,
        settings: &Settings,
        holder: &Holder,
    ) -> bool {
        let most = settings.bounds.guess_budgets_max;
        let now = self.steady();
        state
            .budgets
            .has_place(holder, most, &policy(settings), now)
    }

    /// One holder of whom nothing matters any more, and the key of the row to be forgotten in the commit that
    /// is made now, of this client if there is one; none while somebody is at work on it. Its lock is added to those
    /// that are held.
    pub(crate) fn idle_budget(
        &self,
        state: &mut State,
        settings: &Settings,
        client: ClientId,
        held: &mut Vec<Held>,
    ) -> Option<(Holder, u64)> {
        let now = self.steady();
        let (holder, sequence) = state.budgets.next_idle(client, &policy(settings), now)?;
        let Some(free) = self.number_locks.try_hold(&holder) else {
            state.budgets.look_again(holder, now);
            return None;
        };
        held.push(free);
        Some((holder, sequence))
    }
}

/// What is allowed on every channel: the settings of factors say it of theirs.
pub(super) fn policy(settings: &Settings) -> Policy {
    let terms = settings.verifications.as_deref();
    Policy {
        totp: settings.factors.totp,
        recovery: settings.factors.recovery,
        ..terms.map_or_else(Policy::default, |terms| terms.policy)
    }
}
