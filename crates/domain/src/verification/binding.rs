//! What a code is good for, and for nothing else: an amount, a payee, a session. Whoever checks the code
//! must name the same act again (dynamic linking, Delegated Regulation (EU) 2018/389 Article 5), and the text
//! tells amount and payee ([`super::template::act`]). Kept is a keyed digest, so that neither needs to be stored.

use core::fmt;

use aws_lc_rs::constant_time;

use super::tag::{CodeKey, keyed};

/// The most characters of one part of a binding.
pub const MAX_CHARACTERS: usize = 200;

/// The act that a code is for. Parts are compared octet by octet, so `10.0` is not `10.00`. An empty
/// binding is one too: it matches an empty one only. `Debug` shows which parts are there.
#[derive(Clone, Default)]
pub struct Binding {
    amount: Option<Box<str>>,
    payee: Option<Box<str>>,
    session: Option<Box<str>>,
}

/// The parts as a client gives them.
#[derive(Clone, Copy, Debug, Default)]
pub struct BindingParts<'p> {
    /// The amount with its currency, as the person saw it.
    pub amount: Option<&'p str>,
    /// Who is paid.
    pub payee: Option<&'p str>,
    /// The session of the application that asked.
    pub session: Option<&'p str>,
}

/// Why a part cannot be bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{part} of the binding has 1 to {MAX_CHARACTERS} characters, none of them a control character"
)]
pub struct BindingError {
    /// Which part: `amount`, `payee` or `session`.
    pub part: &'static str,
}

impl Binding {
    /// Takes the parts as they are, or not at all.
    pub fn parse(parts: &BindingParts<'_>) -> Result<Self, BindingError> {
        Ok(Self {
            amount: part("amount", parts.amount)?,
            payee: part("payee", parts.payee)?,
            session: part("session", parts.session)?,
        })
    }

    /// Whether no part is there: the code is for no act in particular.
    pub const fn is_empty(&self) -> bool {
        self.amount.is_none() && self.payee.is_none() && self.session.is_none()
    }

    /// Whether it says how much is paid, and to whom.
    pub const fn names_payment(&self) -> bool {
        self.amount.is_some() && self.payee.is_some()
    }

    /// The amount with its currency.
    pub(super) fn amount(&self) -> Option<&str> {
        self.amount.as_deref()
    }

    /// Who is paid.
    pub(super) fn payee(&self) -> Option<&str> {
        self.payee.as_deref()
    }

    /// The digest under the key of the verification.
    pub fn digest(&self, key: &CodeKey) -> BindingDigest {
        let parts = [&self.amount, &self.payee, &self.session].map(|part| match part {
            Some(text) => [b"1", text.as_bytes()].concat(),
            None => b"0".to_vec(),
        });
        let [amount, payee, session] = &parts;
        BindingDigest(keyed(key.reveal(), "binding", &[amount, payee, session]))
    }
}

fn part(name: &'static str, text: Option<&str>) -> Result<Option<Box<str>>, BindingError> {
    let Some(text) = text else { return Ok(None) };
    let fits = (1..=MAX_CHARACTERS).contains(&text.chars().count());
    if fits && !text.chars().any(char::is_control) {
        Ok(Some(text.into()))
    } else {
        Err(BindingError { part: name })
    }
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = |part: &Option<Box<str>>| if part.is_some() { "given" } else { "none" };
        let (amount, payee) = (given(&self.amount), given(&self.payee));
        let session = given(&self.session);
        write!(
            f,
            "Binding(amount {amount}, payee {payee}, session {session})"
        )
    }
}

/// The keyed digest of a binding, masked.
#[derive(Clone, Copy)]
pub struct BindingDigest([u8; 32]);

impl BindingDigest {
    /// From its 32 octets.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 octets, for storing.
    pub const fn reveal(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether the two are equal. Takes the same time wherever they differ.
    pub fn matches(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl fmt::Debug for BindingDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BindingDigest(masked)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(amount: Option<&str>, payee: Option<&str>, session: Option<&str>) -> BindingDigest {
        let parts = BindingParts {
            amount,
            payee,
            session,
        };
        let key = CodeKey::from_bytes([3; 32]);
        Binding::parse(&parts).unwrap().digest(&key)
    }

    #[test]
    fn a_binding_matches_the_same_act_only() {
        let act = digest(Some("EUR 12.50"), Some("Shop"), None);
        assert!(act.matches(&digest(Some("EUR 12.50"), Some("Shop"), None)));
        for other in [
            digest(Some("EUR 12.51"), Some("Shop"), None),
            digest(Some("EUR 12.50"), Some("Shop"), Some("s")),
            digest(Some("EUR 12.50"), None, Some("Shop")),
            digest(Some("Shop"), Some("EUR 12.50"), None),
            digest(Some("EUR 12.50Shop"), None, None),
            digest(None, None, None),
        ] {
            assert!(!act.matches(&other));
        }
    }

    #[test]
    fn a_part_is_short_and_without_control_characters() {
        let long = "x".repeat(201);
        for text in ["", "a\nb", "\u{7F}", long.as_str()] {
            let parts = BindingParts {
                payee: Some(text),
                ..BindingParts::default()
            };
            let error = Binding::parse(&parts).unwrap_err();
            assert_eq!(error, BindingError { part: "payee" });
        }
    }

    #[test]
    fn a_binding_shows_which_parts_it_has_and_nothing_of_them() {
        let parts = BindingParts {
            amount: Some("EUR 12.50"),
            ..BindingParts::default()
        };
        let shown = format!("{:?}", Binding::parse(&parts).unwrap());
        assert_eq!(shown, "Binding(amount given, payee none, session none)");
        assert_eq!(
            format!("{:?}", digest(None, None, None)),
            "BindingDigest(masked)"
        );
    }
}
