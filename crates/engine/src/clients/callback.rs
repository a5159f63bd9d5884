//! The secret that signs what the URLs of a client's messages are told: shown to a user of the machine, and replaced.

use std::time::Duration;

use domain::id::ClientId;
use ledger::{Facts, Kind, UtcMicros};

use super::ClientError;
use crate::entries;
use crate::gateway::Gateway;
use crate::rows::ClientRow;
use crate::webhooks::WebhookSecret;

impl Gateway {
    /// The newest secret of a client. It is recorded first.
    pub async fn callback_secret(
        &self,
        actor: &str,
        client: ClientId,
    ) -> Result<(ClientRow, WebhookSecret), ClientError> {
        let row = self.client(client)?;
        if row.revoked.is_some() {
            return Err(ClientError::Revoked);
        }
        let kind = Kind::CallbackRead;
        let entry = entries::by_os_user(kind, actor, Facts::new(), Some(&row.id));
        if !self.record(entry).await {
            return Err(ClientError::Unavailable);
        }
        let secret = self.newest_callback_secret(&row);
        Ok((row, secret))
    }

    /// Gives a client a new secret; the one before signs too until `overlap` is over.
    pub async fn rotate_callback_secret(
        &self,
        actor: &str,
        client: ClientId,
        overlap: Duration,
    ) -> Result<(ClientRow, WebhookSecret), ClientError> {
        let turn = self.client_turn().await;
        let now = self.now();
        let mut row = self.client(client)?;
        if row.revoked.is_some() {
            return Err(ClientError::Revoked);
        }
        let ends = now.saturating_add(overlap);
        row.callback = row.callback.rotated(ends);
        let data = Facts::new().put("ends", UtcMicros(ends.micros()));
        let entry = entries::by_os_user(Kind::CallbackRotated, actor, data, Some(&row.id));
        self.commit_client(entry, row.clone(), now, Some(turn))
            .await?;
        let secret = self.newest_callback_secret(&row);
        Ok((row, secret))
    }

    fn newest_callback_secret(&self, row: &ClientRow) -> WebhookSecret {
        let octets = self.blind().callbacks(row.id, row.callback.generation);
        WebhookSecret::of(octets.as_ref())
    }
}
