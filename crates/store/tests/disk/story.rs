//! What is told to a store in these tests: messages that are accepted and then dispatched, and what
//! must be found of them afterwards.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use domain::message::MessageState;
use engine::changes::Changes;
use engine::ports::Store;
use engine::ports::store::{CommitError, Committed, Loaded};
use engine::rows::MessageFilter;
use ledger::{Entry, NodeName, leaf_hash};
use rusqlite::{Connection, OpenFlags};
use store::{Bounds, Durability, Embedded, EmbeddedConfig, OpenError};
use tempfile::TempDir;
use testkit::contract::store::samples::{changes, message, moment, new_message, subject, update};

use crate::disk::DISKS;
use crate::vfs;

/// Far longer than anything here takes; only a store that hangs reaches it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What a commit will be answered.
pub type Pending = Receiver<Result<Committed, CommitError>>;

/// Bounds under which everything that happens rarely happens often.
pub fn busy_bounds() -> Bounds {
    Bounds {
        checkpoint_start_bytes: 64 << 10,
        checkpoint_hard_bytes: 256 << 10,
        index_batch_rows: 16,
        stall_max: PATIENCE,
        ..Bounds::default()
    }
}

/// A data folder on a disk under the model.
pub struct Machine {
    _place: TempDir,
    pub folder: PathBuf,
    pub bounds: Bounds,
    pub durability: Durability,
}

impl Machine {
    pub fn new() -> Self {
        vfs::install();
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().canonicalize().unwrap();
        DISKS.mount(&folder);
        let (bounds, durability) = (busy_bounds(), Durability::Synced);
        Self {
            _place: place,
            folder,
            bounds,
            durability,
        }
    }

    pub fn open(&self) -> Result<Embedded, OpenError> {
        let node = NodeName::parse("gw-1").unwrap();
        let mut config = EmbeddedConfig::new(&self.folder, node);
        config.bounds = self.bounds;
        config.durability = self.durability;
        Embedded::open(config)
    }
}

pub fn begin(store: &Embedded, changes: Changes) -> Pending {
    let (answer, answered) = channel();
    store.commit(
        changes,
        Box::new(move |result| answer.send(result).unwrap()),
    );
    answered
}

pub fn accept(store: &Embedded, n: u64) -> Pending {
    begin(store, changes(moment(n), new_message(message(n))))
}

pub fn dispatch(store: &Embedded, n: u64) -> Pending {
    begin(
        store,
        changes(moment(n), [update(n, 2, MessageState::Dispatched)]),
    )
}

pub fn answer(pending: &Pending) -> Result<Committed, CommitError> {
    pending.recv_timeout(PATIENCE).unwrap()
}

/// The messages of a store with their states, and whether every way to them agrees.
pub fn survey(store: &Embedded) -> Result<Vec<(u64, MessageState)>, String> {
    let mut found = Vec::new();
    store
        .load(&mut |row| {
            if let Loaded::Open(row, vault) = row {
                assert_eq!(vault.len(), 2);
                found.push((row.id, row.state));
            }
        })
        .map_err(|error| error.to_string())?;
    let filter = MessageFilter {
        subject: Some(subject(1)),
        limit: 1_000,
        ..MessageFilter::default()
    };
    let mut listed = Vec::new();
    let mut filter = filter;
    loop {
        let page = wait(store.messages(filter.clone()))?;
        listed.extend(page.rows.iter().map(|(row, _)| (row.id, row.state)));
        match page.next {
            Some(next) => filter.cursor = Some(next),
            None => break,
        }
    }
    listed.reverse();
    if found != listed {
        return Err("the search by number does not agree with the rows".to_owned());
    }
    let first = (moment(0).micros()) / 1_000;
    Ok(found
        .into_iter()
        .map(|(id, state)| ((id.sequence() >> 12) - first, state))
        .collect())
}

/// Checks the ledger of a folder from end to end; gives the number of entries.
pub fn verify_ledger(folder: &Path) -> u64 {
    let path = folder.join("shortstop.sqlite");
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let verdict: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
    let mut statement = database
        .prepare("SELECT idx, bytes, leaf FROM entry ORDER BY idx")
        .unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut expected = 0;
    let mut time = 0;
    while let Some(row) = rows.next().unwrap() {
        let (index, bytes): (i64, Vec<u8>) = (row.get(0).unwrap(), row.get(1).unwrap());
        let leaf: Vec<u8> = row.get(2).unwrap();
        let entry = Entry::parse(&bytes).unwrap();
        assert_eq!(
            (u64::try_from(index), entry.node_seq),
            (Ok(expected), expected)
        );
        assert_eq!(leaf, leaf_hash(&bytes).as_bytes());
        assert!(entry.time_micros >= time);
        time = entry.time_micros;
        expected += 1;
    }
    expected
}

pub fn wait<T>(reading: engine::ports::store::Reading<'_, T>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(reading).map_err(|error| error.to_string())
}
