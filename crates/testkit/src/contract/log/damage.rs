//! What a log promises when what it keeps of the tree is spoiled: nothing that cannot be computed or
//! signed again is lost.

use super::filling::{check_nodes, fill, publish};
use super::{Home, Opened, Spoil};

const SIZE: u64 = 70_000;

/// Nodes are the same as before.
pub fn a_spoiled_tree_is_computed_anew(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    fill(&*store, SIZE);
    publish(&*log, SIZE);
    drop((store, log));
    for how in Spoil::ALL {
        home.spoil(how);
        let Opened { store: _store, log } = home.open();
        check_nodes(&*log, SIZE);
        // For the next one to spoil.
        publish(&*log, SIZE);
    }
}

/// And what it still knows of the last one is true.
pub fn a_spoiled_tree_takes_the_next_checkpoint(home: &mut dyn Home) {
    for (size, how) in (300..).zip(Spoil::ALL) {
        let Opened { store, log } = home.open();
        fill(&*store, size);
        let before = publish(&*log, size);
        drop((store, log));
        home.spoil(how);
        let Opened { store, log } = home.open();
        let kept = log.latest().unwrap();
        assert!(kept.is_none() || kept == Some(before), "{how:?}: {kept:?}");
        fill(&*store, size + 1);
        let next = publish(&*log, size + 1);
        assert_eq!(log.latest().unwrap(), Some(next));
        check_nodes(&*log, size + 1);
    }
}
