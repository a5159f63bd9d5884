//! Octets of what was destroyed, in the files of a data folder: none is left after a purge, however the
//! rows came and went.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::path::Path;
use std::sync::mpsc::channel;

use domain::time::Timestamp;
use engine::changes::{Changes, Write};
use engine::ports::Store;
use engine::ports::erasure::PurgeError;
use engine::rows::{Bearer, MessageRow, Purpose, VaultRow};
use ledger::NodeName;
use rusqlite::Connection;
use store::{Bounds, Embedded, EmbeddedConfig};
use testkit::contract::store::samples::{changes, message, moment, sequence};

/// Messages of two persons in turn.
const MESSAGES: u64 = 2_000;

fn open(folder: &Path) -> Embedded {
    let config = EmbeddedConfig {
        bounds: Bounds {
            index_batch_rows: 64,
            ..Bounds::default()
        },
        ..EmbeddedConfig::new(folder, NodeName::parse("gw-1").unwrap())
    };
    Embedded::open(config).unwrap()
}

fn commit(store: &dyn Store, changes: Changes) {
    let (answer, answered) = channel();
    store.commit(
        changes,
        Box::new(move |result| answer.send(result).unwrap()),
    );
    answered.recv().unwrap().unwrap();
}

/// Octets that tell of message `n`, and of no other.
fn marked(n: u64, purpose: Purpose) -> Vec<u8> {
    format!("<{n:05}{}>", purpose.as_str())
        .repeat(6)
        .into_bytes()
}

fn subject(n: u64) -> [u8; 16] {
    if n.is_multiple_of(2) {
        *b"the-first-person"
    } else {
        *b"somebody-else's!"
    }
}

fn add(store: &dyn Store, n: u64) {
    let row = MessageRow {
        subject: subject(n),
        state: domain::message::MessageState::Delivered,
        ..message(n)
    };
    let sealed = [Purpose::Number, Purpose::Text].map(|purpose| {
        Write::Vault(VaultRow {
            owner: sequence(n),
            purpose,
            week: 2_916,
            wrapped: marked(n, purpose),
            sealed: marked(n, purpose),
        })
    });
    let row = Write::Message(Box::new(row));
    commit(
        store,
        changes(moment(n), std::iter::once(row).chain(sealed)),
    );
}

/// In an order that splits pages in their middle: far more out of line than commits ever come.
fn fill(store: &dyn Store) {
    for n in 0..MESSAGES {
        add(store, n * 997 % MESSAGES);
    }
}

#[derive(Clone, Copy)]
enum Way {
    Erase,
    Expire,
}

/// Destroys what is kept of the first person, or of everybody.
fn destroy(store: &dyn Store, way: Way) {
    for block in (0..MESSAGES).step_by(100) {
        let mut changes = Changes::new(
            testkit::contract::store::samples::draft(ledger::Kind::SubjectErased),
            Timestamp::from_seconds(1_800_000_000),
        );
        for n in (block..block + 100).step_by(2) {
            let owner = sequence(n);
            for purpose in [Purpose::Number, Purpose::Text] {
                changes.write(match way {
                    Way::Erase => Write::Tombstone { owner, purpose },
                    Way::Expire => Write::Expire { owner, purpose },
                });
            }
            changes.write(Write::ForgetSubject(Bearer::Message(owner)));
        }
        commit(store, changes);
    }
}

fn purge(store: &Embedded) -> Result<(), PurgeError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(engine::ports::Erasure::purge(store))
}

/// What the files hold of the first person, by file.
fn left(folder: &Path) -> Vec<String> {
    let mut left = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let octets = std::fs::read(&path).unwrap();
        let holds = |wanted: &[u8]| octets.windows(wanted.len()).any(|window| window == wanted);
        let half = subject(0);
        if holds(&half[..8]) {
            left.push(format!("{} holds the blind index", path.display()));
        }
        for place in 0..octets.len().saturating_sub(8) {
            // `<00042text>` of an even message.
            let piece = &octets[place..place + 7];
            let is_mark = piece[0] == b'<' && piece[1..6].iter().all(u8::is_ascii_digit);
            if is_mark && (piece[5] - b'0').is_multiple_of(2) {
                let mark = String::from_utf8_lossy(piece).into_owned();
                left.push(format!("{} holds {mark}", path.display()));
            }
        }
    }
    left.sort();
    left.dedup();
    left
}

#[test]
fn a_purge_leaves_no_octet_of_what_was_destroyed_in_any_file() {
    for way in [Way::Erase, Way::Expire] {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        fill(&store);
        assert!(
            !left(folder.path()).is_empty(),
            "they are there to be found"
        );
        destroy(&store, way);
        purge(&store).unwrap();
        let found = left(folder.path());
        assert!(
            found.is_empty(),
            "{} pieces: {:?}",
            found.len(),
            &found[..found.len().min(5)]
        );
        store.close();
        assert_eq!(left(folder.path()), Vec::<String>::new(), "after a close");
    }
}

#[test]
fn a_reader_in_the_way_is_told_of_and_the_next_purge_does_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store);
    let mut reader = Connection::open(folder.path().join("shortstop.sqlite")).unwrap();
    let long = reader.transaction().unwrap();
    long.query_row("SELECT count(*) FROM vault", [], |_| Ok(()))
        .unwrap();
    destroy(&store, Way::Erase);
    assert!(matches!(purge(&store), Err(PurgeError::InTheWay(_))));
    add(&store, MESSAGES + 1);
    drop(long);
    purge(&store).unwrap();
    assert_eq!(left(folder.path()), Vec::<String>::new());
}

#[test]
fn a_process_that_ended_before_the_purge_owes_it_to_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store);
    destroy(&store, Way::Erase);
    drop(store);
    let index = |folder: &Path| {
        let found = left(folder);
        found.iter().any(|found| found.contains("blind index"))
    };
    let store = open(folder.path());
    purge(&store).unwrap();
    assert!(!index(folder.path()));
    store.close();
    assert_eq!(left(folder.path()), Vec::<String>::new());
}
