//! Measures how fast the ledger is searched: fills a store with entries of a realistic mix (100 clients,
//! one of them rare; rare kinds; three entries a message, far apart), waits for the catalogue, then
//! searches in every way and prints one JSON line a sort.
//!
//! `cargo run --release -p store --example search -- [ENTRIES] [QUERIES] [FOLDER]`: 10,000,000 entries and
//! 1,000 queries of each sort without arguments. A folder that holds so many already is searched as it is.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measuring program may panic, prints, and reads the clock"
)]

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use engine::changes::{Changes, Write};
use engine::ports::catalog::EntryQuery;
use engine::ports::{Catalog, Log, Store};
use engine::rows::MessageFilter;
use ledger::{Actor, Draft, Kind, NodeName, ObjectType, Outcome};
use store::{Embedded, EmbeddedConfig};
use testkit::contract::store::samples::{client_id, message, message_id, moment, new_message};

/// Entries of one commit.
const ENTRIES_A_COMMIT: u64 = 1_000;
/// Clients; the last sends one message of so many.
const CLIENTS: u64 = 100;
const RARE_CLIENT_MESSAGES: u64 = 100_000;
/// One entry of so many is of a rare kind.
const RARE_KIND_ENTRIES: u64 = 50_000;
/// One message of so many has a row, so that it is found by number; two belong to each number.
const ROW_MESSAGES: u64 = 500;
/// How many messages later a message is submitted, and its receipt comes.
const LAGS: [u64; 3] = [0, 20, 2_000];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |usual: u64| arguments.next().map_or(usual, |text| text.parse().unwrap());
    let (size, queries) = (number(10_000_000), number(1_000));
    let temporary = tempfile::tempdir().unwrap();
    let folder = arguments
        .next()
        .map_or_else(|| temporary.path().join("data"), PathBuf::from);
    let config = EmbeddedConfig::new(&folder, NodeName::parse("gw-1").unwrap());
    let store = Embedded::open(config).unwrap();
    let began = Instant::now();
    fill(&store, size);
    say("fill", began.elapsed(), size);
    let began = Instant::now();
    store.wait_for_catalog();
    say("catalogue-behind", began.elapsed(), size);
    for (name, bytes) in ["shortstop.sqlite", "catalog.sqlite"].map(|name| {
        let file = std::fs::metadata(folder.join(name));
        (name, file.map_or(0, |file| file.len()))
    }) {
        println!("{{\"file\":\"{name}\",\"bytes\":{bytes}}}");
    }
    search(&store, size, queries);
}

fn say(what: &str, took: Duration, entries: u64) {
    let milliseconds = took.as_millis();
    println!("{{\"step\":\"{what}\",\"entries\":{entries},\"milliseconds\":{milliseconds}}}");
}

fn fill(store: &Embedded, size: u64) {
    let mut have = Log::size(store).unwrap();
    let (answer, answered) = sync_channel(8);
    let mut waiting = 0;
    while have < size {
        let end = size.min(have + ENTRIES_A_COMMIT);
        let mut changes = Changes::new(entry(have), moment(have / 3));
        (have + 1..end).for_each(|n| changes.entry(entry(n)));
        (have..end)
            .flat_map(row_writes)
            .for_each(|write| changes.write(write));
        let answer = answer.clone();
        let done = move |result: Result<_, _>| answer.send(result.is_ok()).unwrap();
        store.commit(changes, Box::new(done));
        (have, waiting) = (end, waiting + 1);
        if waiting == 8 {
            assert!(answered.recv().unwrap());
            waiting -= 1;
        }
    }
    (0..waiting).for_each(|_| assert!(answered.recv().unwrap()));
}

/// The message of the `n`-th entry, and where in its life it is.
fn place(n: u64) -> (u64, usize) {
    let phase = usize::try_from(n % 3).unwrap();
    ((n / 3).saturating_sub(LAGS[phase]), phase)
}

fn client_of(message: u64) -> u64 {
    if message % RARE_CLIENT_MESSAGES == RARE_CLIENT_MESSAGES / 2 {
        CLIENTS - 1
    } else {
        message % (CLIENTS - 1)
    }
}

fn entry(n: u64) -> Draft {
    if n % RARE_KIND_ENTRIES == RARE_KIND_ENTRIES / 2 {
        let actor = Actor::system(&"gateway");
        return Draft::of(Kind::ClockStep, actor, Outcome::Done)
            .build()
            .unwrap();
    }
    let (message, phase) = place(n);
    let (kind, outcome) = match phase {
        0 => (Kind::MessageAccepted, Outcome::Accepted),
        1 => (Kind::MessageSubmitted, Outcome::Done),
        _ if message % 50 == 7 => (Kind::MessageFailed, Outcome::Failed),
        _ => (Kind::ReceiptReceived, Outcome::Done),
    };
    let (client, id) = (client_id(client_of(message)), message_id(message));
    let commitment = ledger::Commitment::of(
        &ledger::CommitmentKey::from_bytes([7; 32]),
        "number",
        b"+15550100",
    );
    let mut builder = Draft::of(kind, Actor::client(&client), outcome)
        .client(&client)
        .object(ObjectType::Message, &id);
    if phase == 0 {
        builder = builder
            .private("number", &commitment)
            .private("text", &commitment);
    }
    builder.build().unwrap()
}

fn row_writes(n: u64) -> Vec<Write> {
    let (id, phase) = place(n);
    if phase > 0 || !id.is_multiple_of(ROW_MESSAGES) {
        return Vec::new();
    }
    let mut row = message(id);
    row.subject = subject(id);
    new_message(row).into_iter().collect()
}

fn subject(id: u64) -> [u8; 16] {
    let person = id / ROW_MESSAGES / 2;
    let spread = person.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (u128::from(spread) << 64 | u128::from(person)).to_be_bytes()
}

/// Numbers that look drawn, the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (self.0 >> 33) % bound.max(1)
    }
}

fn text(id: &dyn Display) -> Box<str> {
    id.to_string().into()
}

fn search(store: &Embedded, size: u64, queries: u64) {
    by_kind_and_client(store, queries);
    by_message_and_time(store, size / 3, queries);
    by_number(store, size / 3, queries);
}

fn usual() -> EntryQuery {
    EntryQuery {
        limit: 100,
        ..EntryQuery::default()
    }
}

fn by_kind_and_client(store: &Embedded, queries: u64) {
    let mut chance = Chance(42);
    let ask = |query: &EntryQuery| store.search(query).unwrap().rows.len();
    measure("newest", queries, || ask(&usual()));
    measure("rare-kind", queries, || {
        ask(&EntryQuery {
            kinds: vec![Kind::ClockStep],
            ..usual()
        })
    });
    measure("client", queries, || {
        ask(&EntryQuery {
            client: Some(text(&client_id(chance.below(CLIENTS - 1)))),
            ..usual()
        })
    });
    measure("rare-client", queries, || {
        ask(&EntryQuery {
            client: Some(text(&client_id(CLIENTS - 1))),
            ..usual()
        })
    });
    measure("client-kind-outcome", queries, || {
        ask(&EntryQuery {
            kinds: vec![Kind::MessageFailed],
            outcome: Some(Outcome::Failed),
            client: Some(text(&client_id(chance.below(CLIENTS - 1)))),
            ..usual()
        })
    });
}

fn by_message_and_time(store: &Embedded, messages: u64, queries: u64) {
    let mut chance = Chance(43);
    let ask = |query: &EntryQuery| store.search(query).unwrap().rows.len();
    measure("message", queries, || {
        ask(&EntryQuery {
            object: Some(text(&message_id(chance.below(messages)))),
            ..usual()
        })
    });
    measure("no-such-message", queries, || {
        ask(&EntryQuery {
            object: Some(text(&message_id(messages + chance.below(messages)))),
            ..usual()
        })
    });
    measure("time-window", queries, || {
        let since = moment(messages / 4 + chance.below(messages / 2)).micros();
        ask(&EntryQuery {
            since: Some(since),
            until: Some(since + 1_000_000),
            ..usual()
        })
    });
    measure("time-window-rare-kind", queries, || {
        let since = moment(messages / 4 + chance.below(messages / 2)).micros();
        ask(&EntryQuery {
            kinds: vec![Kind::ClockStep],
            since: Some(since),
            until: Some(since + 600_000_000),
            ..usual()
        })
    });
}

fn by_number(store: &Embedded, messages: u64, queries: u64) {
    let mut chance = Chance(44);
    let ask = |query: &EntryQuery| store.search(query).unwrap().rows.len();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    measure("number", queries, || {
        let person = chance.below(messages / ROW_MESSAGES / 2) * 2 * ROW_MESSAGES;
        let reading = store.messages(MessageFilter {
            subject: Some(subject(person)),
            limit: 32,
            ..MessageFilter::default()
        });
        let rows = runtime.block_on(reading).unwrap().rows;
        let entries = rows.iter().map(|(row, _)| {
            ask(&EntryQuery {
                object: Some(text(&row.id)),
                first: store.entry_of(row.id.sequence()).unwrap(),
                ..usual()
            })
        });
        entries.sum()
    });
}

fn measure(sort: &str, queries: u64, mut ask: impl FnMut() -> usize) {
    let (mut took, mut rows) = (Vec::new(), 0);
    for _ in 0..queries {
        let began = Instant::now();
        rows += ask();
        took.push(began.elapsed());
    }
    took.sort_unstable();
    let at = |percent: usize| {
        let place = took.len().saturating_sub(1) * percent / 100;
        took.get(place)
            .map_or(0.0, |took| took.as_secs_f64() * 1_000.0)
    };
    println!(
        "{{\"sort\":\"{sort}\",\"queries\":{queries},\"rows\":{rows},\"p50_milliseconds\":{:.3},\
         \"p99_milliseconds\":{:.3},\"max_milliseconds\":{:.3}}}",
        at(50),
        at(99),
        at(100)
    );
}
