//! What a log promises of checkpoints: the last one is kept, and none goes back.

use ledger::Hash;

use super::filling::{checkpoint, fill, publish};
use super::{Home, Opened};

/// Note and all.
pub fn the_latest_checkpoint_is_the_one_published_last_also_after_a_restart(home: &mut dyn Home) {
    let mut last = None;
    for size in [1, 2, 256, 300, 301] {
        let Opened { store, log } = home.open();
        assert_eq!(log.latest().unwrap(), last);
        fill(&*store, size);
        last = Some(publish(&*log, size));
        assert_eq!(log.latest().unwrap(), last);
    }
    assert_eq!(home.open().log.latest().unwrap(), last);
}

/// Even if it is of the same tree.
pub fn a_smaller_checkpoint_is_refused_also_after_a_restart(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    fill(&*store, 300);
    let last = Some(publish(&*log, 290));
    log.publish(&[], &checkpoint(&*log, 289)).unwrap_err();
    assert_eq!(log.latest().unwrap(), last);
    drop((store, log));
    let Opened { log, store: _store } = home.open();
    log.publish(&[], &checkpoint(&*log, 289)).unwrap_err();
    assert_eq!(log.latest().unwrap(), last);
    log.publish(&[], &checkpoint(&*log, 291)).unwrap();
}

/// A witness may come late.
pub fn the_same_size_may_bring_signatures_but_no_other_root(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    fill(&*store, 10);
    let mut published = publish(&*log, 10);
    published
        .note
        .push_str("\u{2014} witness.example/w1 BBBB\n");
    log.publish(&[], &published).unwrap();
    assert_eq!(log.latest().unwrap(), Some(published.clone()));
    drop((store, log));
    let Opened { log, store: _store } = home.open();
    assert_eq!(log.latest().unwrap(), Some(published.clone()));
    let mut forked = published.clone();
    forked.root = Hash::from_bytes([7; 32]);
    log.publish(&[], &forked).unwrap_err();
    assert_eq!(log.latest().unwrap(), Some(published));
}

/// What is signed is durable first.
pub fn a_checkpoint_over_entries_that_are_not_there_is_refused(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    fill(&*store, 10);
    let mut early = checkpoint(&*log, 10);
    early.size = 11;
    log.publish(&[], &early).unwrap_err();
    assert_eq!(log.latest().unwrap(), None);
    publish(&*log, 10);
}
