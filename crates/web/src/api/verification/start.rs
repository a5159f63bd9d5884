//! What a client says to start a verification: a handset that gets a code or texts one, or a factor that is
//! asked for.

use std::num::TryFromIntError;

use domain::msisdn::Msisdn;
use domain::verification::binding::Binding;
use domain::verification::channel::Channel;
use domain::verification::code::CodeLength;
use domain::verification::factor::FactorKind;
use domain::verification::template::act::Act;
use domain::verification::template::insert::Purpose;
use domain::verification::template::language::Locale;
use domain::verification::template::last_line::{AppHash, LastLine, OriginHost};
use engine::{StartOnFactor, StartVerification};

use super::binding;
use crate::api::{document, sound};
use crate::json::Fields;
use crate::json::fields::Faults;
use crate::problem::Problem;

/// What is to begin.
pub(super) enum Start {
    /// A code is made.
    Code(StartVerification),
    /// A factor is asked for.
    Factor(StartOnFactor),
}

/// Reads whom to verify, how, and what for.
pub(super) fn read(body: &[u8]) -> Result<Start, Problem> {
    let mut faults = Faults::default();
    let mut fields = Fields::open(document(body)?, "", &mut faults);
    let channel: Option<Channel> = fields.parsed("channel", str::parse);
    let start = match channel {
        Some(Channel::Totp) => by_factor(&mut fields, FactorKind::Totp).map(Start::Factor),
        Some(Channel::Recovery) => by_factor(&mut fields, FactorKind::Recovery).map(Start::Factor),
        Some(Channel::Sms | Channel::Mo) | None => by_code(&mut fields, channel).map(Start::Code),
    };
    fields.close();
    sound(start, faults)
}

/// What goes with a code, and with no factor.
const OF_CODES: [&str; 6] = ["to", "from", "locale", "origin", "app_hash", "length"];

/// Of a factor nothing is sent, so that nothing can be said of how.
fn by_factor(fields: &mut Fields<'_, '_>, kind: FactorKind) -> Option<StartOnFactor> {
    let factor = fields.parsed("factor", str::parse);
    for name in OF_CODES {
        if fields.take(name).is_some() {
            let detail = format!(
                "cannot stand beside the channel {kind}: nothing is sent to anybody; name the factor alone"
            );
            let _: Option<()> = fields.fault(name, detail);
        }
    }
    let purpose = fields.parsed("purpose", Purpose::read);
    let binding = binding(fields);
    Some(StartOnFactor {
        factor: factor?,
        kind,
        purpose: purpose?,
        binding: binding?,
    })
}

fn by_code(fields: &mut Fields<'_, '_>, channel: Option<Channel>) -> Option<StartVerification> {
    let to = fields.parsed("to", Msisdn::parse);
    let from = fields.parsed_if_there("from", str::parse);
    let purpose = fields.parsed("purpose", Purpose::read);
    let locale = fields.parsed_if_there("locale", Locale::parse);
    let last_line = last_line(fields);
    let length = length(fields);
    let binding = binding(fields);
    if channel == Some(Channel::Mo) {
        refuse_for_text(fields, &last_line, binding.as_ref());
    } else if let Some(Err(error)) = binding.as_ref().map(Act::of) {
        let _: Option<()> = fields.fault("binding", error.to_string());
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(body: &str) -> StartVerification {
        match read(body.as_bytes()) {
            Ok(Start::Code(request)) => request,
            Ok(Start::Factor(_)) => panic!("a factor: {body}"),
            Err(problem) => panic!("{problem:?}"),
        }
    }

    fn faults_of(body: &str) -> Vec<String> {
        let problem = read(body.as_bytes()).err().unwrap();
        let places = problem.faults.iter();
        places.map(|fault| fault.place.to_string()).collect()
    }

    #[test]
    fn a_start_with_every_member_is_read() {
        let body = r#"{"to":"+44 7700 900123","from":"12345","channel":"sms","purpose":"sign-in",
            "locale":"pt-BR","origin":"login.example.com","length":8,
            "binding":{"amount":"10.00 EUR","payee":"Example","session":"s-1"}}"#;
        let request = code_of(body);
        assert_eq!(request.to.reveal(), 447_700_900_123);
        assert_eq!(request.length, Some(CodeLength::EIGHT));
        assert_eq!(request.purpose.kind(), "sign-in");
        let own = r#"{"to":"+447700900123","channel":"sms","purpose":"Pay 12,50"}"#;
        assert_eq!(code_of(own).purpose.kind(), "text");
    }

    #[test]
    fn each_wrong_member_is_named_and_its_value_is_not_repeated() {
        let all = r#"{"to":"x","from":"y","channel":"voice","purpose":"see evil.example","locale":"",
            "origin":"https://x","length":3,"binding":{"amount":""},"text":"482913"}"#;
        let places = [
            "#/channel",
            "#/to",
            "#/from",
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
    }

    #[test]
    fn a_factor_is_named_alone_and_what_belongs_to_codes_is_refused_by_name() {
        let factor = domain::id::FactorId::new(7, 7).to_string();
        for kind in FactorKind::ALL {
            let body = format!(
                r#"{{"channel":"{kind}","factor":"{factor}","purpose":"sign-in","binding":{{"payee":"Example"}}}}"#
            );
            let Ok(Start::Factor(request)) = read(body.as_bytes()) else {
                panic!("{body}")
            };
            assert_eq!(
                (request.kind, request.factor.to_string()),
                (kind, factor.clone())
            );
            assert!(!request.binding.is_empty());
            let more = r#""to":"+447700900123","from":"12345","locale":"en","origin":"a.example",
                "app_hash":"FA+9qCX9VSu","length":6,"user":"ann""#;
            let body = format!(r#"{{"channel":"{kind}","purpose":"sign-in",{more}}}"#);
            let places = [
                "#/factor",
                "#/to",
                "#/from",
                "#/locale",
                "#/origin",
                "#/app_hash",
                "#/length",
                "#/user",
            ];
            assert_eq!(faults_of(&body), places);
        }
        let coded =
            r#"{"to":"+447700900123","channel":"sms","purpose":"sign-in","factor":"fac_x"}"#;
        assert_eq!(faults_of(coded), ["#/factor"]);
    }
}
