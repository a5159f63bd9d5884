//! Tests of [`super`]: every end is final, and no clock brings time back.

use super::*;
use crate::verification::binding::Binding;
use crate::verification::budget::policy::FewDigits;
use crate::verification::code::Code;
use crate::verification::tag::CodeKey;

pub(in crate::verification) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(1_000_000 + seconds)
}

pub(in crate::verification) fn tag(code: &str) -> CodeTag {
    CodeTag::of(&CodeKey::from_bytes([5; 32]), &Code::parse(code).unwrap())
}

pub(in crate::verification) fn unbound() -> BindingDigest {
    Binding::default().digest(&CodeKey::from_bytes([5; 32]))
}

/// One that began at second 0, waits for the code 482913 where it has one, and is bound to nothing.
pub(in crate::verification) fn pending(channel: Channel) -> Verification {
    let length = CodeLength::SIX;
    let expected = match channel {
        Channel::Sms | Channel::Mo => Expected::Code {
            tag: tag("482913"),
            length: FewDigits::Forbidden.accept(length).unwrap(),
        },
        Channel::Totp | Channel::Recovery => Expected::Factor { length },
    };
    Verification::start(channel, expected, unbound(), Rules::default(), at(0)).unwrap()
}

pub(in crate::verification) fn verified() -> Verification {
    pending(Channel::Sms).checked(Ok(()))
}

#[test]
fn it_expires_after_its_time_and_not_before() {
    let verification = pending(Channel::Sms);
    assert_eq!(verification.state(at(599)), State::Pending);
    assert_eq!(verification.state(at(600)), State::Expired);
    assert_eq!(
        verification.pending(at(600)).unwrap_err(),
        Ended(State::Expired)
    );
}

#[test]
fn a_clock_that_goes_back_brings_no_time_back() {
    let seen = pending(Channel::Sms).pending(at(599)).unwrap();
    let later = seen.checked(Err(Mismatch::Code));
    assert_eq!(later.state(at(539)), State::Pending);
    assert_eq!(later.state(at(538)), State::Expired);
    assert_eq!(later.to_stored().latest, at(599));
    let mut stored = later.to_stored();
    stored.latest = at(600);
    let expired = Verification::from_stored(&stored).unwrap();
    assert_eq!(expired.state(at(0)), State::Expired);
}

#[test]
fn an_expiry_that_was_written_down_stays() {
    let verification = pending(Channel::Sms);
    assert!(verification.expired(at(599)).is_none());
    let expired = verification.expired(at(600)).unwrap();
    assert_eq!(expired.state(at(0)), State::Expired);
    assert!(expired.expired(at(600)).is_none());
    assert!(verified().expired(at(9_999)).is_none());
}

#[test]
fn every_end_is_final() {
    let failed = (0..5).fold(pending(Channel::Sms), |verification, _| {
        verification.checked(Err(Mismatch::Code))
    });
    let cancelled = pending(Channel::Sms).cancel(at(1)).unwrap();
    for (ended, state) in [
        (verified(), State::Verified),
        (failed, State::Failed),
        (cancelled, State::Cancelled),
    ] {
        assert_eq!(ended.state(at(2)), state);
        assert_eq!(ended.state(at(9_999)), state);
        assert_eq!(ended.cancel(at(2)).unwrap_err(), Ended(state));
    }
}

#[test]
fn rules_hold_the_bounds_of_the_standards() {
    assert_eq!(Rules::default(), Rules::new(600, 5, 5).unwrap());
    assert_eq!(Rules::default().valid_minutes(), 10);
    for (valid, checks, sends) in [
        (601, 5, 5),
        (59, 5, 5),
        (600, 6, 5),
        (600, 0, 5),
        (600, 5, 6),
        (600, 5, 0),
    ] {
        assert_eq!(Rules::new(valid, checks, sends), Err(RulesError));
    }
}

#[test]
fn a_channel_shows_what_it_can() {
    let factor = Expected::Factor {
        length: CodeLength::SIX,
    };
    for channel in [Channel::Sms, Channel::Mo] {
        let started = Verification::start(channel, factor, unbound(), Rules::default(), at(0));
        assert_eq!(started.unwrap_err(), ChannelError);
    }
}

#[test]
fn a_stored_verification_comes_back_or_is_refused() {
    let stored = pending(Channel::Sms)
        .checked(Err(Mismatch::Code))
        .sent()
        .to_stored();
    let back = Verification::from_stored(&stored).unwrap();
    assert_eq!((back.checks_left(), back.sends_left()), (4, 4));
    let wrong = [
        Stored {
            checks: 6,
            ..stored
        },
        Stored {
            checks: 5,
            ..stored
        },
        Stored { sends: 6, ..stored },
        Stored {
            tag: None,
            ..stored
        },
        Stored {
            latest: at(0).saturating_sub(VALID_MAX),
            ..stored
        },
        Stored {
            ended: Some(State::Pending),
            ..stored
        },
        Stored {
            channel: Channel::Totp,
            ..stored
        },
    ];
    for stored in wrong {
        let error = Verification::from_stored(&stored).unwrap_err();
        assert_eq!(error, StoredError::Contradiction);
    }
    let long = Stored {
        valid_seconds: 601,
        ..stored
    };
    assert_eq!(
        Verification::from_stored(&long).unwrap_err(),
        StoredError::Rules(RulesError)
    );
}

#[test]
fn a_state_is_stored_under_the_name_it_shows() {
    for state in [
        State::Pending,
        State::Verified,
        State::Failed,
        State::Expired,
        State::Cancelled,
    ] {
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(json, format!("\"{state}\""));
    }
}
