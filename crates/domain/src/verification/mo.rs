//! Verification by MO: the application shows a code, the person texts it to the short code, and the handset
//! that the carrier names as its sender is verified. The attempt goes through the same
//! [check](super::check::check) as any other.

use super::check::{Attempt, Evidence, Way};
use super::code::{Code, CodeLength, digit, is_separator};
use super::state::Verification;
use super::tag::CodeTag;
use crate::msisdn::Msisdn;

/// What a text holds.
#[derive(Debug)]
pub enum Found {
    /// No code of the length asked for.
    Nothing,
    /// One code.
    Code(Code),
    /// Several different ones. None is taken: one text is one guess.
    Several,
}

/// Looks for a code of one length in a text. It stands by itself (`482913`), among words (`code: 482913`) or
/// in groups (`482 913`, `482-913`). A longer number is no code, and neither is a part of one.
pub fn find(text: &str, length: CodeLength) -> Found {
    let mut found = Found::Nothing;
    for run in runs(text) {
        for candidate in candidates(&run, usize::from(length.digits())) {
            let Ok(code) = Code::parse(&candidate) else {
                continue;
            };
            found = match found {
                Found::Nothing => Found::Code(code),
                Found::Code(first) if first.matches(&code) => Found::Code(first),
                Found::Code(_) | Found::Several => return Found::Several,
            };
        }
    }
    found
}

/// Numbers with one separator between them, as lists of their digits: `482 913, 77` is [[482, 913], [77]].
fn runs(text: &str) -> Vec<Vec<String>> {
    let mut runs: Vec<Vec<String>> = Vec::new();
    let mut gap = Gap::Wide;
    for character in text.chars() {
        let Some(value) = digit(character) else {
            gap = match gap {
                Gap::None if is_separator(character) => Gap::Narrow,
                _ => Gap::Wide,
            };
            continue;
        };
        match gap {
            Gap::Wide => runs.push(vec![String::new()]),
            Gap::Narrow => runs
                .last_mut()
                .into_iter()
                .for_each(|run| run.push(String::new())),
            Gap::None => {}
        }
        gap = Gap::None;
        if let Some(number) = runs.last_mut().and_then(|run| run.last_mut()) {
            number.push(char::from(b'0' + value));
        }
    }
    runs
}

/// What stands since the last digit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// Nothing.
    None,
    /// One separator: the digits may belong together.
    Narrow,
    /// More: they do not.
    Wide,
}

/// What of a run can be the code: a number of the right length, or else all of it together.
fn candidates(run: &[String], digits: usize) -> Vec<String> {
    let whole: Vec<String> = run
        .iter()
        .filter(|number| number.len() == digits)
        .cloned()
        .collect();
    let together = run.concat();
    if whole.is_empty() && together.len() == digits {
        return vec![together];
    }
    whole
}

/// The text came from another handset than the one under verification, or was not asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotTheHandset;

/// The attempt that a text makes. `sender` is who the carrier says sent it; `to` is the number under
/// verification, and `tag` the keyed hash of the code found. A handset cannot name the act again, so
/// the attempt is for the act that the application bound.
pub fn attempt(
    verification: &Verification,
    sender: Msisdn,
    to: Msisdn,
    tag: CodeTag,
) -> Result<Attempt, NotTheHandset> {
    if sender != to {
        return Err(NotTheHandset);
    }
    Ok(Attempt {
        evidence: Evidence::Tag(tag),
        binding: verification.binding(),
        way: Way::Handset,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};

    use super::*;
    use crate::verification::budget::number::NumberBudgets;
    use crate::verification::budget::policy::Policy;
    use crate::verification::channel::Channel;
    use crate::verification::check::{Guard, check as check_code};
    use crate::verification::state::State;
    use crate::verification::state::tests::{at, pending, tag};

    fn number(digits: u64) -> Msisdn {
        Msisdn::from_digits(digits).unwrap()
    }

    fn check(text: &str, expected: Option<&str>) {
        let found = find(text, CodeLength::SIX);
        let code = match &found {
            Found::Code(code) => Some(code.reveal()),
            Found::Nothing | Found::Several => None,
        };
        assert_eq!(code, expected, "{text:?}");
    }

    #[test]
    fn a_code_is_found_alone_among_words_and_in_groups() {
        for text in [
            "482913",
            " 482913 \n",
            "Code: 482913.",
            "my code is 482 913 thanks",
            "482-913",
            "#482913",
            "４８２９１３",
            "482913 482913",
            "2 x 482913",
        ] {
            check(text, Some("482913"));
        }
    }

    #[test]
    fn a_part_of_a_longer_number_is_no_code() {
        for text in [
            "",
            "hello",
            "48291",
            "4829130",
            "+1 202 555 0142",
            "482  913",
            "482, 913",
            "482913a 7 8",
        ] {
            check(
                text,
                if text.starts_with("482913a") {
                    Some("482913")
                } else {
                    None
                },
            );
        }
    }

    #[test]
    fn a_text_with_several_codes_is_one_guess_at_none() {
        assert!(matches!(
            find("482913 482914", CodeLength::SIX),
            Found::Several
        ));
        assert!(matches!(
            find("482913, or 482914?", CodeLength::SIX),
            Found::Several
        ));
    }

    #[test]
    fn a_texted_code_ends_the_same_state_machine_verified() {
        let verification = pending(Channel::Mo);
        let (own, foreign) = (number(447_700_900_123), number(447_700_900_124));
        let refused = attempt(&verification, foreign, own, tag("482913"));
        assert_eq!(refused.unwrap_err(), NotTheHandset);
        let texted = attempt(&verification, own, own, tag("482913")).unwrap();
        let (budgets, policy) = (NumberBudgets::default(), Policy::default());
        let guard = Guard {
            budgets: &budgets,
            policy: &policy,
            offered: &[],
        };
        let checked = check_code(&verification, guard, &texted, at(1)).unwrap();
        assert_eq!(checked.verification.state(at(1)), State::Verified);
    }

    proptest! {
        #[test]
        fn what_is_found_has_the_length_asked_for(text in "[0-9 ,a-]{0,40}", any in any::<String>()) {
            let _ = find(&any, CodeLength::SIX);
            if let Found::Code(code) = find(&text, CodeLength::SIX) {
                prop_assert!(code.length() == CodeLength::SIX);
            }
        }
    }
}
