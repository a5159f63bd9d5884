//! The routes of Verify that applications of Twilio's call: each with the right answer and with a refusal.

use domain::id::VerifyServiceId;
use engine::Scope;
use ledger::Kind;
use shortstop::audit_table::{Event, Trace, of_route};
use shortstop::http_client::Reply;
use web::twilio::sid::{AccountSid, Sid, VerificationSid, VerifyServiceSid};
use web::{Access, Route, RouteRow, Verb};

use super::book::{self, Act, Shown};
use super::routes::{READER, by_client};
use super::stage::Stage;

/// A client and its key.
type Who<'w> = (&'w str, &'w str);

/// What is sent: where, what, and the thing that it is about.
struct Sent {
    path: String,
    form: Vec<(&'static str, &'static str)>,
    object: Option<String>,
}

/// One route.
pub async fn drive(stage: &mut Stage, row: &RouteRow) {
    let Access::Scoped(scope) = row.access else {
        return;
    };
    let scopes = [scope.as_str(), "verifications:write"];
    let (client, key) = stage.client(&scopes).await;
    let asked = sent(stage, row, (&client, &key)).await;
    good(stage, row, (&client, &key), &asked).await;
    let (stranger, key) = stage.client(&[Scope::InboundRead.as_str()]).await;
    refused(stage, row, (&stranger, &key), &asked).await;
}

fn account(client: &str) -> String {
    AccountSid::of(client.parse().unwrap()).to_string()
}

async fn call(stage: &Stage, verb: Verb, who: Who<'_>, sent: &Sent) -> Reply {
    let (client, key) = who;
    let target = stage.ground.api("").with_account(&account(client), key);
    let mut api = target.client();
    let reply = match verb {
        Verb::Get => api.get(&sent.path).await,
        Verb::Post => api.post_form(&sent.path, &sent.form).await,
        Verb::Delete => api.delete(&sent.path).await,
    };
    reply.unwrap()
}

/// Makes something that a route is about; gives its SID.
async fn made(
    stage: &Stage,
    who: Who<'_>,
    path: &str,
    form: &[(&'static str, &'static str)],
) -> String {
    let sent = Sent {
        path: path.to_owned(),
        form: form.to_vec(),
        object: None,
    };
    let reply = call(stage, Verb::Post, who, &sent).await;
    assert_eq!(reply.status.as_u16(), 201, "{}", reply.text);
    reply.member("sid")
}

const BEGIN: [(&str, &str); 2] = [("To", READER), ("Channel", "sms")];
const TERMS: [(&str, &str); 1] = [("FriendlyName", "Example Shop")];

async fn sent(stage: &Stage, row: &RouteRow, who: Who<'_>) -> Sent {
    let mut service = account(who.0).replace("AC", "VA");
    let (mut id, mut object) = (String::new(), None);
    if [Route::TwilioChangeService, Route::TwilioRemoveService].contains(&row.route) {
        service = made(stage, who, "/v2/Services", &TERMS).await;
        let sid: VerifyServiceSid = service.parse().unwrap();
        let whose: VerifyServiceId = Sid::id(sid);
        object = Some(whose.to_string());
    }
    if row.path.contains("{id}") || row.route == Route::TwilioCheckVerification {
        let path = format!("/v2/Services/{service}/Verifications");
        id = made(stage, who, &path, &BEGIN).await;
        let sid: VerificationSid = id.parse().unwrap();
        object = Some(Sid::id(sid).to_string());
    }
    let form = match row.route {
        Route::TwilioCreateService | Route::TwilioChangeService => TERMS.to_vec(),
        Route::TwilioStartVerification => BEGIN.to_vec(),
        Route::TwilioCancelVerification => vec![("Status", "canceled")],
        // One in a million times it is the right one.
        Route::TwilioCheckVerification => vec![("To", READER), ("Code", "000000")],
        _ => Vec::new(),
    };
    let path = row.path.replace("{service}", &service).replace("{id}", &id);
    Sent { path, form, object }
}

async fn good(stage: &mut Stage, row: &RouteRow, who: Who<'_>, sent: &Sent) {
    let (name, trace) = (book::route(row.route), of_route(row.route));
    let from = stage.next();
    let reply = call(stage, row.verb, who, sent).await;
    assert!(reply.status.is_success(), "{name}: {}", reply.text);
    stage.book.row(&name, trace);
    let kind = trace.kinds()[0];
    let mut act = by_client(stage, kind, who.0, from);
    act.row = name;
    act.object.clone_from(&sent.object);
    match kind {
        Kind::VerificationChecked => act.outcome = "failed",
        Kind::VerificationStarted => {
            act.outcome = "accepted";
            let sid: VerificationSid = reply.member("sid").parse().unwrap();
            act.object = Some(Sid::id(sid).to_string());
        }
        Kind::VerifyServiceCreated => {
            let sid: VerifyServiceSid = reply.member("sid").parse().unwrap();
            act.object = Some(Sid::id(sid).to_string());
        }
        _ => {}
    }
    if matches!(trace, Trace::Counted(_)) {
        (act.shown, act.origin, act.object) = (Shown::Counted(1), "", None);
    } else {
        act.until = Some(stage.next());
    }
    stage.book.act(act, trace.kinds());
}

async fn refused(stage: &mut Stage, row: &RouteRow, who: Who<'_>, sent: &Sent) {
    let from = stage.next();
    let reply = call(stage, row.verb, who, sent).await;
    let page = reply.member("more_info");
    assert_eq!(page, "/docs/errors#scope-missing", "{}", reply.text);
    let act = Act {
        origin: "",
        outcome: "refused",
        shown: Shown::Counted(1),
        ..by_client(stage, Kind::AuthFailed, who.0, from)
    };
    stage.happened(Event::CredentialsRefused, act);
}
