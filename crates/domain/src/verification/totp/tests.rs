//! Tests of [`super`]: the vectors of both RFCs, the window, and that no code is used twice.

use proptest::collection::vec;
use proptest::prelude::{prop_assert, proptest};

use super::*;

/// The digits 1 to 0 over and over, as both RFCs use them.
fn key(length: usize) -> TotpKey {
    let octets: Vec<u8> = b"1234567890".iter().copied().cycle().take(length).collect();
    TotpKey::from_bytes(&octets).unwrap()
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn code_at(seconds: u64) -> Code {
    hotp(&key(20), Algorithm::Sha1, seconds / 30, CodeLength::SIX)
}

fn confirmed() -> Authenticator {
    let enrolled = Authenticator::enrol(Algorithm::Sha1, AppDigits::Six);
    enrolled
        .confirm(&key(20), &code_at(3_000), at(3_000))
        .unwrap()
}

fn is_right(authenticator: Authenticator, code: &Code, now: u64) -> bool {
    let checked = authenticator.check(&key(20), code, at(now));
    checked.judged.is_right_for(Channel::Totp)
}

#[test]
fn hotp_gives_the_codes_of_rfc_4226_appendix_d() {
    let expected = [
        "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
        "520489",
    ];
    for (counter, expected) in (0..).zip(expected) {
        let code = hotp(&key(20), Algorithm::Sha1, counter, CodeLength::SIX);
        assert_eq!(code.reveal(), expected, "counter {counter}");
    }
}

#[test]
fn totp_gives_the_codes_of_rfc_6238_appendix_b() {
    let columns = [
        (Algorithm::Sha1, 20),
        (Algorithm::Sha256, 32),
        (Algorithm::Sha512, 64),
    ];
    for (seconds, expected) in [
        (59, ["94287082", "46119246", "90693936"]),
        (1_111_111_109, ["07081804", "68084774", "25091201"]),
        (1_111_111_111, ["14050471", "67062674", "99943326"]),
        (1_234_567_890, ["89005924", "91819424", "93441116"]),
        (2_000_000_000, ["69279037", "90698825", "38618901"]),
        (20_000_000_000, ["65353130", "77737706", "47863826"]),
    ] {
        for ((algorithm, length), expected) in columns.into_iter().zip(expected) {
            let code = Code::parse(expected).unwrap();
            let enrolled = Authenticator::enrol(algorithm, AppDigits::Eight);
            let confirmed = enrolled.confirm(&key(length), &code, at(seconds));
            assert!(confirmed.is_ok(), "{algorithm:?} at {seconds}");
            let made = hotp(&key(length), algorithm, seconds / 30, CodeLength::EIGHT);
            assert_eq!(made.reveal(), expected);
        }
    }
}

#[test]
fn one_step_on_either_side_is_taken_and_no_more() {
    for (shown, right) in [
        (9_000 - 60, false),
        (9_000 - 30, true),
        (9_000, true),
        (9_000 + 30, true),
        (9_000 + 60, false),
    ] {
        assert_eq!(
            is_right(confirmed(), &code_at(shown), 9_000),
            right,
            "{shown}"
        );
    }
}

#[test]
fn an_accepted_code_is_not_accepted_again_nor_is_an_older_one() {
    let checked = confirmed().check(&key(20), &code_at(9_000), at(9_000));
    assert!(checked.judged.is_right_for(Channel::Totp));
    let after = checked.authenticator;
    assert!(!is_right(after, &code_at(9_000), 9_000));
    assert!(!is_right(after, &code_at(9_000), 9_030));
    assert!(!is_right(after, &code_at(8_970), 9_000));
    assert!(is_right(after, &code_at(9_030), 9_030));
}

#[test]
fn the_code_that_confirms_is_used_up_by_it() {
    assert!(!is_right(confirmed(), &code_at(3_000), 3_000));
}

#[test]
fn an_unconfirmed_authenticator_proves_nothing() {
    let enrolled = Authenticator::enrol(Algorithm::Sha1, AppDigits::Six);
    assert!(!is_right(enrolled, &code_at(9_000), 9_000));
    let wrong = Code::parse("000000").unwrap();
    let refused = enrolled.confirm(&key(20), &wrong, at(9_000));
    assert_eq!(refused, Err(NotConfirmed));
}

#[test]
fn a_key_has_at_least_128_bits_and_masks_itself() {
    assert_eq!(TotpKey::from_bytes(&[1; 15]).unwrap_err(), TotpKeyError);
    assert_eq!(TotpKey::from_bytes(&[1; 65]).unwrap_err(), TotpKeyError);
    assert_eq!(format!("{:?}", key(20)), "TotpKey(masked)");
}

#[test]
fn an_authenticator_survives_being_stored() {
    let json = serde_json::to_string(&confirmed()).unwrap();
    let expected = r#"{"algorithm":"sha1","digits":"six","standing":"confirmed","used":100}"#;
    assert_eq!(json, expected);
    assert_eq!(
        serde_json::from_str::<Authenticator>(&json).unwrap(),
        confirmed()
    );
}

proptest! {
    /// Whatever the clock does, a step that was accepted stays used.
    #[test]
    fn no_code_is_accepted_twice(clocks in vec(0_u64..600, 1..60)) {
        let mut authenticator = Authenticator::enrol(Algorithm::Sha1, AppDigits::Six);
        authenticator.standing = Standing::Confirmed;
        let mut accepted = Vec::new();
        for seconds in clocks {
            let checked = authenticator.check(&key(20), &code_at(seconds), at(seconds));
            authenticator = checked.authenticator;
            if checked.judged.is_right_for(Channel::Totp) {
                prop_assert!(!accepted.contains(&(seconds / 30)));
                accepted.push(seconds / 30);
            }
        }
    }
}
