//! The small parts of the verifier; whole logs are verified in `tests/tamper`.

use super::levels::{Below, Levels, Slot};
use super::order::{Mark, Order, Run, Start, Step};
use super::*;
use crate::leaf::{Hash, leaf_hash};
use crate::tree::frontier::Frontier;

fn mark(epoch: u64, seq: u64, time: u64) -> Mark {
    Mark { epoch, seq, time }
}

fn run(node: &str, first: Mark, last: Mark) -> Step {
    Step::Run(Run {
        node: node.to_owned(),
        index: 9,
        first,
        last,
    })
}

fn kinds(start: Start, steps: Vec<Step>) -> Vec<FaultKind> {
    let mut order = Order::new(start);
    steps
        .into_iter()
        .filter_map(|step| order.take(step))
        .map(|fault| fault.kind)
        .collect()
}

#[test]
fn a_node_keeps_its_order_across_others() {
    let steps = vec![
        run("a", mark(1, 0, 5), mark(1, 3, 8)),
        run("b", mark(7, 0, 1), mark(7, 0, 1)),
        run("a", mark(2, 4, 8), mark(2, 4, 8)),
        run("b", mark(7, 1, 1), mark(8, 9, 2)),
    ];
    assert_eq!(kinds(Start::Whole, steps), []);
}

#[test]
fn what_is_out_of_order_is_named_once() {
    let first = || run("a", mark(2, 0, 5), mark(2, 3, 8));
    let check = |second: Mark, kind| {
        assert_eq!(
            kinds(Start::Whole, vec![first(), run("a", second, second)]),
            [kind]
        );
    };
    check(mark(2, 5, 9), FaultKind::SequenceGap);
    check(mark(2, 3, 9), FaultKind::SequenceRepeat);
    check(mark(1, 4, 9), FaultKind::EpochBackwards);
    check(mark(2, 4, 7), FaultKind::TimeBackwards);
}

#[test]
fn a_node_begins_with_nothing_before_it() {
    let late = || run("a", mark(1, 4, 5), mark(1, 4, 5));
    assert_eq!(kinds(Start::Whole, vec![late()]), [FaultKind::SequenceGap]);
    assert_eq!(kinds(Start::Midway, vec![late()]), []);
}

#[test]
fn a_gap_where_entries_could_not_be_read_is_not_told_twice() {
    let first = || run("a", mark(1, 0, 5), mark(1, 3, 5));
    let after = |seq| run("a", mark(1, seq, 5), mark(1, seq, 5));
    assert_eq!(
        kinds(Start::Whole, vec![first(), Step::Unread, after(6)]),
        []
    );
    let repeat = kinds(Start::Whole, vec![first(), Step::Unread, after(3)]);
    assert_eq!(repeat, [FaultKind::SequenceRepeat]);
    let again = kinds(
        Start::Whole,
        vec![first(), Step::Unread, after(6), after(8)],
    );
    assert_eq!(again, [FaultKind::SequenceGap]);
}

#[test]
fn too_many_nodes_are_told_once() {
    let steps = (0..65_540).map(|node| run(&node.to_string(), mark(1, 0, 5), mark(1, 0, 5)));
    assert_eq!(
        kinds(Start::Whole, steps.collect()),
        [FaultKind::TooManyNodes]
    );
}

#[test]
fn the_levels_hold_the_edge_of_the_tree_of_full_tiles() {
    let (mut levels, mut whole) = (Levels::new(), Frontier::new());
    for index in 0..1_000_u64 {
        assert_eq!(levels.frontier(index), Some(whole.clone()), "{index} tiles");
        let hash = leaf_hash(&index.to_be_bytes());
        whole.append(hash);
        let below = Below::Sound;
        let mut built = levels.push(1, Slot { hash, below });
        let mut level = 1;
        while let Some(tile) = built {
            let hashes: Vec<Hash> = tile.slots.iter().map(|slot| slot.hash).collect();
            level += 1;
            built = levels.push(
                level,
                Slot {
                    hash: job::root_of_full(&hashes),
                    below,
                },
            );
        }
    }
}
