//! Lists as they are read, signed and judged, and as somebody would forge them.

use super::*;
use crate::note::key::{KeyName, KeyType};
use crate::note::signature::Signature;
use crate::note::signer::NoteSigner;

const DAY: u64 = 86_400_000_000;

fn text() -> String {
    let (one, two) = ("11".repeat(32), "22".repeat(32));
    format!(
        "shortstop-releases/v1\nnumber 7\nissued 2026-11-26T00:00:00Z\nexpires 2027-02-26T00:00:00Z\n\
         release 0.1.0\ndate 2026-09-01\nupgrade-from 0.0.0\n\
         binary aarch64-unknown-linux-gnu {one}\nbinary x86_64-unknown-linux-gnu {two}\n\
         release 0.2.0\ndate 2026-10-01\nupgrade-from 0.1.0\nwithdrawn It forgets its keys.\n\
         fix critical SHORTSTOP-2026-1 Nothing to see.\n\
         binary x86_64-unknown-linux-gnu {two}\n\
         release 0.3.0\ndate 2026-11-01\nupgrade-from 0.1.0\n\
         fix high SHORTSTOP-2026-2 A receipt could be forged.\nfix low SHORTSTOP-2026-3 A word was wrong.\n\
         binary x86_64-unknown-linux-gnu {one}\n\
         release 1.0.0\ndate 2026-11-20\nupgrade-from 0.3.0\n\
         binary x86_64-unknown-linux-gnu {two}\n"
    )
}

fn issued() -> u64 {
    ReleaseList::parse(&text()).unwrap().issued
}

fn signer(seed: u8) -> NoteSigner {
    let name = KeyName::parse(&format!("releases.example/{seed}")).unwrap();
    NoteSigner::from_seed(name, &[seed; 32]).unwrap()
}

fn signed(text: &str, signers: &[&NoteSigner]) -> String {
    let mut note = Note::unsigned(text.to_owned()).unwrap();
    for signer in signers {
        note.sign(signer.sign(text).unwrap());
    }
    note.to_string()
}

fn running(version: &str, octet: u8) -> Running<'static> {
    Running {
        version: ReleaseVersion::parse(version).unwrap(),
        target: "x86_64-unknown-linux-gnu",
        sha256: Hash::from_bytes([octet; 32]),
    }
}

#[test]
fn a_list_writes_itself_as_it_was_read() {
    let list = ReleaseList::parse(&text()).unwrap();
    assert_eq!(list.to_string(), text());
    assert_eq!((list.number, list.releases.len()), (7, 4));
    assert_eq!(list.expires - list.issued, 92 * DAY);
}

#[test]
fn every_line_that_is_altered_missing_or_told_again_is_refused() {
    let text = text();
    for (at, line) in text.lines().enumerate() {
        let others = |put: &[&str]| {
            let mut lines: Vec<&str> = text.lines().collect();
            lines.splice(at..=at, put.iter().copied());
            lines.join("\n") + "\n"
        };
        assert!(
            ReleaseList::parse(&others(&[line, line])).is_err(),
            "twice: {line}"
        );
        assert!(
            ReleaseList::parse(&others(&[line, ""])).is_err(),
            "a gap behind {line}"
        );
        for altered in [
            format!(" {line}"),
            format!("{line} "),
            line.replacen(' ', "  ", 1),
            line.to_uppercase(),
        ] {
            if altered != line {
                assert!(
                    ReleaseList::parse(&others(&[&altered])).is_err(),
                    "{altered:?}"
                );
            }
        }
        let optional = line.starts_with("withdrawn")
            || line.starts_with("fix")
            || line.starts_with("binary aarch64")
            || at == 8;
        assert_eq!(
            ReleaseList::parse(&others(&[])).is_ok(),
            optional,
            "without {line}"
        );
    }
    assert!(ReleaseList::parse(text.trim_end()).is_err());
    assert!(ReleaseList::parse("").is_err());
}

#[test]
fn what_has_no_order_or_no_time_is_refused() {
    let check = |from: &str, to: &str, expected: ListError| {
        let altered = text().replacen(from, to, 1);
        assert_ne!(altered, text(), "{from}");
        assert_eq!(ReleaseList::parse(&altered), Err(expected), "{to}");
    };
    check("v1\n", "v2\n", ListError::Title);
    check(
        "release 0.3.0",
        "release 0.2.0",
        ListError::Order { line: 16 },
    );
    check(
        "release 0.3.0",
        "release 0.1.9",
        ListError::Order { line: 16 },
    );
    check(
        "upgrade-from 0.3.0",
        "upgrade-from 1.0.0",
        ListError::Order { line: 24 },
    );
    check(
        "binary aarch64",
        "binary x86_65",
        ListError::Order { line: 9 },
    );
    check("2027-02-26", "2026-11-26", ListError::Never);
    let expected = "issued YYYY-MM-DDTHH:MM:SSZ";
    check(
        "2026-11-26T",
        "2026-02-30T",
        ListError::Line { line: 3, expected },
    );
    let expected = "fix low|medium|high|critical ID TEXT";
    check(
        "fix high",
        "fix urgent",
        ListError::Line { line: 19, expected },
    );
    let (head, _) = text()
        .split_once("release 0.1.0")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    assert_eq!(ReleaseList::parse(&head), Err(ListError::Empty));
}

#[test]
fn a_list_has_bounds() {
    let fix = "fix low A-1 Words.\n";
    let many = text().replacen("fix low", &format!("{}fix low", fix.repeat(MAX_LINES)), 1);
    assert!(matches!(
        ReleaseList::parse(&many),
        Err(ListError::TooMany { .. })
    ));
    let long = text().replacen("A word", &"A word".repeat(100), 1);
    assert!(ReleaseList::parse(&long).is_err());
    let escape = text().replacen("A word", "A \u{9b}31m word", 1);
    assert!(ReleaseList::parse(&escape).is_err());
    let text = text();
    let (head, _) = text.split_once("release 0.1.0").unwrap();
    let releases = (1..=MAX_RELEASES + 1).map(|n| {
        format!(
            "release 0.{n}.0\ndate 2026-01-01\nupgrade-from 0.0.0\nbinary a {}\n",
            "00".repeat(32)
        )
    });
    let many = head.to_owned() + &releases.collect::<String>();
    assert!(matches!(
        ReleaseList::parse(&many),
        Err(ListError::TooMany { .. })
    ));
    let file = vec![b'a'; MAX_LIST_BYTES + 1];
    let error = SignedList::open(&file, &[]).unwrap_err();
    assert_eq!(error, OpenListError::Note(NoteError::TooLong));
}

#[test]
fn only_a_list_that_a_known_key_signed_is_opened() {
    let (ours, other) = (signer(1), signer(2));
    let keys = [ours.verifier_key().clone()];
    let file = signed(&text(), &[&ours]);
    let opened = SignedList::open(file.as_bytes(), &keys).unwrap();
    assert_eq!(opened.signers, [&keys[0]]);

    let stranger = signed(&text(), &[&other]);
    let error = SignedList::open(stranger.as_bytes(), &keys).unwrap_err();
    assert_eq!(error, OpenListError::Signature(VerifyError::NoKnownKey));
    // Every octet of the text counts, a swapped hash among them.
    for (from, to) in [
        ("number 7", "number 8"),
        ("high", "low"),
        ("11111111", "22222222"),
    ] {
        let altered = file.replacen(from, to, 1);
        let error = SignedList::open(altered.as_bytes(), &keys).unwrap_err();
        assert!(
            matches!(
                error,
                OpenListError::Signature(VerifyError::BadSignature { .. })
            ),
            "{to}"
        );
    }
    for end in 1..file.len() {
        if file.is_char_boundary(end) {
            assert!(
                SignedList::open(&file.as_bytes()[..end], &keys).is_err(),
                "cut at {end}"
            );
        }
    }
    // A well signed text of another kind is no list.
    let other_text = signed("shortstop/ledger\n1\nAAAA\n", &[&ours]);
    let error = SignedList::open(other_text.as_bytes(), &keys).unwrap_err();
    assert_eq!(error, OpenListError::List(ListError::Title));
}

#[test]
fn two_keys_hand_over_from_one_to_the_other() {
    let (old, new) = (signer(1), signer(2));
    let both = [old.verifier_key().clone(), new.verifier_key().clone()];
    let open = |file: &str, keys: &[VerifierKey]| SignedList::open(file.as_bytes(), keys).is_ok();
    let by_both = signed(&text(), &[&old, &new]);
    assert!(open(&by_both, &both[..1]) && open(&by_both, &both[1..]));
    assert_eq!(
        SignedList::open(by_both.as_bytes(), &both)
            .unwrap()
            .signers
            .len(),
        2
    );
    let by_new = signed(&text(), &[&new]);
    assert!(open(&by_new, &both) && !open(&by_new, &both[..1]));
}

#[test]
fn a_signature_of_an_unknown_algorithm_or_of_a_witness_counts_for_nothing() {
    let ours = signer(1);
    let keys = [ours.verifier_key().clone()];
    let good = signed(&text(), &[&ours]);
    // The same octets as a witness's key type: another id, so another key.
    let public = ours.verifier_key().public();
    let name = ours.verifier_key().name().clone();
    let witness = VerifierKey::new(name.clone(), KeyType::Cosignature, public).unwrap();
    assert!(SignedList::open(good.as_bytes(), &[witness]).is_err());
    let mut note = Note::unsigned(text()).unwrap();
    note.sign(Signature::new(name, 0xdead_beef, vec![0x7f; 64]));
    let error = SignedList::open(note.to_string().as_bytes(), &keys).unwrap_err();
    assert_eq!(error, OpenListError::Signature(VerifyError::NoKnownKey));
}

#[test]
fn a_program_learns_whether_it_is_what_was_released_and_what_is_newer() {
    let list = ReleaseList::parse(&text()).unwrap();
    let judged = |running: &Running<'_>| judge(&list, running, None, list.issued + DAY).unwrap();
    let newest = judged(&running("1.0.0", 0x22));
    assert!(newest.is_sound() && newest.newer.is_empty() && newest.steps.is_empty());

    let old = judged(&running("0.1.0", 0x22));
    assert!(old.is_sound());
    let newer: Vec<String> = old
        .newer
        .iter()
        .map(|release| release.version.to_string())
        .collect();
    assert_eq!(
        newer,
        ["0.3.0", "1.0.0"],
        "what was withdrawn is offered to nobody"
    );
    assert_eq!(old.worst(), Some(Severity::High));
    let steps: Vec<String> = old.steps.iter().map(ToString::to_string).collect();
    assert_eq!(steps, ["0.3.0", "1.0.0"]);

    let withdrawn = judged(&running("0.2.0", 0x22));
    assert_eq!(withdrawn.standing, Standing::Released);
    assert_eq!(withdrawn.withdrawn, Some("It forgets its keys."));
    assert!(!withdrawn.is_sound());
}

#[test]
fn a_program_with_another_hash_version_or_target_is_not_what_was_released() {
    let list = ReleaseList::parse(&text()).unwrap();
    let judged = |running: &Running<'_>| judge(&list, running, None, list.issued).unwrap().standing;
    let expected = Hash::from_bytes([0x22; 32]);
    assert_eq!(
        judged(&running("1.0.0", 0x11)),
        Standing::Altered { expected }
    );
    assert_eq!(judged(&running("0.9.0", 0x22)), Standing::Unlisted);
    let mut elsewhere = running("1.0.0", 0x22);
    elsewhere.target = "riscv64gc-unknown-linux-gnu";
    assert_eq!(judged(&elsewhere), Standing::OtherTargets);
}

#[test]
fn a_version_that_is_too_old_for_every_release_is_offered_no_step() {
    let text = text().replace("upgrade-from 0.1.0", "upgrade-from 0.0.9");
    let list = ReleaseList::parse(&text).unwrap();
    let judged = judge(&list, &running("0.0.1", 0), None, issued()).unwrap();
    assert_eq!(judged.newer.len(), 3);
    let first = judged.steps.first().map(ToString::to_string);
    assert_eq!(first.as_deref(), Some("0.1.0"));
    let text = text.replace("upgrade-from 0.0.0", "upgrade-from 0.0.9");
    let list = ReleaseList::parse(&text).unwrap();
    assert!(
        judge(&list, &running("0.0.1", 0), None, issued())
            .unwrap()
            .steps
            .is_empty()
    );
}

#[test]
fn a_list_that_expired_was_rolled_back_or_comes_from_the_future_says_nothing() {
    let list = ReleaseList::parse(&text()).unwrap();
    let judged = |seen, now| judge(&list, &running("1.0.0", 0x22), seen, now).map(|_| ());
    assert_eq!(judged(None, list.expires - 1), Ok(()));
    assert_eq!(judged(None, list.expires), Err(StaleList::Expired));
    assert_eq!(judged(None, list.issued - CLOCK_HOUR), Ok(()));
    assert_eq!(
        judged(None, list.issued - CLOCK_HOUR - 1),
        Err(StaleList::Future)
    );
    assert_eq!(judged(Some(7), list.issued), Ok(()));
    let rolled_back = StaleList::RolledBack { number: 7, seen: 8 };
    assert_eq!(judged(Some(8), list.issued), Err(rolled_back));
}

const CLOCK_HOUR: u64 = 3_600_000_000;
