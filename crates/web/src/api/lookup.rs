//! Reading: one message, lists of messages, messages from handsets. A number to search by comes in a
//! body, since URLs end up in logs.

use domain::msisdn::Msisdn;
use engine::{InboundQuery, MessageQuery};
use http::StatusCode;
use hyper::body::Incoming;

use crate::api::{Api, Call, document, query, refuse_query, render, sound};
use crate::http_errors::not_found;
use crate::json::Fields;
use crate::json::fields::{Faults, Members};
use crate::problem::Problem;
use crate::reply::Reply;

/// Rows of a page when the client does not say.
const LIMIT_DEFAULT: u16 = 100;
/// Rows of a page at most.
const LIMIT_MAX: u16 = 1_000;

impl Api {
    /// `GET /v1/messages/{id}`.
    pub(super) async fn read_message(&self, call: &Call<'_>) -> Result<Reply, Problem> {
        refuse_query(call.parts)?;
        // An id of the wrong form is answered like one that is not there.
        let id = call.object.parse().map_err(|_| not_found())?;
        let view = self.gateway.message(&call.caller, id).await?;
        Ok(Reply::json(StatusCode::OK, render::message(&view)))
    }

    /// `GET /v1/messages`.
    pub(super) async fn list_messages(&self, call: &Call<'_>) -> Result<Reply, Problem> {
        let mut faults = Faults::default();
        let parameters = query::parameters(call.parts.uri.query(), &mut faults);
        let wanted = listed(parameters, &mut faults);
        self.messages(call, sound(Some(wanted), faults)?).await
    }

    /// `POST /v1/messages/search`.
    pub(super) async fn search_messages(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let body = self.body(call, body).await?;
        let mut faults = Faults::default();
        let mut fields = Fields::open(document(&body)?, "", &mut faults);
        let to = fields.parsed_if_there("to", Msisdn::parse);
        let wanted = MessageQuery {
            to,
            ..message_query(&mut fields)
        };
        fields.close();
        self.messages(call, sound(Some(wanted), faults)?).await
    }

    async fn messages(&self, call: &Call<'_>, wanted: MessageQuery) -> Result<Reply, Problem> {
        let page = self.gateway.messages(&call.caller, wanted).await?;
        Ok(Reply::json(StatusCode::OK, render::messages(&page)))
    }

    /// `GET /v1/inbound`.
    pub(super) async fn list_inbound(&self, call: &Call<'_>) -> Result<Reply, Problem> {
        let mut faults = Faults::default();
        let parameters = query::parameters(call.parts.uri.query(), &mut faults);
        let wanted = inbound_query(parameters, &mut faults);
        let page = self
            .gateway
            .inbound(&call.caller, sound(Some(wanted), faults)?)
            .await?;
        Ok(Reply::json(StatusCode::OK, render::inbound(&page)))
    }
}

fn listed(parameters: Members<'_>, faults: &mut Faults) -> MessageQuery {
    let mut fields = Fields::of_query(parameters, faults);
    if fields.take("to").is_some() {
        let _: Option<()> = fields.fault(
            "to",
            "a number must not stand in a URL, where logs keep it: send it in the body of POST \
             /v1/messages/search",
        );
    }
    let wanted = message_query(&mut fields);
    fields.close();
    wanted
}

/// The members that the list and the search share.
fn message_query(fields: &mut Fields<'_, '_>) -> MessageQuery {
    MessageQuery {
        to: None,
        state: fields.parsed_if_there("state", str::parse),
        class: fields.parsed_if_there("class", str::parse),
        from: fields.parsed_if_there("from", str::parse),
        since: fields.parsed_if_there("since", str::parse),
        until: fields.parsed_if_there("until", str::parse),
        cursor: fields.parsed_if_there("cursor", str::parse),
        limit: limit(fields),
    }
}

fn inbound_query(parameters: Members<'_>, faults: &mut Faults) -> InboundQuery {
    let mut fields = Fields::of_query(parameters, faults);
    if fields.take("from").is_some() {
        let detail = "a number must not stand in a URL, where logs keep it: read the pages and \
                      choose";
        let _: Option<()> = fields.fault("from", detail);
    }
    let wanted = InboundQuery {
        from: None,
        to: fields.parsed_if_there("to", str::parse),
        since: fields.parsed_if_there("since", str::parse),
        cursor: fields.parsed_if_there("cursor", str::parse),
        limit: limit(&mut fields),
    };
    fields.close();
    wanted
}

pub(super) fn limit(fields: &mut Fields<'_, '_>) -> u16 {
    let Some(asked) = fields.whole("limit") else {
        return LIMIT_DEFAULT;
    };
    match u16::try_from(asked) {
        Ok(limit @ 1..=LIMIT_MAX) => limit,
        _ => fields
            .fault("limit", format!("must be from 1 to {LIMIT_MAX}"))
            .unwrap_or(LIMIT_DEFAULT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Result<MessageQuery, Vec<String>> {
        let mut faults = Faults::default();
        let parameters = query::parameters(Some(text), &mut faults);
        let wanted = listed(parameters, &mut faults);
        let shown = |faults: Faults| {
            faults
                .into_vec()
                .iter()
                .map(|fault| fault.place.to_string())
                .collect()
        };
        if faults.is_empty() {
            Ok(wanted)
        } else {
            Err(shown(faults))
        }
    }

    #[test]
    fn a_list_takes_its_filters_from_the_query() {
        let wanted =
            list("state=delivered&class=otp&from=12345&limit=7&since=2026-01-01T00:00:00Z");
        let wanted = wanted.unwrap();
        assert_eq!(wanted.limit, 7);
        assert_eq!(wanted.state, Some(domain::message::MessageState::Delivered));
        assert!(wanted.since.is_some() && wanted.until.is_none());
        assert_eq!(list("").unwrap().limit, LIMIT_DEFAULT);
    }

    #[test]
    fn a_number_in_the_url_is_refused_with_the_way_out() {
        assert_eq!(list("to=%2B447700900123").unwrap_err(), ["to"]);
        let mut faults = Faults::default();
        let parameters = query::parameters(Some("to=%2B447700900123"), &mut faults);
        let _ = listed(parameters, &mut faults);
        let detail = &faults.into_vec()[0].detail;
        assert!(
            detail.contains("POST /v1/messages/search") && !detail.contains("7700"),
            "{detail}"
        );
    }

    #[test]
    fn wrong_parameters_are_named_all_at_once() {
        let wrong = "state=lost&class=x&from=0&since=now&until=1&cursor=z&limit=0&colour=red";
        let named = [
            "state", "class", "from", "since", "until", "cursor", "limit", "colour",
        ];
        assert_eq!(list(wrong).unwrap_err(), named);
        for limit in [
            "1001",
            "1000000000",
            "-1",
            "+5",
            "5x",
            "",
            "５",
            "99999999999999999999",
        ] {
            assert_eq!(
                list(&format!("limit={limit}")).unwrap_err(),
                ["limit"],
                "{limit}"
            );
        }
        assert_eq!(list("limit=5&limit=5").unwrap_err(), ["limit"]);
    }

    #[test]
    fn inbound_has_parameters_of_its_own() {
        let read = |text| {
            let mut faults = Faults::default();
            let parameters = query::parameters(Some(text), &mut faults);
            (
                inbound_query(parameters, &mut faults),
                faults.into_vec().len(),
            )
        };
        let (wanted, faults) = read("to=12345&limit=3");
        assert_eq!((wanted.to.is_some(), wanted.limit, faults), (true, 3, 0));
        assert_eq!(read("from=%2B447700900123").1, 1);
        assert_eq!(read("state=delivered").1, 1);
    }
}
