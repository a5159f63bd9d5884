//! Messages with their texts, for clients of an API that shows them. Each reading is counted as one of texts.

use domain::id::MessageId;
use domain::text::MessageText;
use ledger::Kind;

use crate::client::Caller;
use crate::gateway::Gateway;
use crate::queries::{LookupError, MessageQuery, MessageView, PageView, page_view};
use crate::rows::{MessageRow, Purpose, VaultRow};

/// A message and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenMessage {
    /// All but its text.
    pub view: MessageView,
    /// Its text; `None` once erased, and of messages that hold a code.
    pub text: Option<MessageText>,
}

impl Gateway {
    /// One message of the caller's, with its text.
    pub async fn message_with_text(
        &self,
        caller: &Caller,
        id: MessageId,
    ) -> Result<WrittenMessage, LookupError> {
        let (row, vault) = self.own_message(caller, id).await?;
        self.count_read(caller, Kind::MessageRead, "text");
        Ok(self.written(row, &vault))
    }

    /// Messages of the caller's, with their texts.
    pub async fn messages_with_texts(
        &self,
        caller: &Caller,
        query: MessageQuery,
    ) -> Result<PageView<WrittenMessage>, LookupError> {
        let by = match query.to {
            Some(_) => "text-by-number",
            None => "text",
        };
        self.count_read(caller, Kind::MessageSearched, by);
        let page = self.own_messages(caller, query).await?;
        Ok(page_view(page, |(row, vault)| self.written(row, &vault)))
    }

    fn written(&self, row: MessageRow, vault: &[VaultRow]) -> WrittenMessage {
        let text = self.opened(vault, Purpose::Text);
        WrittenMessage {
            text: text.and_then(|text| MessageText::parse(&text).ok()),
            view: self.view(row, vault),
        }
    }
}
