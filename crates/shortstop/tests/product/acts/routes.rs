//! The API: every route with the right answer and with a refusal.

use ledger::Kind;
use serde_json::{Value, json};
use shortstop::audit_table::{Event, Trace, of_route};
use shortstop::http_client::{Client, Reply};
use web::{Access, Dialect, ROUTES, Route, RouteRow, Verb};

use super::book::{self, Act, Shown};
use super::carriers;
use super::stage::{AWAY, Busy, REQUESTS, Stage};
use super::{twilio, verify};
use crate::factors::{self, App};
use crate::ground::{CODE, message, until};

pub const READER: &str = "+447700900123";
const LEAVER: &str = "+447700900456";

/// What is sent: where, what, and the message that it is about.
type Sent = (String, Option<Value>, Option<String>);

/// Routes that leave nothing.
pub async fn public(stage: &mut Stage) {
    let mut api = stage.ground.api("").client();
    for row in ROUTES.iter().filter(|row| row.access == Access::Public) {
        let reply = api.get(&row.path.replace("{id}", "api")).await.unwrap();
        assert_eq!(reply.status.as_u16(), 200, "{}", row.path);
        stage
            .book
            .silent(&book::route(row.route), of_route(row.route));
    }
}

/// Every other route.
pub async fn drive(stage: &mut Stage, busy: &mut Busy) {
    let mut api = stage.ground.api(&busy.key).client();
    for row in &ROUTES {
        // Half a minute lies between two codes: a test of the engine drives it.
        if row.route == Route::ResendVerification {
            continue;
        }
        if row.dialect == Dialect::Verify {
            verify::drive(stage, row).await;
            continue;
        }
        if row.dialect != Dialect::Own {
            twilio::drive(stage, row).await;
            continue;
        }
        if let Access::Scoped(scope) = row.access {
            let scopes = [
                scope.as_str(),
                "messages:send",
                "verifications:write",
                "factors:write",
            ];
            let (client, key) = stage.client(&scopes).await;
            let own = if row.path.starts_with("/v1/verifications/") {
                own_verification(stage, &key).await
            } else {
                own_message(stage, &key).await
            };
            let factor = own_factor(stage, row.route, &key).await;
            if [Route::ReadReceipt, Route::ReadVerificationReceipt].contains(&row.route) {
                covered(stage, &mut api).await;
            }
            let sent = factor.unwrap_or_else(|| sent(row.route, &own));
            good(stage, row, &client, &key, &sent).await;
            let other = match scope {
                engine::Scope::InboundRead => engine::Scope::MessagesRead,
                _ => engine::Scope::InboundRead,
            };
            let (stranger, key) = stage.client(&[other.as_str()]).await;
            refused(stage, row, &stranger, &key, &sent).await;
        }
    }
    carriers::drive(stage).await;
    search_by_number(stage).await;
    nobody(stage).await;
    refused_message(stage, &busy.client, &mut api).await;
    refused_request(stage).await;
}

/// A message of this client, to a carrier that is away.
pub async fn own_message(stage: &Stage, key: &str) -> String {
    let mut api = stage.ground.api(key).client();
    let waits = json!({"to": READER, "from": AWAY, "text": "It waits", "class": "alert"});
    let reply = api.post("/v1/messages", &waits).await.unwrap();
    assert_eq!(reply.status.as_u16(), 202, "{}", reply.text);
    reply.member("id")
}

/// A verification of this client.
async fn own_verification(stage: &Stage, key: &str) -> String {
    let mut api = stage.ground.api(key).client();
    let reply = api.post("/v1/verifications", &verification()).await;
    let reply = reply.unwrap();
    assert_eq!(reply.status.as_u16(), 201, "{}", reply.text);
    reply.member("id")
}

fn verification() -> Value {
    json!({"to": READER, "from": CODE, "channel": "sms", "purpose": "sign-in"})
}

/// A factor of this client and what is asked of it; `None` where a route is about none.
async fn own_factor(stage: &Stage, route: Route, key: &str) -> Option<Sent> {
    let mut api = stage.ground.api(key).client();
    let sent = |factor: &str, rest: &str, body: Option<Value>| {
        let path = format!("/v1/factors/{factor}{rest}");
        Some((path, body, Some(factor.to_owned())))
    };
    match route {
        Route::ConfirmFactor => {
            let app = App::enrol(&mut api, "ann").await;
            sent(&app.id, "/confirm", Some(json!({"code": app.code(0)})))
        }
        Route::CheckFactor => {
            let (id, codes) = factors::issue(&mut api, "ann", 1).await;
            sent(&id, "/check", Some(json!({"code": codes[0]})))
        }
        Route::RemoveFactor => {
            let (id, _) = factors::issue(&mut api, "ann", 1).await;
            sent(&id, "", None)
        }
        Route::ReadFactor => {
            let (id, _) = factors::issue(&mut api, "ann", 1).await;
            Some((format!("/v1/factors/{id}"), None, None))
        }
        _ => None,
    }
}

/// Waits until a checkpoint covers everything. Whoever asks is not whose reads are counted.
pub async fn covered(stage: &Stage, others: &mut Client) {
    let next = stage.next();
    until("the checkpoint", async || {
        let reply = others.get("/ledger/checkpoint").await.unwrap();
        let size: usize = reply.text.lines().nth(1)?.parse().ok()?;
        (size >= next).then_some(())
    })
    .await;
}

fn sent(route: Route, own: &str) -> Sent {
    let consent =
        json!({"short_code": CODE, "number": LEAVER, "basis": "request", "evidence": "a letter"});
    let one = message(READER, "alert", "By the table");
    let get = |path: &str| (path.to_owned(), None, None);
    let post = |path: &str, body| (path.to_owned(), Some(body), None);
    let about = |rest: &str| format!("/v1/messages/{own}{rest}");
    match route {
        Route::SubmitMessage => post("/v1/messages", one),
        Route::SubmitBatch => post("/v1/messages/batch", json!({"messages": [one]})),
        Route::SearchMessages => post("/v1/messages/search", json!({"to": READER})),
        Route::ListMessages => get("/v1/messages"),
        Route::ReadMessage => get(&about("")),
        Route::CancelMessage => {
            let body = Some(json!({}));
            (about("/cancel"), body, Some(own.to_owned()))
        }
        Route::ReadReceipt => get(&about("/receipt")),
        Route::ListInbound => get("/v1/inbound"),
        Route::RecordOptOut => post("/v1/opt-outs", consent),
        Route::LookUpOptOut => post(
            "/v1/opt-outs/lookup",
            json!({"short_code": CODE, "number": LEAVER}),
        ),
        Route::RemoveOptOut => post("/v1/opt-outs/remove", consent),
        Route::StartVerification => post("/v1/verifications", verification()),
        Route::ReadVerification => get(&format!("/v1/verifications/{own}")),
        Route::ReadVerificationReceipt => get(&format!("/v1/verifications/{own}/receipt")),
        Route::CheckVerification => {
            // One in a million times it is the right one.
            let body = Some(json!({"code": "000000"}));
            let path = format!("/v1/verifications/{own}/check");
            (path, body, Some(own.to_owned()))
        }
        Route::CancelVerification | Route::ResendVerification => {
            let path = format!("/v1/verifications/{own}/cancel");
            (path, Some(json!({})), Some(own.to_owned()))
        }
        Route::EnrolFactor => post("/v1/factors", json!({"kind": "recovery", "user": "bob"})),
        Route::ListEntries => get("/v1/ledger/entries"),
        Route::SearchEntries => post("/v1/ledger/search", json!({"kind": ["message.accepted"]})),
        Route::ReadCheckpoint => get("/ledger/checkpoint"),
        Route::ReadMinimumIndex => get("/ledger/minimum-index"),
        Route::ReadEntries => get("/ledger/tile/entries/000"),
        Route::ReadTile => get("/ledger/tile/0/000"),
        // They are about a factor of the client, public, or in another dialect.
        Route::ConfirmFactor
        | Route::CheckFactor
        | Route::ReadFactor
        | Route::RemoveFactor
        | Route::OpenApi
        | Route::ErrorPage
        | Route::CarrierStatus
        | Route::CarrierStatusOf
        | Route::CarrierInbound
        | Route::Reference
        | Route::Guide
        | Route::TwilioSendMessage
        | Route::TwilioReadMessage
        | Route::TwilioListMessages
        | Route::TwilioChangeMessage
        | Route::TwilioDeleteMessage
        | Route::TwilioListServices
        | Route::TwilioCreateService
        | Route::TwilioReadService
        | Route::TwilioChangeService
        | Route::TwilioRemoveService
        | Route::TwilioStartVerification
        | Route::TwilioReadVerification
        | Route::TwilioCancelVerification
        | Route::TwilioCheckVerification => get("/"),
    }
}

async fn call(stage: &Stage, row: &RouteRow, key: &str, (path, body, _): &Sent) -> Reply {
    let mut api = stage.ground.api(key).client();
    let reply = match row.verb {
        Verb::Get => api.get(path).await,
        Verb::Post => api.post(path, body.as_ref().unwrap()).await,
        Verb::Delete => api.delete(path).await,
    };
    reply.unwrap()
}

/// An act of a client over its connection.
pub fn by_client(stage: &Stage, kind: Kind, client: &str, from: usize) -> Act {
    Act {
        actor: ("client", client.to_owned()),
        origin: "connection",
        ..stage.of_system(String::new(), kind, from)
    }
}

async fn good(stage: &mut Stage, row: &RouteRow, client: &str, key: &str, sent: &Sent) {
    let (name, trace) = (book::route(row.route), of_route(row.route));
    let from = stage.next();
    let reply = call(stage, row, key, sent).await;
    assert!(reply.status.is_success(), "{name}: {}", reply.text);
    stage.book.row(&name, trace);
    let kind = trace.kinds()[0];
    let mut act = by_client(stage, kind, client, from);
    act.row = name;
    if kind == Kind::VerificationChecked {
        act.outcome = "failed";
    }
    if [Kind::MessageAccepted, Kind::VerificationStarted].contains(&kind) {
        act.outcome = "accepted";
        act.object = Some(accepted(&reply));
    }
    if sent.2.is_some() {
        act.object.clone_from(&sent.2);
    }
    if matches!(trace, Trace::Counted(_)) {
        (act.shown, act.origin) = (Shown::Counted(1), "");
    } else {
        act.until = Some(stage.next());
    }
    stage.book.act(act, trace.kinds());
}

/// The id of what was taken on.
fn accepted(reply: &Reply) -> String {
    let body = reply.json();
    let id = body
        .pointer("/id")
        .or_else(|| body.pointer("/results/0/id"));
    id.unwrap().as_str().unwrap().to_owned()
}

async fn refused(stage: &mut Stage, row: &RouteRow, client: &str, key: &str, sent: &Sent) {
    let from = stage.next();
    let reply = call(stage, row, key, sent).await;
    assert_eq!(reply.member("code"), "scope-missing", "{}", reply.text);
    let act = Act {
        origin: "",
        outcome: "refused",
        shown: Shown::Counted(1),
        ..by_client(stage, Kind::AuthFailed, client, from)
    };
    stage.happened(Event::CredentialsRefused, act);
}

/// A search with a number has an entry of its own, before the answer.
async fn search_by_number(stage: &mut Stage) {
    let (client, key) = stage.client(&["ledger:search"]).await;
    let from = stage.next();
    let mut api = stage.ground.api(&key).client();
    let asked = json!({"number": READER});
    let reply = api.post("/v1/ledger/search", &asked).await.unwrap();
    assert_eq!(reply.status.as_u16(), 200, "{}", reply.text);
    let row = book::route(Route::SearchEntries);
    let until = Some(stage.next());
    let act = by_client(stage, Kind::LedgerSearched, &client, from);
    let kinds = of_route(Route::SearchEntries).kinds();
    stage.book.act(Act { row, until, ..act }, kinds);
}

/// Whoever has no key at all.
async fn nobody(stage: &mut Stage) {
    let from = stage.next();
    let mut api = stage.ground.api("ssk_none").client();
    let reply = api.get("/v1/messages").await.unwrap();
    assert_eq!(reply.status.as_u16(), 401);
    let act = Act {
        actor: ("anonymous", "-".to_owned()),
        outcome: "refused",
        shown: Shown::Counted(1),
        ..by_client(stage, Kind::AuthFailed, "", from)
    };
    stage.happened(Event::CredentialsRefused, act);
}

async fn refused_message(stage: &mut Stage, client: &str, api: &mut Client) {
    let from = stage.next();
    let body = json!({"to": READER, "from": "99999", "text": "No", "class": "alert"});
    let reply = api.post("/v1/messages", &body).await.unwrap();
    assert_eq!(
        reply.member("code"),
        "short-code-not-granted",
        "{}",
        reply.text
    );
    let act = Act {
        origin: "",
        outcome: "refused",
        shown: Shown::Counted(1),
        ..by_client(stage, Kind::MessageRefused, client, from)
    };
    stage.happened(Event::MessageRefused, act);
}

/// Whoever asks more than a limit allows. What is no JSON leaves nothing.
async fn refused_request(stage: &mut Stage) {
    let (client, key) = stage.client(&["messages:send"]).await;
    let from = stage.next();
    let mut api = stage.ground.api(&key).client();
    let body = json!("no message");
    for _ in 0..REQUESTS {
        let reply = api.post("/v1/messages", &body).await.unwrap();
        assert_eq!(reply.status.as_u16(), 400, "{}", reply.text);
    }
    let reply = api.post("/v1/messages", &body).await.unwrap();
    assert_eq!(reply.member("code"), "throttled", "{}", reply.text);
    let act = Act {
        origin: "",
        outcome: "refused",
        shown: Shown::Counted(1),
        ..by_client(stage, Kind::RequestRefused, &client, from)
    };
    stage.happened(Event::RequestRefused, act);
}
