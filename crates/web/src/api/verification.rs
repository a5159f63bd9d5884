//! `/v1/verifications`: start, check, read, resend and cancel. An id of the wrong form, of nothing, of
//! another client and of a verification that ended are answered alike.

use std::num::TryFromIntError;

use domain::msisdn::Msisdn;
use domain::verification::binding::{Binding, BindingParts};
use domain::verification::channel::Channel;
use domain::verification::code::{Code, CodeLength};
use domain::verification::state::State;
use domain::verification::template::act::Act;
use domain::verification::template::insert::Purpose;
use domain::verification::template::language::Locale;
use domain::verification::template::last_line::{AppHash, LastLine, OriginHost};
use engine::{
    CheckAnswer, CheckRequest, Replay, StartVerification, VerificationStarted, VerificationView,
};
use http::StatusCode;
use hyper::body::Incoming;

use crate::api::{Api, Call, credentials, document, refuse_query, sound};
use crate::http_errors::not_found;
use crate::json::fields::Faults;
use crate::json::{Fields, Json};
use crate::problem::Problem;
use crate::reply::Reply;

impl Api {
    /// `POST /v1/verifications`: 201 once it is safe on disk.
    pub(super) async fn start_verification(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let key = credentials::idempotency_key(&call.parts.headers)?;
        let body = self.body(call, body).await?;
        let request = start(&body)?;
        let starting = self.gateway.start_verification(&call.caller, request, key);
        let started = starting.await?;
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

/// Reads whom to verify, and what for.
fn start(body: &[u8]) -> Result<StartVerification, Problem> {
    let mut faults = Faults::default();
    let mut fields = Fields::open(document(body)?, "", &mut faults);
    let to = fields.parsed("to", Msisdn::parse);
    let from = fields.parsed_if_there("from", str::parse);
    let channel: Option<Channel> = fields.parsed("channel", str::parse);
    let purpose = fields.parsed("purpose", Purpose::read);
    let locale = fields.parsed_if_there("locale", Locale::parse);
    let last_line = last_line(&mut fields);
    let length = length(&mut fields);
    let binding = binding(&mut fields);
    if channel == Some(Channel::Mo) {
        refuse_for_text(&mut fields, &last_line, binding.as_ref());
    } else if let Some(Err(error)) = binding.as_ref().map(Act::of) {
        let _: Option<()> = fields.fault("binding", error.to_string());
    }
    fields.close();
    let request = || {
        Some(StartVerification {
            to: to?,
            from,
            channel: channel?,
            purpose: purpose?,
            locales: locale.into_iter().collect(),
            last_line,
            length,
            binding: binding?,
        })
    };
    sound(request(), faults)
}

/// What makes no sense where the handset texts the code: nothing is sent that could have a last line, and
/// the text that verifies names no act.
fn refuse_for_text(fields: &mut Fields<'_, '_>, last_line: &LastLine, binding: Option<&Binding>) {
    let line = match last_line {
        LastLine::None => None,
        LastLine::Origin(_) => Some("origin"),
        LastLine::App(_) => Some("app_hash"),
    };
    if let Some(line) = line {
        let detail = "cannot stand beside the channel mo: nothing is sent that could carry it";
        let _: Option<()> = fields.fault(line, detail);
    }
    if binding.is_some_and(|binding| !binding.is_empty()) {
        let detail = "cannot stand beside the channel mo: the text that verifies names no act, so \
                      that nothing would bind it; use the channel sms";
        let _: Option<()> = fields.fault("binding", detail);
    }
}

/// A text has one last line: for a browser, or for an app.
fn last_line(fields: &mut Fields<'_, '_>) -> LastLine {
    let origin = fields.parsed_if_there("origin", OriginHost::parse);
    let app = fields.parsed_if_there("app_hash", AppHash::parse);
    match (origin, app) {
        (Some(_), Some(_)) => {
            let detail = "cannot stand beside origin: both want to be the last line";
            let _: Option<()> = fields.fault("app_hash", detail);
            LastLine::None
        }
        (Some(origin), None) => LastLine::Origin(origin),
        (None, Some(app)) => LastLine::App(app),
        (None, None) => LastLine::None,
    }
}

fn length(fields: &mut Fields<'_, '_>) -> Option<CodeLength> {
    let digits = fields.whole("length")?;
    let narrow: Result<u8, TryFromIntError> = digits.try_into();
    let length = CodeLength::new(narrow.unwrap_or(u8::MAX));
    fields.checked("length", length)
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
    let code = fields.parsed("code", Code::parse);
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
    json.name("from").word(view.from);
    json.name("length").bare(view.length.digits());
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

    fn faults_of(body: &str) -> Vec<String> {
        let problem = start(body.as_bytes()).unwrap_err();
        let places = problem.faults.iter();
        places.map(|fault| fault.place.to_string()).collect()
    }

    #[test]
    fn a_start_with_every_member_is_read() {
        let body = r#"{"to":"+44 7700 900123","from":"12345","channel":"sms","purpose":"sign-in",
            "locale":"pt-BR","origin":"login.example.com","length":8,
            "binding":{"amount":"10.00 EUR","payee":"Example","session":"s-1"}}"#;
        let request = start(body.as_bytes()).unwrap();
        assert_eq!(request.to.reveal(), 447_700_900_123);
        assert_eq!(request.length, Some(CodeLength::EIGHT));
        assert_eq!(request.purpose.kind(), "sign-in");
        let own = r#"{"to":"+447700900123","channel":"sms","purpose":"Pay 12,50"}"#;
        assert_eq!(start(own.as_bytes()).unwrap().purpose.kind(), "text");
    }

    #[test]
    fn each_wrong_member_is_named_and_its_value_is_not_repeated() {
        let all = r#"{"to":"x","from":"y","channel":"voice","purpose":"see evil.example","locale":"",
            "origin":"https://x","length":3,"binding":{"amount":""},"text":"482913"}"#;
        let places = [
            "#/to",
            "#/from",
            "#/channel",
            "#/purpose",
            "#/locale",
            "#/origin",
            "#/length",
            "#/binding",
            "#/text",
        ];
        assert_eq!(faults_of(all), places);
        let both = r#"{"to":"+447700900123","channel":"sms","purpose":"sign-in",
            "origin":"login.example.com","app_hash":"FA+9qCX9VSu"}"#;
        assert_eq!(faults_of(both), ["#/app_hash"]);
        for own in ["123 456", "code 4829", "12-34"] {
            let own = format!(r#"{{"to":"+447700900123","channel":"sms","purpose":"{own}"}}"#);
            assert_eq!(faults_of(&own), ["#/purpose"]);
        }
        let act = r#"{"to":"+447700900123","channel":"sms","purpose":"payment",
            "binding":{"amount":"482913","payee":"Example"}}"#;
        assert_eq!(faults_of(act), ["#/binding"]);
        let texted = r#"{"to":"+447700900123","channel":"mo","purpose":"sign-in",
            "origin":"login.example.com","binding":{"payee":"Example"}}"#;
        assert_eq!(faults_of(texted), ["#/origin", "#/binding"]);
        let app = r#"{"to":"+447700900123","channel":"mo","purpose":"sign-in",
            "app_hash":"FA+9qCX9VSu"}"#;
        assert_eq!(faults_of(app), ["#/app_hash"]);
        let problem = check(br#"{"code":"48291x"}"#).unwrap_err();
        assert!(!problem.faults[0].detail.contains("48291"), "{problem:?}");
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let request = check(r#"{"code":"482 913"}"#.as_bytes()).unwrap();
        assert_eq!(request.code.reveal(), "482913");
    }
}
