//! Messages of both ways in one list, for clients of an API that has but one: newest first, each page of bounded
//! work, with their texts.

use std::cmp::Reverse;

use domain::id::InboundId;
use domain::msisdn::Msisdn;
use domain::sender::ShortCode;
use domain::time::Timestamp;
use ledger::Kind;

use crate::client::{Caller, Scope};
use crate::gateway::Gateway;
use crate::ports::store::Page;
use crate::queries::{Cursor, InboundQuery, InboundView, LookupError, MessageQuery, PageView};
use crate::texts::WrittenMessage;

/// Whoever a message is from or to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// A handset.
    Handset(Msisdn),
    /// A short code.
    Code(ShortCode),
}

impl Party {
    const fn handset(self) -> Option<Msisdn> {
        match self {
            Self::Handset(number) => Some(number),
            Self::Code(_) => None,
        }
    }

    const fn code(self) -> Option<ShortCode> {
        match self {
            Self::Code(code) => Some(code),
            Self::Handset(_) => None,
        }
    }
}

/// Which messages of both ways to show.
#[derive(Clone, Debug, Default)]
pub struct TrafficQuery {
    /// Only to this one.
    pub to: Option<Party>,
    /// Only from this one.
    pub from: Option<Party>,
    /// Only accepted or received at or after.
    pub since: Option<Timestamp>,
    /// Only accepted or received before.
    pub until: Option<Timestamp>,
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
    /// At most so many.
    pub limit: u16,
}

/// A message of either way.
#[derive(Clone, Debug)]
pub enum Traffic {
    /// To a handset.
    Outbound(WrittenMessage),
    /// From a handset.
    Inbound(InboundView),
}

impl Gateway {
    /// Messages of the caller's, and what handsets sent to its short codes where it may read that.
    pub async fn traffic(
        &self,
        caller: &Caller,
        query: TrafficQuery,
    ) -> Result<PageView<Traffic>, LookupError> {
        let limit = usize::from(query.limit.max(1));
        let outbound = self.outbound_of(caller, &query).await?;
        let inbound = self.inbound_of(caller, &query).await?;
        Ok(merged(outbound, inbound, limit))
    }

    async fn outbound_of(
        &self,
        caller: &Caller,
        query: &TrafficQuery,
    ) -> Result<Page<(u64, Traffic)>, LookupError> {
        let to = query.to.map(Party::handset);
        let from = query.from.map(Party::code);
        if to == Some(None) || from == Some(None) {
            return Ok(nothing());
        }
        let wanted = MessageQuery {
            to: to.flatten(),
            from: from.flatten(),
            since: query.since,
            until: query.until,
            cursor: query.cursor,
            limit: query.limit,
            ..MessageQuery::default()
        };
        let page = self.messages_with_texts(caller, wanted).await?;
        let placed =
            |message: WrittenMessage| (message.view.id.sequence(), Traffic::Outbound(message));
        Ok(Page {
            rows: page.rows.into_iter().map(placed).collect(),
            next: page.next.map(Cursor::sequence),
        })
    }

    async fn inbound_of(
        &self,
        caller: &Caller,
        query: &TrafficQuery,
    ) -> Result<Page<(u64, Traffic)>, LookupError> {
        let to = query.to.map(Party::code);
        let from = query.from.map(Party::handset);
        if to == Some(None) || from == Some(None) || !caller.has(Scope::InboundRead) {
            return Ok(nothing());
        }
        // An id begins with the time at which it was made.
        let ceiling = query.until.map(|until| until.millis() << 12);
        let cursor = query.cursor.map(Cursor::sequence);
        let wanted = InboundQuery {
            from: from.flatten(),
            to: to.flatten(),
            since: query.since,
            cursor: cursor.into_iter().chain(ceiling).min().map(Cursor::at),
            limit: query.limit,
        };
        let page = self.inbound(caller, wanted).await?;
        let placed = |message: InboundView| (message.id.sequence(), Traffic::Inbound(message));
        Ok(Page {
            rows: page.rows.into_iter().map(placed).collect(),
            next: page.next.map(Cursor::sequence),
        })
    }

    /// One message from a handset to a short code of the caller's.
    pub async fn inbound_message(
        &self,
        caller: &Caller,
        id: InboundId,
    ) -> Result<InboundView, LookupError> {
        let found = self.store.inbound(id).await;
        let found = found.map_err(|error| self.unread(error))?;
        let (row, vault) = found.ok_or(LookupError::NotFound)?;
        let may_read = caller.has(Scope::InboundRead) && caller.may_use(row.to);
        if row.id != id || !may_read {
            return Err(LookupError::NotFound);
        }
        self.count_read(caller, Kind::InboundRead, "");
        Ok(self.inbound_view(row, &vault))
    }
}

const fn nothing() -> Page<(u64, Traffic)> {
    Page {
        rows: Vec::new(),
        next: None,
    }
}

/// One page of two, each of which may have ended early: below where either ended, the other must wait for it.
fn merged(
    one: Page<(u64, Traffic)>,
    other: Page<(u64, Traffic)>,
    limit: usize,
) -> PageView<Traffic> {
    let floor = one.next.max(other.next);
    let mut rows = one.rows;
    rows.extend(other.rows);
    rows.retain(|(sequence, _)| floor.is_none_or(|floor| *sequence >= floor));
    rows.sort_by_key(|(sequence, _)| Reverse(*sequence));
    let is_cut = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().map(|(sequence, _)| *sequence);
    let next = if is_cut { last } else { floor };
    PageView {
        rows: rows.into_iter().map(|(_, row)| row).collect(),
        next: next.map(Cursor::at),
    }
}
