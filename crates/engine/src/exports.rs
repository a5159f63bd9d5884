//! The record of exports: that the ledger, or a part of it, is about to be written out for others. It
//! is durable before anything is handed out.

use ledger::{Facts, Kind};

use crate::entries;
use crate::gateway::Gateway;

/// What is written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerExport<'a> {
    /// In which form, such as `c2sp` or `cef`.
    pub format: &'a str,
    /// The index of the first entry.
    pub first: u64,
    /// How many entries.
    pub count: u64,
}

/// The export could not be recorded, so nothing may be handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the export could not be recorded in the ledger, so nothing is written out")]
pub struct NotRecorded;

impl Gateway {
    /// Records an export by a user of the machine.
    pub async fn export_ledger(
        &self,
        actor: &str,
        export: LedgerExport<'_>,
    ) -> Result<(), NotRecorded> {
        let data = Facts::new()
            .put("count", export.count)
            .put("first", export.first)
            .put("format", export.format);
        let entry = entries::by_os_user(Kind::LedgerExported, actor, data, None);
        self.record(entry).await.then_some(()).ok_or(NotRecorded)
    }
}
