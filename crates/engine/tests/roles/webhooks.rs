//! Webhooks: an operator adds one for a client, and it is told of what is that client's, signed, again and
//! again until it takes it, and of nobody's number or text unless it was made to hear them.

use std::sync::Arc;
use std::time::Duration;

use domain::event::EventTypes;
use domain::id::WebhookId;
use domain::webhook::pause;
use domain::webhook::schedule::ATTEMPTS_MAX;
use engine::ports::webhook::{Call, Uncalled};
use engine::rows::{Included, WebhookDown, WebhookRow, WebhookStanding};
use engine::{NewWebhook, WebhookError, WebhookReplay, WebhookSecret};
use ledger::Kind;
use serde_json::Value;
use testkit::gateway::everything;
use testkit::settings::usual;
use testkit::{MemoryWebhook, TestGateway};
use tokio::runtime::{Builder, Runtime};

use super::stage::{accept, deliver, dispatch, mobile, submit};
use super::verifications::{check, code, entries, start};

pub struct Stage {
    pub test: TestGateway,
    pub receiver: Arc<MemoryWebhook>,
    pub runtime: Runtime,
}

impl Stage {
    pub fn new() -> Self {
        Self::over(super::stage::running(), MemoryWebhook::taking())
    }

    pub fn over(test: TestGateway, receiver: Arc<MemoryWebhook>) -> Self {
        test.gateway.attach_events(test.store.clone());
        test.gateway.attach_webhooks(receiver.clone());
        Self {
            test,
            receiver,
            runtime: Builder::new_current_thread().enable_time().build().unwrap(),
        }
    }

    /// Waits for an answer while the store syncs.
    pub fn settle<T>(&self, answer: impl Future<Output = T>) -> T {
        let store = &self.test.store;
        self.runtime.block_on(async {
            let syncing = async {
                loop {
                    store.sync();
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                answer = answer => answer,
                () = syncing => unreachable!("it never ends"),
            }
        })
    }

    pub fn add(&self, include: Included) -> (WebhookRow, WebhookSecret) {
        self.try_add("https://hooks.example/in", include).unwrap()
    }

    fn try_add(
        &self,
        url: &str,
        include: Included,
    ) -> Result<(WebhookRow, WebhookSecret), WebhookError> {
        let new = NewWebhook {
            client: self.test.caller().client,
            url: url.to_owned(),
            events: EventTypes::all(),
            include,
        };
        self.settle(self.test.gateway.add_webhook("root", new))
    }

    /// Everything that is due is told, once. Gives what the receiver heard.
    pub fn tell(&self) -> Vec<Call> {
        self.settle(self.test.gateway.call_webhooks());
        self.test.store.sync();
        self.receiver.heard()
    }

    fn send(&self) {
        submit(&self.test, "hello").unwrap();
        for handed in dispatch(&self.test) {
            accept(&self.test, &handed);
        }
    }

    pub fn later(&self, seconds: u64) {
        self.test.clock.advance(Duration::from_secs(seconds));
        // A week may have passed: its keys are made.
        self.test.gateway.keep_house(self.test.clock.peek());
        self.test.store.sync();
    }

    fn standing(&self, id: WebhookId) -> WebhookStanding {
        let rows = self
            .settle(self.test.gateway.read_webhooks("root"))
            .unwrap();
        rows.iter().find(|row| row.id == id).unwrap().standing
    }
}

fn body(call: &Call) -> Value {
    serde_json::from_slice(&call.body.0).unwrap()
}

#[test]
fn a_webhook_is_told_once_and_what_it_is_told_names_nobody() {
    let stage = Stage::new();
    stage.add(Included::Nothing);
    stage.send();
    deliver(&stage.test, vec![mobile(1, "STOP it"), mobile(2, "STOP")]);
    let begun = start(&stage.test, 3).unwrap();
    let code = code(&stage.test);
    check(&stage.test, begun.id, &code).unwrap();
    let mut told = stage.tell();
    told.extend(stage.tell());
    let types: Vec<_> = told.iter().map(|call| body(call)["type"].clone()).collect();
    for wanted in [
        "message.submitted",
        "inbound.received",
        "optout.recorded",
        "verification.verified",
    ] {
        assert!(types.contains(&wanted.into()), "{wanted}: {types:?}");
    }
    for call in &told {
        let text = String::from_utf8(call.body.0.clone()).unwrap();
        assert!(!text.contains("4477009"), "{text}");
        assert!(!text.contains("STOP") && !text.contains("hello"), "{text}");
        assert!(text.len() < 20_000);
    }
    assert!(stage.tell().is_empty());
}

#[test]
fn a_webhook_that_was_made_to_hears_numbers_and_texts_and_that_is_counted() {
    let stage = Stage::new();
    stage.add(Included::Text);
    deliver(&stage.test, vec![mobile(1, "what are your hours?")]);
    stage.send();
    let told = stage.tell();
    let data = &body(&told[0])["data"];
    assert_eq!(data["from"], "+447700900001");
    assert_eq!(data["text"], "what are your hours?");
    assert_eq!(body(&told[1])["data"]["to"], "+447700900001");
    assert_eq!(opened(&stage), 2);
}

fn opened(stage: &Stage) -> u64 {
    stage.test.store.with_image(|image| {
        let told = image.entries().iter();
        let told = told.map(|entry| serde_json::from_slice::<Value>(&entry.bytes).unwrap());
        let told = told.filter(|entry| entry["kind"] == "events.told");
        told.map(|entry| entry["data"]["opened"].as_u64().unwrap())
            .sum()
    })
}

#[test]
fn what_left_with_a_number_or_a_text_is_counted_whatever_the_receiver_says() {
    let stage = Stage::new();
    stage.add(Included::Text);
    stage.receiver.say(500);
    deliver(&stage.test, vec![mobile(1, "what are your hours?")]);
    assert_eq!(
        body(&stage.tell()[0])["data"]["text"],
        "what are your hours?"
    );
    assert_eq!(opened(&stage), 1);
    stage.receiver.fail(Uncalled::TimedOut);
    stage.later(10);
    assert_eq!(stage.tell().len(), 1);
    assert_eq!(opened(&stage), 2, "each time");
}

#[test]
fn a_rotated_webhook_is_signed_with_both_secrets_until_the_overlap_is_over() {
    let stage = Stage::new();
    let (row, first) = stage.add(Included::Nothing);
    stage.send();
    let count = |call: &Call| call.signature.split(' ').count();
    assert_eq!(count(&stage.tell()[0]), 2, "v1 and v1a");
    let overlap = Duration::from_mins(1);
    let rotated = stage.test.gateway.rotate_webhook("root", row.id, overlap);
    let (_, second) = stage.settle(rotated).unwrap();
    assert_ne!(first.reveal(), second.reveal());
    stage.send();
    assert_eq!(count(&stage.tell()[0]), 4);
    let rows = stage.settle(stage.test.gateway.read_webhooks("root"));
    let row = rows.unwrap().pop().unwrap();
    let shown = || stage.test.gateway.signing_keys(&row).len();
    assert_eq!(shown(), 2);
    stage.later(61);
    stage.send();
    assert_eq!(count(&stage.tell()[0]), 2);
    assert_eq!(
        shown(),
        1,
        "nobody is told to check with a key that is over"
    );
    assert_eq!(entries(&stage.test, Kind::WebhookRotated), 1);
}

#[test]
fn what_is_not_taken_is_told_again_by_the_schedule_and_then_given_up() {
    let stage = Stage::new();
    let (row, _) = stage.add(Included::Nothing);
    stage.receiver.say(500);
    deliver(&stage.test, vec![mobile(1, "hello")]);
    let mut ids = Vec::new();
    for attempt in 1..=ATTEMPTS_MAX {
        let told = stage.tell();
        assert_eq!(told.len(), 1, "attempt {attempt}");
        ids.push(told[0].id.clone());
        assert!(stage.tell().is_empty(), "not before its time");
        let pause = pause(attempt, u8::MAX, None).unwrap_or_default();
        stage.later(pause.as_secs() + 1);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "under one id");
    assert!(stage.tell().is_empty());
    assert_eq!(entries(&stage.test, Kind::EventsDead), 1);
    let dead = stage
        .settle(stage.test.gateway.read_dead("root", row.id))
        .unwrap();
    assert_eq!(dead[0].event.as_ref().unwrap().id.to_string(), ids[0]);
    assert_eq!(&*dead[0].letter.reason, "server-error");

    stage.receiver.say(204);
    let no = WebhookReplay::One("evt_none".to_owned());
    let refused = stage.settle(stage.test.gateway.replay_dead("root", row.id, &no));
    assert!(matches!(refused, Err(WebhookError::NotDead)));
    let one = WebhookReplay::One(ids[0].clone());
    let replayed = stage.settle(stage.test.gateway.replay_dead("root", row.id, &one));
    assert_eq!(replayed.unwrap(), 1);
    assert_eq!(stage.tell()[0].id, ids[0]);
    assert_eq!(entries(&stage.test, Kind::WebhookReplayed), 1);
}

#[test]
fn only_2xx_is_success_and_410_ends_the_calls_until_an_operator_says_so() {
    let stage = Stage::new();
    let (row, _) = stage.add(Included::Nothing);
    for status in [100, 199, 300, 302, 404, 429, 503] {
        stage.receiver.say(status);
        stage.send();
        assert!(!stage.tell().is_empty(), "{status}");
        stage.later(2 * 3_600);
        assert!(!stage.tell().is_empty(), "{status} is no success");
        stage.receiver.say(200);
        stage.later(24 * 3_600);
        stage.tell();
        assert!(stage.tell().is_empty());
    }
    stage.receiver.say(410);
    stage.send();
    assert_eq!(stage.tell().len(), 1);
    let down = stage.standing(row.id);
    assert!(matches!(
        down,
        WebhookStanding::Disabled(WebhookDown::Gone, _)
    ));
    stage.receiver.say(200);
    stage.send();
    assert!(stage.tell().is_empty());
    stage
        .settle(stage.test.gateway.enable_webhook("root", row.id))
        .unwrap();
    assert_eq!(stage.tell().len(), 2, "nothing was lost meanwhile");
}

#[test]
fn an_operator_who_enables_a_webhook_has_it_told_at_once_of_what_waits_for_hours() {
    let stage = Stage::new();
    let (row, _) = stage.add(Included::Nothing);
    stage.receiver.say(500);
    deliver(&stage.test, vec![mobile(1, "hello")]);
    let first = stage.tell();
    stage.later(6);
    assert_eq!(stage.tell().len(), 1, "the next try is minutes away");
    let gateway = &stage.test.gateway;
    stage
        .settle(gateway.disable_webhook("root", row.id))
        .unwrap();
    stage.receiver.say(200);
    stage
        .settle(gateway.enable_webhook("root", row.id))
        .unwrap();
    assert_eq!(stage.tell()[0].id, first[0].id);
}

#[test]
fn a_webhook_that_fails_for_days_is_not_called_any_more() {
    let stage = Stage::new();
    let (row, _) = stage.add(Included::Nothing);
    stage.receiver.fail(Uncalled::TimedOut);
    for _ in 0..12 {
        stage.send();
        stage.tell();
        stage.later(12 * 3_600);
    }
    let down = stage.standing(row.id);
    assert!(
        matches!(down, WebhookStanding::Disabled(WebhookDown::Failing, _)),
        "{down:?}"
    );
    assert_eq!(entries(&stage.test, Kind::WebhookDisabled), 1);
}

#[test]
fn a_webhook_outlives_a_crash_with_its_secrets_and_what_it_was_not_told() {
    let stage = Stage::new();
    let (row, _) = stage.add(Included::Nothing);
    stage.receiver.say(500);
    stage.send();
    let told = stage.tell();
    let receiver = Arc::clone(&stage.receiver);
    let test = stage.test.crash_and_restart(usual(), 9);
    let stage = Stage::over(test, receiver);
    stage.receiver.say(200);
    stage.later(10);
    let again = stage.tell();
    assert_eq!(again[0].id, told[0].id);
    assert!(again[0].signature.starts_with("v1,"));
    assert!(matches!(stage.standing(row.id), WebhookStanding::Enabled));
    assert!(stage.tell().is_empty());
}

#[test]
fn urls_that_lead_inside_are_refused_unless_the_network_is_permitted() {
    let stage = Stage::new();
    for url in [
        "http://hooks.example/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://2130706433/",
        "https://user:word@hooks.example/",
    ] {
        let refused = stage.try_add(url, Included::Nothing);
        assert!(matches!(refused, Err(WebhookError::Url(_))), "{url}");
    }
    assert_eq!(entries(&stage.test, Kind::WebhookAdded), 0);
    let mut settings = usual();
    settings.webhooks.permitted = vec!["127.0.0.0/8".parse().unwrap()];
    settings.webhooks.webhooks_max = 1;
    let stage = Stage::over(TestGateway::queued_with(settings), MemoryWebhook::taking());
    stage
        .try_add("https://127.0.0.1:9/", Included::Nothing)
        .unwrap();
    let full = stage.try_add("https://hooks.example/", Included::Nothing);
    assert!(matches!(full, Err(WebhookError::Full(1))));
}

#[test]
fn a_removed_or_disabled_webhook_and_that_of_a_revoked_client_hear_nothing() {
    let stage = Stage::new();
    let (row, _) = stage.add(Included::Nothing);
    stage
        .settle(stage.test.gateway.disable_webhook("root", row.id))
        .unwrap();
    stage.send();
    assert!(stage.tell().is_empty());
    stage
        .settle(stage.test.gateway.enable_webhook("root", row.id))
        .unwrap();
    stage
        .settle(stage.test.gateway.remove_webhook("root", row.id))
        .unwrap();
    assert!(stage.tell().is_empty());
    let image = stage.test.store.with_image(|image| format!("{image:?}"));
    assert!(!image.contains("hooks.example/in"), "nothing of it is left");
    let (row, _) = stage.add(Included::Nothing);
    stage.test.add_client(everything("another"));
    let client = row.client;
    let revoking = stage.test.gateway.revoke_client("root", client, None);
    stage.settle(revoking).unwrap();
    deliver(&stage.test, vec![mobile(1, "hello")]);
    assert!(stage.tell().is_empty());
}
