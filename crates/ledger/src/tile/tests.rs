//! Paths as C2SP shows them, and tiles for every size against the definition.

use std::collections::BTreeSet;

use proptest::prelude::{any, prop_assert_eq, proptest};

use super::*;
use crate::leaf::{Hash, leaf_hash};
use crate::tree::{node_of, root_of};

fn paths(tiles: impl Iterator<Item = Tile>) -> Vec<String> {
    tiles.map(|tile| tile.to_string()).collect()
}

#[test]
fn paths_are_those_of_the_specification() {
    let check = |content, index, width, path: &str| {
        let tile = Tile::new(content, index, width).unwrap();
        assert_eq!(tile.to_string(), path);
        assert_eq!(Tile::parse(path), Some(tile));
    };
    check(Content::Hashes(0), 5, 256, "tile/0/005");
    check(Content::Hashes(0), 1_234_067, 8, "tile/0/x001/x234/067.p/8");
    check(
        Content::Entries,
        1_234_067,
        256,
        "tile/entries/x001/x234/067",
    );
    check(Content::Hashes(63), 999, 255, "tile/63/999.p/255");
    check(Content::Entries, 1_000, 1, "tile/entries/x001/000.p/1");
    let last = "tile/0/x018/x446/x744/x073/x709/x551/615";
    check(Content::Hashes(0), u64::MAX, 256, last);
}

#[test]
fn any_other_spelling_of_a_path_is_refused() {
    for path in [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/5",
        "tile/0/05",
        "tile/0/0005",
        "tile/00/005",
        "tile/64/005",
        "tile/-1/005",
        "tile/+1/005",
        "tile/0/x005",
        "tile/0/x000/005",
        "tile/0/001/005",
        "tile/0/x001/x005",
        "tile/0/x001/005/",
        "tile/0//005",
        "/tile/0/005",
        "tile/0/005.p/0",
        "tile/0/005.p/256",
        "tile/0/005.p/01",
        "tile/0/005.p/",
        "tile/0/005.p",
        "tile/0/005.p/1/2",
        "tile/data/005",
        "tile/entries/5",
        "tile/8/0/005",
        "tile/0/00a",
        "tile/0/+05",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/0é",
    ] {
        assert_eq!(Tile::parse(path), None, "{path}");
    }
}

#[test]
fn the_examples_of_the_specification_have_their_tiles() {
    let of_256 = ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"];
    assert_eq!(paths(tiles_of(256)), of_256);
    let of_70000: Vec<String> = paths(tiles_of(70_000));
    let level = |prefix: &str| {
        of_70000
            .iter()
            .filter(|path| path.starts_with(prefix))
            .count()
    };
    assert_eq!(
        (level("tile/0/"), level("tile/1/"), level("tile/2/")),
        (274, 2, 1)
    );
    for path in [
        "tile/0/273.p/112",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
        "tile/entries/273.p/112",
    ] {
        assert!(of_70000.contains(&path.to_owned()), "{path}");
    }
    assert_eq!(tiles_of(0).count(), 0);
}

#[test]
fn a_tile_holds_what_the_definition_says() {
    let leaves: Vec<Hash> = (0..70_000_u64)
        .map(|index| leaf_hash(&index.to_be_bytes()))
        .collect();
    for tile in tiles_of(70_000) {
        let Content::Hashes(level) = tile.content() else {
            continue;
        };
        let span = 256_usize.pow(u32::from(level));
        let first = usize::try_from(tile.index()).unwrap() * 256 * span;
        let hash =
            |place: usize| root_of(&leaves[first + place * span..first + (place + 1) * span]);
        let expected: Vec<u8> = (0..usize::from(tile.width()))
            .flat_map(|place| *hash(place).as_bytes())
            .collect();
        let made = hashes(&|level, index| node_of(&leaves, level, index), tile).unwrap();
        assert_eq!(made, expected, "{tile}");
    }
}

#[test]
fn every_size_grows_into_the_next_by_its_new_tiles() {
    for sizes in [0..300_u64, 65_534..65_539, 131_071..131_074] {
        for size in sizes {
            let before: BTreeSet<Tile> = tiles_of(size).collect();
            let after: BTreeSet<Tile> = tiles_of(size + 1).collect();
            let new: BTreeSet<Tile> = new_tiles(size, size + 1).collect();
            assert_eq!(new, after.difference(&before).copied().collect(), "{size}");
            assert_eq!(new_tiles(size, size).count(), 0);
        }
    }
}

#[test]
fn a_missing_node_is_named() {
    let tile = Tile::new(Content::Hashes(1), 0, 1).unwrap();
    let missing = ProveError::MissingNode { level: 8, index: 0 };
    assert_eq!(hashes(&|_, _| None, tile), Err(missing));
}

proptest! {
    #[test]
    fn every_path_reads_back(index in any::<u64>(), level in 0..=63_u8, width in 1..=256_u16) {
        for content in [Content::Entries, Content::Hashes(level)] {
            let tile = Tile::new(content, index, width).unwrap();
            prop_assert_eq!(Tile::parse(&tile.to_string()), Some(tile));
        }
    }

    #[test]
    fn reading_a_path_never_panics(path in "tile/([0-9a-z]{0,3}|entries)/[x0-9/.p]{0,20}") {
        if let Some(tile) = Tile::parse(&path) {
            prop_assert_eq!(tile.to_string(), path);
        }
    }
}
