//! Status callbacks: the URL that came with a message is told each of its steps, in order and signed in two ways,
//! as long as there is anything to tell, and of nobody else's message anything.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::class::TrafficClass;
use domain::id::MessageId;
use domain::message::{DoneDate, ReceiptState};
use domain::twilio::{Parameter, sid, signature};
use domain::webhook::Target;
use domain::webhook::schedule::{ATTEMPTS_MAX, pause};
use engine::ports::carrier::{Answer, Delivery, Receipt};
use engine::ports::webhook::{Call, Shape, Uncalled};
use engine::{
    ErasureBasis, ErasureScope, IdempotencyKey, SubmitError, SubmitRequest, Submitted,
    WebhookReplay, WebhookSecret,
};
use ledger::Kind;
use testkit::TestGateway;
use testkit::gateway::{everything, handset, request};
use testkit::settings::usual;

use super::stage::{accept, answer, deliver, dispatch, receipt, submit};
use super::verifications::entries;
use super::webhooks;

const URL: &str = "https://hooks.example/status?user=anna";

pub struct Stage(webhooks::Stage);

impl std::ops::Deref for Stage {
    type Target = webhooks::Stage;

    fn deref(&self) -> &webhooks::Stage {
        &self.0
    }
}

impl Stage {
    pub fn new() -> Self {
        Self(webhooks::Stage::new())
    }

    pub fn into_test(self) -> TestGateway {
        self.0.test
    }

    /// A message to a handset, whose URL is told.
    fn try_send(&self, to: u16, url: &str) -> Result<Submitted, SubmitError> {
        let caller = self.test.caller();
        self.settle(self.test.gateway.submit(&caller, with_url(to, url), None))
    }

    /// The same, taken by the carrier and delivered.
    pub fn send(&self, to: u16, url: &str) -> MessageId {
        let sent = self.try_send(to, url).unwrap();
        for handed in dispatch(&self.test) {
            accept(&self.test, &handed);
            let arrived = receipt(handed.submission.token, ReceiptState::Delivered);
            deliver(&self.test, vec![arrived]);
        }
        sent.id
    }

    /// Tells until nothing is due any more. Gives what was heard.
    pub fn tell_all(&self) -> Vec<Call> {
        let mut all = Vec::new();
        loop {
            let heard = self.tell();
            if heard.is_empty() {
                return all;
            }
            all.extend(heard);
        }
    }

    fn secret(&self) -> WebhookSecret {
        let client = self.test.caller().client;
        let shown = self.test.gateway.callback_secret("root", client);
        self.settle(shown).unwrap().1
    }
}

fn with_url(to: u16, url: &str) -> SubmitRequest {
    let mut asked = request(handset(to), TrafficClass::Alert, "hello");
    asked.callback = Some(Target::parse(url).unwrap());
    asked
}

/// The parameters of a call, read as forms are.
fn parameters(call: &Call) -> BTreeMap<String, String> {
    let body = String::from_utf8(call.body.0.clone()).unwrap();
    let pairs = body.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs
        .map(|(name, value)| (name.to_owned(), value.replace("%2B", "+")))
        .collect()
}

fn statuses(calls: &[Call]) -> Vec<String> {
    let status = |call: &Call| parameters(call)["MessageStatus"].clone();
    calls.iter().map(status).collect()
}

fn twilio_signature(call: &Call) -> &str {
    match &call.shape {
        Shape::Form { twilio_signature } => twilio_signature,
        Shape::Json => panic!("a form is told"),
    }
}

/// `X-Twilio-Signature` as a receiver makes it out of what it heard.
fn as_receiver(secret: &WebhookSecret, url: &str, call: &Call) -> String {
    let heard = parameters(call);
    let names = [
        "AccountSid",
        "ApiVersion",
        "ErrorCode",
        "From",
        "MessageSid",
        "MessageStatus",
        "RawDlrDoneDate",
        "SmsSid",
        "SmsStatus",
        "To",
    ];
    assert!(heard.keys().all(|name| names.contains(&name.as_str())));
    let there = names.into_iter().filter(|name| heard.contains_key(*name));
    let there: Vec<Parameter> = there.map(|name| (name, heard[name].clone())).collect();
    signature(secret.reveal(), url, &there)
}

/// `webhook-signature` under one secret.
fn v1(secret: &WebhookSecret, call: &Call) -> String {
    let octets = secret.reveal().strip_prefix("whsec_").unwrap();
    let octets = STANDARD.decode(octets).unwrap();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &octets);
    let mut signed = format!("{}.{}.", call.id, call.timestamp).into_bytes();
    signed.extend_from_slice(&call.body.0);
    let tag = aws_lc_rs::hmac::sign(&key, &signed);
    format!("v1,{}", STANDARD.encode(tag))
}

#[test]
fn each_step_is_told_in_order_as_twilio_tells_it_and_signed_in_both_ways() {
    let stage = Stage::new();
    let id = stage.send(1, URL);
    let told = stage.tell_all();
    assert_eq!(statuses(&told), ["queued", "sent", "delivered"]);
    let secret = stage.secret();
    let account = sid("AC", stage.test.caller().client.to_bytes());
    for call in &told {
        assert_eq!(call.target.url(), URL);
        let heard = parameters(call);
        let message = sid("SM", id.to_bytes());
        for (name, value) in [
            ("MessageSid", message.as_str()),
            ("SmsSid", &message),
            ("AccountSid", &account),
            ("ApiVersion", "2010-04-01"),
            ("From", "12345"),
            ("To", "+447700900001"),
            ("SmsStatus", &heard["MessageStatus"]),
        ] {
            assert_eq!(heard[name], value, "{name}");
        }
        assert!(!heard.contains_key("ErrorCode"));
        assert_eq!(twilio_signature(call), as_receiver(&secret, URL, call));
        assert_eq!(call.signature, v1(&secret, call));
    }
    assert!(stage.tell_all().is_empty(), "once");
}

#[test]
fn what_does_not_arrive_is_undelivered_or_failed_and_what_is_taken_back_canceled() {
    let stage = Stage::new();
    stage.try_send(1, URL).unwrap();
    for handed in dispatch(&stage.test) {
        answer(&stage.test, &handed, Answer::Rejected(11));
    }
    let told = stage.tell_all();
    assert_eq!(statuses(&told), ["queued", "failed"]);
    assert_eq!(parameters(&told[1])["ErrorCode"], "30008");
    stage.try_send(1, URL).unwrap();
    for handed in dispatch(&stage.test) {
        accept(&stage.test, &handed);
        let lost = receipt(handed.submission.token, ReceiptState::Expired);
        deliver(&stage.test, vec![lost]);
    }
    let told = stage.tell_all();
    assert_eq!(statuses(&told), ["queued", "sent", "undelivered"]);
    assert_eq!(parameters(&told[2])["ErrorCode"], "30036");
}

/// A receipt that tells its date.
fn dated(handed: &testkit::carriers::Handed, date: &str) -> Delivery {
    match receipt(handed.submission.token, ReceiptState::Delivered) {
        Delivery::Receipt(told) => Delivery::Receipt(Receipt {
            done: DoneDate::parse(date.as_bytes()),
            ..told
        }),
        other @ Delivery::Mobile(_) => other,
    }
}

#[test]
fn the_date_that_a_receipt_tells_is_told_on_as_the_carrier_wrote_it_and_no_other_is_made_up() {
    let stage = Stage::new();
    stage.try_send(1, URL).unwrap();
    for handed in dispatch(&stage.test) {
        accept(&stage.test, &handed);
        deliver(&stage.test, vec![dated(&handed, "2611260941")]);
    }
    let told = stage.tell_all();
    assert_eq!(statuses(&told), ["queued", "sent", "delivered"]);
    let date = |call: &Call| parameters(call).get("RawDlrDoneDate").cloned();
    let dates: Vec<_> = told.iter().map(date).collect();
    assert_eq!(dates, [None, None, Some("2611260941".to_owned())]);
    let secret = stage.secret();
    assert_eq!(
        twilio_signature(&told[2]),
        as_receiver(&secret, URL, &told[2])
    );
    stage.send(2, URL);
    assert!(stage.tell_all().iter().all(|call| date(call).is_none()));
}

#[test]
fn the_date_of_a_receipt_that_overtook_its_answer_is_kept_over_a_crash() {
    let stage = Stage::new();
    stage.try_send(1, URL).unwrap();
    let handed = dispatch(&stage.test).remove(0);
    deliver(&stage.test, vec![dated(&handed, "2611260941")]);
    accept(&stage.test, &handed);
    let receiver = Arc::clone(&stage.receiver);
    let test = stage.into_test().crash_and_restart(usual(), 9);
    let stage = Stage(webhooks::Stage::over(test, receiver));
    let told = stage.tell_all();
    let last = parameters(told.last().unwrap());
    assert_eq!(last["MessageStatus"], "delivered");
    assert_eq!(last["RawDlrDoneDate"], "2611260941");
}

#[test]
fn a_message_without_a_url_is_told_nobody_and_says_nothing_of_one() {
    let stage = Stage::new();
    submit(&stage.test, "hello").unwrap();
    assert!(stage.tell_all().is_empty());
    let image = stage.test.store.with_image(|image| format!("{image:?}"));
    assert!(!image.contains("callbacks/"), "nothing is kept for it");
    stage.send(2, URL);
    stage.tell_all();
    submit(&stage.test, "hello").unwrap();
    assert!(stage.tell_all().is_empty());
}

#[test]
fn a_url_that_leads_inside_is_refused_and_nothing_of_the_message_is_kept() {
    let stage = Stage::new();
    for url in [
        "https://127.0.0.1/",
        "https://[::1]:8443/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/",
    ] {
        let refused = stage.try_send(1, url);
        assert!(matches!(refused, Err(SubmitError::Callback(_))), "{url}");
    }
    assert_eq!(entries(&stage.test, Kind::MessageAccepted), 0);
    assert_eq!(entries(&stage.test, Kind::EventsTold), 0);
}

#[test]
fn a_url_that_is_gone_hears_no_more_of_that_message_and_others_do() {
    let stage = Stage::new();
    stage.try_send(1, URL).unwrap();
    let first = dispatch(&stage.test).remove(0);
    stage.receiver.say(410);
    assert_eq!(statuses(&stage.tell_all()), ["queued"]);
    stage.receiver.say(200);
    accept(&stage.test, &first);
    assert!(stage.tell_all().is_empty());
    stage.send(2, URL);
    assert_eq!(stage.tell_all().len(), 3);
    let receiver = Arc::clone(&stage.receiver);
    let test = stage.into_test().crash_and_restart(usual(), 9);
    let stage = Stage(webhooks::Stage::over(test, receiver));
    let arrived = receipt(first.submission.token, ReceiptState::Delivered);
    stage.test.bind_all();
    deliver(&stage.test, vec![arrived]);
    assert!(stage.tell_all().is_empty(), "also after a crash");
}

#[test]
fn what_is_not_taken_is_told_again_by_the_schedule_and_then_a_dead_letter() {
    let stage = Stage::new();
    stage.try_send(1, URL).unwrap();
    stage.receiver.say(500);
    let mut ids = Vec::new();
    for attempt in 1..=ATTEMPTS_MAX {
        let told = stage.tell();
        assert_eq!(told.len(), 1, "attempt {attempt}");
        ids.push(told[0].id.clone());
        let pause = pause(attempt, u8::MAX, None).unwrap_or_default();
        stage.later(pause.as_secs() + 1);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "under one id");
    let client = stage.test.caller().client;
    let dead = stage
        .settle(stage.test.gateway.read_dead("root", client))
        .unwrap();
    assert_eq!(&*dead[0].letter.reason, "server-error");
    stage.receiver.say(200);
    let replay = WebhookReplay::One(ids[0].clone());
    let replayed = stage.test.gateway.replay_dead("root", client, &replay);
    assert_eq!(stage.settle(replayed).unwrap(), 1);
    assert_eq!(stage.tell()[0].id, ids[0]);
}

#[test]
fn a_crash_loses_no_step() {
    let stage = Stage::new();
    stage.receiver.fail(Uncalled::TimedOut);
    stage.send(1, URL);
    assert_eq!(stage.tell().len(), 1);
    let receiver = Arc::clone(&stage.receiver);
    let test = stage.into_test().crash_and_restart(usual(), 9);
    let stage = Stage(webhooks::Stage::over(test, receiver));
    stage.receiver.say(200);
    stage.later(10);
    let told = stage.tell_all();
    assert_eq!(statuses(&told), ["queued", "sent", "delivered"]);
    let secret = stage.secret();
    assert_eq!(
        twilio_signature(&told[2]),
        as_receiver(&secret, URL, &told[2])
    );
}

#[test]
fn the_url_is_nowhere_in_clear_and_goes_with_the_number() {
    let stage = Stage::new();
    stage.receiver.fail(Uncalled::TimedOut);
    let id = stage.send(1, URL);
    let text = |image: &testkit::Image| {
        let entries = image.entries().iter();
        let entries: Vec<_> = entries
            .map(|entry| String::from_utf8_lossy(&entry.bytes).into_owned())
            .collect();
        format!("{image:?} {}", entries.join(" "))
    };
    let image = stage.test.store.with_image(text);
    for part in ["hooks.example", "status?user", "anna"] {
        assert!(!image.contains(part), "{part}");
    }
    let exported = stage.test.gateway.export_subject("root", handset(1));
    let exported = stage.settle(exported).unwrap();
    let message = exported.iter().find(|item| item.id == id.to_string());
    let facts = &message.unwrap().facts;
    assert!(facts.contains(&("status_callback", URL.to_owned())));

    stage.receiver.say(200);
    let basis = ErasureBasis::parse("GDPR Art. 17, case 7", handset(1)).unwrap();
    let (gateway, scope) = (&stage.test.gateway, ErasureScope::KeepConsent);
    let erasing = gateway.erase_subject("root", handset(1), &basis, scope);
    assert_eq!(stage.settle(erasing).unwrap().messages, 1);
    stage.later(3_600);
    assert!(stage.tell_all().is_empty(), "there is no URL any more");
    super::rebuild::assert_rebuilt(&stage.test);
}

#[test]
fn a_revoked_client_hears_nothing_more() {
    let stage = Stage::new();
    stage.test.add_client(everything("another"));
    stage.try_send(1, URL).unwrap();
    let client = stage.test.caller().client;
    let revoking = stage.test.gateway.revoke_client("root", client, None);
    stage.settle(revoking).unwrap();
    assert!(stage.tell_all().is_empty());
}

#[test]
fn a_rotated_secret_signs_beside_the_one_before_until_the_overlap_is_over() {
    let stage = Stage::new();
    let (client, first) = (stage.test.caller().client, stage.secret());
    let overlap = Duration::from_mins(1);
    let gateway = &stage.test.gateway;
    let rotated = gateway.rotate_callback_secret("root", client, overlap);
    let (_, second) = stage.settle(rotated).unwrap();
    assert_ne!(first.reveal(), second.reveal());
    assert_eq!(second.reveal(), stage.secret().reveal());
    stage.send(1, URL);
    for call in stage.tell_all() {
        let both = format!("{} {}", v1(&second, &call), v1(&first, &call));
        assert_eq!(call.signature, both);
        assert_eq!(twilio_signature(&call), as_receiver(&first, URL, &call));
    }
    stage.later(61);
    stage.send(1, URL);
    for call in stage.tell_all() {
        assert_eq!(call.signature, v1(&second, &call));
        assert_eq!(twilio_signature(&call), as_receiver(&second, URL, &call));
    }
    let leaked = gateway.rotate_callback_secret("root", client, Duration::ZERO);
    let (_, third) = stage.settle(leaked).unwrap();
    stage.send(1, URL);
    let told = stage.tell_all();
    assert_eq!(
        twilio_signature(&told[0]),
        as_receiver(&third, URL, &told[0])
    );
    super::rebuild::assert_rebuilt(&stage.test);
}

#[test]
fn each_client_has_a_queue_and_a_secret_of_its_own() {
    let stage = Stage::new();
    let (other, key) = stage.test.add_client(everything("another"));
    stage.try_send(1, URL).unwrap();
    let caller = stage.test.caller_with(&key);
    let theirs = with_url(2, "https://other.example/");
    stage
        .settle(stage.test.gateway.submit(&caller, theirs, None))
        .unwrap();
    let told = stage.tell();
    let account = |call: &Call| parameters(call)["AccountSid"].clone();
    let of = |call: &&Call| call.target.url() == "https://other.example/";
    let heard = told.iter().find(of).unwrap();
    assert_eq!(
        (told.len(), account(heard)),
        (2, sid("AC", other.id.to_bytes()))
    );
    let own = stage.secret();
    let url = heard.target.url();
    assert_ne!(twilio_signature(heard), as_receiver(&own, &url, heard));
}

#[test]
fn an_idempotency_key_stands_for_the_url_too() {
    let stage = Stage::new();
    let caller = stage.test.caller();
    let key = || Some(IdempotencyKey::parse("k-1").unwrap());
    let gateway = &stage.test.gateway;
    let sent = |url| stage.settle(gateway.submit(&caller, with_url(1, url), key()));
    let first = sent(URL).unwrap();
    assert_eq!(sent(URL).unwrap().id, first.id);
    let other = sent("https://hooks.example/other");
    assert!(matches!(other, Err(SubmitError::KeyReused)));
}
