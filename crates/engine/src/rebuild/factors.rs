//! What becomes of factors: by the domain's own rules, from what entries tell of each code.

use domain::id::FactorId;
use domain::time::Timestamp;
use domain::verification::factor::{Factor, FactorEvent, FactorKind};
use domain::verification::totp::{Algorithm, AppDigits};
use ledger::{Entry, Kind, Outcome};

use super::fold::{Fold, Unfit, client, object};
use super::reading::Reading;
use crate::factors::REPLAYED;
use crate::ports::shelf::Told;
use crate::rows::{FactorRow, NO_SUBJECT};

impl Fold<'_> {
    /// A factor came to be.
    pub(super) fn factor_enrolled(
        &mut self,
        entry: &Entry<'_>,
        now: Timestamp,
    ) -> Result<(), Unfit> {
        let row = enrolled(entry, now).ok_or(Unfit::Form)?;
        Ok(self.shelf.put(Told::Factor(Box::new(row)))?)
    }

    /// A code was looked at, or the factor removed. Counted entries are about none.
    pub(super) fn factor_changed(
        &mut self,
        entry: &Entry<'_>,
        now: Timestamp,
    ) -> Result<(), Unfit> {
        if entry.object.is_none() {
            return Ok(());
        }
        let id: FactorId = object(entry).ok_or(Unfit::Form)?;
        let known = self.shelf.factor(id.sequence())?;
        let row = known.filter(|row| row.id == id).ok_or(Unfit::Orphan)?;
        let event = event(entry, row.factor.kind()).ok_or(Unfit::Form)?;
        let factor = row.factor.after(event, now).ok_or(Unfit::Impossible)?;
        let row = row.changed(factor, now);
        Ok(self.shelf.put(Told::Factor(Box::new(row)))?)
    }
}

fn enrolled(entry: &Entry<'_>, now: Timestamp) -> Option<FactorRow> {
    let facts = Reading::of(entry);
    let factor = match facts.parsed("type")? {
        FactorKind::Totp => Factor::enrolled(Algorithm::default(), AppDigits::default()),
        FactorKind::Recovery => Factor::issued(facts.number("codes")?),
    };
    Some(FactorRow {
        id: object(entry)?,
        client: client(entry)?,
        version: 1,
        created: now,
        updated: now,
        subject: NO_SUBJECT,
        factor,
        secret: None,
    })
}

fn event(entry: &Entry<'_>, sort: FactorKind) -> Option<FactorEvent> {
    let step = || Reading::of(entry).number("step");
    Some(match (entry.kind, entry.outcome, sort) {
        (Kind::FactorRemoved, _, _) => FactorEvent::Removed,
        (_, Outcome::Failed, FactorKind::Totp) if entry.reason.as_deref() == Some(REPLAYED) => {
            FactorEvent::Replayed
        }
        (_, Outcome::Failed, _) => FactorEvent::Failed,
        (Kind::FactorConfirmed, Outcome::Done, _) => FactorEvent::Confirmed { step: step()? },
        (_, Outcome::Done, FactorKind::Totp) => FactorEvent::Step(step()?),
        (_, Outcome::Done, FactorKind::Recovery) => FactorEvent::Spent,
        _ => return None,
    })
}
