//! Entries for others to read: an export is recorded and gets a ticket, with which alone its entries are
//! handed out, page by page. Whoever asked writes them in the format.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use engine::{Gateway, LedgerExport};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::ledger::blocking;
use crate::control::message::{Answer, LinesAsked, LinesBegun, LinesRead};
use crate::public_log::PublicLog;
use crate::public_log::span::{Span, span};

/// Exports at the same time; one more ends the oldest, which can be resumed.
const TICKETS_MAX: usize = 16;
/// Entries of a page.
const PAGE_ENTRIES: usize = 512;
/// Octets after which a page is full; an entry has at most 65,535.
const PAGE_OCTETS: usize = 1 << 20;

/// The exports that are under way.
#[derive(Debug, Default)]
pub struct Lines(Mutex<Tickets>);

#[derive(Debug, Default)]
struct Tickets {
    last: u64,
    spans: BTreeMap<u64, Span>,
}

impl Lines {
    /// Records an export and gives its ticket.
    pub async fn begin(
        &self,
        (gateway, public): (&Gateway, Arc<PublicLog>),
        actor: &str,
        asked: LinesAsked,
    ) -> Answer {
        let log = Arc::clone(&public.log);
        let (since, until) = (asked.since, asked.until);
        let found = spawn_blocking(move || span(log.as_ref(), since.as_deref(), until.as_deref()));
        let found = match found.await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) if error.is_refusal() => return Answer::refused(error),
            Ok(Err(error)) => return Answer::unavailable(error),
            Err(error) => return Answer::unavailable(error),
        };
        let first = found.first.max(asked.at_least).min(found.end);
        let span = Span { first, ..found };
        let record = LedgerExport {
            format: asked.format.as_str(),
            first,
            count: span.count(),
        };
        if let Err(error) = gateway.export_ledger(actor, record).await {
            return Answer::unavailable(error);
        }
        Answer::done(&LinesBegun {
            ticket: self.ticket(span),
            first,
            count: span.count(),
            log: public.vkey.name().to_string(),
        })
    }

    /// The next entries of an export.
    pub async fn read(&self, public: Arc<PublicLog>, ticket: u64, from: u64) -> Answer {
        let Some(span) = self.span(ticket) else {
            return Answer::unavailable("this export is not under way any more; resume it");
        };
        let from = from.max(span.first);
        blocking(move || page(&public, from, span.end)).await
    }

    fn ticket(&self, span: Span) -> u64 {
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.last += 1;
        let ticket = tickets.last;
        tickets.spans.insert(ticket, span);
        if tickets.spans.len() > TICKETS_MAX {
            tickets.spans.pop_first();
        }
        ticket
    }

    fn span(&self, ticket: u64) -> Option<Span> {
        let tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.spans.get(&ticket).copied()
    }
}

fn page(public: &PublicLog, from: u64, end: u64) -> anyhow::Result<Value> {
    let left = usize::try_from(end.saturating_sub(from)).unwrap_or(usize::MAX);
    let found = public.log.entries(from, left.min(PAGE_ENTRIES))?;
    let mut read = LinesRead {
        entries: Vec::with_capacity(found.len()),
    };
    let mut octets = 0_usize;
    for entry in found {
        octets = octets.saturating_add(entry.len());
        read.entries.push(String::from_utf8(entry)?);
        if octets >= PAGE_OCTETS {
            break;
        }
    }
    Ok(json!(read))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_opens_its_span_until_too_many_came_after_it() {
        let lines = Lines::default();
        let span = |first| Span { first, end: 9 };
        let first = lines.ticket(span(1));
        assert_eq!(lines.span(first), Some(span(1)));
        assert_eq!(lines.span(first + 1), None);
        for place in 0..TICKETS_MAX {
            lines.ticket(span(u64::try_from(place).unwrap()));
        }
        assert_eq!(lines.span(first), None);
    }
}
