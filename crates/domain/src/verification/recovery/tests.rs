//! Tests of [`super`]: readable, forgiving, used once and never shown again.

use proptest::prelude::{any, prop_assert_eq, proptest};

use super::*;

fn key(octet: u8) -> RecoveryKey {
    RecoveryKey::from_bytes([octet; 32])
}

fn issued() -> Issued {
    let mut random = [[0x5a; CODE_OCTETS]; 10];
    for (place, octets) in (1..).zip(random.iter_mut()) {
        octets[0] = place;
    }
    RecoverySet::issue(&key(1), [9; 16], &random)
}

fn is_right(checked: &RecoveryChecked) -> bool {
    checked.judged.is_right_for(Channel::Recovery)
}

fn check(text: &str, expected: Result<&str, RecoveryCodeError>) {
    let read = RecoveryCode::parse(text).map(|code| code.reveal());
    assert_eq!(
        read.as_deref().map_err(|error| *error),
        expected,
        "{text:?}"
    );
}

#[test]
fn a_code_is_shown_in_four_groups() {
    assert_eq!(
        RecoveryCode::from_random(&[0; 10]).reveal(),
        "0000-0000-0000-0000"
    );
    assert_eq!(
        RecoveryCode::from_random(&[255; 10]).reveal(),
        "ZZZZ-ZZZZ-ZZZZ-ZZZZ"
    );
    let counting = [0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xcf];
    assert_eq!(
        RecoveryCode::from_random(&counting).reveal(),
        "0123-4567-89AB-CDEF"
    );
}

#[test]
fn what_is_easily_confused_is_forgiven() {
    check("0123-4567-89AB-CDEF", Ok("0123-4567-89AB-CDEF"));
    check("o123 4567 89ab cdef\n", Ok("0123-4567-89AB-CDEF"));
    check("Oi234567lABCDEFG", Ok("0123-4567-1ABC-DEFG"));
    check(
        "０１２３４５６７８９ＡＢｃｄｅｆ",
        Ok("0123-4567-89AB-CDEF"),
    );
}

#[test]
fn anything_else_is_bad_input() {
    check("", Err(RecoveryCodeError::Length));
    check("0123-4567-89AB-CDE", Err(RecoveryCodeError::Length));
    check("0123-4567-89AB-CDEFG", Err(RecoveryCodeError::Length));
    check(&"-".repeat(65), Err(RecoveryCodeError::Length));
    check("U123", Err(RecoveryCodeError::Character { position: 1 }));
    check("01_3", Err(RecoveryCodeError::Character { position: 3 }));
}

#[test]
fn a_code_is_good_for_one_use() {
    let Issued { set, codes } = issued();
    let first = set.check(&key(1), &codes[3]);
    assert!(is_right(&first));
    assert_eq!(first.set.left(), 9);
    let again = first.set.check(&key(1), &codes[3]);
    assert!(!is_right(&again));
    assert_eq!(again.set.left(), 9);
    assert!(is_right(&again.set.check(&key(1), &codes[4])));
}

#[test]
fn codes_belong_to_their_key_and_their_set() {
    let Issued { set, codes } = issued();
    assert!(!is_right(&set.check(&key(2), &codes[0])));
    let new = RecoverySet::issue(&key(1), [8; 16], &[[1; CODE_OCTETS]; 10]).set;
    assert!(!is_right(&new.check(&key(1), &codes[0])));
    let stored = |salt| RecoverySet::issue(&key(1), [salt; 16], &[[1; CODE_OCTETS]; 10]).set;
    assert_ne!(stored(8).to_stored().unused, stored(9).to_stored().unused);
}

#[test]
fn nothing_shows_a_code() {
    let Issued { set, codes } = issued();
    let code = codes[0].reveal();
    for shown in [
        format!("{codes:?}"),
        format!("{set:?}"),
        format!("{:?}", key(1)),
    ] {
        assert!(!shown.contains(&code[..4]), "{shown}");
        assert!(shown.contains("masked"));
    }
}

#[test]
fn a_set_survives_being_stored() {
    let Issued { set, codes } = issued();
    let json = serde_json::to_string(&set.to_stored()).unwrap();
    let stored: StoredSet = serde_json::from_str(&json).unwrap();
    let back = RecoverySet::from_stored(&stored);
    assert!(is_right(&back.check(&key(1), &codes[9])));
    assert_eq!(back.to_stored(), set.to_stored());
}

proptest! {
    #[test]
    fn what_is_shown_reads_back_as_the_same_code(random in any::<[u8; 10]>(), text in any::<String>()) {
        let _ = RecoveryCode::parse(&text);
        let code = RecoveryCode::from_random(&random);
        let back = RecoveryCode::parse(&code.reveal().to_lowercase()).unwrap();
        prop_assert_eq!(back.reveal(), code.reveal());
    }
}
