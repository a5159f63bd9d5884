//! The table of attacks, one test each: what is done, and what must be said about it.

use ledger::FaultKind::{
    BadSignature, BundleMalformed, BundleMismatch, BundleMissing, CheckpointMalformed,
    CheckpointMissing, EntryMalformed, EntryMissing, EpochBackwards, Fork, LeafMismatch,
    PruningUnfounded, QuorumNotMet, Rollback, RootMismatch, SequenceGap, SequenceRepeat,
    SourceFailed, TileMalformed, TileMismatch, TileMissing, TimeBackwards, TooManyNodes,
    UntrustedKey, WrongOrigin,
};
use ledger::tile::bundle;
use ledger::verify::RememberError;
use ledger::{Checkpoint, Source, SourceError, leaf_hash};

use crate::published_log::{
    Log, ORIGIN, Say, found, kinds, log_key, name, pruned_entry, publish, publish_by, unwitnessed,
    usual, witness, witnessed,
};

const BUNDLE: &str = "tile/entries/001";

fn log() -> Log {
    publish(usual(600), &[100, 300, 512])
}

/// A history with the same beginning and other entries from 400 on.
fn forked_entries() -> Vec<Vec<u8>> {
    let mut entries = usual(600);
    for index in 400..600_u64 {
        let say = Say {
            word: index + 5_000,
            ..Say::usual(index)
        };
        entries[usize::try_from(index).unwrap()] = say.entry();
    }
    entries
}

#[test]
fn a_flipped_byte_of_an_entry_names_the_entry_its_bundle_and_the_root() {
    let mut log = log();
    let at = log.place(BUNDLE, 300) + "{\"actor\":{\"id\":\"cl".len();
    log.at(BUNDLE)[at] ^= 1;
    log.at("tile/entries/001.p/44");
    let (_, faults) = found(&log.files, &witnessed());
    let leaf = faults
        .iter()
        .find(|fault| fault.kind == LeafMismatch)
        .unwrap();
    assert_eq!(leaf.index, Some(300));
    assert!(
        leaf.detail.contains(BUNDLE) && leaf.detail.contains("tile/0/001"),
        "{leaf}"
    );
    assert_eq!(
        kinds(&log.files, &witnessed()),
        [(RootMismatch, None), (LeafMismatch, Some(300))]
    );
}

#[test]
fn a_bundle_that_is_gone_cut_or_longer_is_named() {
    let mut gone = log();
    gone.files.0.remove(BUNDLE);
    assert_eq!(
        kinds(&gone.files, &witnessed()),
        [(BundleMissing, Some(256))]
    );
    let mut cut = log();
    let length = cut.at(BUNDLE).len();
    cut.at(BUNDLE).truncate(length - 1);
    assert_eq!(
        kinds(&cut.files, &witnessed()),
        [(BundleMalformed, Some(256))]
    );
    let mut longer = log();
    longer.at(BUNDLE).push(0);
    assert_eq!(
        kinds(&longer.files, &witnessed()),
        [(BundleMalformed, Some(256))]
    );
    let mut emptied = log();
    emptied.at(BUNDLE).clear();
    assert_eq!(
        kinds(&emptied.files, &witnessed()),
        [(BundleMalformed, Some(256))]
    );
}

#[test]
fn a_truncated_log_is_named_where_it_ends() {
    let mut log = log();
    log.files.0.retain(|path, _| !path.contains("/002"));
    let expected = [
        (RootMismatch, None),
        (BundleMissing, Some(512)),
        (TileMissing, Some(512)),
    ];
    assert_eq!(kinds(&log.files, &witnessed()), expected);
}

#[test]
fn two_exchanged_entries_are_both_named() {
    let mut log = log();
    let places = [310, 312].map(|entry| log.place(BUNDLE, entry));
    let length = log.entries[310].len();
    assert_eq!(length, log.entries[312].len());
    for at in 0..length {
        log.at(BUNDLE).swap(places[0] + at, places[1] + at);
    }
    let kinds = kinds(&log.files, &witnessed());
    for kind in [
        (LeafMismatch, Some(310)),
        (LeafMismatch, Some(312)),
        (RootMismatch, None),
        (SequenceGap, Some(310)),
    ] {
        assert!(kinds.contains(&kind), "{kind:?} of {kinds:?}");
    }
}

#[test]
fn a_duplicated_entry_is_named() {
    let mut log = log();
    let places = [310, 312].map(|entry| log.place(BUNDLE, entry));
    let twice = log.entries[310].clone();
    let end = places[1] + twice.len();
    log.at(BUNDLE)[places[1]..end].copy_from_slice(&twice);
    let kinds = kinds(&log.files, &witnessed());
    for kind in [
        (LeafMismatch, Some(312)),
        (RootMismatch, None),
        (SequenceRepeat, Some(312)),
    ] {
        assert!(kinds.contains(&kind), "{kind:?} of {kinds:?}");
    }
}

#[test]
fn exchanged_bundles_are_named() {
    let mut log = log();
    let (first, second) = (log.at("tile/entries/000").clone(), log.at(BUNDLE).clone());
    *log.at("tile/entries/000") = second;
    *log.at(BUNDLE) = first;
    let kinds = kinds(&log.files, &witnessed());
    for index in [0, 255, 256, 511] {
        assert!(kinds.contains(&(LeafMismatch, Some(index))), "{kinds:?}");
    }
}

#[test]
fn a_flipped_hash_of_a_tile_is_named_and_the_root_still_holds() {
    let mut log = log();
    log.at("tile/0/001")[32 * 7 + 3] ^= 4;
    assert_eq!(
        kinds(&log.files, &witnessed())[0],
        (LeafMismatch, Some(256 + 7))
    );
    let mut log = self::log();
    log.at("tile/1/000.p/2")[33] ^= 4;
    assert_eq!(kinds(&log.files, &witnessed()), [(TileMismatch, Some(256))]);
}

#[test]
fn a_tile_that_is_gone_or_of_another_length_is_named() {
    let mut gone = log();
    gone.files.0.remove("tile/0/001");
    assert_eq!(kinds(&gone.files, &witnessed()), [(TileMissing, Some(256))]);
    for length in [0, 31, 8_191, 8_193] {
        let mut cut = log();
        cut.at("tile/0/001").resize(length, 0);
        assert_eq!(
            kinds(&cut.files, &witnessed()),
            [(TileMalformed, Some(256))]
        );
    }
    let mut gone = log();
    gone.files.0.remove("tile/1/000.p/2");
    assert_eq!(kinds(&gone.files, &witnessed()), [(TileMissing, Some(0))]);
}

#[test]
fn stale_partial_tiles_are_compared_with_the_present_tree() {
    for (path, kind) in [
        ("tile/0/000.p/100", TileMismatch),
        ("tile/0/001.p/44", TileMismatch),
        ("tile/1/000.p/1", TileMismatch),
        ("tile/entries/001.p/44", BundleMismatch),
    ] {
        let mut log = log();
        let last = log.at(path).len() - 3;
        log.at(path)[last] ^= 1;
        let first = if path.contains("001.p") { 256 } else { 0 };
        assert_eq!(
            kinds(&log.files, &witnessed()),
            [(kind, Some(first))],
            "{path}"
        );
        log.at(path).pop();
        let kind = if kind == TileMismatch {
            TileMalformed
        } else {
            BundleMalformed
        };
        assert_eq!(
            kinds(&log.files, &witnessed()),
            [(kind, Some(first))],
            "{path}"
        );
    }
}

#[test]
fn a_restored_old_copy_is_a_rollback_for_whoever_kept_a_checkpoint() {
    let now = log();
    let old = publish(usual(300), &[100]);
    assert_eq!(found(&old.files, &witnessed()).1, []);
    let mut trust = witnessed();
    trust.remember(now.note().as_bytes()).unwrap();
    let (_, faults) = found(&old.files, &trust);
    assert_eq!((faults.len(), faults[0].kind), (1, Rollback));
    assert_eq!(
        faults[0].detail,
        "signed at size 600, the log now shows 300"
    );
    let since = now.signed.last().unwrap().checkpoint().head();
    assert_eq!(
        kinds(&old.files, &witnessed().since(since)),
        [(Rollback, Some(300))]
    );
}

#[test]
fn a_fork_with_the_key_passes_alone_and_fails_against_anything_kept() {
    let fork = publish(forked_entries(), &[100]).without_cosignatures();
    // Nobody can see this one by the log alone; that is what witnesses and kept checkpoints are for.
    assert_eq!(found(&fork.files, &unwitnessed()).1, []);
    assert_eq!(kinds(&fork.files, &witnessed()), [(QuorumNotMet, None)]);
    let honest = log();
    for (signed, forked) in honest.signed.iter().zip([false, false, true, true]) {
        let mut trust = unwitnessed();
        trust.remember(signed.to_string().as_bytes()).unwrap();
        let expected = if forked {
            vec![(Fork, None)]
        } else {
            Vec::new()
        };
        assert_eq!(
            kinds(&fork.files, &trust),
            expected,
            "size {}",
            signed.checkpoint().size()
        );
    }
    let since = honest.signed[2].checkpoint().head();
    assert!(kinds(&fork.files, &unwitnessed().since(since)).contains(&(Fork, None)));
}

#[test]
fn a_fork_without_the_key_names_both_keys() {
    let fork = publish_by(&log_key(2), forked_entries(), &[]);
    let (report, faults) = found(&fork.files, &witnessed());
    assert_eq!((faults.len(), faults[0].kind), (1, UntrustedKey));
    let found = format!("{:08x}", log_key(2).verifier_key().id());
    let trusted = log_key(1).verifier_key().to_string();
    assert!(faults[0].detail.contains(&found) && faults[0].detail.contains(&trusted));
    assert_eq!(report.checkpoint, None);
    let mut trust = witnessed();
    let kept = trust.remember(fork.note().as_bytes());
    assert!(matches!(kept, Err(RememberError::Distrusted(_))));
}

#[test]
fn everything_repaired_but_the_signature_is_a_root_mismatch() {
    let repaired = publish(forked_entries(), &[100]).with_checkpoint_of(&log());
    assert_eq!(kinds(&repaired.files, &witnessed()), [(RootMismatch, None)]);
}

#[test]
fn a_changed_checkpoint_is_a_bad_signature() {
    let mut log = log();
    let changed = log.note().replacen("\n600\n", "\n599\n", 1);
    *log.at("checkpoint") = changed.into_bytes();
    assert_eq!(kinds(&log.files, &witnessed()), [(BadSignature, None)]);
}

#[test]
fn a_checkpoint_that_is_gone_no_note_or_of_another_log_is_named() {
    let mut log = log();
    *log.at("checkpoint") = b"hello\n".to_vec();
    assert_eq!(
        kinds(&log.files, &witnessed()),
        [(CheckpointMalformed, None)]
    );
    log.files.0.remove("checkpoint");
    assert_eq!(kinds(&log.files, &witnessed()), [(CheckpointMissing, None)]);
    let signed = Checkpoint::new(&name("other.example"), 600, ledger::leaf_hash(b""));
    let signed = signed.sign(&log_key(1)).unwrap();
    log.files
        .0
        .insert("checkpoint".into(), signed.to_string().into_bytes());
    assert_eq!(kinds(&log.files, &witnessed()), [(WrongOrigin, None)]);
}

#[test]
fn a_bad_line_of_a_known_witness_is_named_and_the_tree_still_checked() {
    let mut log = log();
    let elsewhere = Checkpoint::new(&name(ORIGIN), 1, ledger::leaf_hash(b"")).text();
    let line = witness().cosign(&elsewhere, 5).unwrap().to_string();
    let note: String = log
        .note()
        .lines()
        .map(|old| {
            if old.contains("witness.example") {
                line.as_str()
            } else {
                old
            }
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    *log.at("checkpoint") = note.into_bytes();
    log.at("tile/1/000.p/2")[0] ^= 1;
    assert_eq!(
        kinds(&log.files, &witnessed()),
        [(BadSignature, None), (TileMismatch, Some(0))]
    );
}

#[test]
fn a_signed_size_without_end_comes_to_an_end() {
    let mut log = log();
    let signed = Checkpoint::new(&name(ORIGIN), 1 << 62, ledger::leaf_hash(b"")).sign(&log_key(1));
    *log.at("checkpoint") = signed.unwrap().to_string().into_bytes();
    let (_, faults) = found(&log.files, &unwitnessed());
    assert!(faults.len() < 200, "{} faults", faults.len());
    assert!(faults.iter().any(|fault| fault.kind == RootMismatch));
}

#[test]
fn what_a_signed_log_should_never_have_said_is_named() {
    let check = |index: u64, say: Say, expected: &[(ledger::FaultKind, Option<u64>)]| {
        let mut entries = usual(60);
        entries[usize::try_from(index).unwrap()] = say.entry();
        let log = publish(entries, &[]);
        assert_eq!(kinds(&log.files, &witnessed()), expected);
    };
    let usual_say = Say::usual(40);
    let early = Say {
        time: usual_say.time - 1_000,
        ..usual_say
    };
    check(40, early, &[(TimeBackwards, Some(40))]);
    let late = Say {
        seq: usual_say.seq + 1,
        ..usual_say
    };
    check(
        40,
        late,
        &[(SequenceGap, Some(40)), (SequenceRepeat, Some(42))],
    );
    let later_epoch = Say {
        epoch: 2,
        ..usual_say
    };
    check(40, later_epoch, &[(EpochBackwards, Some(42))]);
    let stranger = Say {
        node: 7,
        ..usual_say
    };
    check(
        40,
        stranger,
        &[(SequenceGap, Some(40)), (SequenceGap, Some(42))],
    );
    let mut entries = usual(60);
    entries[40] = b"{}".to_vec();
    assert_eq!(
        kinds(&publish(entries, &[]).files, &witnessed()),
        [(EntryMalformed, Some(40))]
    );
    let mut entries = usual(60);
    entries.remove(20);
    assert_eq!(
        kinds(&publish(entries, &[]).files, &witnessed()),
        [(SequenceGap, Some(21))]
    );
}

/// A source that fails for one path.
struct Failing(Log, &'static str);

impl Source for Failing {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        if path == self.1 {
            return Err(SourceError::new(path, "the disk is on fire"));
        }
        self.0.files.read(path)
    }
}

/// A source over a store with a hole: nothing that the entry is part of can be read.
struct Holed(Log, u64);

impl Source for Holed {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let bundle = self.1 / 256;
        let of_it = [
            format!("tile/entries/{bundle:03}"),
            format!("tile/0/{bundle:03}"),
        ];
        if of_it.iter().any(|prefix| path.starts_with(prefix)) {
            return Err(SourceError::missing(path, self.1));
        }
        self.0.files.read(path)
    }
}

#[test]
fn an_entry_that_is_gone_from_the_store_is_named_once_and_the_rest_is_looked_at() {
    let mut log = log();
    let at = log.place("tile/entries/000", 100) + "{\"actor\":{\"id\":\"cl".len();
    log.at("tile/entries/000")[at] ^= 1;
    let expected = [
        (RootMismatch, None),
        (LeafMismatch, Some(100)),
        (EntryMissing, Some(300)),
    ];
    assert_eq!(kinds(&Holed(log, 300), &witnessed()), expected);
}

#[test]
fn a_source_that_fails_is_never_a_pass() {
    for path in [
        "checkpoint",
        BUNDLE,
        "tile/0/001",
        "tile/1/000.p/2",
        "tile/entries/002.p/88",
    ] {
        let kinds = kinds(&Failing(log(), path), &witnessed());
        assert!(
            kinds.iter().any(|(kind, _)| *kind == SourceFailed),
            "{path}: {kinds:?}"
        );
    }
}

#[test]
fn a_minimum_index_without_a_pruning_that_fits_is_unfounded() {
    let gone = |pruned: Option<(usize, Vec<u8>)>| {
        let mut entries = usual(1_000);
        if let Some((index, entry)) = pruned {
            entries[index] = entry;
        }
        let mut log = publish(entries, &[]);
        log.files.0.remove("tile/entries/000");
        log.files.0.remove("tile/entries/001");
        log
    };
    let unfounded = |log: &Log, minimum| {
        let kinds = kinds(&log.files, &witnessed().pruned_below(minimum));
        kinds.contains(&(PruningUnfounded, Some(minimum)))
    };
    assert!(unfounded(&gone(None), 512), "nothing tells of it");
    let smaller = gone(Some((700, pruned_entry(700, 256))));
    assert!(unfounded(&smaller, 512), "it tells of less");
    let odd = gone(Some((700, pruned_entry(700, 520))));
    assert!(unfounded(&odd, 512), "no pruning ends there");
    let early = gone(Some((700, pruned_entry(700, 768))));
    assert!(unfounded(&early, 512), "it would be gone itself");
    let founded = gone(Some((700, pruned_entry(700, 512))));
    assert!(!unfounded(&founded, 512));
    assert!(unfounded(&founded, 511), "bundles are whole");
    assert!(unfounded(&founded, 1_024), "there is no such entry");
}

/// Puts entries behind the checkpoint as the holder of a log has them.
fn with_behind(mut log: Log, entries: &[Vec<u8>], leaves: &[ledger::Hash]) -> Log {
    let (first, files) = (log.entries.len(), &mut log.files.0);
    let leaves = leaves.iter().flat_map(|leaf| *leaf.as_bytes()).collect();
    files.insert(format!("behind/leaves/{first}"), leaves);
    let octets = bundle::encode(entries.iter().map(Vec::as_slice)).unwrap();
    files.insert(format!("behind/entries/{first}"), octets);
    log
}

#[test]
fn what_is_behind_the_checkpoint_is_counted_and_must_go_on_from_it() {
    let behind = |entries: &[Vec<u8>]| {
        let leaves: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        with_behind(log(), entries, &leaves)
    };
    let next: Vec<_> = (600..603).map(|index| Say::usual(index).entry()).collect();
    let sound = behind(&next);
    let (report, faults) = found(&sound.files, &witnessed());
    assert_eq!((report.behind, faults.as_slice()), (Some(3), [].as_slice()));
    assert_eq!(found(&log().files, &witnessed()).0.behind, None);
    let told = |log: &Log| kinds(&log.files, &witnessed());
    let copied = behind(&[Say::usual(599).entry()]);
    assert_eq!(told(&copied), [(SequenceRepeat, Some(600))]);
    assert_eq!(told(&behind(&next[2..])), [(SequenceGap, Some(600))]);
    let foreign = Say {
        node: 7,
        seq: 0,
        ..Say::usual(600)
    };
    assert_eq!(
        told(&behind(&[foreign.entry()])),
        [(TooManyNodes, Some(600))]
    );
    let other = with_behind(log(), &next[..1], &[leaf_hash(b"")]);
    assert_eq!(told(&other), [(LeafMismatch, Some(600))]);
}

#[test]
fn an_entry_changed_with_its_leaf_is_narrowed_down_to_its_tile() {
    let changed = |index: u64| {
        let mut entries = usual(600);
        let say = Say {
            word: 9_999,
            ..Say::usual(index)
        };
        entries[usize::try_from(index).unwrap()] = say.entry();
        let mut log = publish(entries, &[]).with_checkpoint_of(&publish(usual(600), &[]));
        let kept = publish(usual(600), &[]).files.0["tile/1/000.p/2"].clone();
        *log.at("tile/1/000.p/2") = kept;
        found(&log.files, &witnessed()).1
    };
    let faults = changed(300);
    let tile = faults.iter().find(|fault| fault.kind == TileMismatch);
    let tile = tile.unwrap();
    assert_eq!(tile.index, Some(256));
    assert!(tile.detail.contains("entries 256 to 511"), "{tile}");
    let faults = changed(550);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(
        faults[0].detail.contains("entries 512 to 599"),
        "{faults:?}"
    );
}
