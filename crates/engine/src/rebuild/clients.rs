//! What becomes of clients and their keys.

use domain::class::TrafficClass;
use domain::id::{ClientId, KeyId};
use domain::time::Timestamp;
use ledger::{Entry, Kind};

use super::fold::{Fold, Unfit, object};
use super::reading::Reading;
use crate::rows::{ApiKeyRow, ClientRow};

impl Fold<'_> {
    /// A client came to be.
    pub(super) fn client_created(&mut self, entry: &Entry<'_>, now: Timestamp) -> Option<()> {
        let facts = Reading::of(entry);
        let classes: Vec<TrafficClass> = facts.list("classes")?;
        let row = ClientRow {
            id: object(entry)?,
            name: facts.text("name")?.to_owned(),
            scopes: facts.list("scopes")?,
            short_codes: facts.list("short_codes")?,
            classes: classes.into(),
            networks: facts.list("networks")?,
            keys: vec![key(facts, now)?],
            created: now,
            revoked: None,
        };
        self.clients.insert(row.id.sequence(), row);
        Some(())
    }

    /// A client got a new key, or it or one of its keys was revoked.
    pub(super) fn client_changed(
        &mut self,
        entry: &Entry<'_>,
        now: Timestamp,
    ) -> Result<(), Unfit> {
        let id: ClientId = object(entry).ok_or(Unfit::Form)?;
        let row = self.clients.get_mut(&id.sequence()).ok_or(Unfit::Orphan)?;
        let facts = Reading::of(entry);
        if entry.kind == Kind::ClientRotated {
            let ends = facts.parsed("ends").ok_or(Unfit::Form)?;
            row.rotate(key(facts, now).ok_or(Unfit::Form)?, ends, now);
            return Ok(());
        }
        let key: Option<KeyId> = match facts.text("key") {
            None => None,
            Some(id) => Some(id.parse().map_err(|_| Unfit::Form)?),
        };
        row.revoke(key, now).ok_or(Unfit::Orphan)
    }
}

fn key(facts: Reading<'_>, now: Timestamp) -> Option<ApiKeyRow> {
    Some(ApiKeyRow {
        id: facts.parsed("key")?,
        hash: facts.text("hash")?.to_owned(),
        created: now,
        expires: facts.parsed("expires"),
        revoked: None,
    })
}
