//! Random damage to a published log: whatever is hit and however, something is found.

use crate::published_log::{Log, found, publish, usual, witnessed};

const MUTATIONS: u64 = 800;

/// A small generator of numbers (splitmix64), so that every run makes the same mutations.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % u64::try_from(bound).unwrap()).unwrap()
    }
}

fn mutate(log: &mut Log, numbers: &mut Numbers) -> String {
    let now: Vec<String> = ledger::tile::tiles_of(700)
        .map(|tile| tile.to_string())
        .collect();
    let paths: Vec<String> = log.files.0.keys().cloned().collect();
    let path = paths[numbers.below(paths.len())].clone();
    let other = paths[numbers.below(paths.len())].clone();
    let length = log.at(&path).len();
    let at = numbers.below(length);
    match numbers.below(8) {
        0 | 1 => log.at(&path)[at] ^= 1 << numbers.below(8),
        2 => log.at(&path).truncate(at),
        3 => log
            .at(&path)
            .push(u8::try_from(numbers.below(256)).unwrap()),
        4 => {
            log.at(&path).remove(at);
        }
        5 => log
            .at(&path)
            .insert(at, u8::try_from(numbers.below(256)).unwrap()),
        // A log may delete what is stale; whatever belongs to its size must be there.
        6 => {
            let path = if now.contains(&path) {
                path.clone()
            } else {
                "checkpoint".to_owned()
            };
            log.files.0.remove(&path);
        }
        _ => {
            let octets = log.at(&other).clone();
            *log.at(&path) = octets;
        }
    }
    path
}

#[test]
fn no_random_mutation_is_missed() {
    let untouched = publish(usual(700), &[5, 100, 256, 300, 513]);
    let mut numbers = Numbers(2_026);
    let mut made = 0;
    while made < MUTATIONS {
        let mut log = untouched.clone();
        let path = mutate(&mut log, &mut numbers);
        if log.files.0 == untouched.files.0 {
            continue;
        }
        made += 1;
        let (report, faults) = found(&log.files, &witnessed());
        assert!(
            !report.is_sound() && !faults.is_empty(),
            "mutation {made} of {path} was missed"
        );
    }
}
