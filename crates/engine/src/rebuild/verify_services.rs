//! What becomes of verify services, which lie in the rows of their clients.

use domain::id::{ClientId, VerifyServiceId};
use domain::time::Timestamp;
use domain::verification::code::CodeLength;
use ledger::{Entry, Kind};

use super::fold::{Fold, Unfit, client, object};
use super::reading::Reading;
use crate::rows::VerifyServiceRow;

impl Fold<'_> {
    /// A client made, changed or removed a verify service.
    pub(super) fn verify_service(
        &mut self,
        entry: &Entry<'_>,
        now: Timestamp,
    ) -> Result<(), Unfit> {
        let id: VerifyServiceId = object(entry).ok_or(Unfit::Form)?;
        let whose: ClientId = client(entry).ok_or(Unfit::Form)?;
        let row = self.clients.get_mut(&whose.sequence());
        let services = &mut row.ok_or(Unfit::Orphan)?.services;
        let told = Reading::of(entry);
        if entry.kind == Kind::VerifyServiceCreated {
            services.push(service(id, told, (now, now)).ok_or(Unfit::Form)?);
            return Ok(());
        }
        let place = services.iter().position(|service| service.id == id);
        let place = place.ok_or(Unfit::Orphan)?;
        let before = services.remove(place);
        if entry.kind == Kind::VerifyServiceChanged {
            let after = service(id, told, (before.created, now)).ok_or(Unfit::Form)?;
            services.insert(place, after);
        }
        Ok(())
    }
}

fn service(
    id: VerifyServiceId,
    told: Reading<'_>,
    (created, updated): (Timestamp, Timestamp),
) -> Option<VerifyServiceRow> {
    Some(VerifyServiceRow {
        id,
        name: told.text("name")?.to_owned(),
        length: CodeLength::new(told.number("digits")?).ok()?,
        acts: told.parsed("acts")?,
        created,
        updated,
    })
}
