//! Logs that nobody touched: no fault at any size, from any beginning, with and without what may be
//! missing.

use ledger::tile::Tile;
use ledger::tile::published::Published;
use ledger::verify::job::{Examined, Inline, Job, Workers};
use ledger::verify::verify;
use ledger::{Entry, Fault, TreeHead, Watcher, leaf_hash};

use crate::published_log::{Log, found, pruned_entry, publish, unwitnessed, usual, witnessed};

fn pass(log: &Log, trust: &ledger::verify::Trust) {
    let (report, faults) = found(&log.files, trust);
    assert_eq!(faults, [], "size {}", log.entries.len());
    assert_eq!(report.entries, u64::try_from(log.entries.len()).unwrap());
    assert_eq!(report.cosigned.len(), 1);
    let (origin, head) = report.checkpoint.unwrap();
    assert_eq!(origin, "log.example/ledger");
    assert_eq!(head, log.signed.last().unwrap().checkpoint().head());
}

#[test]
fn every_size_up_to_three_hundred_passes() {
    let entries = usual(300);
    for size in 0..=300 {
        let old = [
            u64::try_from(size / 3).unwrap(),
            u64::try_from(size / 2).unwrap(),
        ];
        pass(&publish(entries[..size].to_vec(), &old), &witnessed());
    }
}

#[test]
fn sizes_around_a_full_second_level_pass_with_every_kept_checkpoint() {
    let entries = usual(65_537);
    for size in 65_535..=65_537 {
        let log = publish(
            entries[..size].to_vec(),
            &[1, 255, 256, 257, 40_000, 65_280],
        );
        let mut trust = witnessed();
        for signed in &log.signed {
            trust.remember(signed.to_string().as_bytes()).unwrap();
        }
        pass(&log, &trust);
    }
}

#[test]
fn a_log_that_deleted_its_stale_partial_tiles_passes() {
    let mut log = publish(usual(700), &[5, 255, 300, 512, 600]);
    let now: Vec<String> = ledger::tile::tiles_of(700)
        .map(|tile| tile.to_string())
        .collect();
    log.files
        .0
        .retain(|path, _| path == "checkpoint" || now.contains(path));
    pass(&log, &witnessed());
}

#[test]
fn a_full_tile_stands_in_for_a_partial_one() {
    let log = publish(usual(600), &[300]);
    let mut older = log.clone();
    older
        .files
        .0
        .insert("checkpoint".into(), log.signed[0].to_string().into_bytes());
    older.files.0.retain(|path, _| !path.contains(".p/44"));
    older.entries.truncate(300);
    older.signed.truncate(1);
    pass(&older, &witnessed());
}

#[test]
fn from_a_remembered_tree_on_only_what_is_newer_is_read() {
    let log = publish(usual(66_100), &[0, 1, 256, 700, 65_536, 65_700]);
    for signed in &log.signed {
        let head = signed.checkpoint().head();
        let (report, faults) = found(&log.files, &witnessed().since(head));
        assert_eq!(faults, [], "since {}", head.size);
        assert_eq!(report.entries, 66_100 - head.size / 256 * 256);
    }
}

#[test]
fn pruned_entries_need_no_bundle_as_far_as_the_policy_says() {
    let mut entries = usual(1_000);
    entries[700] = pruned_entry(700, 512);
    let mut log = publish(entries, &[]);
    let pruned = ["tile/entries/000", "tile/entries/001"];
    for path in pruned {
        log.files.0.remove(path);
    }
    let (report, faults) = found(&log.files, &witnessed().pruned_below(512));
    assert_eq!((faults.as_slice(), report.entries), ([].as_slice(), 488));
    let (_, faults) = found(&log.files, &witnessed().pruned_below(256));
    assert_eq!(faults.len(), 1, "a bundle is missing");
}

#[test]
fn several_nodes_may_begin_at_any_time() {
    let log = publish(usual(50), &[]);
    let mut trust = unwitnessed();
    trust.remember(log.note().as_bytes()).unwrap();
    assert_eq!(found(&log.files, &trust).1, []);
}

/// Remembers what it was told.
#[derive(Default)]
struct Told {
    faults: Vec<Fault>,
    progress: Vec<(u64, u64)>,
    entries: Vec<(u64, Vec<u8>)>,
}

impl Watcher for Told {
    fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    fn progress(&mut self, done: u64, total: u64) {
        self.progress.push((done, total));
    }

    fn entry(&mut self, index: u64, entry: &[u8]) {
        self.entries.push((index, entry.to_vec()));
    }
}

/// Workers on two threads, as the product has them.
struct Threads;

impl Workers for Threads {
    fn run(&self, mut jobs: Vec<Job>) -> Vec<Examined> {
        let rest = jobs.split_off(jobs.len() / 2);
        std::thread::scope(|scope| {
            let other = scope.spawn(|| Inline.run(rest));
            let mut done = Inline.run(jobs);
            done.extend(other.join().unwrap());
            done
        })
    }
}

#[test]
fn the_watcher_sees_every_entry_in_order_and_the_progress_whoever_works() {
    let log = publish(usual(20_000), &[]);
    let workers: [&dyn Workers; 2] = [&Inline, &Threads];
    for workers in workers {
        let mut told = Told::default();
        assert!(verify(&log.files, &witnessed(), workers, &mut told).is_sound());
        assert_eq!(told.faults, []);
        assert!(
            (0..)
                .zip(&log.entries)
                .eq(told.entries.iter().map(|(index, entry)| (*index, entry)))
        );
        assert!(told.progress.is_sorted() && told.progress.len() > 1);
        assert_eq!(told.progress.last(), Some(&(20_000, 20_000)));
    }
}

#[test]
fn proofs_come_from_the_published_tiles_alone_and_only_if_they_hold() {
    let mut log = publish(usual(700), &[3, 256, 600]);
    let head = log.signed.last().unwrap().checkpoint().head();
    let published = Published::new(&log.files, head);
    for index in 0..700 {
        let entry = &log.entries[usize::try_from(index).unwrap()];
        let proof = published.prove_inclusion(index, leaf_hash(entry)).unwrap();
        assert!(!proof.is_empty());
        assert!(Entry::parse(entry).is_ok());
    }
    for signed in &log.signed {
        published
            .prove_consistency(signed.checkpoint().head())
            .unwrap();
    }
    assert!(published.prove_inclusion(700, leaf_hash(b"")).is_err());
    assert!(published.prove_inclusion(1, leaf_hash(b"")).is_err());
    let fork = TreeHead {
        root: leaf_hash(b""),
        size: 600,
    };
    assert!(published.prove_consistency(fork).is_err());
    // A forged tile gives no proof, not even of what it does not touch.
    log.at("tile/0/001")[5] ^= 1;
    let published = Published::new(&log.files, head);
    assert!(
        published
            .prove_inclusion(300, leaf_hash(&log.entries[300]))
            .is_err()
    );
    assert!(Tile::parse("tile/0/001").is_some());
}
