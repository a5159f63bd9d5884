//! What a client asks of factors.

use domain::verification::factor::FactorKind;
use domain::verification::user::UserReference;
use engine::AppLabels;
use zeroize::Zeroizing;

use crate::api::message::plain;
use crate::api::{document, sound};
use crate::json::Fields;
use crate::json::fields::Faults;
use crate::problem::Problem;

/// The longest name that an app shows, in characters.
const LABEL_MAX: usize = 64;
/// The longest code that a person may have typed, in characters.
const CODE_MAX: usize = 64;

/// A factor to be.
#[derive(Debug)]
pub(super) struct Enrolment {
    /// Whose.
    pub(super) user: UserReference,
    /// What.
    pub(super) wanted: Wanted,
}

/// What is to be enrolled.
#[derive(Debug)]
pub(super) enum Wanted {
    /// An authenticator app.
    App(AppLabels),
    /// So many recovery codes.
    Codes(Option<u64>),
}

/// Reads what to enrol, and for whom. What goes with the other kind is unknown to this one.
pub(super) fn enrolment(body: &[u8]) -> Result<Enrolment, Problem> {
    let mut faults = Faults::default();
    let mut fields = Fields::open(document(body)?, "", &mut faults);
    let kind = fields.parsed("kind", str::parse);
    let user = fields.parsed("user", UserReference::parse);
    let wanted = kind.map(|kind| match kind {
        FactorKind::Totp => {
            let label = |text: &str| plain(text, LABEL_MAX);
            Wanted::App(AppLabels {
                issuer: fields.parsed_if_there("issuer", label),
                account: fields.parsed_if_there("account", label),
            })
        }
        FactorKind::Recovery => Wanted::Codes(fields.whole("count")),
    });
    if kind.is_some() {
        fields.close();
    }
    let both = user.zip(wanted);
    sound(
        both.map(|(user, wanted)| Enrolment { user, wanted }),
        faults,
    )
}

/// Reads the code that somebody typed. Whether it is one depends on the factor.
pub(super) fn code(body: &[u8]) -> Result<Zeroizing<String>, Problem> {
    let mut faults = Faults::default();
    let mut fields = Fields::open(document(body)?, "", &mut faults);
    let code = fields.parsed("code", |text| plain(text, CODE_MAX));
    fields.close();
    sound(code.map(|code| Zeroizing::new(code.into_string())), faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(body: &str) -> Vec<String> {
        let problem = enrolment(body.as_bytes()).unwrap_err();
        let places = problem.faults.iter().map(|fault| fault.place.to_string());
        places.collect()
    }

    #[test]
    fn what_belongs_to_one_kind_is_unknown_to_the_other() {
        let app = br#"{"kind":"totp","user":"ann","issuer":"Shop","account":"Ann"}"#;
        assert!(matches!(enrolment(app).unwrap().wanted, Wanted::App(_)));
        let codes = br#"{"kind":"recovery","user":"ann","count":8}"#;
        let codes = enrolment(codes).unwrap().wanted;
        assert!(matches!(codes, Wanted::Codes(Some(8))));
        assert_eq!(
            faults(r#"{"kind":"totp","user":"ann","count":8}"#),
            ["#/count"]
        );
        assert_eq!(
            faults(r#"{"kind":"recovery","user":"a","issuer":"b"}"#),
            ["#/issuer"]
        );
    }

    #[test]
    fn kind_and_user_must_be_said() {
        assert_eq!(faults("{}"), ["#/kind", "#/user"]);
        assert_eq!(faults(r#"{"kind":"voice","user":"ann"}"#), ["#/kind"]);
    }

    #[test]
    fn a_code_is_a_short_text() {
        assert_eq!(*code(br#"{"code":"482 913"}"#).unwrap(), "482 913");
        for body in [&br#"{"code":482913}"#[..], br"{}", br#"{"code":"1","x":2}"#] {
            assert_eq!(code(body).unwrap_err().faults.len(), 1);
        }
        let long = format!(r#"{{"code":"{}"}}"#, "1".repeat(65));
        assert!(code(long.as_bytes()).is_err());
    }
}
