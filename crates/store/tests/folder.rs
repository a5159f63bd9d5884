//! The data folder: who may open it, what lies in it, and its copies.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;

use engine::changes::Changes;
use engine::ports::Store;
use engine::ports::store::{CommitError, Committed, Reading};
use engine::rows::{MessageFilter, MessageRow, SubjectLookup};
use ledger::NodeName;
use rusqlite::Connection;
use store::{Embedded, EmbeddedConfig, OpenError, RestoreError, RestoredBy, restore};
use tempfile::TempDir;
use testkit::contract::store::samples::{
    changes, message, message_id, moment, new_message, sequence, subject,
};

/// Who restores in these tests.
const BY: RestoredBy<'static> = RestoredBy {
    user: "root",
    at: domain::time::Timestamp::from_seconds(1),
};

struct Place {
    _home: TempDir,
    folder: PathBuf,
}

impl Place {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("deep/data");
        Self {
            _home: home,
            folder,
        }
    }

    fn open(&self) -> Result<Embedded, OpenError> {
        Embedded::open(self.config())
    }

    fn config(&self) -> EmbeddedConfig {
        EmbeddedConfig::new(&self.folder, NodeName::parse("gw-1").unwrap())
    }

    /// A closed store of so many messages.
    fn filled(messages: u64) -> Self {
        let place = Self::new();
        let store = place.open().unwrap();
        fill(&store, 0, messages);
        place
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn commit(store: &Embedded, changes: Changes) -> Result<Committed, CommitError> {
    let (answer, answered) = channel();
    store.commit(
        changes,
        Box::new(move |result| answer.send(result).unwrap()),
    );
    answered.recv().unwrap()
}

fn fill(store: &Embedded, from: u64, to: u64) {
    for n in from..to {
        commit(store, changes(moment(n), new_message(message(n)))).unwrap();
    }
}

fn wait<T>(reading: Reading<'_, T>) -> Result<T, engine::ports::store::ReadError> {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(reading)
}

/// The messages of the number that all of them have, newest first.
fn by_number(store: &Embedded) -> Vec<MessageRow> {
    let filter = MessageFilter {
        subject: Some(subject(1)),
        limit: 1_000,
        ..MessageFilter::default()
    };
    let page = wait(store.messages(filter)).unwrap();
    assert_eq!(page.next, None);
    page.rows.into_iter().map(|(row, _)| row).collect()
}

/// How many of them each way of looking finds.
fn found(store: &Embedded) -> [usize; 2] {
    [SubjectLookup::Index, SubjectLookup::Rows].map(|lookup| {
        let filter = MessageFilter {
            subject: Some(subject(1)),
            lookup,
            limit: 1_000,
            ..MessageFilter::default()
        };
        wait(store.messages(filter)).unwrap().rows.len()
    })
}

#[test]
fn who_looks_at_the_rows_misses_none_that_the_index_lost() {
    let place = Place::filled(5);
    let index = Connection::open(place.file("index.sqlite")).unwrap();
    let gone = index.execute("DELETE FROM message_subject", []).unwrap();
    assert_eq!(gone, 5);
    drop(index);
    let store = place.open().unwrap();
    // Until the file is open, both look at the rows.
    let mut founds = std::iter::repeat_with(|| found(&store)).take(100_000);
    assert_eq!(founds.find(|[by_index, _]| *by_index == 0), Some([0, 5]));
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_folder_has_one_owner_at_a_time() {
    let place = Place::new();
    let first = place.open().unwrap();
    let refused = place.open().unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }));
    assert!(refused.to_string().contains(place.folder.to_str().unwrap()));
    drop(first);
    place.open().unwrap();
}

#[test]
fn everything_in_the_folder_is_for_the_owner_alone() {
    let place = Place::new();
    let store = place.open().unwrap();
    fill(&store, 0, 3);
    // The index is made behind the commits; a search by number does not wait for it.
    assert_eq!(by_number(&store).len(), 3);
    assert_eq!(mode(&place.folder), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(&place.folder).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(mode(&entry.path()), 0o600, "{}", entry.path().display());
        names.push(entry.file_name().into_string().unwrap());
    }
    for name in ["shortstop.sqlite", "shortstop.sqlite-wal", "shortstop.lock"] {
        assert!(names.iter().any(|found| found == name), "{names:?}");
    }
}

#[test]
fn a_closed_store_is_one_file_its_index_and_the_reserve() {
    let place = Place::filled(10);
    let mut names: Vec<_> = fs::read_dir(&place.folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "catalog.sqlite",
            "index.sqlite",
            "reserve",
            "shortstop.lock",
            "shortstop.sqlite"
        ]
    );
}

#[test]
fn a_folder_of_another_node_is_refused() {
    let place = Place::filled(1);
    let other = EmbeddedConfig::new(&place.folder, NodeName::parse("gw-2").unwrap());
    let refused = Embedded::open(other).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the data folder belongs to node gw-1, not gw-2"
    );
    place.open().unwrap();
}

#[test]
fn a_database_of_a_newer_program_is_refused_untouched() {
    let place = Place::filled(1);
    let database = Connection::open(place.file("shortstop.sqlite")).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    drop(database);
    let before = fs::read(place.file("shortstop.sqlite")).unwrap();
    assert!(matches!(
        place.open(),
        Err(OpenError::Newer { found: 99, .. })
    ));
    assert_eq!(fs::read(place.file("shortstop.sqlite")).unwrap(), before);
}

#[test]
fn a_ledger_whose_last_entry_was_changed_is_refused() {
    let place = Place::filled(3);
    let database = Connection::open(place.file("shortstop.sqlite")).unwrap();
    database
        .execute(
            "UPDATE entry SET bytes = CAST(replace(CAST(bytes AS TEXT), 'gw-1', 'gw-9') AS BLOB)
                WHERE idx = 2",
            [],
        )
        .unwrap();
    drop(database);
    assert!(matches!(
        place.open(),
        Err(OpenError::Damaged { index: 2, .. })
    ));
}

#[test]
fn commits_beyond_the_bound_are_answered_busy_in_their_place() {
    let place = Place::new();
    let mut config = place.config();
    config.bounds.queue_max = 1;
    let store = Embedded::open(config).unwrap();
    assert_eq!(store.commits_max(), 1);
    let (send, answers) = channel();
    let (release, held) = channel::<()>();
    // The first answer holds the writer up, so that the rest must wait.
    let first = send.clone();
    store.commit(
        changes(moment(0), new_message(message(0))),
        Box::new(move |result| {
            first.send((0, result.is_ok())).unwrap();
            held.recv().unwrap();
        }),
    );
    assert_eq!(answers.recv().unwrap(), (0, true));
    for n in 1..4 {
        let send = send.clone();
        let done = move |result: Result<_, _>| {
            let is_busy = result == Err(CommitError::Busy);
            send.send((n, !is_busy)).unwrap();
        };
        store.commit(changes(moment(n), new_message(message(n))), Box::new(done));
    }
    release.send(()).unwrap();
    let rest: Vec<_> = answers.iter().take(3).collect();
    assert_eq!(rest, [(1, true), (2, false), (3, false)]);
}

#[test]
fn answers_come_from_a_thread_of_the_store() {
    let place = Place::new();
    let store = place.open().unwrap();
    let (send, answers) = channel();
    let changes = changes(moment(0), new_message(message(0)));
    store.commit(
        changes,
        Box::new(move |_| send.send(std::thread::current().id()).unwrap()),
    );
    assert_ne!(answers.recv().unwrap(), std::thread::current().id());
}

#[test]
fn a_store_may_be_dropped_in_an_answer_that_it_gives() {
    let place = Place::new();
    let store = Arc::new(place.open().unwrap());
    let (send, answered) = channel();
    let mine = Arc::clone(&store);
    // The answer waits until it holds the store alone, and then lets it go.
    let done = move |result: Result<_, _>| {
        while Arc::strong_count(&mine) > 1 {
            std::thread::yield_now();
        }
        drop(mine);
        send.send(result.is_ok()).unwrap();
    };
    store.commit(changes(moment(0), new_message(message(0))), Box::new(done));
    drop(store);
    assert!(answered.recv().unwrap());
    let again = loop {
        match place.open() {
            Err(OpenError::InUse { .. }) => std::thread::yield_now(),
            opened => break opened.unwrap(),
        }
    };
    assert_eq!(by_number(&again).len(), 1);
}

#[test]
fn a_closed_store_answers_poisoned() {
    let place = Place::new();
    let store = place.open().unwrap();
    store.close();
    let late = changes(moment(0), new_message(message(0)));
    assert_eq!(commit(&store, late), Err(CommitError::Poisoned));
    assert!(!store.is_available());
    store.reopen().unwrap_err();
    wait(store.message(message_id(0))).unwrap_err();
}

#[test]
fn an_index_that_was_deleted_damaged_or_swapped_is_built_anew() {
    let place = Place::filled(30);
    let stranger = Place::filled(7);
    let index = place.file("index.sqlite");
    let newest_first: Vec<_> = (0..30).rev().map(message_id).collect();
    let spoils: [&dyn Fn(); 4] = [
        &|| fs::remove_file(&index).unwrap(),
        &|| fs::write(&index, b"SQLite format 3\0 and then nonsense").unwrap(),
        &|| {
            let mut bytes = fs::read(&index).unwrap();
            bytes[4_096..].fill(0x5a);
            fs::write(&index, bytes).unwrap();
        },
        &|| {
            fs::copy(stranger.file("index.sqlite"), &index).unwrap();
        },
    ];
    for spoil in spoils {
        spoil();
        let store = place.open().unwrap();
        // Twice: while it is being built, and perhaps after.
        for _ in 0..2 {
            let found: Vec<_> = by_number(&store).into_iter().map(|row| row.id).collect();
            assert_eq!(found, newest_first);
        }
        drop(store);
        let index = Connection::open(&index).unwrap();
        let rows: i64 = index
            .query_row("SELECT count(*) FROM message_subject", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 30, "it was built by the time the store was closed");
    }
}

#[test]
fn what_is_indexed_is_not_kept_twice() {
    let place = Place::new();
    let mut config = place.config();
    config.bounds.index_batch_rows = 8;
    let store = Embedded::open(config).unwrap();
    fill(&store, 0, 200);
    drop(store);
    let database = Connection::open(place.file("shortstop.sqlite")).unwrap();
    let fresh: i64 = database
        .query_row("SELECT count(*) FROM fresh", [], |row| row.get(0))
        .unwrap();
    assert!(fresh < 200, "{fresh} records were never trimmed");
    drop(database);
    assert_eq!(by_number(&place.open().unwrap()).len(), 200);
}

#[test]
fn a_start_reads_open_messages_and_not_the_others() {
    let place = Place::filled(3);
    let database = Connection::open(place.file("shortstop.sqlite")).unwrap();
    let plan: String = database
        .query_row(
            "EXPLAIN QUERY PLAN SELECT seq, head FROM message INDEXED BY open_message
                WHERE open = 1 ORDER BY seq",
            [],
            |row| row.get(3),
        )
        .unwrap();
    assert_eq!(plan, "SEARCH message USING INDEX open_message (open=?)");
}

#[test]
fn a_backup_taken_under_load_restores_to_a_store_that_goes_on() {
    let place = Place::new();
    let store = place.open().unwrap();
    fill(&store, 0, 50);
    let copy = place.file("../copy.sqlite");
    let backup = store.backup(copy.clone());
    fill(&store, 50, 100);
    wait(backup).unwrap();
    assert_eq!(mode(&copy), 0o600);
    drop(store);

    let other = Place::new();
    restore(&copy, &other.folder, &BY).unwrap();
    let restored = other.open().unwrap();
    let found = by_number(&restored).len();
    assert!((50..=100).contains(&found), "{found}");
    let head = restored.head().unwrap();
    let size = u64::try_from(found).unwrap();
    // Behind the messages stands the entry of the restore.
    assert_eq!((head.size, head.epoch), (size + 1, 1_002));
    assert_eq!(head.last_sequence, sequence(size - 1));
    fill(&restored, 200, 201);
    assert_eq!(mode(&other.file("shortstop.sqlite")), 0o600);
}

#[test]
fn a_backup_never_overwrites_a_file() {
    let place = Place::filled(1);
    let store = place.open().unwrap();
    let there = place.file("../there.sqlite");
    fs::write(&there, b"mine").unwrap();
    wait(store.backup(there.clone())).unwrap_err();
    assert_eq!(fs::read(&there).unwrap(), b"mine");
}

#[test]
fn a_restore_takes_only_a_whole_backup_into_an_empty_folder() {
    let place = Place::filled(200);
    let store = place.open().unwrap();
    let copy = place.file("../copy.sqlite");
    wait(store.backup(copy.clone())).unwrap();
    drop(store);
    let refused = restore(&copy, &place.folder, &BY);
    assert!(
        matches!(refused, Err(RestoreError::NotEmpty(_))),
        "{refused:?}"
    );

    let whole = fs::read(&copy).unwrap();
    let spoiled: [(&str, Vec<u8>); 4] = [
        ("cut", whole[..whole.len() / 2].to_vec()),
        (
            "scribbled over",
            [&whole[..8_192], &vec![0x5a; 40_960], &whole[49_152..]].concat(),
        ),
        ("empty", Vec::new()),
        (
            "no database",
            b"not a database at all, but some text".repeat(40),
        ),
    ];
    for (what, bytes) in spoiled {
        let bad = place.file("../bad.sqlite");
        fs::write(&bad, bytes).unwrap();
        let target = Place::new();
        assert!(restore(&bad, &target.folder, &BY).is_err(), "{what}");
        let left: Vec<_> = fs::read_dir(&target.folder).unwrap().collect();
        assert!(left.is_empty(), "{what}: {left:?}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let place = Place::new();
    fs::create_dir_all(place.folder.parent().unwrap()).unwrap();
    fs::write(&place.folder, b"a file in its place").unwrap();
    fs::set_permissions(&place.folder, Permissions::from_mode(0o600)).unwrap();
    let refused = place.open().unwrap_err();
    assert!(refused.to_string().contains(place.folder.to_str().unwrap()));
}

/// What lies in the folder, by name.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let bytes = fs::read(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), bytes)
        })
        .collect();
    found.sort();
    found
}

#[test]
fn a_store_whose_database_is_gone_is_refused_and_its_rest_left_alone() {
    let rests = [
        "shortstop.sqlite-wal",
        "shortstop.sqlite-shm",
        "shortstop.sqlite-journal",
        "index.sqlite",
        "tree.sqlite",
        "catalog.sqlite",
        "restoring.sqlite",
    ];
    for rest in rests {
        let place = Place::new();
        fs::create_dir_all(&place.folder).unwrap();
        fs::write(place.file("shortstop.lock"), b"").unwrap();
        fs::write(place.file(rest), b"all that is left").unwrap();
        let before = contents(&place.folder);
        let refused = place.open().unwrap_err();
        assert!(matches!(refused, OpenError::Missing { .. }), "{refused:?}");
        let says = refused.to_string();
        for word in [place.folder.to_str().unwrap(), rest, "restore a backup"] {
            assert!(says.contains(word), "{says}");
        }
        assert_eq!(contents(&place.folder), before);
    }
}

#[test]
fn a_database_removed_from_under_a_running_store_is_not_replaced_by_an_empty_one() {
    let place = Place::new();
    let store = place.open().unwrap();
    fill(&store, 0, 20);
    // What a process leaves that is killed after the file was removed.
    let left = Place::new();
    fs::create_dir_all(&left.folder).unwrap();
    for name in ["shortstop.sqlite-wal", "shortstop.sqlite-shm"] {
        fs::copy(place.file(name), left.file(name)).unwrap();
    }
    let log = fs::read(left.file("shortstop.sqlite-wal")).unwrap();
    assert!(!log.is_empty());
    assert!(matches!(left.open(), Err(OpenError::Missing { .. })));
    assert_eq!(fs::read(left.file("shortstop.sqlite-wal")).unwrap(), log);
    assert!(!left.file("shortstop.sqlite").exists());
}

#[test]
fn a_backup_into_the_data_folder_itself_is_refused() {
    let place = Place::new();
    let store = place.open().unwrap();
    fill(&store, 0, 3);
    fs::create_dir(place.file("copies")).unwrap();
    let link = place.file("../link");
    std::os::unix::fs::symlink(&place.folder, &link).unwrap();
    let targets = [
        place.file("copy.sqlite"),
        place.file("tree.sqlite"),
        place.file("copies/copy.sqlite"),
        place.file("../data/copy.sqlite"),
        link.join("copy.sqlite"),
    ];
    for target in targets {
        let refused = wait(store.backup(target.clone())).unwrap_err().to_string();
        for word in [target.to_str().unwrap(), "inside the data folder"] {
            assert!(refused.contains(word), "{refused}");
        }
        assert!(
            refused.starts_with("the file "),
            "nothing was read: {refused}"
        );
        assert!(!target.exists(), "{}", target.display());
    }
    wait(store.backup(place.file("../copy.sqlite"))).unwrap();
}

#[test]
fn a_backup_that_cannot_be_written_names_its_file_and_the_cause() {
    let place = Place::new();
    let store = place.open().unwrap();
    let taken = place.file("../taken.sqlite");
    fs::write(&taken, b"mine").unwrap();
    let targets = [
        (place.file("../nowhere/copy.sqlite"), "No such file"),
        (taken.join("copy.sqlite"), "Not a directory"),
        (taken, "File exists"),
    ];
    for (target, cause) in targets {
        let refused = wait(store.backup(target.clone())).unwrap_err().to_string();
        for word in [target.to_str().unwrap(), cause] {
            assert!(refused.contains(word), "{refused}");
        }
    }
}

#[test]
fn a_number_of_readers_out_of_bounds_is_refused_before_anything_is_made() {
    for (readers, is_right) in [
        (0, false),
        (1, true),
        (64, true),
        (65, false),
        (100_000, false),
    ] {
        let place = Place::new();
        let mut config = place.config();
        config.bounds.readers = readers;
        let opened = Embedded::open(config).map(|_| ());
        assert_eq!(opened.is_ok(), is_right, "{readers}: {opened:?}");
        if let Err(refused) = opened {
            let says = format!("{readers} readers are not within 1 to 64");
            assert_eq!(refused.to_string(), says);
            assert!(!place.folder.exists());
        }
    }
}
