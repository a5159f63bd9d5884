//! The control socket: every request, as the command line and others send it.

use domain::event::EventTypes;
use engine::rows::AuthMode;
use engine::rows::Included;
use ledger::Kind;
use shortstop::control::message::search::SearchAsked;
use shortstop::control::message::webhook::{NewWebhookAsked, Told};
use shortstop::control::message::{
    ConsentAsked, Insistence, LimitAsked, LineFormat, LinesAsked, Manner, NumberAsked,
};
use shortstop::control::{KeyAsked, Request};

use super::book::{self, Act, Shown};
use super::stage::{Busy, Stage};
use crate::ground::{reaches, send};

const PERSON: &str = "+447700900789";

/// Every request but the one that adds clients, which was made often by now.
pub async fn drive(stage: &mut Stage, busy: &Busy) {
    clients(stage).await;
    let mut api = stage.ground.api(&busy.key).client();
    let id = send(&mut api, PERSON, "alert", "Of a person").await;
    reaches(&mut api, &id, "delivered").await;
    super::routes::covered(stage, &mut api).await;
    reads(stage, &id).await;
    exports(stage).await;
    person(stage).await;
    stage.ask(Request::LimitsShow).await;
    let asked = LimitAsked {
        client: busy.client.parse().unwrap(),
        to: NumberAsked::new(PERSON),
        from: None,
        class: None,
        campaign: None,
        source: None,
        segments: 1,
    };
    stage.ask(Request::LimitsExplain(asked)).await;
    webhooks(stage, &busy.client).await;
    stage.ask(Request::KeysStatus).await;
    stage.ask(Request::KeysRotate).await;
    let to = stage.ground.path("backup-socket");
    stage.ask(Request::Backup { to }).await;
    let prune = Request::LedgerPrune {
        keep_days: 450,
        below_a_year: Insistence::None,
        manner: Manner::Real,
    };
    let pruned = stage.ask(prune).await;
    assert_eq!(pruned["minimum_index"], 256, "{pruned}");
}

async fn clients(stage: &mut Stage) {
    let (id, _) = stage.client(&["messages:send"]).await;
    let client = id.parse().unwrap();
    stage.ask(Request::ClientList).await;
    let rotate = Request::ClientRotate {
        client,
        overlap_seconds: 60,
        expires: None,
        key: KeyAsked::HmacSha256,
    };
    stage.ask(rotate).await;
    stage.book.happened_to(&id);
    let change = Request::ClientChange {
        client,
        auth: Some(AuthMode::Signed),
        add: Vec::new(),
        drop: Vec::new(),
        add_names: Vec::new(),
        drop_names: Vec::new(),
    };
    stage.ask(change).await;
    stage.book.happened_to(&id);
    stage.ask(Request::ClientCallbackSecret { client }).await;
    let rotate = Request::ClientCallbackRotate {
        client,
        overlap_seconds: 60,
    };
    stage.ask(rotate).await;
    stage.book.happened_to(&id);
    stage.ask(Request::ClientRevoke { client, key: None }).await;
    stage.book.happened_to(&id);
}

/// A webhook that nobody ever has to call: nothing of its client happens.
async fn webhooks(stage: &mut Stage, client: &str) {
    let asked = NewWebhookAsked {
        client: client.parse().unwrap(),
        url: "https://hooks.example/in".to_owned(),
        events: EventTypes::named("verification.expired").unwrap(),
        include: Included::Nothing,
    };
    let made = stage.ask(Request::WebhookAdd(asked)).await;
    let id = made["webhook"]["id"].as_str().unwrap().to_owned();
    stage.book.happened_to(&id);
    stage.ask(Request::WebhookList).await;
    let webhook = id.parse().unwrap();
    let rotate = Request::WebhookRotate {
        webhook,
        overlap_seconds: 60,
    };
    let told = Told::Webhook(webhook);
    stage.ask(Request::WebhookDead { webhook: told }).await;
    let replay = Request::WebhookReplay {
        webhook: told,
        event: None,
    };
    for request in [
        replay,
        rotate,
        Request::WebhookDisable { webhook },
        Request::WebhookEnable { webhook },
        Request::WebhookRemove { webhook },
    ] {
        stage.ask(request).await;
        stage.book.happened_to(&id);
    }
}

/// What is counted together, and told at the latest when the gateway stops.
async fn reads(stage: &mut Stage, id: &str) {
    let from = stage.next();
    let path = "checkpoint".to_owned();
    let read = Request::LedgerRead { path };
    let row = book::request(&read);
    stage.ask(read).await;
    let message = id.parse().unwrap();
    stage.ask(Request::LedgerProve { message }).await;
    stage.ask(Request::LedgerOpenings).await;
    stage.ask(Request::LedgerSeals { from: 0 }).await;
    stage.ask(Request::LedgerSealed { from: 0 }).await;
    // This one has an entry of its own, which counts one more.
    stage.ask(Request::LedgerRebuild { to: None }).await;
    let act = Act {
        shown: Shown::Counted(6),
        ..stage.of_me(row, Kind::LedgerRead, from)
    };
    stage.book.act(act, &[Kind::LedgerRead]);
    let search = SearchAsked {
        limit: 10,
        ..SearchAsked::default()
    };
    stage.ask(Request::LedgerSearch(search)).await;
}

async fn exports(stage: &mut Stage) {
    let to = stage.ground.path("export-socket");
    stage.ask(Request::LedgerExport { to }).await;
    let lines = LinesAsked {
        format: LineFormat::Jsonl,
        since: None,
        until: None,
        at_least: 0,
    };
    let begun = stage.ask(Request::LedgerLines(lines)).await;
    let (ticket, from) = (begun["ticket"].as_u64().unwrap(), 0);
    stage.ask(Request::LedgerLinesRead { ticket, from }).await;
}

async fn person(stage: &mut Stage) {
    let number = NumberAsked::new(PERSON);
    let export = Request::SubjectExport {
        number: number.clone(),
    };
    stage.ask(export).await;
    let erase = Request::SubjectErase {
        number,
        basis: "case 7".to_owned(),
        consent: ConsentAsked::Keep,
    };
    stage.ask(erase).await;
}
