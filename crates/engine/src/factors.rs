//! Factors of persons: authenticator apps and recovery codes. They are kept in the store alone; each
//! change is read, decided and committed in one turn, and nothing tells a result before its commit.
//! What their users have used up by wrong codes is kept with the budgets of numbers.

mod check;
mod enrol;
mod remove;
mod told;
mod used;

use domain::id::FactorId;
use domain::time::Timestamp;
use domain::verification::factor::{FactorKind, FactorSecret, FactorState};
use ledger::{Kind, Outcome};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::changes::Changes;
use crate::client::Caller;
use crate::coalesce::Who;
use crate::gateway::Gateway;
use crate::queries::LookupError;
use crate::rows::{FactorRow, Purpose, VaultRow};
use crate::turns::Turn;

pub(crate) use check::result_word;
pub use check::{FactorCheckError, FactorChecked};
pub use enrol::{AppLabels, AppSecret, EnrolError};
pub(crate) use told::{REPLAYED, Remover, checked, removed};
pub(crate) use used::User;

/// What the secret of a factor is sealed as. The reference of its user is sealed as a number: neither opens
/// in the place of the other.
const SECRET: Purpose = Purpose::Text;

/// A factor as its client sees it.
#[derive(Clone, PartialEq, Eq)]
pub struct FactorView {
    /// Its id.
    pub id: FactorId,
    /// What sort it is.
    pub kind: FactorKind,
    /// Where it stands.
    pub state: FactorState,
    /// The client's reference of its user; `None` once erased.
    pub user: Option<Box<str>>,
    /// How many checks may still fail now before none is evaluated.
    pub checks_left: u8,
    /// How many recovery codes are left, when it is a set of them.
    pub codes_left: Option<u8>,
    /// When it was enrolled.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
}

impl std::fmt::Debug for FactorView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FactorView({} {} {})", self.id, self.kind, self.state)
    }
}

impl FactorView {
    fn of(row: &FactorRow, user: Option<Box<str>>, checks_left: u8) -> Self {
        Self {
            id: row.id,
            kind: row.factor.kind(),
            state: row.factor.state(),
            user,
            checks_left,
            codes_left: row.factor.codes_left(),
            created: row.created,
            updated: row.updated,
        }
    }
}

impl Gateway {
    /// One factor of this client. That it was shown is counted in the ledger.
    pub async fn factor(&self, caller: &Caller, id: FactorId) -> Result<FactorView, LookupError> {
        let (row, vault) = self.own_factor(caller, id).await?;
        let now = self.now();
        let user = self.user_of(&vault);
        let checks_left = self.checks_left(&row, user.as_deref(), now);
        let who = Who::Client(caller.client);
        self.state()
            .coalescer
            .count(Kind::FactorRead, Outcome::Done, who, "", now);
        Ok(FactorView::of(&row, user, checks_left))
    }

    /// A factor of this client that is not removed: unknown, foreign and removed ones are all the same.
    pub(crate) async fn own_factor(
        &self,
        caller: &Caller,
        id: FactorId,
    ) -> Result<(FactorRow, Vec<VaultRow>), LookupError> {
        let found = self.store.factor(id).await;
        let found = found.map_err(|error| self.unread(error))?;
        let is_own = |(row, _): &(FactorRow, Vec<VaultRow>)| {
            row.client == caller.client && row.factor.state() != FactorState::Removed
        };
        found.filter(is_own).ok_or(LookupError::NotFound)
    }

    pub(crate) fn user_of(&self, vault: &[VaultRow]) -> Option<Box<str>> {
        let is_user = |row: &&VaultRow| row.purpose == Purpose::Number && row.erased_by().is_none();
        let octets = self.vault.open(vault.iter().find(is_user)?).ok()?;
        Some(core::str::from_utf8(&octets).ok()?.into())
    }

    /// Opens the secret of a factor; `None` when it does not open, which the log tells.
    pub(crate) fn secret_of(&self, row: &FactorRow) -> Option<FactorSecret> {
        let sealed = row.secret.as_ref()?;
        let octets: Zeroizing<Vec<u8>> = match self.vault.open(sealed) {
            Ok(octets) => octets,
            Err(error) => {
                tracing::error!(%error, factor = %row.id, "the secret of a factor does not open");
                return None;
            }
        };
        FactorSecret::from_octets(row.factor.kind(), &octets)
    }

    fn seal_secret(&self, id: FactorId, secret: &FactorSecret, now: Timestamp) -> Option<VaultRow> {
        let octets = secret.reveal();
        let sealed = self
            .vault
            .seal(id.sequence(), SECRET, &octets, &*self.entropy, now);
        sealed.map(|sealed| sealed.row)
    }

    /// Whether a request can be taken; one that cannot is counted.
    fn takes_factors(&self) -> bool {
        if !self.is_open() {
            self.turned_away(1);
        }
        self.is_open() && !self.is_crowded()
    }

    /// Commits a change of a factor and waits until it is durable; `false` when it never will be. The turn
    /// ends with the commit, also when nobody waits for the answer any more.
    pub(crate) async fn commit_in_turn(&self, changes: Changes, turn: Turn) -> bool {
        self.commit_then(changes, move |_| drop(turn)).await
    }

    /// Commits a change and waits until it is durable, which comes after what is done then; `false` when it
    /// never will be, and nothing is done.
    pub(crate) async fn commit_then(
        &self,
        changes: Changes,
        then: impl FnOnce(&Self) + Send + 'static,
    ) -> bool {
        let (done, durable) = oneshot::channel();
        let state = self.state();
        self.commit(changes, move |gateway, result| {
            if result.is_ok() {
                then(gateway);
            } else {
                gateway.turned_away(1);
                drop(then);
            }
            let _ = done.send(result.is_ok());
        });
        drop(state);
        if self.is_halted() {
            // Perhaps nobody tries to bring the store back any more.
            self.answer_held_back();
        }
        durable.await.unwrap_or(false)
    }
}
