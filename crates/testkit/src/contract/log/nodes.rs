//! What a log shows of the tree: the nodes that the frontier finishes, whether they were handed over or
//! not.

use engine::ports::log::Node;
use ledger::Hash;

use super::filling::{check_nodes, checkpoint, fill, grow, publish};
use super::{Home, Opened};

/// Around the edges of the lowest level.
pub fn nodes_are_those_of_the_tree_with_and_without_a_checkpoint(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    for size in [1, 255, 256, 257, 300, 511, 512, 513] {
        fill(&*store, size);
        check_nodes(&*log, size);
    }
    publish(&*log, 513);
    check_nodes(&*log, 513);
    fill(&*store, 1_100);
    publish(&*log, 1_100);
    check_nodes(&*log, 1_100);
    drop((store, log));
    check_nodes(&*home.open().log, 1_100);
}

/// Of three levels, computed at once and handed over.
pub fn nodes_of_a_large_ledger_are_those_of_the_tree_at_every_edge(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    fill(&*store, 65_535);
    check_nodes(&*log, 65_535);
    fill(&*store, 65_536);
    publish(&*log, 65_536);
    check_nodes(&*log, 65_536);
    fill(&*store, 70_000);
    check_nodes(&*log, 70_000);
    publish(&*log, 70_000);
    drop((store, log));
    check_nodes(&*home.open().log, 70_000);
}

/// The missing ones are computed.
pub fn nodes_that_come_with_a_gap_leave_none(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    fill(&*store, 1_100);
    let grown = grow(&*log, 1_100);
    log.publish(&grown.nodes[2..3], &checkpoint(&*log, 1_099))
        .unwrap();
    check_nodes(&*log, 1_100);
    log.publish(&[], &checkpoint(&*log, 1_100)).unwrap();
    check_nodes(&*log, 1_100);
}

/// To ask for one is a fault of the caller, not an end of the list.
pub fn there_are_no_nodes_between_the_levels(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    fill(&*store, 300);
    for level in [0, 1, 7, 9, 12, 57, 64, 255] {
        log.nodes(level, 0, 1).unwrap_err();
        let hash = Hash::from_bytes([1; 32]);
        let node = Node {
            level,
            index: 0,
            hash,
        };
        log.publish(&[node], &checkpoint(&*log, 300)).unwrap_err();
    }
    assert_eq!(log.latest().unwrap(), None);
}

/// Nothing is published with it.
pub fn a_node_that_is_not_of_the_tree_below_the_checkpoint_is_refused(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    fill(&*store, 600);
    let nodes = grow(&*log, 600).nodes;
    log.publish(&nodes, &checkpoint(&*log, 511)).unwrap_err();
    assert_eq!(log.latest().unwrap(), None);
    publish(&*log, 511);
    check_nodes(&*log, 600);
    let mut wrong = nodes;
    wrong[0].hash = wrong[1].hash;
    log.publish(&wrong, &checkpoint(&*log, 600)).unwrap_err();
    assert_eq!(log.latest().unwrap().map(|it| it.size), Some(511));
    check_nodes(&*log, 600);
}
