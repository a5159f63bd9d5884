//! Verifications and checks. What a check does not find, for whichever cause, has one answer.

use domain::id::VerificationId;
use domain::msisdn::Msisdn;
use domain::time::Timestamp;
use domain::verification::binding::{Binding, BindingParts};
use domain::verification::shown::ShownCode;
use domain::verification::state::State;
use domain::verification::template::act::Act;
use domain::verification::template::language::Locale;
use domain::verification::template::last_line::{AppHash, LastLine};
use engine::{CheckRequest, ServedCheck, ServedView, ServiceStart, Sought};
use http::StatusCode;
use hyper::body::Incoming;

use super::{account_of, service_of};
use crate::api::{Api, Call, refuse_query, sound};
use crate::http_errors::not_found;
use crate::json::fields::{Faults, MISSING};
use crate::json::{Fields, Json};
use crate::problem::{Place, Problem};
use crate::reply::Reply;
use crate::twilio::form::Pairs;
use crate::twilio::parameters::{Declined, Rules, declined, pairs, unless};
use crate::twilio::sid::{AttemptSid, Sid, VerificationSid};
use crate::twilio::time::iso8601;

const DECLINED: &[Declined] = &[
    declined(
        "CustomCode",
        "is not supported: codes are drawn here, and nobody chooses one",
    ),
    declined(
        "CustomMessage",
        "is not supported: the gateway has the texts",
    ),
    declined(
        "CustomFriendlyName",
        "is not supported: make a service with that name, and use it",
    ),
    declined("TemplateSid", "is not supported: the gateway has the texts"),
    declined(
        "TemplateCustomSubstitutions",
        "is not supported: the gateway has the texts",
    ),
    declined("SendDigits", "is not supported: codes go by SMS alone"),
    declined(
        "ChannelConfiguration",
        "is not supported: codes go by SMS alone",
    ),
    declined(
        "RateLimits",
        "is not supported: the gateway limits sends by number, network and country by itself",
    ),
    unless(
        "EnableSnaClientToken",
        &["false"],
        "is not supported: codes go by SMS alone",
    ),
    unless(
        "RiskCheck",
        &["enable"],
        "cannot be turned off by a request: leave it out, or ask an operator",
    ),
];

const RULES: Rules = Rules {
    // An address that anybody could name would be counted as that of somebody else; tags are kept nowhere.
    ignored: &["DeviceIp", "Tags"],
    declined: DECLINED,
};

const CHECK_RULES: Rules = Rules {
    ignored: &[],
    declined: &[declined(
        "SnaClientToken",
        "is not supported: codes go by SMS alone",
    )],
};

const UPDATE_RULES: Rules = Rules {
    ignored: &[],
    declined: &[],
};

/// What the client said itself and is told again.
#[derive(Clone, Debug, Default)]
struct Told {
    amount: Option<String>,
    payee: Option<String>,
}

impl Api {
    /// Sends a code: 201 once its message is safe on disk.
    pub(crate) async fn twilio_start_verification(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let body = self.form(call, body).await?;
        let mut faults = Faults::default();
        let read = read(pairs(&body)?, &mut faults);
        let (request, told) = sound(read, faults)?;
        let service = service_of(call)?;
        let starting = self
            .gateway
            .start_in_service(&call.caller, service, request);
        let json = self.verification(call, &starting.await?, &told);
        Ok(Reply::json(StatusCode::CREATED, json))
    }

    /// Shows a verification.
    pub(crate) async fn twilio_read_verification(&self, call: &Call<'_>) -> Result<Reply, Problem> {
        refuse_query(call.parts)?;
        let (service, id) = (service_of(call)?, verification_of(call.object)?);
        let reading = self
            .gateway
            .verification_in_service(&call.caller, service, id);
        let json = self.verification(call, &reading.await?, &Told::default());
        Ok(Reply::json(StatusCode::OK, json))
    }

    /// Takes a verification back, which is all that a request may do to one.
    pub(crate) async fn twilio_cancel_verification(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let body = self.form(call, body).await?;
        let mut faults = Faults::default();
        let wanted = wanted(pairs(&body)?, &mut faults);
        sound(wanted, faults)?;
        let (service, id) = (service_of(call)?, verification_of(call.object)?);
        let cancelling = self.gateway.cancel_in_service(&call.caller, service, id);
        let json = self.verification(call, &cancelling.await?, &Told::default());
        Ok(Reply::json(StatusCode::OK, json))
    }

    /// Checks a code: 200 whether it is right or wrong.
    pub(crate) async fn twilio_check_verification(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let body = self.form(call, body).await?;
        let mut faults = Faults::default();
        let read = read_check(pairs(&body)?, &mut faults);
        let (sought, request, told) = sound(read, faults)?;
        let (service, sought) = (service_of(call)?, sought.ok_or_else(not_found)?);
        let checking = self
            .gateway
            .check_in_service(&call.caller, service, sought, request);
        let checked = checking.await?;
        Ok(Reply::json(StatusCode::OK, check(call, &checked, &told)))
    }

    fn verification(&self, call: &Call<'_>, served: &ServedView, told: &Told) -> Json {
        let view = &served.view;
        let sid = VerificationSid::of(view.id);
        let mut json = Json::with_capacity(1_024);
        json.open();
        let standing = Standing {
            id: view.id,
            state: view.state,
            to: served.to,
            times: (view.created, view.updated),
        };
        standing.write(&mut json, call, told);
        json.name("lookup").open().close();
        json.name("send_code_attempts").open_list();
        for id in &view.messages {
            json.open();
            json.name("attempt_sid").word(AttemptSid::of(*id));
            json.name("channel").word("sms");
            json.name("time").word(iso8601(time_of(id.sequence())));
            json.close();
        }
        json.close_list();
        json.name("sna").bare("null");
        let base = &self.settings.public_url;
        let url = format!("{base}/v2/Services/{}/Verifications/{sid}", call.within);
        json.name("url").text(&url);
        json.close();
        json
    }
}

/// What verifications and checks tell alike.
struct Standing {
    id: VerificationId,
    state: State,
    to: Option<Msisdn>,
    times: (Timestamp, Timestamp),
}

impl Standing {
    fn write(&self, json: &mut Json, call: &Call<'_>, told: &Told) {
        let number = self.to.map(Msisdn::reveal_e164);
        json.name("account_sid").word(account_of(call));
        json.name("amount").text_or_null(told.amount.as_deref());
        json.name("channel").word("sms");
        json.name("date_created").word(iso8601(self.times.0));
        json.name("date_updated").word(iso8601(self.times.1));
        json.name("payee").text_or_null(told.payee.as_deref());
        json.name("service_sid").word(call.within);
        json.name("sid").word(VerificationSid::of(self.id));
        json.name("status").word(status(self.state));
        json.name("to").text_or_null(number.as_deref());
        json.name("valid").bare(self.state == State::Verified);
    }
}

fn check(call: &Call<'_>, checked: &ServedCheck, told: &Told) -> Json {
    let mut json = Json::with_capacity(512);
    json.open();
    let standing = Standing {
        id: checked.answer.id,
        state: checked.answer.state,
        to: checked.to,
        times: (checked.created, checked.answer.at),
    };
    standing.write(&mut json, call, told);
    json.name("sna_attempts_error_codes")
        .open_list()
        .close_list();
    json.close();
    json
}

/// Where a verification stands.
const fn status(state: State) -> &'static str {
    match state {
        State::Pending => "pending",
        State::Verified => "approved",
        State::Failed => "max_attempts_reached",
        State::Expired => "expired",
        State::Cancelled => "canceled",
    }
}

/// When an id was made: its sequence begins with the milliseconds.
const fn time_of(sequence: u64) -> Timestamp {
    Timestamp::from_micros((sequence >> 12).saturating_mul(1_000))
}

fn verification_of(sid: &str) -> Result<VerificationId, Problem> {
    let sid: VerificationSid = sid.parse().map_err(|_| not_found())?;
    Ok(Sid::id(sid))
}

/// Reads whom to send a code, and for what. `None` when anything is wrong, which is then among the faults.
fn read(pairs: Pairs<'_>, faults: &mut Faults) -> Option<(ServiceStart, Told)> {
    let members = RULES.sort_out(pairs, &[], faults);
    let mut fields = Fields::of_query(members, faults);
    let to = fields.parsed("To", Msisdn::parse);
    match fields.required("Channel").as_deref() {
        None | Some("sms" | "auto") => {}
        Some(_) => {
            let detail = "is no channel of this gateway: codes go by sms alone";
            let _: Option<()> = fields.fault("Channel", detail);
        }
    }
    let locale = fields.parsed_if_there("Locale", Locale::parse);
    let app = fields.parsed_if_there("AppHash", AppHash::parse);
    let act = act(&mut fields);
    if let Some((binding, _)) = &act
        && let Err(error) = Act::of(binding)
    {
        let name = if error.part == "payee" {
            "Payee"
        } else {
            "Amount"
        };
        let _: Option<()> = fields.fault(name, error.error.to_string());
    }
    fields.close();
    if !faults.is_empty() {
        return None;
    }
    let (binding, told) = act?;
    let request = ServiceStart {
        to: to?,
        locales: locale.into_iter().collect(),
        last_line: app.map_or(LastLine::None, LastLine::App),
        binding,
    };
    Some((request, told))
}

/// The act that a code is for; none is an act too.
fn act(fields: &mut Fields<'_, '_>) -> Option<(Binding, Told)> {
    let told = Told {
        amount: fields.text("Amount").map(Into::into),
        payee: fields.text("Payee").map(Into::into),
    };
    let given = BindingParts {
        amount: told.amount.as_deref(),
        payee: told.payee.as_deref(),
        session: None,
    };
    match Binding::parse(&given) {
        Ok(binding) => Some((binding, told)),
        Err(error) => {
            let name = if error.part == "payee" {
                "Payee"
            } else {
                "Amount"
            };
            fields.fault(name, error.to_string())
        }
    }
}

/// Reads a code and which verification it is shown for: none where the SID is no id of ours.
fn read_check(
    pairs: Pairs<'_>,
    faults: &mut Faults,
) -> Option<(Option<Sought>, CheckRequest, Told)> {
    let members = CHECK_RULES.sort_out(pairs, &[], faults);
    let mut fields = Fields::of_query(members, faults);
    let code = fields.parsed("Code", ShownCode::parse);
    let sid = fields.text("VerificationSid");
    let to = fields.parsed_if_there("To", Msisdn::parse);
    if sid.is_some() && to.is_some() {
        let detail = "cannot stand beside To: name the verification by one of them";
        let _: Option<()> = fields.fault("VerificationSid", detail);
    }
    let act = act(&mut fields);
    fields.close();
    let sought = match (to, sid) {
        (Some(to), _) => Some(Sought::Number(to)),
        (None, Some(sid)) => verification_of(&sid).ok().map(Sought::Id),
        (None, None) if faults.is_empty() => {
            let place = Place::Parameter("To".to_owned());
            faults.add(place, MISSING);
            None
        }
        (None, None) => None,
    };
    let (binding, told) = act?;
    let request = CheckRequest {
        code: code?,
        binding,
    };
    Some((sought, request, told))
}

/// Reads what is to become of a verification: it can be taken back, and nothing else.
fn wanted(pairs: Pairs<'_>, faults: &mut Faults) -> Option<()> {
    let members = UPDATE_RULES.sort_out(pairs, &[], faults);
    let mut fields = Fields::of_query(members, faults);
    let wanted = match fields.required("Status").as_deref() {
        None => None,
        Some("canceled") => Some(()),
        Some("approved") => fields.fault(
            "Status",
            "cannot be approved by a request: only the right code approves, so that nobody can who was not sent it; \
             cancel the verification where the person proved themselves in another way",
        ),
        Some(_) => fields.fault("Status", "can become canceled, and nothing else"),
    };
    fields.close();
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(form: &str) -> Vec<String> {
        let mut faults = Faults::default();
        let _ = read(pairs(form.as_bytes()).unwrap(), &mut faults);
        let faults = faults.into_vec();
        faults.iter().map(|fault| fault.place.to_string()).collect()
    }

    fn check_faults_of(form: &str) -> Vec<String> {
        let mut faults = Faults::default();
        let _ = read_check(pairs(form.as_bytes()).unwrap(), &mut faults);
        let faults = faults.into_vec();
        faults.iter().map(|fault| fault.place.to_string()).collect()
    }

    #[test]
    fn a_start_is_read_and_what_cannot_be_honoured_is_named() {
        let good = "To=%2B447700900123&Channel=sms&Locale=pt-BR&AppHash=FA%2B9qCX9VSu&Amount=EUR+12.50&\
                    Payee=Example&DeviceIp=192.0.2.1&RiskCheck=enable&Tags=x";
        assert_eq!(faults_of(good), [""; 0]);
        let (request, told) = {
            let mut faults = Faults::default();
            read(pairs(good.as_bytes()).unwrap(), &mut faults).unwrap()
        };
        assert!(request.binding.names_payment());
        assert_eq!(told.payee.as_deref(), Some("Example"));
        assert_eq!(faults_of("To=%2B447700900123&Channel=auto"), [""; 0]);
        for channel in ["call", "email", "whatsapp", "sna", "SMS", "voice"] {
            let form = format!("To=%2B447700900123&Channel={channel}");
            assert_eq!(faults_of(&form), ["Channel"], "{channel}");
        }
        let mut named = faults_of(
            "To=x&CustomCode=4829&RateLimits=%7B%7B%5B&RiskCheck=disable&TemplateSid=HJ1&Payee=evil.example&Colour=1",
        );
        named.sort();
        assert_eq!(
            named,
            [
                "Channel",
                "Colour",
                "CustomCode",
                "Payee",
                "RateLimits",
                "RiskCheck",
                "TemplateSid",
                "To"
            ]
        );
    }

    #[test]
    fn a_check_names_its_verification_once() {
        let sid = VerificationSid::of(VerificationId::new(7, 7));
        assert_eq!(check_faults_of("Code=482913&To=%2B447700900123"), [""; 0]);
        assert_eq!(
            check_faults_of(&format!("Code=482913&VerificationSid={sid}")),
            [""; 0]
        );
        assert_eq!(check_faults_of("Code=482913&VerificationSid=x"), [""; 0]);
        assert_eq!(check_faults_of("Code=482913"), ["To"]);
        assert_eq!(check_faults_of("To=%2B447700900123"), ["Code"]);
        let both = format!("Code=482913&To=%2B447700900123&VerificationSid={sid}");
        assert_eq!(check_faults_of(&both), ["VerificationSid"]);
        let problem = check_faults_of("Code=48291x&To=12");
        assert_eq!(problem, ["Code", "To"]);
    }

    #[test]
    fn a_request_takes_back_and_never_approves() {
        let wants = |form: &str| {
            let mut faults = Faults::default();
            wanted(pairs(form.as_bytes()).unwrap(), &mut faults).is_some() && faults.is_empty()
        };
        assert!(wants("Status=canceled"));
        for wrong in [
            "Status=approved",
            "Status=pending",
            "",
            "Status=canceled&Code=1",
        ] {
            assert!(!wants(wrong), "{wrong}");
        }
    }

    #[test]
    fn the_time_of_a_send_is_that_of_its_message() {
        let now: Timestamp = "2023-08-24T05:01:45.5Z".parse().unwrap();
        let sequence = (now.micros() / 1_000) << 12 | 7;
        assert_eq!(iso8601(time_of(sequence)), "2023-08-24T05:01:45Z");
    }
}
