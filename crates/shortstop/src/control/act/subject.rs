//! What the commands about a person's data ask of the engine. The number comes in here and leaves in
//! no log or error, and in no answer but the copy for the person.

use domain::msisdn::{Msisdn, MsisdnError};
use engine::{Erased, ErasureBasis, ErasureError, ErasureScope, Gateway, SubjectItem};
use serde_json::{Map, Value, json};

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

/// Everything that is kept of a number.
pub async fn export(gateway: &Gateway, actor: &str, number: &NumberAsked) -> Answer {
    let number = match number_of(number) {
        Ok(number) => number,
        Err(error) => return Answer::refused(error),
    };
    match gateway.export_subject(actor, number).await {
        Ok(items) => {
            let items: Vec<Value> = items.iter().map(item).collect();
            Answer::done(&json!({"number": number.reveal_e164(), "items": items}))
        }
        Err(error) => Answer::unavailable(chain(&error)),
    }
}

/// One message or opt-out: what is kept in clear, the sealed values, and the evidence.
fn item(item: &SubjectItem) -> Value {
    let facts = item
        .facts
        .iter()
        .map(|(name, value)| (*name, value.as_str()));
    let values = item
        .openings
        .iter()
        .map(|one| (one.field, one.value.as_str()));
    let mut shown: Map<String, Value> = facts
        .chain(values)
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let openings = item
        .openings
        .iter()
        .map(|one| json!({"field": one.field, "key": one.key_hex, "value": one.value}));
    let entry = item.evidence.as_ref().map(|(entry, _)| entry);
    let proof = item.evidence.as_ref().map(|(_, proof)| proof);
    shown.insert("type".to_owned(), item.sort.into());
    shown.insert("id".to_owned(), item.id.as_str().into());
    shown.insert("openings".to_owned(), openings.collect());
    shown.insert("entry".to_owned(), json!(entry));
    shown.insert("proof".to_owned(), json!(proof));
    shown.into()
}

fn told(erased: &Erased) -> Answer {
    Answer::done(&json!({
        "messages": erased.messages,
        "inbound": erased.inbound,
        "opt_outs": erased.opt_outs,
        "verifications": erased.verifications,
        "factors": erased.factors,
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
pub(super) fn number_of(asked: &NumberAsked) -> Result<Msisdn, MsisdnError> {
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
