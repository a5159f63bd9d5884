//! A ledger with a bit of everything, and what a look at every entry finds in it.

use engine::changes::Changes;
use engine::ports::catalog::{EntryQuery, EntryRow};
use engine::ports::{Log, Store};
use ledger::{Actor, Draft, Entry, Kind, ObjectType, Outcome};

use crate::contract::store::samples::{client_id, message_id, moment};
use crate::contract::store::waiting::commit;

/// Entries of one commit.
const ENTRIES_A_COMMIT: u64 = 500;
/// Clients that send; client 5 is rare.
const CLIENTS: u64 = 6;
/// One entry of so many is of a rare kind.
const RARE: u64 = 701;

/// The kinds of a message's life, and how they end.
const LIFE: [(Kind, Outcome); 4] = [
    (Kind::MessageAccepted, Outcome::Accepted),
    (Kind::MessageSubmitted, Outcome::Done),
    (Kind::ReceiptReceived, Outcome::Done),
    (Kind::MessageFailed, Outcome::Failed),
];

/// The id of the request that the `n`-th entry came with, when it came with one.
pub fn request(n: u64) -> String {
    format!("req_{n}")
}

/// The client of the `n`-th entry.
pub fn client_of(n: u64) -> u64 {
    if n.is_multiple_of(97) {
        CLIENTS - 1
    } else {
        n % (CLIENTS - 1)
    }
}

/// The `n`-th entry.
pub fn entry(n: u64) -> Draft {
    if n % RARE == RARE - 1 {
        let actor = Actor::system(&"gateway");
        let build = Draft::of(Kind::ClockStep, actor, Outcome::Done).build();
        return build.unwrap();
    }
    let place = usize::try_from(n).unwrap() % LIFE.len();
    let (kind, outcome) = LIFE[place];
    let (client, message, request) = (client_id(client_of(n)), message_id(n / 3), request(n));
    let mut builder = Draft::of(kind, Actor::system(&"contract"), outcome)
        .client(&client)
        .object(ObjectType::Message, &message);
    if n.is_multiple_of(5) {
        builder = builder.correlation(&request);
    }
    if outcome == Outcome::Failed {
        builder = builder.reason("of a test");
    }
    builder.build().unwrap()
}

/// Commits entries until there are so many. Those of one commit have one time.
pub fn fill(store: &dyn Store, size: u64) {
    let mut have = store.head().unwrap().size;
    while have < size {
        let end = size.min(have + ENTRIES_A_COMMIT);
        let mut changes = Changes::new(entry(have), moment(have));
        (have + 1..end).for_each(|n| changes.entry(entry(n)));
        assert_eq!(commit(store, changes).unwrap().first_index, have);
        have = end;
    }
}

/// A query for up to so many rows.
pub fn any(limit: u16) -> EntryQuery {
    EntryQuery {
        limit,
        ..EntryQuery::default()
    }
}

/// The time of an entry, in microseconds.
pub fn time(n: u64) -> u64 {
    moment(n).micros()
}

/// Filters, each alone, that a ledger of so many entries answers with some rows, with many, with none.
pub fn filters(size: u64) -> Vec<EntryQuery> {
    let (query, middle) = (any(50), size / 2);
    let text = |id: &dyn std::fmt::Display| Some(id.to_string().into_boxed_str());
    let kinds = |kinds: &[Kind]| EntryQuery {
        kinds: kinds.to_vec(),
        ..query.clone()
    };
    let by_client = |n| EntryQuery {
        client: text(&client_id(n)),
        ..query.clone()
    };
    let about = |id: &dyn std::fmt::Display| EntryQuery {
        object: text(id),
        ..query.clone()
    };
    let when = |since, until| EntryQuery {
        since,
        until,
        ..query.clone()
    };
    let ended = |outcome| EntryQuery {
        outcome: Some(outcome),
        ..query.clone()
    };
    vec![
        query.clone(),
        kinds(&[Kind::ClockStep]),
        kinds(&[Kind::MessageFailed, Kind::ClockStep]),
        kinds(&[Kind::ClientCreated]),
        ended(Outcome::Failed),
        ended(Outcome::Unknown),
        by_client(1),
        by_client(CLIENTS - 1),
        by_client(99),
        about(&message_id(0)),
        about(&message_id(middle / 3)),
        about(&message_id(size)),
        about(&request(5 * (middle / 5))),
        when(Some(time(middle)), None),
        when(None, Some(time(ENTRIES_A_COMMIT + 1))),
        when(Some(time(middle)), Some(time(middle) + 700_000)),
        when(Some(time(size)), None),
    ]
}

/// Two filters as one: what the second sets counts.
pub fn both(left: &EntryQuery, right: &EntryQuery) -> EntryQuery {
    let mut both = left.clone();
    if !right.kinds.is_empty() {
        both.kinds.clone_from(&right.kinds);
    }
    both.outcome = right.outcome.or(both.outcome);
    both.client = right.client.clone().or(both.client);
    both.object = right.object.clone().or(both.object);
    both.since = right.since.or(both.since);
    both.until = right.until.or(both.until);
    both
}

/// Everything in a log, read in full.
pub fn everything(log: &dyn Log) -> Vec<EntryRow> {
    let entries = log.entries(0, usize::MAX).unwrap();
    let rows = (0..).zip(entries);
    rows.map(|(index, bytes)| EntryRow { index, bytes })
        .collect()
}

/// The indices of what passes, newest first, by the full reader.
pub fn expected(all: &[(u64, Entry<'_>)], query: &EntryQuery) -> Vec<u64> {
    let passes = |entry: &Entry<'_>| {
        let object = entry.object.as_ref().map(|object| object.id.as_ref());
        let wanted = query.object.as_deref();
        (query.kinds.is_empty() || query.kinds.contains(&entry.kind))
            && query.outcome.is_none_or(|outcome| entry.outcome == outcome)
            && (query.client.is_none() || entry.client.as_deref() == query.client.as_deref())
            && (wanted.is_none() || object == wanted || entry.correlation.as_deref() == wanted)
            && query.since.is_none_or(|since| entry.time_micros >= since)
            && query.until.is_none_or(|until| entry.time_micros < until)
    };
    let rows = all.iter().rev().filter(|(index, entry)| {
        query.first.is_none_or(|first| *index >= first)
            && query.below.is_none_or(|below| *index < below)
            && passes(entry)
    });
    rows.map(|(index, _)| *index).collect()
}

/// Every page of a query, one after the other.
pub fn pages(log: &dyn Log, query: &EntryQuery) -> Vec<EntryRow> {
    let mut query = query.clone();
    let mut rows = Vec::new();
    loop {
        let page = log.search(&query).unwrap();
        assert!(page.rows.len() <= query.rows_max());
        rows.extend(page.rows);
        let Some(next) = page.next else { return rows };
        assert!(
            query.cursor.is_none_or(|cursor| next < cursor),
            "pages go down"
        );
        query.cursor = Some(next);
    }
}

/// Holds searches against a look at every entry.
pub fn check<'q>(log: &dyn Log, queries: impl IntoIterator<Item = &'q EntryQuery>) {
    let all = everything(log);
    let parsed: Vec<_> = all
        .iter()
        .map(|row| (row.index, Entry::parse(&row.bytes).unwrap()))
        .collect();
    for query in queries {
        let found = pages(log, query);
        let indices: Vec<u64> = found.iter().map(|row| row.index).collect();
        assert_eq!(indices, expected(&parsed, query), "{query:?}");
        for row in found {
            assert_eq!(row, all[usize::try_from(row.index).unwrap()]);
        }
    }
}
