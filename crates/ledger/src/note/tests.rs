//! The published note, the rules of a verifier, and notes that nobody should take.

use proptest::prelude::{any, prop_assert_eq, proptest};

use super::key::KeyName;
use super::signer::NoteSigner;
use super::*;

const KNOWN_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const KNOWN_NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

fn signer(name: &str, octet: u8) -> NoteSigner {
    NoteSigner::from_seed(KeyName::parse(name).unwrap(), &[octet; 32]).unwrap()
}

fn key(name: &str, octet: u8) -> VerifierKey {
    signer(name, octet).verifier_key().clone()
}

fn signed(text: &str, by: &[(&str, u8)]) -> Note {
    let mut note = Note::unsigned(text.to_owned()).unwrap();
    for (name, octet) in by {
        note.sign(signer(name, *octet).sign(text).unwrap());
    }
    note
}

#[test]
fn the_published_note_opens_by_the_published_key() {
    let note = Note::parse(KNOWN_NOTE.as_bytes()).unwrap();
    let keys = [VerifierKey::parse(KNOWN_KEY).unwrap()];
    let verified = note.verify(&keys).unwrap();
    assert_eq!((verified[0].key, verified[0].timestamp), (&keys[0], None));
    assert_eq!(note.text(), "This is an example message.\n");
    assert_eq!(note.to_string(), KNOWN_NOTE);
}

#[test]
fn one_bent_octet_of_text_or_signature_voids_the_note() {
    let keys = [VerifierKey::parse(KNOWN_KEY).unwrap()];
    for (place, _) in KNOWN_NOTE.bytes().enumerate() {
        for bit in 0..8 {
            let mut bent = KNOWN_NOTE.as_bytes().to_vec();
            bent[place] ^= 1 << bit;
            let trusted = Note::parse(&bent).is_ok_and(|note| note.verify(&keys).is_ok());
            assert!(!trusted, "bit {bit} of octet {place}");
        }
    }
}

#[test]
fn unknown_keys_are_ignored_even_with_a_known_name_or_id() {
    let note = signed("a\n", &[("x", 1), ("y", 2), ("x", 3)]);
    let verified = |keys: &[VerifierKey]| note.verify(keys).map(|verified| verified.len());
    assert_eq!(verified(&[key("y", 2)]), Ok(1));
    assert_eq!(verified(&[key("x", 9)]), Err(VerifyError::NoKnownKey));
    assert_eq!(verified(&[key("z", 1)]), Err(VerifyError::NoKnownKey));
    assert_eq!(verified(&[key("x", 1), key("x", 3)]), Ok(2));
    assert_eq!(verified(&[]), Err(VerifyError::NoKnownKey));
}

#[test]
fn a_known_key_that_does_not_verify_voids_the_note_whoever_else_signed() {
    let note = signed("a\n", &[("x", 1), ("y", 2)]).to_string();
    let other = signed("b\n", &[("x", 1), ("y", 2)]);
    let forged = note.replace(
        &note.lines().last().unwrap().to_owned(),
        &other.signatures()[1].to_string(),
    );
    let note = Note::parse(forged.as_bytes()).unwrap();
    let bad = VerifyError::BadSignature {
        name: "y".to_owned(),
    };
    assert_eq!(note.verify(&[key("x", 1), key("y", 2)]), Err(bad));
    assert!(note.verify(&[key("x", 1)]).is_ok());
}

#[test]
fn a_key_that_signed_twice_counts_once() {
    let note = signed("a\n", &[("x", 1)]).to_string();
    let line = note.lines().last().unwrap();
    let twice = Note::parse(format!("{note}{line}\n").as_bytes()).unwrap();
    assert_eq!(twice.signatures().len(), 2);
    assert_eq!(twice.verify(&[key("x", 1)]).unwrap().len(), 1);
}

#[test]
fn signing_again_replaces_the_line() {
    let mut note = signed("a\n", &[("x", 1), ("y", 2)]);
    note.sign(signer("x", 1).sign("a\n").unwrap());
    assert_eq!(note, signed("a\n", &[("x", 1), ("y", 2)]));
}

#[test]
fn the_text_ends_at_the_last_empty_line() {
    for text in [
        "\n",
        "a\n\nb\n",
        "a\n\n\u{2014} x AAAAAAA=\n",
        "\n\n",
        "a\n\n",
    ] {
        let note = signed(text, &[("x", 1)]);
        let again = Note::parse(note.to_string().as_bytes()).unwrap();
        assert_eq!(again, note, "{text:?}");
        assert!(again.verify(&[key("x", 1)]).is_ok());
    }
}

#[test]
fn many_signatures_are_taken_and_too_many_refused() {
    let names: Vec<String> = (0..=MAX_SIGNATURES)
        .map(|place| format!("k{place}"))
        .collect();
    let by: Vec<(&str, u8)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let note = |count: usize| signed("a\n", &by[..count]).to_string();
    for count in [16, MAX_SIGNATURES] {
        let note = Note::parse(note(count).as_bytes()).unwrap();
        assert_eq!(note.signatures().len(), count);
        assert!(note.verify(&[key(&names[count - 1], 1)]).is_ok());
    }
    let over = note(MAX_SIGNATURES + 1);
    assert_eq!(
        Note::parse(over.as_bytes()),
        Err(NoteError::TooManySignatures)
    );
}

#[test]
fn what_is_no_note_is_refused_by_name() {
    let check = |from: &str, to: &str, error: NoteError| {
        let bent = KNOWN_NOTE.replacen(from, to, 1);
        assert_eq!(Note::parse(bent.as_bytes()), Err(error), "{to:?}");
    };
    let line = NoteError::SignatureLine { line: 1 };
    check("\n\n", "\n", NoteError::NoSignatures);
    check("message", "mess\rage", NoteError::Control);
    check("message", "mess\0age", NoteError::Control);
    check("\u{2014} ", "- ", line);
    check("\u{2014} ", "\u{2014}", line);
    check("\u{2014} ", "\u{2014}  ", line);
    check("foo Uw", "foo\tUw", NoteError::Control);
    check("foo Uw", "foo  Uw", line);
    check("foo Uw", "f+o Uw", line);
    check("yaQM=", "yaQN=", line);
    check("yaQM=", "yaQM", line);
    check("yaQM=\n", "yaQM=", NoteError::NoSignatures);
    check(
        "yaQM=\n",
        "yaQM=\nx\n",
        NoteError::SignatureLine { line: 2 },
    );
    check("yaQM=\n", "yaQM=\n\n", NoteError::NoSignatures);
    assert_eq!(Note::parse(b"a\n\n\xff\n"), Err(NoteError::Utf8));
    assert_eq!(Note::parse(b""), Err(NoteError::NoSignatures));
    assert_eq!(Note::parse(b"a\n\n"), Err(NoteError::NoSignatures));
    assert_eq!(
        Note::parse("a\n\n\u{2014} x AAAAAA==\n".as_bytes()),
        Err(line)
    );
    assert_eq!(
        Note::parse(&vec![b'a'; MAX_NOTE_BYTES + 1]),
        Err(NoteError::TooLong)
    );
    assert_eq!(Note::unsigned("a".into()), Err(NoteError::TextEnd));
    assert_eq!(Note::unsigned("a\t\n".into()), Err(NoteError::Control));
}

proptest! {
    #[test]
    fn a_note_that_is_read_writes_itself_again(text in "[a\n ]{0,6}\n\n(\u{2014} [ax+]{1,2} [A-Za-z+/]{4}[A-Za-z]{0,8}=?=?\n){0,3}") {
        if let Ok(note) = Note::parse(text.as_bytes()) {
            prop_assert_eq!(note.to_string(), text);
        }
    }

    #[test]
    fn reading_never_panics(bytes in any::<Vec<u8>>(), vkey in any::<String>()) {
        let _ = Note::parse(&bytes);
        let _ = VerifierKey::parse(&vkey);
    }
}
