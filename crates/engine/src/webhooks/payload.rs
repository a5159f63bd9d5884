//! What a webhook is told: `{"type", "timestamp", "data"}`, as Standard Webhooks has it. Neither a number nor a
//! text is in it unless the webhook was made to hear them; an erased one is never in it.

use domain::msisdn::Msisdn;
use serde_json::{Map, Value, json};

use crate::feed::{Event, Happening};
use crate::gateway::Gateway;
use crate::ports::store::ReadError;
use crate::rows::{Included, OptOutStanding, Purpose, VaultRow};

/// Characters of a text at most, so that no payload is longer than 20 KB.
const TEXT_MAX: usize = 4_000;

/// A payload, and whether what is personal was unsealed for it.
pub(super) struct Payload {
    pub(super) body: Vec<u8>,
    pub(super) is_opened: bool,
}

impl Gateway {
    /// What is told of an event.
    pub(super) async fn payload(
        &self,
        event: &Event,
        include: Included,
    ) -> Result<Payload, ReadError> {
        let mut writing = Writing {
            gateway: self,
            include,
            data: Map::new(),
            is_opened: false,
        };
        writing.happening(event).await?;
        let Writing {
            data, is_opened, ..
        } = writing;
        let payload = json!({
            "type": event.event_type.as_str(),
            "timestamp": event.at.to_string(),
            "data": data,
        });
        Ok(Payload {
            body: payload.to_string().into_bytes(),
            is_opened,
        })
    }
}

struct Writing<'g> {
    gateway: &'g Gateway,
    include: Included,
    data: Map<String, Value>,
    is_opened: bool,
}

impl Writing<'_> {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.data.insert(name.to_owned(), value.into());
    }

    fn put_some(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    async fn happening(&mut self, event: &Event) -> Result<(), ReadError> {
        let code = event.short_code.map(|code| code.to_string());
        match &event.happening {
            Happening::Message {
                id, state, error, ..
            } => {
                self.put("id", id.to_string());
                self.put("state", state.as_str());
                self.put_some("error", *error);
                self.message(*id).await
            }
            Happening::Inbound { id, keyword } => {
                self.put("id", id.to_string());
                self.put_some("to", code);
                self.put_some("keyword", keyword.as_deref());
                self.put("received", event.at.to_string());
                self.inbound(*id).await
            }
            Happening::OptOut {
                id,
                standing,
                basis,
            } => {
                self.put("id", id.to_string());
                self.put_some("short_code", code);
                let is_out = *standing == OptOutStanding::Out;
                self.put("opted_out", is_out);
                self.put("basis", &**basis);
                self.number_of("number", id.sequence()).await
            }
            Happening::Verification {
                id,
                state,
                checks,
                sends,
            } => {
                self.put("id", id.to_string());
                self.put("state", state.as_str());
                self.put("checks", *checks);
                self.put("sends", *sends);
                self.number_of("to", id.sequence()).await
            }
        }
    }

    async fn message(&mut self, id: domain::id::MessageId) -> Result<(), ReadError> {
        let Some((row, vault)) = self.gateway.store.message(id).await? else {
            return Ok(());
        };
        self.put("from", row.head.from.to_string());
        self.put("class", row.head.class.as_str());
        self.put_some("reference", row.head.reference.as_deref());
        self.put_some("campaign", row.head.campaign.as_deref());
        self.put("segments", row.segments.len());
        self.number("to", &vault);
        Ok(())
    }

    async fn inbound(&mut self, id: domain::id::InboundId) -> Result<(), ReadError> {
        if self.include == Included::Nothing {
            return Ok(());
        }
        let Some((_, vault)) = self.gateway.store.inbound(id).await? else {
            return Ok(());
        };
        self.number("from", &vault);
        if self.include != Included::Text {
            return Ok(());
        }
        let Some(text) = self.gateway.opened(&vault, Purpose::Text) else {
            return Ok(());
        };
        self.is_opened = true;
        let end = text.char_indices().nth(TEXT_MAX).map(|(end, _)| end);
        let shown = end.and_then(|end| text.get(..end)).unwrap_or(&text);
        self.put("text", shown);
        if end.is_some() {
            self.put("text_cut", true);
        }
        Ok(())
    }

    /// The number that belongs to an owner of sealed values.
    async fn number_of(&mut self, name: &str, owner: u64) -> Result<(), ReadError> {
        if self.include == Included::Nothing {
            return Ok(());
        }
        let store = std::sync::Arc::clone(&self.gateway.store);
        let reading = tokio::task::spawn_blocking(move || store.sealed_of(&[owner])).await;
        let gone = |_| ReadError::Failed("the reading ended badly".to_owned());
        let vault = reading.map_err(gone)??;
        self.number(name, &vault);
        Ok(())
    }

    fn number(&mut self, name: &str, vault: &[VaultRow]) {
        if self.include == Included::Nothing {
            return;
        }
        let number: Option<Msisdn> = self.gateway.number(vault);
        if let Some(number) = number {
            self.is_opened = true;
            self.put(name, number.reveal_e164());
        }
    }
}
