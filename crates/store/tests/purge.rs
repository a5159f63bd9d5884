//! What is overwritten leaves no octet in the files of the store.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use engine::changes::Write;
use engine::ports::{Erasure as _, Store};
use engine::rows::{KekRow, Purpose};
use ledger::NodeName;
use store::{Embedded, EmbeddedConfig};
use testkit::contract::store::samples::{changes, message, moment, new_message};

fn kek(octet: u8) -> KekRow {
    KekRow {
        purpose: Purpose::Number,
        week: 2_916,
        wrapped: vec![octet; 60],
    }
}

fn commit(store: &Embedded, n: u64, writes: Vec<Write>) {
    let (done, durable) = std::sync::mpsc::channel();
    let done = move |result: Result<_, _>| done.send(result.is_ok()).unwrap();
    store.commit(changes(moment(n), writes), Box::new(done));
    assert!(durable.recv().unwrap());
}

fn purge(store: &Embedded) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(store.purge()).unwrap();
}

/// The files of a folder that hold this key.
fn holding(folder: &Path, octet: u8) -> Vec<String> {
    let files = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let holds = |path: &Path| {
        let octets = fs::read(path).unwrap();
        octets.windows(60).any(|window| window == [octet; 60])
    };
    files
        .filter(|file| holds(&file.path()))
        .map(|file| file.file_name().into_string().unwrap())
        .collect()
}

#[test]
fn an_old_wrapped_key_is_in_no_file_after_a_purge() {
    let place = tempfile::tempdir().unwrap();
    let config = EmbeddedConfig::new(place.path(), NodeName::parse("gw-1").unwrap());
    let store = Embedded::open(config).unwrap();
    commit(&store, 1, vec![Write::Kek(kek(0xa5))]);
    for n in 2..50 {
        commit(&store, n, new_message(message(n)));
    }
    assert!(!holding(place.path(), 0xa5).is_empty());
    commit(&store, 50, vec![Write::Rewrap(kek(0x5a))]);
    assert!(
        !holding(place.path(), 0xa5).is_empty(),
        "there is something to clear"
    );
    purge(&store);
    assert_eq!(holding(place.path(), 0xa5), Vec::<String>::new());
    assert!(!holding(place.path(), 0x5a).is_empty());
    // Rounds that write nothing, and commits, go on behind it.
    store.prune(moment(51), moment(1));
    purge(&store);
    commit(&store, 51, new_message(message(51)));
    assert!(store.is_available());
}
