//! What becomes of clients and their keys.

use domain::class::TrafficClass;
use domain::id::{ClientId, KeyId};
use domain::signature::Algorithm;
use domain::time::Timestamp;
use ledger::{Entry, Kind};

use super::fold::{Fold, Unfit, object};
use super::reading::Reading;
use crate::rows::{ApiKeyRow, CallbackSecretRow, ClientRow, KeyMethod};

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
            auth: facts.parsed("auth").unwrap_or_default(),
            certificates: facts.list("certificates").unwrap_or_default(),
            certificate_names: facts.list("certificate_names").unwrap_or_default(),
            keys: vec![key(facts, now)?],
            callback: CallbackSecretRow::default(),
            services: Vec::new(),
            created: now,
            revoked: None,
        };
        self.clients.insert(row.id.sequence(), row);
        Some(())
    }

    /// A client got a new key or secret, or it or one of its keys was revoked.
    pub(super) fn client_changed(
        &mut self,
        entry: &Entry<'_>,
        now: Timestamp,
    ) -> Result<(), Unfit> {
        let id: ClientId = object(entry).ok_or(Unfit::Form)?;
        let row = self.clients.get_mut(&id.sequence()).ok_or(Unfit::Orphan)?;
        let facts = Reading::of(entry);
        match entry.kind {
            Kind::ClientRotated => {
                let ends = facts.parsed("ends").ok_or(Unfit::Form)?;
                row.rotate(key(facts, now).ok_or(Unfit::Form)?, ends, now);
                Ok(())
            }
            Kind::ClientChanged => {
                row.auth = facts.parsed("auth").ok_or(Unfit::Form)?;
                row.certificates = facts.list("certificates").ok_or(Unfit::Form)?;
                row.certificate_names = facts.list("certificate_names").unwrap_or_default();
                Ok(())
            }
            Kind::CallbackRotated => {
                let ends = facts.parsed("ends").ok_or(Unfit::Form)?;
                row.callback = row.callback.rotated(ends);
                Ok(())
            }
            _ => {
                let key = match facts.text("key") {
                    None => None,
                    Some(id) => Some(id.parse().map_err(|_| Unfit::Form)?),
                };
                row.revoke(key, now).ok_or(Unfit::Orphan)
            }
        }
    }

    /// A key was used, or signs by a clock that runs ahead.
    pub(super) fn key_used(&mut self, entry: &Entry<'_>, now: Timestamp) -> Result<(), Unfit> {
        let id: ClientId = object(entry).ok_or(Unfit::Form)?;
        let row = self.clients.get_mut(&id.sequence()).ok_or(Unfit::Orphan)?;
        let facts = Reading::of(entry);
        let id: KeyId = facts.parsed("key").ok_or(Unfit::Form)?;
        let key = row.keys.iter_mut().find(|key| key.id == id);
        let key = key.ok_or(Unfit::Orphan)?;
        if entry.kind == Kind::AuthAhead {
            key.ahead = Some(facts.parsed("until").ok_or(Unfit::Form)?);
        } else {
            key.used = Some(now);
        }
        Ok(())
    }
}

fn key(facts: Reading<'_>, now: Timestamp) -> Option<ApiKeyRow> {
    Some(ApiKeyRow {
        id: facts.parsed("key")?,
        hash: facts.text("hash")?.to_owned(),
        method: KeyMethod::told(
            facts.text("method").and_then(Algorithm::of_key),
            facts.text("public"),
        )?,
        created: now,
        expires: facts.parsed("expires"),
        revoked: None,
        used: None,
        ahead: None,
    })
}
