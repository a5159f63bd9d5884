//! The record of exports: that the ledger, or a part of it, is about to be written out for others, or
//! read as a whole. It is durable before anything is handed out.

use ledger::{Actor, Draft, Facts, Kind, OriginType, Outcome, UtcMicros};

use crate::batch::sound;
use crate::changes::Changes;
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

/// The export, or the reading, could not be recorded, so nothing may be handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it could not be recorded in the ledger, so nothing is handed out")]
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

    /// Records that a user of the machine has the whole ledger read, to rebuild the state from it.
    pub async fn begin_rebuild(&self, actor: &str) -> Result<(), NotRecorded> {
        let now = self.now();
        let moment = UtcMicros(now.micros());
        let data = Facts::new()
            .put("count", 1_u8)
            .put("first", moment)
            .put("last", moment);
        let entry = entries::by_os_user(Kind::LedgerRead, actor, data, None);
        let durable = self.commit_durably(Changes::new(entry, now)).await;
        durable.then_some(()).ok_or(NotRecorded)
    }

    /// Records that a stream begins to hand out entries, from `first` on.
    pub(crate) async fn begin_stream(
        &self,
        name: &str,
        format: &str,
        first: u64,
    ) -> Result<(), NotRecorded> {
        let data = Facts::new()
            .put("first", first)
            .put("format", format)
            .put("stream", name);
        let builder = Draft::of(Kind::LedgerExported, Actor::system(&"siem"), Outcome::Done)
            .origin(OriginType::Process, &"self")
            .data(data);
        let entry = sound(builder.build());
        self.record(entry).await.then_some(()).ok_or(NotRecorded)
    }
}
