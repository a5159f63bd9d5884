//! Factors whose user is the number: they are removed with their secrets, and the reference of the user goes
//! too. Whoever wants one again enrols anew.

use domain::msisdn::Msisdn;

use super::{ErasureError, Request};
use crate::changes::Write;
use crate::factors::{self, Remover};
use crate::rows::{Bearer, FactorRow, NO_SUBJECT, VaultRow};

impl Request<'_> {
    pub(super) async fn factors(&mut self, number: Msisdn) -> Result<(), ErasureError> {
        let (gateway, subject) = (self.gateway, self.gateway.blind().subject(number));
        for (row, _) in gateway.store.factors_of(subject).await? {
            // Nobody checks a code of it until it is gone.
            let turn = gateway.factor_turns.take(row.id.sequence()).await;
            if let Some((row, vault)) = gateway.store.factor(row.id).await? {
                self.factor(&row, &vault);
                self.commit().await?;
            }
            drop(turn);
        }
        Ok(())
    }

    fn factor(&mut self, row: &FactorRow, vault: &[VaultRow]) {
        let Some(mut gone) = row.removed(self.now) else {
            let bearer = Bearer::Factor(row.id.sequence());
            self.erased.factors += u64::from(self.destroy(vault, Some(bearer)) > 0);
            return;
        };
        self.destroy(vault, None);
        self.erased.factors += 1;
        gone.subject = NO_SUBJECT;
        let entry = factors::removed(&Remover::OsUser(self.actor), row);
        self.entries.push(entry);
        self.writes.push(Write::Factor(Box::new(gone)));
    }
}
