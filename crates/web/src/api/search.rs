//! Searching the ledger. A number to look for comes in a body, since URLs end up in logs, and takes a
//! scope of its own.

use std::borrow::Cow;

use domain::id::MessageId;
use domain::msisdn::Msisdn;
use engine::{EntryKind, EntryOutcome, LedgerQuery, ObjectTerm, Proofs, SearchError, Searcher};
use http::StatusCode;
use hyper::body::Incoming;

use crate::api::{Api, Call, document, query, render, sound};
use crate::json::fields::{Faults, Members};
use crate::json::{Fields, Value};
use crate::problem::{Place, Problem};
use crate::reply::Reply;

use super::lookup::limit;

/// The member that may stand more than once, or hold several.
const KIND: &str = "kind";

impl Api {
    /// `GET /v1/ledger/entries`.
    pub(super) async fn list_entries(&self, call: &Call<'_>) -> Result<Reply, Problem> {
        let mut faults = Faults::default();
        let parameters = query::parameters(call.parts.uri.query(), &mut faults);
        let wanted = listed(parameters, &mut faults);
        let wanted = sound(Some(wanted), faults)?;
        self.entries(call, wanted, || Place::Parameter("cursor".to_owned()))
            .await
    }

    /// `POST /v1/ledger/search`.
    pub(super) async fn search_entries(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let body = self.body(call, body).await?;
        let mut faults = Faults::default();
        let mut fields = Fields::open(document(&body)?, "", &mut faults);
        let number = fields.parsed_if_there("number", Msisdn::parse);
        let kinds: Vec<Cow<'_, str>> = match fields.take(KIND) {
            Some(Value::List(values)) => values.into_iter().map(text).collect(),
            Some(value) => vec![text(value)],
            None => Vec::new(),
        };
        let wanted = LedgerQuery {
            number,
            ..ledger_query(&mut fields, &kinds)
        };
        fields.close();
        let wanted = sound(Some(wanted), faults)?;
        self.entries(call, wanted, || Place::Pointer("/cursor".to_owned()))
            .await
    }

    async fn entries(
        &self,
        call: &Call<'_>,
        wanted: LedgerQuery,
        cursor: impl FnOnce() -> Place,
    ) -> Result<Reply, Problem> {
        let proofs = wanted.proofs;
        let who = Searcher::Client(&call.caller);
        let searched = self.gateway.search_ledger(who, wanted).await;
        let page = searched.map_err(|error| match error {
            SearchError::Cursor => Problem::with_fault(cursor(), error.to_string()),
            SearchError::Unavailable => error.into(),
        })?;
        Ok(Reply::json(StatusCode::OK, render::entries(&page, proofs)))
    }
}

/// A kind's text; nothing for what is no text, which names no kind.
fn text(value: Value<'_>) -> Cow<'_, str> {
    match value {
        Value::Text(text) => text,
        _ => Cow::Borrowed(""),
    }
}

fn listed(parameters: Members<'_>, faults: &mut Faults) -> LedgerQuery {
    let (kinds, rest): (Members<'_>, Members<'_>) =
        parameters.into_iter().partition(|(name, _)| name == KIND);
    let kinds: Vec<_> = kinds.into_iter().map(|(_, value)| text(value)).collect();
    let mut fields = Fields::of_query(rest, faults);
    if fields.take("number").is_some() {
        let _: Option<()> = fields.fault(
            "number",
            "a number must not stand in a URL, where logs keep it: send it in the body of POST \
             /v1/ledger/search",
        );
    }
    let wanted = ledger_query(&mut fields, &kinds);
    fields.close();
    wanted
}

/// The members that the list and the search share.
fn ledger_query(fields: &mut Fields<'_, '_>, kinds: &[Cow<'_, str>]) -> LedgerQuery {
    LedgerQuery {
        kinds: all_kinds(fields, kinds),
        outcome: fields.parsed_if_there("outcome", |text| {
            EntryOutcome::from_name(text)
                .ok_or("must be accepted, refused, done, failed or unknown")
        }),
        client: fields.parsed_if_there("client", str::parse),
        object: object(fields),
        number: None,
        since: fields.parsed_if_there("since", str::parse),
        until: fields.parsed_if_there("until", str::parse),
        cursor: fields.parsed_if_there("cursor", str::parse),
        limit: limit(fields),
        proofs: proofs(fields),
    }
}

/// Kinds, each given by itself or several with commas between them.
fn all_kinds(fields: &mut Fields<'_, '_>, texts: &[Cow<'_, str>]) -> Vec<EntryKind> {
    let names = texts.iter().flat_map(|text| text.split(','));
    let kinds: Option<Vec<EntryKind>> = names.map(EntryKind::from_name).collect();
    let unknown = "must name kinds of entries, such as message.accepted";
    kinds
        .or_else(|| fields.fault(KIND, unknown))
        .unwrap_or_default()
}

/// A message, or any other thing by its id.
fn object(fields: &mut Fields<'_, '_>) -> Option<ObjectTerm> {
    let message: Option<MessageId> = fields.parsed_if_there("message", str::parse);
    let object = fields.parsed_if_there("object", str::parse);
    match (message, object) {
        (Some(_), Some(_)) => {
            fields.fault("message", "is there beside object: which one is meant?")
        }
        (Some(message), None) => message.to_string().parse().ok(),
        (None, object) => object,
    }
}

fn proofs(fields: &mut Fields<'_, '_>) -> Proofs {
    match fields.flag("proof") {
        Some(true) => Proofs::With,
        Some(false) | None => Proofs::Without,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Result<LedgerQuery, Vec<String>> {
        let mut faults = Faults::default();
        let parameters = query::parameters(Some(text), &mut faults);
        let wanted = listed(parameters, &mut faults);
        if faults.is_empty() {
            return Ok(wanted);
        }
        let faults = faults.into_vec();
        Err(faults.iter().map(|fault| fault.place.to_string()).collect())
    }

    #[test]
    fn kinds_come_one_by_one_or_with_commas() {
        let wanted = list("kind=message.failed,mo.received&proof=true&kind=clock.step").unwrap();
        let kinds = [
            EntryKind::MessageFailed,
            EntryKind::MoReceived,
            EntryKind::ClockStep,
        ];
        assert_eq!(
            (wanted.kinds, wanted.proofs),
            (kinds.to_vec(), Proofs::With)
        );
        let none = list("proof=false").unwrap();
        assert_eq!((none.kinds, none.proofs), (Vec::new(), Proofs::Without));
    }

    #[test]
    fn a_message_is_an_object() {
        let id = "msg_adgt2kc5thpzuzq3iu5bwr2v6m";
        for name in ["message", "object"] {
            let wanted = list(&format!("{name}={id}")).unwrap();
            assert_eq!(wanted.object.unwrap().as_str(), id);
        }
        let both = format!("message={id}&object={id}");
        assert_eq!(list(&both).unwrap_err(), ["message"]);
    }

    #[test]
    fn a_number_in_the_url_is_refused_whatever_it_is_called() {
        assert_eq!(list("number=%2B447700900123").unwrap_err(), ["number"]);
        assert_eq!(list("object=%2B447700900123").unwrap_err(), ["object"]);
        assert_eq!(list("object=447700900123").unwrap_err(), ["object"]);
    }

    #[test]
    fn wrong_parameters_are_named_all_at_once() {
        let wrong = "kind=a&outcome=b&client=c&message=d&object=%20&since=e&until=f&cursor=g&\
                     limit=0&proof=h&colour=red";
        let named = [
            "kind", "outcome", "client", "message", "object", "since", "until", "cursor", "limit",
            "proof", "colour",
        ];
        assert_eq!(list(wrong).unwrap_err(), named);
    }
}
