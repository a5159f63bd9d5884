//! The routes that applications of Twilio's call: each with the right answer and with a refusal.

use ledger::Kind;
use serde_json::json;
use shortstop::audit_table::{Event, Trace, of_route};
use shortstop::http_client::Reply;
use web::twilio::sid::{AccountSid, MessageSid, Sid};
use web::{Access, Route, RouteRow, Verb};

use super::book::{self, Act, Shown};
use super::routes::{READER, by_client, own_message};
use super::stage::Stage;
use crate::ground::CODE;

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
    let (client, key) = stage.client(&[scope.as_str(), "messages:send"]).await;
    let own = own_message(stage, &key).await;
    if row.route == Route::TwilioDeleteMessage {
        // Only what is settled is destroyed.
        let mut api = stage.ground.api(&key).client();
        let path = format!("/v1/messages/{own}/cancel");
        let reply = api.post(&path, &json!({})).await.unwrap();
        assert_eq!(reply.status.as_u16(), 200, "{}", reply.text);
    }
    let asked = sent(row, &client, &own);
    good(stage, row, (&client, &key), &asked).await;
    let other = match scope {
        engine::Scope::InboundRead => engine::Scope::MessagesRead,
        _ => engine::Scope::InboundRead,
    };
    let (stranger, key) = stage.client(&[other.as_str()]).await;
    let asked = sent(row, &stranger, &own);
    refused(stage, row, (&stranger, &key), &asked).await;
}

fn account(client: &str) -> String {
    AccountSid::of(client.parse().unwrap()).to_string()
}

fn sent(row: &RouteRow, client: &str, own: &str) -> Sent {
    let path = row.path.replace("{account}", &account(client));
    let message = MessageSid::of(own.parse().unwrap()).to_string();
    let path = path.replace("{id}", &message);
    let (form, object) = match row.route {
        Route::TwilioSendMessage => (
            vec![("To", READER), ("From", CODE), ("Body", "By the table")],
            None,
        ),
        Route::TwilioChangeMessage => (vec![("Status", "canceled")], Some(own.to_owned())),
        Route::TwilioDeleteMessage => (Vec::new(), Some(own.to_owned())),
        _ => (Vec::new(), None),
    };
    Sent { path, form, object }
}

async fn call(stage: &Stage, row: &RouteRow, (client, key): (&str, &str), sent: &Sent) -> Reply {
    let target = stage.ground.api("").with_account(&account(client), key);
    let mut api = target.client();
    let reply = match row.verb {
        Verb::Get => api.get(&sent.path).await,
        Verb::Post => api.post_form(&sent.path, &sent.form).await,
        Verb::Delete => api.delete(&sent.path).await,
    };
    reply.unwrap()
}

async fn good(stage: &mut Stage, row: &RouteRow, who: (&str, &str), sent: &Sent) {
    let (name, trace) = (book::route(row.route), of_route(row.route));
    let from = stage.next();
    let reply = call(stage, row, who, sent).await;
    assert!(reply.status.is_success(), "{name}: {}", reply.text);
    stage.book.row(&name, trace);
    let kind = trace.kinds()[0];
    let mut act = by_client(stage, kind, who.0, from);
    act.row = name;
    if kind == Kind::MessageAccepted {
        act.outcome = "accepted";
        let sid: MessageSid = reply.member("sid").parse().unwrap();
        act.object = Some(Sid::id(sid).to_string());
    }
    if sent.object.is_some() {
        act.object.clone_from(&sent.object);
    }
    if matches!(trace, Trace::Counted(_)) {
        (act.shown, act.origin) = (Shown::Counted(1), "");
    } else {
        act.until = Some(stage.next());
    }
    stage.book.act(act, trace.kinds());
}

async fn refused(stage: &mut Stage, row: &RouteRow, who: (&str, &str), sent: &Sent) {
    let from = stage.next();
    let reply = call(stage, row, who, sent).await;
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
