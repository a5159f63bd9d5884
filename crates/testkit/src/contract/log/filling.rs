//! Ledgers of a wanted size, and the tree that they must have.

use std::collections::BTreeMap;

use engine::changes::Changes;
use engine::ports::log::{Node, Published};
use engine::ports::{Log, Store};
use ledger::{Actor, Draft, Frontier, Hash, Kind, ObjectType, Outcome};

use crate::contract::store::samples::{draft, message, message_id, moment, new_message};
use crate::contract::store::waiting::commit;

/// Entries of one commit of [`fill`].
const ENTRIES_A_COMMIT: u64 = 1_000;

/// The entry that accepts the `n`-th message.
pub fn acceptance(n: u64) -> Draft {
    Draft::of(
        Kind::MessageAccepted,
        Actor::system(&"contract"),
        Outcome::Done,
    )
    .object(ObjectType::Message, &message_id(n))
    .build()
    .unwrap()
}

/// The changes that accept the `n`-th message.
pub fn accepting(n: u64) -> Changes {
    let mut changes = Changes::new(acceptance(n), moment(n));
    for write in new_message(message(n)) {
        changes.write(write);
    }
    changes
}

/// Commits entries until there are so many.
pub fn fill(store: &dyn Store, size: u64) {
    let mut have = store.head().unwrap().size;
    while have < size {
        let count = (size - have).min(ENTRIES_A_COMMIT);
        let mut changes = Changes::new(draft(Kind::MessageDispatched), moment(have));
        for _ in 1..count {
            changes.entry(draft(Kind::MessageDispatched));
        }
        assert_eq!(commit(store, changes).unwrap().first_index, have);
        have += count;
    }
}

/// The tree over the leaves of a log, as the frontier grows it.
pub struct Grown {
    /// The root at its size.
    pub root: Hash,
    /// Every node of the levels that are kept, in the order in which they were finished.
    pub nodes: Vec<Node>,
    /// The same by level.
    pub levels: BTreeMap<u8, Vec<Hash>>,
}

/// Grows the tree over the first `size` leaves.
pub fn grow(log: &dyn Log, size: u64) -> Grown {
    let leaves = log.leaves(0, usize::try_from(size).unwrap()).unwrap();
    assert_eq!(u64::try_from(leaves.len()), Ok(size));
    let mut frontier = Frontier::new();
    let mut nodes = Vec::new();
    let mut levels: BTreeMap<u8, Vec<Hash>> = BTreeMap::new();
    for leaf in leaves {
        frontier.append_with(leaf, |level, index, hash| {
            if level > 0 && level % 8 == 0 {
                nodes.push(Node { level, index, hash });
                levels.entry(level).or_default().push(hash);
            }
        });
    }
    Grown {
        root: frontier.root(),
        nodes,
        levels,
    }
}

/// A checkpoint over the first `size` leaves of a log. Its note only has to be told from others.
pub fn checkpoint(log: &dyn Log, size: u64) -> Published {
    let root = grow(log, size).root;
    Published {
        size,
        root,
        note: format!(
            "log.example/contract\n{size}\n{root}\n\n\u{2014} log.example/contract AAAA\n"
        ),
    }
}

/// Publishes a checkpoint over the first `size` leaves with all of the nodes.
pub fn publish(log: &dyn Log, size: u64) -> Published {
    let published = checkpoint(log, size);
    log.publish(&grow(log, size).nodes, &published).unwrap();
    published
}

/// Holds the nodes of every level against the tree: whole, and around every edge of a page.
pub fn check_nodes(log: &dyn Log, size: u64) {
    let grown = grow(log, size);
    let none = Vec::new();
    for level in [8, 16, 24, 56] {
        let wanted = grown.levels.get(&level).unwrap_or(&none);
        assert_eq!(&log.nodes(level, 0, usize::MAX).unwrap(), wanted);
        for from in edges(wanted.len()) {
            for most in [0, 1, 255, 256, 257] {
                let page = log
                    .nodes(level, u64::try_from(from).unwrap(), most)
                    .unwrap();
                assert_eq!(
                    page,
                    slice(wanted, from, most),
                    "level {level}: {most} from {from}"
                );
            }
        }
    }
}

/// The places around which a page may go wrong.
pub fn edges(length: usize) -> Vec<usize> {
    let around = [
        0,
        1,
        255,
        256,
        257,
        length.saturating_sub(1),
        length,
        length + 1,
    ];
    around
        .into_iter()
        .filter(|place| *place <= length + 1)
        .collect()
}

/// A page of a list.
pub fn slice<T>(all: &[T], from: usize, most: usize) -> &[T] {
    let from = from.min(all.len());
    &all[from..from.saturating_add(most).min(all.len())]
}
