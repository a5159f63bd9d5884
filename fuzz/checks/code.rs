//! Any text is read as a code, as a recovery code, as a message that holds a code, as a keyword and as names
//! for an authenticator app, without panic; what is read is what was written, and nothing of it breaks
//! out of the address that an app reads.

use domain::keyword::classify;
use domain::verification::code::{Code, CodeLength, MAX_DIGITS, MIN_DIGITS};
use domain::verification::mo::{Found, find};
use domain::verification::recovery::RecoveryCode;

use domain::verification::totp::{Algorithm, AppDigits, Authenticator, OtpauthUri, TotpKey};

pub fn check(octets: &[u8]) {
    let Ok(text) = core::str::from_utf8(octets) else {
        return;
    };
    let _ = classify(text);
    if let Ok(code) = Code::parse(text) {
        assert_code(&code);
        assert!(Code::parse(&code.reveal_grouped()).is_ok_and(|again| again.matches(&code)));
        assert!(!format!("{code:?}").contains(code.reveal()));
    }
    if let Ok(code) = RecoveryCode::parse(text) {
        let shown = code.reveal();
        assert_eq!(shown.len(), 19);
        assert!(RecoveryCode::parse(&shown).is_ok_and(|again| again.reveal() == shown));
        assert!(!format!("{code:?}").contains(&shown));
    }
    for length in (MIN_DIGITS..=MAX_DIGITS).filter_map(|digits| CodeLength::new(digits).ok()) {
        if let Found::Code(code) = find(text, length) {
            assert_code(&code);
            assert_eq!(code.length(), length);
            assert!(
                matches!(find(code.reveal(), length), Found::Code(again) if again.matches(&code))
            );
        }
    }
    app(text);
}

fn assert_code(code: &Code) {
    let digits = code.reveal();
    assert!(digits.bytes().all(|octet| octet.is_ascii_digit()));
    assert_eq!(digits.len(), usize::from(code.length().digits()));
}

/// Issuer and account, with a line feed between them.
fn app(text: &str) {
    let (issuer, account) = text.split_once('\n').unwrap_or((text, "account"));
    let authenticator = Authenticator::enrol(Algorithm::Sha1, AppDigits::Six);
    let key = TotpKey::from_bytes(&[7; 20]).expect("20 octets");
    if let Ok(uri) = OtpauthUri::new(&authenticator, &key, issuer, account) {
        let uri = uri.reveal();
        let rest = uri.strip_prefix("otpauth://totp/").expect("its scheme");
        let plain = |octet: u8| octet.is_ascii_graphic();
        assert!(rest.bytes().all(plain));
        let (label, query) = rest.split_once('?').expect("a query");
        assert_eq!(
            (label.matches(':').count(), query.matches('&').count()),
            (1, 4)
        );
        assert!(!label.contains(['/', '#', '?', '&']) && !query.contains(['/', '#', '?']));
    }
}
