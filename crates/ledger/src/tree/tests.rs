//! Known answers of RFC 6962 trees, and every proof of every size up to 300.

use super::consistency::{self, ConsistencyError, TreeHead};
use super::inclusion::{self, InclusionError, Place};
use super::*;
use crate::leaf::{empty_root, leaf_hash};

const SIZES: u64 = 300;

const KNOWN_ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

const KNOWN_INCLUSION_5_OF_8: [&str; 3] = [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
];

const KNOWN_CONSISTENCY_6_TO_8: [&str; 3] = [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
];

/// The leaves of the known answers.
fn known_leaves() -> Vec<Hash> {
    let data: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"PQRSTUVW",
        b"`abcdefghijklmno",
    ];
    data.into_iter().map(leaf_hash).collect()
}

/// All nodes of a tree, level by level, and the root at every size.
struct Grown {
    levels: Vec<Vec<Hash>>,
    roots: Vec<Hash>,
}

impl Grown {
    fn new(size: u64) -> Self {
        let mut grown = Self {
            levels: vec![Vec::new(); 64],
            roots: vec![empty_root()],
        };
        let mut frontier = Frontier::new();
        for index in 0..size {
            frontier.append_with(leaf_hash(&index.to_be_bytes()), |level, index, hash| {
                let nodes = &mut grown.levels[usize::from(level)];
                assert_eq!(
                    u64::try_from(nodes.len()).unwrap(),
                    index,
                    "each node is told once"
                );
                nodes.push(hash);
            });
            grown.roots.push(frontier.root());
        }
        grown
    }

    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        self.levels
            .get(usize::from(level))?
            .get(usize::try_from(index).ok()?)
            .copied()
    }

    fn head(&self, size: u64) -> TreeHead {
        TreeHead {
            size,
            root: self.roots[usize::try_from(size).unwrap()],
        }
    }
}

/// `MTH` word for word as RFC 6962 §2.1 defines it, as the oracle of the rest.
fn root_by_definition(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let middle = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(middle);
            node_hash(&root_by_definition(left), &root_by_definition(right))
        }
    }
}

/// A hash with one bit turned.
fn bent(hash: Hash) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[31] ^= 1;
    Hash::from_bytes(bytes)
}

#[test]
fn roots_and_proofs_of_the_known_tree_are_the_published_ones() {
    let leaves = known_leaves();
    for (size, root) in (1..).zip(KNOWN_ROOTS) {
        assert_eq!(root_of(&leaves[..size]).to_string(), root);
    }
    let nodes = |level, index| node_of(&leaves, level, index);
    let text = |proof: Vec<Hash>| proof.iter().map(Hash::to_string).collect::<Vec<_>>();
    assert_eq!(
        text(inclusion::prove(&nodes, 5, 8).unwrap()),
        KNOWN_INCLUSION_5_OF_8
    );
    assert_eq!(
        text(consistency::prove(&nodes, 6, 8).unwrap()),
        KNOWN_CONSISTENCY_6_TO_8
    );
}

#[test]
fn the_root_at_every_size_is_the_one_of_the_definition() {
    let grown = Grown::new(SIZES);
    for (size, root) in grown.roots.iter().enumerate() {
        assert_eq!(
            root_by_definition(&grown.levels[0][..size]),
            *root,
            "size {size}"
        );
    }
}

#[test]
fn every_leaf_of_every_size_has_a_proof_that_fits_it_alone() {
    let grown = Grown::new(SIZES);
    for size in 0..=SIZES {
        let root = grown.head(size).root;
        for index in 0..size {
            let leaf = grown.node(0, index).unwrap();
            let place = Place { index, size, leaf };
            let proof =
                inclusion::prove(&|level, index| grown.node(level, index), index, size).unwrap();
            assert_eq!(inclusion::verify(place, &proof, &root), Ok(()));
            let other = Place {
                leaf: bent(leaf),
                ..place
            };
            assert_eq!(
                inclusion::verify(other, &proof, &root),
                Err(InclusionError::Root)
            );
            if let Some((_, shorter)) = proof.split_last() {
                assert_eq!(
                    inclusion::verify(place, shorter, &root),
                    Err(InclusionError::Length)
                );
            }
            let longer = [proof, vec![leaf]].concat();
            assert_eq!(
                inclusion::verify(place, &longer, &root),
                Err(InclusionError::Length)
            );
        }
        let beyond = Place {
            index: size,
            size,
            leaf: root,
        };
        assert_eq!(
            inclusion::verify(beyond, &[], &root),
            Err(InclusionError::Range)
        );
    }
}

#[test]
fn an_inclusion_proof_with_any_hash_bent_or_another_index_fails() {
    let grown = Grown::new(70);
    for size in 1..=70 {
        let root = grown.head(size).root;
        for index in 0..size {
            let place = Place {
                index,
                size,
                leaf: grown.node(0, index).unwrap(),
            };
            let proof =
                inclusion::prove(&|level, index| grown.node(level, index), index, size).unwrap();
            for at in 0..proof.len() {
                let mut wrong = proof.clone();
                wrong[at] = bent(wrong[at]);
                assert_eq!(
                    inclusion::verify(place, &wrong, &root),
                    Err(InclusionError::Root)
                );
            }
            for other in (0..size).filter(|other| *other != index) {
                let moved = Place {
                    index: other,
                    ..place
                };
                assert!(
                    inclusion::verify(moved, &proof, &root).is_err(),
                    "{index} as {other}"
                );
            }
        }
    }
}

#[test]
fn every_size_is_consistent_with_every_smaller_one() {
    let grown = Grown::new(SIZES);
    for size in 0..=SIZES {
        let newer = grown.head(size);
        for smaller in 0..=size {
            let older = grown.head(smaller);
            let proof = consistency::prove(&|level, index| grown.node(level, index), smaller, size)
                .unwrap();
            assert_eq!(
                consistency::verify(older, newer, &proof),
                Ok(()),
                "{smaller} to {size}"
            );
            let longer = [proof.clone(), vec![newer.root]].concat();
            assert_eq!(
                consistency::verify(older, newer, &longer),
                Err(ConsistencyError::Length),
                "{smaller} to {size}"
            );
            let forked = TreeHead {
                root: bent(newer.root),
                ..newer
            };
            if smaller > 0 {
                assert!(consistency::verify(older, forked, &proof).is_err());
            }
        }
    }
}

#[test]
fn a_consistency_proof_with_anything_bent_fails() {
    let grown = Grown::new(70);
    for size in 2..=70 {
        let newer = grown.head(size);
        for smaller in 1..size {
            let older = grown.head(smaller);
            let proof = consistency::prove(&|level, index| grown.node(level, index), smaller, size)
                .unwrap();
            for at in 0..proof.len() {
                let mut wrong = proof.clone();
                wrong[at] = bent(wrong[at]);
                assert!(consistency::verify(older, newer, &wrong).is_err());
            }
            let rewritten = TreeHead {
                root: bent(older.root),
                ..older
            };
            assert!(consistency::verify(rewritten, newer, &proof).is_err());
            assert_eq!(
                consistency::verify(older, newer, &[]),
                Err(ConsistencyError::Length)
            );
            assert_eq!(
                consistency::verify(newer, older, &proof),
                Err(ConsistencyError::Order)
            );
        }
    }
}

#[test]
fn no_proof_is_made_beyond_the_tree_or_without_its_nodes() {
    let grown = Grown::new(8);
    let nodes = |level, index| grown.node(level, index);
    assert_eq!(inclusion::prove(&nodes, 8, 8), Err(ProveError::Range));
    assert_eq!(consistency::prove(&nodes, 9, 8), Err(ProveError::Range));
    assert_eq!(
        inclusion::prove(&nodes, 0, 16),
        Err(ProveError::MissingNode { level: 3, index: 1 })
    );
}

#[test]
fn a_frontier_goes_on_where_it_was_left() {
    let leaves = known_leaves();
    for size in 0..=leaves.len() {
        let mut frontier = Frontier::new();
        leaves[..size]
            .iter()
            .for_each(|leaf| frontier.append(*leaf));
        let mut resumed = Frontier::resume(frontier.size(), frontier.peaks().to_vec()).unwrap();
        leaves[size..].iter().for_each(|leaf| resumed.append(*leaf));
        assert_eq!(resumed.root().to_string(), KNOWN_ROOTS[7]);
    }
    assert_eq!(Frontier::resume(3, vec![empty_root()]), None);
}
