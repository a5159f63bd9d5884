//! The numbers that the ledger was searched for, those that limits were asked about, and those that an
//! operator enabled for codes again: sealed like every number, and found by these entries themselves, since
//! nothing else may lead from a number to them.

use std::sync::Arc;

use domain::id::SubjectId;
use domain::msisdn::Msisdn;
use ledger::{Entry, Kind};
use tokio::task::spawn_blocking;

use super::{ErasureError, PAGE_ROWS, Request};
use crate::ports::catalog::{EntryPage, EntryQuery};
use crate::ports::store::ReadError;
use crate::ports::{Log, Store};
use crate::rows::{Purpose, VaultRow};

impl Request<'_> {
    /// Destroys the number wherever somebody searched for it or enabled it.
    pub(super) async fn searches(&mut self, number: Msisdn) -> Result<(), ErasureError> {
        // Whoever cannot search has not searched.
        let Some(ledger) = self.gateway.ledger.get() else {
            return Ok(());
        };
        let mut cursor = None;
        loop {
            let (log, store) = (
                Arc::clone(&ledger.parts.log),
                Arc::clone(&self.gateway.store),
            );
            let reading = spawn_blocking(move || page(log.as_ref(), store.as_ref(), cursor));
            let (rows, next) = reading.await.map_err(|_| ErasureError::Unavailable)??;
            for row in rows {
                let live = row.purpose == Purpose::Number && row.erased_by().is_none();
                let row = [row];
                if live && self.gateway.number(&row) == Some(number) {
                    self.destroy(&row, None);
                }
            }
            self.commit().await?;
            cursor = next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }
}

/// What is sealed of some of them, and where to go on.
fn page(
    log: &dyn Log,
    store: &dyn Store,
    cursor: Option<u64>,
) -> Result<(Vec<VaultRow>, Option<u64>), ReadError> {
    let EntryPage { rows, next } = log.search(&EntryQuery {
        kinds: vec![
            Kind::LedgerSearched,
            Kind::LimitRead,
            Kind::VerificationEnabled,
        ],
        cursor,
        limit: PAGE_ROWS,
        ..EntryQuery::default()
    })?;
    let owners: Vec<u64> = rows.iter().filter_map(|row| owner(&row.bytes)).collect();
    Ok((store.sealed_of(&owners)?, next))
}

/// The owner of the number that an entry is about.
fn owner(entry: &[u8]) -> Option<u64> {
    let entry = Entry::parse(entry).ok()?;
    let id: SubjectId = entry.object?.id.parse().ok()?;
    Some(id.sequence())
}
