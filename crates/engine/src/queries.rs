//! What a client may read: its own messages, and what handsets sent to its short codes. Each opening
//! of sealed data is counted in the ledger under the client that asked for it.

use std::fmt;
use std::str::FromStr;

use domain::class::TrafficClass;
use domain::id::{InboundId, MessageId};
use domain::message::{MessageState, SegmentState};
use domain::msisdn::Msisdn;
use domain::sender::ShortCode;
use domain::text::Encoding;
use domain::time::Timestamp;
use domain::twilio::Taking;
use ledger::{Kind, Outcome};

use crate::client::Caller;
use crate::coalesce::Who;
use crate::gateway::Gateway;
use crate::ports::store::{Page, ReadError};
use crate::rows::{
    InboundFilter, InboundRow, MessageFilter, MessageRow, Purpose, SubjectLookup, VaultRow,
};

/// Why nothing is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// This client has no such thing.
    #[error("no such thing")]
    NotFound,
    /// The store cannot be read now.
    #[error("the store cannot be read now")]
    Unavailable,
}

impl From<ReadError> for LookupError {
    fn from(error: ReadError) -> Self {
        tracing::error!(%error, "a read of the store failed");
        Self::Unavailable
    }
}

/// Where a page ended; opaque to its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(u64);

/// The text is no cursor of this gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a cursor; hand back `next` of the page before unchanged")]
pub struct CursorError;

impl Cursor {
    /// The place below which a page begins: a sequence of ids.
    pub(crate) const fn at(sequence: u64) -> Self {
        Self(sequence)
    }

    /// The sequence below which its page begins.
    pub(crate) const fn sequence(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{:x}", self.0)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let digits = text.strip_prefix('c').ok_or(CursorError)?;
        let plain = digits.bytes().all(|octet| octet.is_ascii_hexdigit());
        if digits.is_empty() || digits.len() > 16 || !plain {
            return Err(CursorError);
        }
        u64::from_str_radix(digits, 16)
            .map(Self)
            .map_err(|_| CursorError)
    }
}

/// One page.
#[derive(Clone, Debug)]
pub struct PageView<T> {
    /// Newest first.
    pub rows: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
}

/// One segment as its client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentView {
    /// Where it stands.
    pub state: SegmentState,
    /// The carrier's status or the network's error, when it failed.
    pub error: Option<u32>,
}

/// A message as its client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageView {
    /// Its id.
    pub id: MessageId,
    /// Where it stands.
    pub state: MessageState,
    /// When it did not arrive: whether the carrier had taken it.
    pub taking: Taking,
    /// The handset; `None` once erased.
    pub to: Option<Msisdn>,
    /// The short code.
    pub from: ShortCode,
    /// What it is for.
    pub class: TrafficClass,
    /// How its text is encoded.
    pub encoding: Encoding,
    /// Its segments.
    pub segments: Vec<SegmentView>,
    /// The client's own reference.
    pub reference: Option<Box<str>>,
    /// The campaign it belongs to.
    pub campaign: Option<Box<str>>,
    /// When it was accepted.
    pub created: Timestamp,
    /// When its validity ends.
    pub expires: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
}

/// Which messages to show.
#[derive(Clone, Debug, Default)]
pub struct MessageQuery {
    /// Only to this handset.
    pub to: Option<Msisdn>,
    /// Only in this state.
    pub state: Option<MessageState>,
    /// Only of this class.
    pub class: Option<TrafficClass>,
    /// Only from this short code.
    pub from: Option<ShortCode>,
    /// Only accepted at or after.
    pub since: Option<Timestamp>,
    /// Only accepted before.
    pub until: Option<Timestamp>,
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
    /// At most so many.
    pub limit: u16,
}

/// The text of a message from a handset; masks itself.
#[derive(Clone, PartialEq, Eq)]
pub struct InboundText(Box<str>);

impl InboundText {
    pub(crate) fn new(text: String) -> Self {
        Self(text.into())
    }

    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for InboundText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InboundText({} octets)", self.0.len())
    }
}

/// A message from a handset as a client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundView {
    /// Its id.
    pub id: InboundId,
    /// The handset; `None` once erased.
    pub from: Option<Msisdn>,
    /// The short code.
    pub to: ShortCode,
    /// The text; `None` once erased.
    pub text: Option<InboundText>,
    /// The keyword it was, when it was one.
    pub keyword: Option<Box<str>>,
    /// When it came.
    pub received: Timestamp,
}

/// Which messages from handsets to show.
#[derive(Clone, Debug, Default)]
pub struct InboundQuery {
    /// Only from this handset.
    pub from: Option<Msisdn>,
    /// Only to this short code.
    pub to: Option<ShortCode>,
    /// Only received at or after.
    pub since: Option<Timestamp>,
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
    /// At most so many.
    pub limit: u16,
}

const LIMIT_MAX: u16 = 1_000;

impl Gateway {
    /// One message of the caller's.
    pub async fn message(
        &self,
        caller: &Caller,
        id: MessageId,
    ) -> Result<MessageView, LookupError> {
        let view = self.look_at(caller, id).await?;
        self.count_read(caller, Kind::MessageRead, "");
        Ok(view)
    }

    /// One message of the caller's, as part of another command of its own entry.
    pub(crate) async fn look_at(
        &self,
        caller: &Caller,
        id: MessageId,
    ) -> Result<MessageView, LookupError> {
        let (row, vault) = self.own_message(caller, id).await?;
        Ok(self.view(row, &vault))
    }

    /// The rows of one message of the caller's.
    pub(crate) async fn own_message(
        &self,
        caller: &Caller,
        id: MessageId,
    ) -> Result<(MessageRow, Vec<VaultRow>), LookupError> {
        let found = self.store.message(id).await;
        let found = found.map_err(|error| self.unread(error))?;
        let (row, vault) = found.ok_or(LookupError::NotFound)?;
        // Another client's message looks like none at all.
        if row.id != id || row.head.client != Some(caller.client) {
            return Err(LookupError::NotFound);
        }
        Ok((row, vault))
    }

    /// Messages of the caller's.
    pub async fn messages(
        &self,
        caller: &Caller,
        query: MessageQuery,
    ) -> Result<PageView<MessageView>, LookupError> {
        let by = if query.to.is_some() { "by-number" } else { "" };
        self.count_read(caller, Kind::MessageSearched, by);
        let page = self.own_messages(caller, query).await?;
        Ok(page_view(page, |(row, vault)| self.view(row, &vault)))
    }

    /// The rows of messages of the caller's.
    pub(crate) async fn own_messages(
        &self,
        caller: &Caller,
        query: MessageQuery,
    ) -> Result<Page<(MessageRow, Vec<VaultRow>)>, LookupError> {
        let filter = MessageFilter {
            client: Some(caller.client),
            subject: query.to.map(|number| self.blind().subject(number)),
            state: query.state,
            class: query.class,
            from: query.from,
            since: query.since,
            until: query.until,
            cursor: query.cursor.map(|cursor| cursor.0),
            limit: query.limit.clamp(1, LIMIT_MAX),
            lookup: SubjectLookup::Index,
        };
        let page = self.store.messages(filter).await;
        page.map_err(|error| self.unread(error))
    }

    /// What handsets sent to the caller's short codes.
    pub async fn inbound(
        &self,
        caller: &Caller,
        query: InboundQuery,
    ) -> Result<PageView<InboundView>, LookupError> {
        let wanted = |code: &&ShortCode| query.to.is_none_or(|to| to == **code);
        let short_codes: Vec<_> = caller
            .short_codes()
            .iter()
            .filter(wanted)
            .copied()
            .collect();
        if short_codes.is_empty() {
            return Ok(PageView {
                rows: Vec::new(),
                next: None,
            });
        }
        let by = if query.from.is_some() {
            "by-number"
        } else {
            ""
        };
        self.count_read(caller, Kind::InboundRead, by);
        let filter = InboundFilter {
            short_codes,
            subject: query.from.map(|number| self.blind().subject(number)),
            since: query.since,
            cursor: query.cursor.map(|cursor| cursor.0),
            limit: query.limit.clamp(1, LIMIT_MAX),
        };
        let page = self.store.inbounds(filter).await;
        let page = page.map_err(|error| self.unread(error))?;
        Ok(page_view(page, |(row, vault)| {
            self.inbound_view(row, &vault)
        }))
    }

    pub(crate) fn count_read(&self, caller: &Caller, kind: Kind, reason: &'static str) {
        let now = self.now();
        let who = Who::Client(caller.client);
        self.state()
            .coalescer
            .count(kind, Outcome::Done, who, reason, now);
    }

    pub(crate) fn view(&self, row: MessageRow, vault: &[VaultRow]) -> MessageView {
        let segments = row.segments.iter();
        let segment = |s: &domain::message::Segment| SegmentView {
            state: s.state(),
            error: s.error(),
        };
        MessageView {
            id: row.id,
            state: row.state,
            taking: Taking::of(row.state, &row.segments),
            to: self.number(vault),
            from: row.head.from,
            class: row.head.class,
            encoding: row.head.encoding,
            segments: segments.map(segment).collect(),
            reference: row.head.reference,
            campaign: row.head.campaign,
            created: row.created,
            expires: row.expires,
            updated: row.updated,
        }
    }

    pub(crate) fn inbound_view(&self, row: InboundRow, vault: &[VaultRow]) -> InboundView {
        InboundView {
            id: row.id,
            from: self.number(vault),
            to: row.to,
            text: self.opened(vault, Purpose::Text).map(InboundText::new),
            keyword: row.keyword,
            received: row.received,
        }
    }

    /// The number among sealed rows.
    pub(crate) fn number(&self, vault: &[VaultRow]) -> Option<Msisdn> {
        let text = self.opened(vault, Purpose::Number)?;
        Msisdn::from_digits(text.strip_prefix('+')?.parse().ok()?).ok()
    }

    /// The text of one purpose among sealed rows.
    pub(crate) fn opened(&self, vault: &[VaultRow], purpose: Purpose) -> Option<String> {
        let is_it = |row: &&VaultRow| row.purpose == purpose && row.erased_by().is_none();
        let row = vault.iter().find(is_it)?;
        match self.vault.open(row) {
            Ok(octets) => String::from_utf8(octets.to_vec()).ok(),
            Err(error) => {
                let purpose = purpose.as_str();
                tracing::error!(owner = row.owner, purpose, %error, "a sealed row does not open");
                None
            }
        }
    }
}

pub(crate) fn page_view<R, V>(page: Page<R>, view: impl FnMut(R) -> V) -> PageView<V> {
    PageView {
        rows: page.rows.into_iter().map(view).collect(),
        next: page.next.map(Cursor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_text_and_nothing_else_is_one() {
        let cursor = Cursor(u64::MAX);
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for wrong in ["", "c", "12", "c+1", "cffffffffffffffff0"] {
            assert_eq!(wrong.parse::<Cursor>(), Err(CursorError), "{wrong}");
        }
    }
}
