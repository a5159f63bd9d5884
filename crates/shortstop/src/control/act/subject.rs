//! What the commands about a person's data ask of the engine. The number comes in here and leaves in
//! no answer, log or error.

use domain::msisdn::{Msisdn, MsisdnError};
use engine::{Erased, ErasureBasis, ErasureError, ErasureScope, Gateway};
use serde_json::json;

use super::chain;
use crate::control::message::{Answer, ConsentAsked, NumberAsked};

/// Destroys what is kept of a number.
pub async fn erase(
    gateway: &Gateway,
    actor: &str,
    number: &NumberAsked,
    (basis, consent): (&str, ConsentAsked),
) -> Answer {
    let number = match number_of(number) {
        Ok(number) => number,
        Err(error) => return Answer::refused(error),
    };
    let basis = match ErasureBasis::parse(basis, number) {
        Ok(basis) => basis,
        Err(error) => return Answer::refused(error),
    };
    let scope = match consent {
        ConsentAsked::Keep => ErasureScope::KeepConsent,
        ConsentAsked::Erase => ErasureScope::WithConsent,
    };
    match gateway.erase_subject(actor, number, &basis, scope).await {
        Ok(erased) => told(&erased),
        Err(error) => failed(&error),
    }
}

fn told(erased: &Erased) -> Answer {
    Answer::done(&json!({
        "messages": erased.messages,
        "inbound": erased.inbound,
        "opt_outs": erased.opt_outs,
        "values": erased.values,
        "moving": erased.moving,
        "again_after": erased.again_after.map(|after| after.to_string()),
        "opt_outs_kept": erased.kept,
        "remains": erased.remains.as_ref().map(ToString::to_string),
    }))
}

fn failed(error: &ErasureError) -> Answer {
    Answer::unavailable(chain(error))
}

/// A number that is in the store may have left its country's plan since: then it is taken as it is.
fn number_of(asked: &NumberAsked) -> Result<Msisdn, MsisdnError> {
    let text = asked.reveal().trim();
    Msisdn::parse(text).or_else(|error| {
        let digits = text
            .strip_prefix('+')
            .and_then(|digits| digits.parse().ok());
        digits.map_or(Err(error), Msisdn::from_digits)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_left_its_plan_is_taken_all_the_same() {
        let asked = |text: &str| number_of(&NumberAsked::new(text)).map(Msisdn::reveal);
        assert_eq!(asked(" +44 7700 900123\n"), Ok(447_700_900_123));
        assert_eq!(asked("+447000000000000"), Ok(447_000_000_000_000));
        assert!(asked("07700 900123").is_err() && asked("+").is_err());
    }
}
