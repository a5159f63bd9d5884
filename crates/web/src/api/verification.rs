//! `/v1/verifications`: start, check, read, resend and cancel. An id of the wrong form, of nothing, of
//! another client and of a verification that ended are answered alike.

mod start;

use domain::verification::binding::{Binding, BindingParts};
use domain::verification::shown::ShownCode;
use domain::verification::state::State;
use engine::{CheckAnswer, CheckRequest, Replay, VerificationStarted, VerificationView};
use http::StatusCode;
use hyper::body::Incoming;

use crate::api::{Api, Call, credentials, document, refuse_query, sound};
use crate::http_errors::not_found;
use crate::json::fields::Faults;
use crate::json::{Fields, Json};
use crate::problem::Problem;
use crate::reply::Reply;
use start::Start;

impl Api {
    /// `POST /v1/verifications`: 201 once it is safe on disk.
    pub(super) async fn start_verification(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let key = credentials::idempotency_key(&call.parts.headers)?;
        let body = self.body(call, body).await?;
        let (gateway, caller) = (&self.gateway, &call.caller);
        let started = match start::read(&body)? {
            Start::Code(request) => gateway.start_verification(caller, request, key).await?,
            Start::Factor(request) => gateway.start_on_factor(caller, request, key).await?,
        };
        Ok(Reply {
            repeated: started.replayed == Replay::Repeated,
            limit: started.limit.clone(),
            ..Reply::json(StatusCode::CREATED, begun(&started))
        })
    }

    /// `POST /v1/verifications/{id}/check`.
    pub(super) async fn check_verification(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let body = self.body(call, body).await?;
        let request = check(&body)?;
        let id = call.object.parse().map_err(|_| not_found())?;
        let checking = self.gateway.check_verification(&call.caller, id, request);
        Ok(Reply::json(StatusCode::OK, checked(&checking.await?)))
    }

    /// `GET /v1/verifications/{id}`.
    pub(super) async fn read_verification(&self, call: &Call<'_>) -> Result<Reply, Problem> {
        refuse_query(call.parts)?;
        let id = call.object.parse().map_err(|_| not_found())?;
        let found = self.gateway.verification(&call.caller, id).await?;
        Ok(Reply::json(StatusCode::OK, view(&found)))
    }

    /// `POST /v1/verifications/{id}/resend`.
    pub(super) async fn resend_verification(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        refuse_query(call.parts)?;
        let id = call.object.parse().map_err(|_| not_found())?;
        self.require_empty(call, body).await?;
        let sent = self.gateway.resend_verification(&call.caller, id).await?;
        Ok(Reply::json(StatusCode::OK, view(&sent)))
    }

    /// `POST /v1/verifications/{id}/cancel`.
    pub(super) async fn cancel_verification(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        refuse_query(call.parts)?;
        let id = call.object.parse().map_err(|_| not_found())?;
        self.require_empty(call, body).await?;
        let cancelled = self.gateway.cancel_verification(&call.caller, id).await?;
        Ok(Reply::json(StatusCode::OK, view(&cancelled)))
    }
}

/// The act that a code is for; none is an act too.
fn binding(fields: &mut Fields<'_, '_>) -> Option<Binding> {
    let Some(mut parts) = fields.object("binding", "/binding") else {
        return Some(Binding::default());
    };
    let [amount, payee, session] = ["amount", "payee", "session"].map(|name| parts.text(name));
    parts.close();
    let given = BindingParts {
        amount: amount.as_deref(),
        payee: payee.as_deref(),
        session: session.as_deref(),
    };
    fields.checked("binding", Binding::parse(&given))
}

/// Reads a code and the act that it is shown for.
fn check(body: &[u8]) -> Result<CheckRequest, Problem> {
    let mut faults = Faults::default();
    let mut fields = Fields::open(document(body)?, "", &mut faults);
    let code = fields.parsed("code", ShownCode::parse);
    let binding = binding(&mut fields);
    fields.close();
    let request = || {
        Some(CheckRequest {
            code: code?,
            binding: binding?,
        })
    };
    sound(request(), faults)
}

/// A verification that has begun, with the code where the person is to text it.
fn begun(started: &VerificationStarted) -> Json {
    let mut json = Json::with_capacity(384);
    json.open();
    write_view(&mut json, &started.view);
    if let Some(code) = &started.code {
        json.name("code").word(code.reveal());
    }
    json.close();
    json
}

fn view(view: &VerificationView) -> Json {
    let mut json = Json::with_capacity(384);
    json.open();
    write_view(&mut json, view);
    json.close();
    json
}

fn write_view(json: &mut Json, view: &VerificationView) {
    json.name("id").word(view.id);
    json.name("state").word(view.state);
    json.name("channel").word(view.channel);
    if let Some(from) = view.from {
        json.name("from").word(from);
    }
    if let Some(factor) = view.factor {
        json.name("factor").word(factor);
    }
    if let Some(length) = view.length {
        json.name("length").bare(length.digits());
    }
    json.name("created").word(view.created);
    json.name("expires").word(view.expires);
    json.name("checks_left").bare(view.checks_left);
    json.name("sends_left").bare(view.sends_left);
    json.name("messages").open_list();
    for id in &view.messages {
        json.word(id);
    }
    json.close_list();
}

fn checked(answer: &CheckAnswer) -> Json {
    let mut json = Json::with_capacity(128);
    json.open();
    json.name("id").word(answer.id);
    json.name("verified").bare(answer.state == State::Verified);
    json.name("state").word(answer.state);
    json.name("checks_left").bare(answer.checks_left);
    json.close();
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_code_is_named_and_not_repeated() {
        let problem = check(br#"{"code":"48291x"}"#).unwrap_err();
        assert!(!problem.faults[0].detail.contains("48291"), "{problem:?}");
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let request = check(r#"{"code":"482 913"}"#.as_bytes()).unwrap();
        let ShownCode::Digits(code) = request.code else {
            panic!("digits")
        };
        assert_eq!(code.reveal(), "482913");
        let kept = check(r#"{"code":"7zq4-08mx-7zq4-08mx"}"#.as_bytes()).unwrap();
        assert!(matches!(kept.code, ShownCode::Recovery(_)));
    }
}
