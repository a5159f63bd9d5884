//! Tests of [`super`]: it is a map that grows to a bound and never loses a live entry.

use std::collections::HashMap;

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::*;

/// A fixed row of words that look random.
fn mixed(seed: u64) -> u64 {
    let mut word = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

fn key(seed: u64) -> Key {
    Key([mixed(seed).max(1), mixed(!seed)])
}

/// Puts a key in with a state, live until `state`.
fn put(table: &mut Table, key: Key, state: u64, now: u64) -> bool {
    let place = table
        .find(key)
        .or_else(|| table.insert(key, |entry| entry.state <= now));
    if let Some(place) = place {
        table.set(
            place,
            Entry {
                key,
                state,
                ..Entry::default()
            },
        );
    }
    place.is_some()
}

fn state(table: &Table, key: Key) -> Option<u64> {
    Some(table.get(table.find(key)?)?.state)
}

proptest! {
    #[test]
    fn it_holds_what_a_map_holds_as_long_as_that_is_live(
        steps in proptest::collection::vec((0_u64..60, 1_u64..200, 0_u64..12), 1..600),
        capacity in 1_u32..80,
        doublings in 0_u32..4,
    ) {
        let mut table = Table::laid_out(usize::try_from(capacity).unwrap(), doublings);
        let places_max = table.places_max();
        let (mut model, mut now) = (HashMap::new(), 0);
        for (seed, life, pause) in steps {
            now += pause;
            if put(&mut table, key(seed), now + life, now) {
                model.insert(seed, now + life);
            }
            for (seed, until) in model.iter().filter(|(_, until)| **until > now) {
                prop_assert_eq!(state(&table, key(*seed)), Some(*until));
            }
            prop_assert!(table.places() <= places_max && table.places_max() == places_max);
            let order: Vec<u64> = table.entries().map(|entry| entry.key.0[0]).collect();
            prop_assert!(order.is_sorted());
        }
    }

    #[test]
    fn an_entry_lies_in_memory_as_it_was(
        key in any::<[u64; 2]>(), state in any::<u64>(), label in any::<u64>(),
        block in any::<u32>(), filled in any::<u16>(), tier in any::<u16>(),
    ) {
        let entry = Entry { key: Key(key), state, label, block, filled, tier };
        prop_assert_eq!(Entry::unpack(entry.pack()), entry);
    }
}

#[test]
fn every_key_up_to_the_capacity_finds_a_place() {
    let mut table = Table::new(50_000);
    for seed in 0..50_000 {
        assert!(put(&mut table, key(seed), u64::MAX, 0), "{seed} of 50,000");
    }
    for seed in 0..50_000 {
        assert_eq!(state(&table, key(seed)), Some(u64::MAX));
    }
}

#[test]
fn a_flood_of_new_keys_takes_no_live_place_and_no_memory() {
    let mut table = Table::new(10_000);
    assert!(table.places() < 1_200, "it begins small");
    let places = table.places_max();
    for seed in 0..4_000 {
        assert!(put(&mut table, key(seed), u64::MAX, 0));
    }
    let mut refused = 0;
    for flood in 0..400_000 {
        let now = flood / 10;
        refused += u32::from(!put(&mut table, key(1_000_000 + flood), now + 5_000, now));
    }
    assert!(
        refused > 300_000,
        "{refused}: the table must have been full"
    );
    assert_eq!(table.places(), places);
    for seed in 0..4_000 {
        assert_eq!(
            state(&table, key(seed)),
            Some(u64::MAX),
            "live entry {seed}"
        );
    }
}

#[test]
fn years_of_short_lives_leave_room_for_new_ones() {
    let mut table = Table::new(1_000);
    for step in 0..300_000_u64 {
        assert!(put(&mut table, key(step), step + 700, step), "step {step}");
    }
}

#[test]
fn a_table_grows_with_its_keys_and_none_comes_to_lie_further_away() {
    let mut table = Table::new(100_000);
    let mut sizes = vec![table.places()];
    for seed in 0..100_000 {
        assert!(put(&mut table, key(seed), seed + 1, 0), "{seed} of 100,000");
        if sizes.last() != Some(&table.places()) {
            sizes.push(table.places());
            for seed in 0..=seed {
                assert_eq!(state(&table, key(seed)), Some(seed + 1), "after {sizes:?}");
            }
        }
    }
    assert_eq!(sizes.last(), Some(&table.places_max()));
    assert!(sizes.len() > 6, "{sizes:?}");
    assert_eq!(table.entries().count(), 100_000);
}

#[test]
fn a_table_does_not_grow_for_keys_that_take_the_places_of_rested_ones() {
    let mut table = Table::new(100_000);
    for step in 0..50_000_u64 {
        assert!(put(&mut table, key(step), step + 300, step));
    }
    assert!(table.places() < 2_500, "{} places", table.places());
}
