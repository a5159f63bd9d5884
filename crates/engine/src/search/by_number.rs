//! By number: the keyed index leads to the messages to and from it and to its verifications, and each of
//! them to its entries, which lie between its beginning and its last change. Factors are of a user, whom a
//! search by number does not know.

use std::sync::Arc;
use std::time::Duration;

use domain::id::VerificationId;
use domain::msisdn::Msisdn;
use domain::time::Timestamp;
use ledger::entry::skim::skim;

use super::{Found, LedgerQuery, SearchCursor, SearchError, blocking, filters};
use crate::checkpoints::Ledger;
use crate::gateway::Gateway;
use crate::ports::Log;
use crate::ports::catalog::{EntryQuery, EntryRow};
use crate::ports::store::ReadError;
use crate::proofs;
use crate::rows::{InboundRow, MessageFilter, MessageRow, SubjectLookup, VerificationRow};

/// Messages, and verifications, looked for at once.
const MESSAGES_AT_ONCE: u16 = 32;
/// Messages and verifications that one page looks at.
const MESSAGES_MAX: usize = 256;
/// How far the time of a message's last entry may lie behind that of its row: the ledger's time never
/// goes back, a clock may.
const SLACK: Duration = Duration::from_hours(1);

/// A message to or from the number, or a verification of it.
#[derive(Clone, Debug)]
struct Bearer {
    sequence: u64,
    id: Box<str>,
    begun: Begun,
    changed: Timestamp,
}

/// Where its entries begin.
#[derive(Clone, Copy, Debug)]
enum Begun {
    /// Where the ledger says that the message was accepted.
    Accepted,
    /// At the earliest when the verification came to be: the time of an entry is never before that of
    /// its row.
    At(Timestamp),
}

impl Bearer {
    fn message(row: &MessageRow) -> Self {
        Self {
            sequence: row.id.sequence(),
            id: row.id.to_string().into(),
            begun: Begun::Accepted,
            changed: row.updated,
        }
    }

    fn inbound(row: &InboundRow) -> Self {
        Self {
            sequence: row.id.sequence(),
            id: row.id.to_string().into(),
            begun: Begun::Accepted,
            changed: row.received,
        }
    }

    fn verification(row: &VerificationRow) -> Self {
        Self {
            sequence: row.id.sequence(),
            id: row.id.to_string().into(),
            begun: Begun::At(row.created),
            changed: row.facts.latest,
        }
    }

    /// Whether an entry that names it is shown with it. What a handset's text did to a verification names
    /// both, and is shown once: with the verification.
    fn bears(&self, entry: &EntryRow) -> bool {
        let entry = skim(&entry.bytes);
        let object = entry.ok().and_then(|entry| entry.object);
        let Some(object) = object.filter(|object| **object != *self.id) else {
            return true;
        };
        matches!(self.begun, Begun::Accepted) && object.parse::<VerificationId>().is_err()
    }
}

/// What is left of a page.
struct Wanted {
    filters: EntryQuery,
    /// Where to go on in the first message.
    within: Option<(u64, u64)>,
    rows_left: usize,
}

impl Gateway {
    /// A page of the entries about messages to and from a number and about its verifications, the newest
    /// message or verification first.
    pub(super) async fn find_by_number(
        &self,
        ledger: &Arc<Ledger>,
        number: Msisdn,
        query: &LedgerQuery,
    ) -> Result<Found, SearchError> {
        let subject = self.blind().subject(number);
        let Start {
            mut below,
            mut within,
        } = Start::at(query.cursor)?;
        let filters = filters(query);
        let (mut rows, mut looked) = (Vec::new(), 0);
        loop {
            let (bearers, further) = self.bearers(subject, below, query).await?;
            looked += bearers.len();
            let wanted = Wanted {
                filters: filters.clone(),
                within: within.take(),
                rows_left: filters.rows_max() - rows.len(),
            };
            let (more, next) =
                blocking(ledger, move |log| entries_of(log, &bearers, &wanted)).await?;
            rows.extend(more);
            let next = next.or(further.map(|below| SearchCursor::Messages { below }));
            let is_full = rows.len() >= filters.rows_max() || looked >= MESSAGES_MAX;
            match further {
                Some(further) if !is_full => below = Some(further),
                _ => return Ok(Found { rows, next }),
            }
        }
    }

    /// The newest messages to and from the number and verifications of it below a sequence, and below which
    /// to go on.
    async fn bearers(
        &self,
        subject: [u8; 16],
        below: Option<u64>,
        query: &LedgerQuery,
    ) -> Result<(Vec<Bearer>, Option<u64>), SearchError> {
        let messages = self.store.messages(MessageFilter {
            subject: Some(subject),
            cursor: below,
            limit: MESSAGES_AT_ONCE,
            ..MessageFilter::default()
        });
        let messages = messages.await?;
        let (most, lookup) = (MESSAGES_AT_ONCE, SubjectLookup::Index);
        let inbounds = self.store.inbounds_of(subject, below, most, lookup);
        let inbounds = inbounds.await?;
        let verifications = self.store.verifications_of(subject, below, most, lookup);
        let verifications = verifications.await?;
        // Above the highest of the three, every list is whole.
        let further = messages.next.max(inbounds.next).max(verifications.next);
        let messages = messages.rows.iter().map(|(row, _)| Bearer::message(row));
        let inbounds = inbounds.rows.iter().map(|(row, _)| Bearer::inbound(row));
        let verifications = verifications.rows.iter();
        let verifications = verifications.map(|(row, _)| Bearer::verification(row));
        let object = query.object.as_ref().map(super::ObjectTerm::as_str);
        let mut bearers: Vec<Bearer> = messages
            .chain(inbounds)
            .chain(verifications)
            .filter(|bearer| further.is_none_or(|further| bearer.sequence >= further))
            .filter(|bearer| object.is_none_or(|object| *bearer.id == *object))
            .collect();
        bearers.sort_unstable_by_key(|bearer| std::cmp::Reverse(bearer.sequence));
        Ok((bearers, further))
    }
}

/// Below which sequence to begin, and below which index within the message of a sequence.
#[derive(Default)]
struct Start {
    below: Option<u64>,
    within: Option<(u64, u64)>,
}

impl Start {
    fn at(cursor: Option<SearchCursor>) -> Result<Self, SearchError> {
        match cursor {
            None => Ok(Self::default()),
            Some(SearchCursor::Messages { below }) => Ok(Self {
                below: Some(below),
                within: None,
            }),
            Some(SearchCursor::Within { message, below }) => Ok(Self {
                below: Some(message.saturating_add(1)),
                within: Some((message, below)),
            }),
            Some(SearchCursor::Entries { .. }) => Err(SearchError::Cursor),
        }
    }
}

/// The entries of messages, one message after the other, until there are enough.
fn entries_of(
    log: &dyn Log,
    bearers: &[Bearer],
    wanted: &Wanted,
) -> Result<(Vec<EntryRow>, Option<SearchCursor>), ReadError> {
    let mut rows = Vec::new();
    for bearer in bearers {
        let message = bearer.sequence;
        let mut query = of_message(log, bearer, wanted)?;
        loop {
            let left = wanted.rows_left.saturating_sub(rows.len());
            if left == 0 {
                let next = match query.cursor {
                    Some(below) => SearchCursor::Within { message, below },
                    None => SearchCursor::Messages {
                        below: message.saturating_add(1),
                    },
                };
                return Ok((rows, Some(next)));
            }
            query.limit = u16::try_from(left).unwrap_or(u16::MAX);
            let page = log.search(&query)?;
            rows.extend(page.rows.into_iter().filter(|row| bearer.bears(row)));
            query.cursor = page.next;
            if page.next.is_none() {
                break;
            }
        }
    }
    Ok((rows, None))
}

/// The search for the entries of one message or verification.
fn of_message(log: &dyn Log, bearer: &Bearer, wanted: &Wanted) -> Result<EntryQuery, ReadError> {
    let last = bearer.changed.saturating_add(SLACK).micros();
    let until = wanted.filters.until.map_or(last, |until| until.min(last));
    let within = wanted
        .within
        .filter(|(message, _)| *message == bearer.sequence);
    // What a row says of its entry is not believed: from too high an index on, entries would be missed.
    let (first, since) = match bearer.begun {
        Begun::Accepted => (log.entry_of(bearer.sequence)?, None),
        Begun::At(created) => (None, Some(created.micros())),
    };
    let first = first.filter(|first| proofs::leads_to(log, *first, &bearer.id));
    Ok(EntryQuery {
        object: Some(bearer.id.clone()),
        first,
        since: wanted.filters.since.max(since),
        until: Some(until),
        cursor: within.map(|(_, below)| below),
        ..wanted.filters.clone()
    })
}
