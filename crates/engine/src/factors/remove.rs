//! Removal: the secret goes in the commit that says so, and the files are cleared of it within a minute.
//! An app that nobody confirmed in its time is removed by itself.

use domain::id::FactorId;
use domain::time::Timestamp;
use domain::verification::factor::{FactorEvent, FactorState};

use super::told::{self, Remover};
use crate::changes::{Changes, Write};
use crate::client::Caller;
use crate::gateway::Gateway;
use crate::ports::store::ReadError;
use crate::queries::LookupError;
use crate::rows::FactorRow;
use crate::turns::Turn;

/// Factors looked at in one read.
const BATCH: u16 = 100;

impl FactorRow {
    /// The row once its factor is removed; `None` when it was before.
    pub(crate) fn removed(&self, now: Timestamp) -> Option<Self> {
        let factor = self.factor.after(FactorEvent::Removed, now)?;
        let mut row = self.changed(factor, now);
        row.secret = None;
        Some(row)
    }
}

impl Gateway {
    /// Removes a factor of this client and destroys its secret.
    pub async fn remove_factor(&self, caller: &Caller, id: FactorId) -> Result<(), LookupError> {
        if !self.takes_factors() {
            return Err(LookupError::Unavailable);
        }
        let turn = self.factor_turns.take(id.sequence()).await;
        let (row, _) = self.own_factor(caller, id).await?;
        let now = self.now();
        if self
            .remove(&row, &Remover::Client(caller), (now, turn))
            .await
        {
            return Ok(());
        }
        Err(LookupError::Unavailable)
    }

    /// Removes what was enrolled and not confirmed in its time. Gives how many.
    pub async fn expire_factors(&self) -> Result<u64, ReadError> {
        let mut removed = 0;
        loop {
            let now = self.now();
            let before = now.saturating_sub(self.settings().factors.pending);
            let found = self
                .store
                .pending_factors(before.millis() << 12, BATCH)
                .await?;
            for row in &found {
                removed += u64::from(self.expire_factor(row.id).await?);
            }
            if found.len() < usize::from(BATCH) || !self.is_open() {
                return Ok(removed);
            }
        }
    }

    async fn expire_factor(&self, id: FactorId) -> Result<bool, ReadError> {
        let turn = self.factor_turns.take(id.sequence()).await;
        // It may have been confirmed meanwhile.
        let Some((row, _)) = self.store.factor(id).await? else {
            return Ok(false);
        };
        if row.factor.state() != FactorState::Pending {
            return Ok(false);
        }
        Ok(self.remove(&row, &Remover::Time, (self.now(), turn)).await)
    }

    async fn remove(
        &self,
        row: &FactorRow,
        by: &Remover<'_>,
        (now, turn): (Timestamp, Turn),
    ) -> bool {
        let Some(gone) = row.removed(now) else {
            return false;
        };
        let mut changes = Changes::new(told::removed(by, row), now);
        changes.write(Write::Factor(Box::new(gone)));
        let is_durable = self.commit_in_turn(changes, turn).await;
        self.purge_soon();
        is_durable
    }
}
