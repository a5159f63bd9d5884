//! What the users of factors have used up by wrong codes: one budget for each client, user and kind of factor,
//! over all their factors. They lie among those of numbers, and a user who is a number has those of the
//! number. Neither a new factor nor the removal of one touches them. Whoever changes them holds the lock of
//! the user, within the turn of the factor, until the change is durable.

use domain::id::ClientId;
use domain::time::Timestamp;
use domain::verification::budget::number::NumberBudgets;
use domain::verification::factor::Allowance;
use domain::verification::user::UserReference;

use crate::batch::Batch;
use crate::changes::{Changes, Write};
use crate::gateway::Gateway;
use crate::rows::{BudgetRow, FactorRow};
use crate::state::State;
use crate::state::verifications::Holder;
use crate::turns::Turn;
use crate::verifications::Held;

/// The user of a factor, whose lock is held together with the turn of the factor.
pub(crate) struct User {
    holder: Holder,
    held: Vec<Held>,
    turn: Turn,
}

/// What is made of the budgets once it is durable.
pub(crate) struct Used {
    budget: Option<BudgetRow>,
    forgotten: Option<Holder>,
    user: User,
}

impl Gateway {
    /// Waits for the lock of a factor's user; `None` when nobody can say who that is, which the log tells.
    pub(super) async fn hold_user(
        &self,
        row: &FactorRow,
        name: Option<&str>,
        turn: Turn,
    ) -> Option<User> {
        let Some(holder) = self.holder_of_user(row.client, name) else {
            tracing::error!(factor = %row.id, "the user of a factor does not open");
            return None;
        };
        Some(self.hold_holder(holder, turn).await)
    }

    /// The same of a user who is known by what they have used up.
    pub(crate) async fn hold_holder(&self, holder: Holder, turn: Turn) -> User {
        let held = self.number_locks.hold(&holder).await;
        User {
            holder,
            held: held.into_iter().collect(),
            turn,
        }
    }

    pub(crate) fn holder_of_user(&self, client: ClientId, name: Option<&str>) -> Option<Holder> {
        let user = UserReference::parse(name?).ok()?;
        Some((client, self.blind().budget_of_user(client, &user)))
    }

    /// How many checks of a factor may still fail now: 0 where nobody can say whose it is, since none is
    /// evaluated then.
    pub(super) fn checks_left(&self, row: &FactorRow, name: Option<&str>, now: Timestamp) -> u8 {
        let Some(holder) = self.holder_of_user(row.client, name) else {
            return 0;
        };
        let settings = self.settings();
        let allowance = Allowance {
            policy: settings.factors.policy(row.factor.kind()),
            budgets: &self.state().budgets.of(&holder),
        };
        row.factor.checks_left(allowance, self.moment(now))
    }

    /// What a user has used up.
    pub(super) fn used_by(&self, user: &User) -> NumberBudgets {
        self.state().budgets.of(&user.holder)
    }

    /// Whether a failure of a user can be counted. Where it cannot no code is looked at, since whoever heard
    /// that one was right could guess on.
    pub(crate) fn can_count(&self, user: &User) -> bool {
        let settings = self.settings();
        self.has_place(&mut self.state(), &settings, &user.holder)
    }

    /// Writes down what a user has used up now; a user who has used up nothing needs no row. With a row one
    /// of whose holder nothing matters any more goes, so that they are bounded by what happens in a day.
    pub(crate) fn use_up(
        &self,
        state: &mut State,
        mut user: User,
        budgets: NumberBudgets,
        batch: &mut Batch,
    ) -> Used {
        let at = batch.at();
        let settings = self.settings();
        let (mut budget, mut forgotten) = (None, None);
        if state.budgets.of(&user.holder) != budgets {
            let row = state
                .budgets
                .row(&user.holder, budgets, || self.ids.sequence(at));
            batch.write(Write::Budget(Box::new(row.clone())));
            budget = Some(row);
            let client = user.holder.0;
            let idle = self.idle_budget(state, &settings, client, &mut user.held);
            if let Some((holder, sequence)) = idle {
                batch.write(Write::ForgetBudget(sequence));
                forgotten = Some(holder);
            }
        }
        Used {
            budget,
            forgotten,
            user,
        }
    }

    /// Commits a check and takes in what its user has used up. The locks end with the commit, also when
    /// nobody waits for the answer any more.
    pub(super) async fn commit_used(&self, changes: Changes, used: Used) -> bool {
        self.commit_then(changes, move |gateway| gateway.take_used(used))
            .await
    }

    pub(crate) fn take_used(&self, used: Used) {
        let User { held, turn, .. } = used.user;
        let mut state = self.state();
        if let Some(forgotten) = used.forgotten {
            state.budgets.forget(&forgotten);
        }
        if let Some(budget) = used.budget {
            state.budgets.put(budget, self.steady());
        }
        drop(state);
        drop((held, turn));
    }
}
