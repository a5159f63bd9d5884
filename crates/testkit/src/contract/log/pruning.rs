//! Entries that lose their bytes, and what stays of them.

use engine::changes::{Changes, Write};
use engine::ports::{Pruning, Store};
use ledger::{Hash, Kind};

use super::filling::{check_nodes, fill, grow, publish, slice};
use super::{Home, Opened, Spoil};
use crate::contract::store::samples::{draft, moment};
use crate::contract::store::waiting::commit;

/// Sizes around the edges of tiles, and the minimum that is set at each.
const EDGES: [(u64, u64); 6] = [
    (255, 0),
    (257, 256),
    (511, 256),
    (513, 512),
    (4_700, 4_352),
    (9_000, 8_960),
];

fn set(store: &dyn Store, minimum: u64, at: u64) {
    let mut changes = Changes::new(draft(Kind::LedgerPruned), moment(at));
    changes.write(Write::Minimum(minimum));
    commit(store, changes).unwrap();
}

fn drop_all(log: &dyn Pruning) {
    while log.drop_some().unwrap() > 0 {}
}

/// Nothing is pruned before somebody does it.
pub fn nothing_is_pruned_at_first(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    fill(store.as_ref(), 300);
    assert_eq!((log.minimum(), log.drop_some()), (Ok(0), Ok(0)));
    assert_eq!(log.entries(0, 300).unwrap().len(), 300);
}

/// The bytes go, hashes and nodes stay, also after a restart; what is at or above the minimum stays whole.
pub fn what_is_pruned_keeps_its_hashes_and_its_nodes(home: &mut dyn Home) {
    let mut have = 0;
    for (size, minimum) in EDGES {
        let Opened { store, log } = home.open();
        fill(store.as_ref(), size);
        let before = log.leaves(0, usize::MAX).unwrap();
        let whole = log.entries(minimum, usize::MAX).unwrap();
        let root = grow(log.as_ref(), size).root;
        set(store.as_ref(), minimum, size);
        drop_all(log.as_ref());
        let kept = (before.as_slice(), whole.as_slice());
        check_pruned(log.as_ref(), (size, minimum), kept);
        drop((store, log));

        let Opened { store, log } = home.open();
        check_pruned(log.as_ref(), (size, minimum), kept);
        assert_eq!(grow(log.as_ref(), size).root, root);
        publish(log.as_ref(), size);
        check_nodes(log.as_ref(), size + 1);
        have = have.max(store.head().unwrap().size);
    }
    assert!(have > 9_000);
}

/// What was pruned cannot be read; the leaves are what they were, and so are the entries from the minimum on.
fn check_pruned(
    log: &dyn Pruning,
    (size, minimum): (u64, u64),
    (leaves, whole): (&[Hash], &[Vec<u8>]),
) {
    assert_eq!(log.minimum(), Ok(minimum));
    assert_eq!(log.size(), Ok(size + 1));
    let many = usize::try_from(size).unwrap();
    assert_eq!(log.leaves(0, many).unwrap(), leaves);
    let places = [0, 1, 255, 256, minimum.saturating_sub(1), minimum];
    for from in places.into_iter().filter(|from| *from <= size) {
        let place = usize::try_from(from).unwrap();
        let most = 300.min(many - place);
        assert_eq!(log.leaves(from, most).unwrap(), slice(leaves, place, most));
    }
    assert_eq!(log.entries(minimum, whole.len()).unwrap(), whole);
    for below in [0, minimum / 2, minimum.saturating_sub(1)] {
        assert_eq!(log.entries(below, 1).is_err(), below < minimum);
    }
}

/// What a process that died left is dropped by the next.
pub fn dropping_goes_on_after_a_restart(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    fill(store.as_ref(), 9_000);
    let before = log.leaves(0, 9_000).unwrap();
    set(store.as_ref(), 8_960, 9_000);
    let left = log.drop_some().unwrap();
    assert!(left > 0 && left < 8_960, "a step is bounded: {left} left");
    drop((store, log));
    let Opened { log, .. } = home.open();
    assert_eq!(log.minimum(), Ok(8_960));
    assert_eq!(log.leaves(0, 9_000).unwrap(), before);
    assert!(log.drop_some().unwrap() < left);
    drop_all(log.as_ref());
    assert_eq!(log.leaves(0, 9_000).unwrap(), before);
}

/// The minimum index never goes down.
pub fn a_minimum_never_goes_down(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    fill(store.as_ref(), 600);
    for minimum in [512, 256, 0] {
        set(store.as_ref(), minimum, 600);
        assert_eq!(log.minimum(), Ok(512));
    }
}

/// Nodes over pruned entries are computed from the hashes that stayed.
pub fn a_spoiled_tree_over_pruned_entries_is_computed_anew(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    fill(store.as_ref(), 1_000);
    let published = publish(log.as_ref(), 1_000);
    set(store.as_ref(), 768, 1_000);
    drop_all(log.as_ref());
    drop((store, log));
    home.spoil(Spoil::Removed);
    let Opened { log, .. } = home.open();
    check_nodes(log.as_ref(), 1_001);
    assert_eq!(grow(log.as_ref(), 1_000).root, published.root);
}

/// A snapshot is shown once its minimum is in force, and goes when a newer one is.
pub fn the_snapshot_is_that_of_the_minimum_in_force(home: &mut dyn Home) {
    let parts = |log: &dyn Pruning| {
        let mut found = Vec::new();
        log.with_view(&mut |view, _| {
            for part in 0.. {
                match view.snapshot(part)? {
                    Some(sealed) => found.push(sealed),
                    None => return Ok(()),
                }
            }
            Ok(())
        })
        .unwrap();
        found
    };
    let Opened { store, log } = home.open();
    fill(store.as_ref(), 1_000);
    for part in 0..3_u8 {
        log.keep_part(512, u32::from(part), vec![9; 9]).unwrap();
    }
    // A snapshot that no entry tells of makes room for the next.
    for part in 0..2_u8 {
        log.keep_part(256, u32::from(part), vec![part; 5]).unwrap();
    }
    assert_eq!(parts(log.as_ref()), Vec::<Vec<u8>>::new());
    set(store.as_ref(), 256, 1_000);
    assert_eq!(parts(log.as_ref()), [vec![0; 5], vec![1; 5]]);
    drop_all(log.as_ref());
    log.keep_part(768, 0, vec![7; 3]).unwrap();
    assert_eq!(parts(log.as_ref()).len(), 2, "the one in force stays");
    set(store.as_ref(), 768, 1_000);
    drop_all(log.as_ref());
    drop((store, log));
    let Opened { log, .. } = home.open();
    assert_eq!(parts(log.as_ref()), [vec![7; 3]]);
}
