//! Verify of Twilio's by its SDKs, as they are: numbers are verified with two lines changed, refusals are the
//! SDKs' own errors, and nobody learns or gets more through this door than through ours.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use shortstop::http_client::{Client, Reply};
use tokio::task::JoinSet;
use web::twilio::form::encoded;

use super::{App, SDKS, Sdk, about, client};
use crate::ground::{Carrier, Ground, until};
use crate::verifications::{Asked, ask, code_of, connect, other_than};

const PERSON: &str = "+447700900123";
const OTHER: &str = "+447700900456";
const THIRD: &str = "+447700900789";

/// The numbers of their errors.
const NOT_FOUND: (i64, i64) = (404, 20_404);
const INVALID: (i64, i64) = (400, 60_200);

/// An SDK with a client that verifies.
async fn verifier(ground: &Ground, sdk: Sdk) -> App {
    let words = [
        "--class",
        "otp",
        "--scope",
        "verifications:write",
        "--scope",
        "verifications:check",
        "--scope",
        "verifications:read",
    ];
    client(ground, sdk, &words).await.0
}

/// The service that a client has without making it.
fn standing(app: &App) -> String {
    app.account.replacen("AC", "VA", 1)
}

fn begin(service: &str, to: &str) -> Value {
    json!({"do": "begin", "service": service, "with": {"to": to, "channel": "sms"}})
}

fn check(service: &str, with: &Value) -> Value {
    json!({"do": "check", "service": service, "with": with})
}

fn of(what: &str, service: &str, sid: &Value) -> Value {
    let mut asked = about(what, sid);
    asked["service"] = service.into();
    asked
}

async fn scene(ground: &mut Ground) -> Carrier {
    let carrier = Carrier::start(&[]).await;
    "public_url = 'https://sms.example.com'\n".clone_into(&mut ground.https_more);
    // The same few numbers again and again.
    "[pumping]\nmode = 'record'\n".clone_into(&mut ground.more);
    ground.configure(carrier.smpp);
    carrier
}

#[tokio::test]
async fn an_application_verifies_numbers_with_two_lines_changed() {
    let mut ground = Ground::new();
    let carrier = scene(&mut ground).await;
    let gateway = ground.start().await;
    for (place, sdk) in SDKS.into_iter().enumerate() {
        let app = verifier(&ground, sdk).await;
        let service = standing(&app);
        let number = |n: usize| format!("+4477009001{place}{n}");
        let listed = app
            .done(json!({"do": "services", "with": {"limit": 500}}))
            .await;
        assert_eq!(listed[0]["sid"], *service, "{sdk:?}");
        assert_eq!(
            listed[0]["url"],
            format!("https://sms.example.com/v2/Services/{service}")
        );
        let to = number(1);
        let begun = app.done(begin(&service, &to)).await;
        assert_eq!(
            (&begun["status"], &begun["valid"], &begun["attempts"]),
            (&json!("pending"), &json!(false), &json!(1)),
            "{sdk:?}"
        );
        assert_eq!(
            (&begun["to"], &begun["service_sid"]),
            (&json!(to), &json!(service))
        );
        let code = code_of(&carrier, &to).await;
        let wrong = json!({"to": to, "code": other_than(&code)});
        let wrong = app.done(check(&service, &wrong)).await;
        assert_eq!(
            (&wrong["status"], &wrong["valid"], &wrong["sid"]),
            (&json!("pending"), &json!(false), &begun["sid"]),
            "{sdk:?}"
        );
        let right = json!({"to": to, "code": code});
        let approved = app.done(check(&service, &right)).await;
        assert_eq!(
            (&approved["status"], &approved["valid"]),
            (&json!("approved"), &json!(true))
        );
        let shown = app.done(of("show", &service, &begun["sid"])).await;
        assert_eq!(shown["status"], "approved", "{sdk:?}");
        assert_eq!(app.refused(check(&service, &right)).await, NOT_FOUND);
        by_an_act(&app, &carrier, &number(2)).await;
        // Taken back.
        let begun = app.done(begin(&service, &number(3))).await;
        let mut taken = of("becomes", &service, &begun["sid"]);
        taken["status"] = "approved".into();
        assert_eq!(app.refused(taken.clone()).await, INVALID, "{sdk:?}");
        taken["status"] = "canceled".into();
        assert_eq!(app.done(taken).await["status"], "canceled", "{sdk:?}");
    }
    assert!(gateway.stop().await.unwrap().success());
}

/// By SID, under a service of its own, for an act.
async fn by_an_act(app: &App, carrier: &Carrier, to: &str) {
    let made = json!({"friendly_name": "Example Shop", "code_length": 8, "psd2_enabled": true});
    let made = app.done(json!({"do": "make service", "with": made})).await;
    assert_eq!(made["friendly_name"], "Example Shop");
    let own = made["sid"].as_str().unwrap();
    assert_eq!(app.refused(begin(own, to)).await, INVALID, "no act");
    let mut paying = begin(own, to);
    paying["with"]["amount"] = "EUR 12.50".into();
    paying["with"]["payee"] = "Ann Example".into();
    let begun = app.done(paying).await;
    let code = code_of(carrier, to).await;
    assert_eq!(code.len(), 8);
    let mut shown = json!({"verification_sid": begun["sid"], "code": code, "amount": "EUR 12.50",
        "payee": "Bob Example"});
    let bob = app.done(check(own, &shown)).await;
    assert_eq!(bob["valid"], false, "another payee");
    shown["payee"] = "Ann Example".into();
    assert_eq!(app.done(check(own, &shown)).await["status"], "approved");
    let changed = json!({"do": "change service", "service": own, "with": {"psd2_enabled": false}});
    assert_eq!(app.done(changed).await["psd2_enabled"], false);
    app.done(json!({"do": "remove service", "service": own}))
        .await;
    let gone = json!({"do": "show service", "service": own});
    assert_eq!(app.refused(gone).await, NOT_FOUND);
}

#[tokio::test]
async fn what_verify_refuses_reaches_an_application_as_an_error_of_its_sdk() {
    let mut ground = Ground::new();
    let carrier = scene(&mut ground).await;
    let gateway = ground.start().await;
    for (place, sdk) in SDKS.into_iter().enumerate() {
        let app = verifier(&ground, sdk).await;
        let stranger = verifier(&ground, sdk).await;
        let (service, theirs) = (standing(&app), standing(&stranger));
        let to = format!("+4477009002{place}1");
        let unknown = format!("VA{}", "0".repeat(32));
        for under in [&theirs, &unknown] {
            assert_eq!(app.refused(begin(under, &to)).await, NOT_FOUND, "{sdk:?}");
            let show = json!({"do": "show service", "service": under});
            assert_eq!(app.refused(show).await, NOT_FOUND, "{sdk:?}");
        }
        for (name, value) in [
            ("custom_code", "482913"),
            ("rate_limits", "{\"ip\": {{[garbage"),
            ("template_sid", "HJ00000000000000000000000000000000"),
            ("channel", "call"),
            ("to", "0123"),
        ] {
            let mut asked = begin(&service, &to);
            asked["with"][name] = value.into();
            assert_eq!(app.refused(asked).await, INVALID, "{sdk:?} {name}");
        }
        assert!(
            !carrier
                .inbox()
                .await
                .iter()
                .any(|(number, _)| to.ends_with(number)),
            "nothing was sent"
        );
        let begun = app.done(begin(&service, &to)).await;
        assert_eq!(app.refused(begin(&service, &to)).await, (429, 60_203));
        let code = code_of(&carrier, &to).await;
        let right = json!({"to": to, "code": code});
        let by_sid = json!({"verification_sid": begun["sid"], "code": code});
        // Somebody else's, under their service and under ours.
        for under in [&theirs, &service] {
            for shown in [&right, &by_sid] {
                let asked = check(under, shown);
                assert_eq!(stranger.refused(asked).await, NOT_FOUND, "{sdk:?}");
            }
            let show = of("show", under, &begun["sid"]);
            assert_eq!(stranger.refused(show).await, NOT_FOUND, "{sdk:?}");
        }
        let wrong = json!({"to": to, "code": other_than(&code)});
        let wrong = app.asks(vec![check(&service, &wrong); 5].into()).await;
        assert_eq!(wrong[3]["done"]["status"], "pending", "{wrong:?}");
        assert_eq!(wrong[4]["done"]["status"], "max_attempts_reached");
        for shown in [right, by_sid] {
            let used = app.refused(check(&service, &shown)).await;
            assert_eq!(used, (429, 60_202), "{sdk:?}");
        }
        let cross = App {
            key: stranger.key.clone(),
            ..app.clone()
        };
        assert_eq!(cross.refused(begin(&service, &to)).await, (401, 20_003));
        let few = client(
            &ground,
            sdk,
            &["--class", "otp", "--scope", "messages:send"],
        )
        .await
        .0;
        let scope = few.refused(begin(&standing(&few), &to)).await;
        assert_eq!(scope, (403, 20_403), "{sdk:?}");
    }
    assert!(gateway.stop().await.unwrap().success());
}

/// A client without an SDK, for the octets of the answers.
struct Raw {
    service: String,
    authorization: (String, String),
    api: Client,
}

impl Raw {
    async fn new(ground: &Ground) -> Self {
        let app = verifier(ground, Sdk::Python).await;
        let authorization = (app.account.clone(), app.key.clone());
        let mut raw = Self {
            service: standing(&app),
            api: ground.api("").client(),
            authorization,
        };
        raw.connect(ground);
        raw
    }

    fn connect(&mut self, ground: &Ground) {
        let (account, key) = &self.authorization;
        self.api = ground.api("").with_account(account, key).client();
    }

    async fn post(&mut self, under: &str, what: &str, form: &[(&'static str, &str)]) -> Reply {
        let path = format!("/v2/Services/{under}/{what}");
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, *value)).collect();
        self.api.post_form(&path, &form).await.unwrap()
    }

    async fn begin(&mut self, to: &str) -> String {
        let service = self.service.clone();
        let asked = [("To", to), ("Channel", "sms")];
        let reply = self.post(&service, "Verifications", &asked).await;
        assert_eq!(reply.status.as_u16(), 201, "{}", reply.text);
        reply.member("sid")
    }

    async fn check(&mut self, under: &str, form: &[(&'static str, &str)]) -> Reply {
        self.post(under, "VerificationCheck", form).await
    }

    /// Checks by number under its own service.
    async fn shows(&mut self, to: &str, code: &str) -> Reply {
        let service = self.service.clone();
        self.check(&service, &[("To", to), ("Code", code)]).await
    }
}

/// All that an answer is, but for its time and its own id.
fn seen(reply: &Reply) -> (u16, String, String) {
    let mut headers = reply.headers.clone();
    headers.remove("date").expect("a time");
    headers.remove("x-request-id").expect("an id");
    (
        reply.status.as_u16(),
        format!("{headers:?}"),
        reply.text.clone(),
    )
}

#[tokio::test]
async fn what_is_not_found_is_told_alike_to_the_octet_and_a_kill_gives_nothing_back() {
    let mut ground = Ground::new();
    let carrier = scene(&mut ground).await;
    let mut gateway = ground.start().await;
    let mut raw = Raw::new(&ground).await;
    let mut stranger = Raw::new(&ground).await;
    let (service, theirs) = (raw.service.clone(), stranger.service.clone());
    let sid = raw.begin(PERSON).await;
    let code = code_of(&carrier, PERSON).await;
    let wrong = raw.shows(PERSON, &other_than(&code)).await;
    assert_eq!(wrong.member("status"), "pending", "{}", wrong.text);
    gateway.kill().await.unwrap();
    gateway = ground.start().await;
    raw.connect(&ground);
    stranger.connect(&ground);
    let mut answers = BTreeSet::new();
    let unknown = format!("VE{}", "0".repeat(32));
    for code in [&code, &other_than(&code)] {
        let by_sid = [("VerificationSid", &*sid), ("Code", code)];
        let by_number = [("To", PERSON), ("Code", code)];
        for under in [&theirs, &service] {
            answers.insert(seen(&stranger.check(under, &by_sid).await));
            answers.insert(seen(&stranger.check(under, &by_number).await));
        }
        answers.insert(seen(&raw.check(&theirs, &by_sid).await));
        answers.insert(seen(&raw.shows(OTHER, code).await));
        let by_unknown = [("VerificationSid", &*unknown), ("Code", code)];
        answers.insert(seen(&raw.check(&service, &by_unknown).await));
    }
    let right = raw.shows(PERSON, &code).await;
    assert_eq!(right.member("status"), "approved", "{}", right.text);
    for _ in 0..2 {
        answers.insert(seen(&raw.shows(PERSON, &code).await));
        gateway.kill().await.unwrap();
        gateway = ground.start().await;
        raw.connect(&ground);
    }
    // Used-up checks are told as such until a restart, and then as what is not there.
    raw.begin(THIRD).await;
    let code = code_of(&carrier, THIRD).await;
    for _ in 0..5 {
        raw.shows(THIRD, &other_than(&code)).await;
    }
    let used: BTreeSet<_> = [
        seen(&raw.shows(THIRD, &code).await),
        seen(&raw.shows(THIRD, &other_than(&code)).await),
    ]
    .into();
    assert_eq!(used.len(), 1, "{used:#?}");
    assert_eq!(used.first().unwrap().0, 429);
    gateway.kill().await.unwrap();
    gateway = ground.start().await;
    raw.connect(&ground);
    answers.insert(seen(&raw.shows(THIRD, &code).await));
    assert_eq!(answers.len(), 1, "{answers:#?}");
    assert_eq!(answers.first().unwrap().0, 404);
    assert!(gateway.stop().await.unwrap().success());
}

#[tokio::test]
async fn a_locked_number_is_answered_alike_for_right_and_wrong_codes() {
    let mut ground = Ground::new();
    ground.verifications += "failed_checks_day_max = 3\n";
    let carrier = scene(&mut ground).await;
    let gateway = ground.start().await;
    let mut raw = Raw::new(&ground).await;
    raw.begin(PERSON).await;
    let code = code_of(&carrier, PERSON).await;
    for _ in 0..3 {
        let wrong = raw.shows(PERSON, &other_than(&code)).await;
        assert_eq!(wrong.status.as_u16(), 200, "{}", wrong.text);
    }
    for shown in [&code, &other_than(&code)] {
        let locked = raw.shows(PERSON, shown).await;
        assert_eq!(locked.status.as_u16(), 429, "{}", locked.text);
        assert_eq!(locked.json()["code"], 60_202);
        assert_eq!(locked.member("more_info"), "/docs/errors#guess-budget");
    }
    assert!(gateway.stop().await.unwrap().success());
}

#[tokio::test]
async fn the_code_is_sent_again_once_the_wait_between_codes_is_over() {
    let mut ground = Ground::new();
    let carrier = scene(&mut ground).await;
    let gateway = ground.start().await;
    let mut raw = Raw::new(&ground).await;
    let service = raw.service.clone();
    let sid = raw.begin(PERSON).await;
    let code = code_of(&carrier, PERSON).await;
    let asked = [("To", PERSON), ("Channel", "sms")];
    let again = until("the wait between two codes", async || {
        let reply = raw.post(&service, "Verifications", &asked).await;
        if reply.status.as_u16() == 429 {
            assert_eq!(reply.json()["code"], 60_203, "{}", reply.text);
            assert!(reply.header("retry-after").is_some());
            return None;
        }
        Some(reply)
    })
    .await;
    assert_eq!(again.status.as_u16(), 201, "{}", again.text);
    assert_eq!(again.member("sid"), sid);
    assert_eq!(
        again.json()["send_code_attempts"].as_array().unwrap().len(),
        2
    );
    until("the second text", async || {
        let inbox = carrier.inbox().await;
        let of_code = inbox.iter().filter(|(_, text)| text.contains(&code));
        (of_code.count() == 2).then_some(())
    })
    .await;
    assert!(gateway.stop().await.unwrap().success());
}

/// Connections that check at the same time, and how often they do.
const CROWD: usize = 50;
const ROUNDS: u32 = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_that_check_at_once_by_number_and_by_sid_five_are_heard_and_one_is_approved() {
    let mut ground = Ground::new();
    let carrier = scene(&mut ground).await;
    let gateway = ground.start().await;
    let mut raw = Raw::new(&ground).await;
    let ca = std::fs::read(ground.data().join("tls/ca.pem")).unwrap();
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        crowd.push(connect(ground.https, &ca).await);
    }
    let (account, key) = raw.authorization.clone();
    let authorization = format!("Basic {}", STANDARD.encode(format!("{account}:{key}")));
    for round in 0..ROUNDS {
        let to = format!("+4477009{:05}", 100 + round);
        let sid = raw.begin(&to).await;
        let code = code_of(&carrier, &to).await;
        let wrong = other_than(&code);
        let mut checks = JoinSet::new();
        for (place, sender) in crowd.iter().enumerate() {
            // Every third round nobody knows the code.
            let knows = round % 3 != 0 && place % 2 == 0;
            let shown = if knows { &code } else { &wrong };
            let sought = if place % 5 < 2 {
                format!("To={}", encoded(&to))
            } else {
                format!("VerificationSid={sid}")
            };
            let asked = Asked {
                address: ground.https,
                authorization: authorization.clone(),
                path: format!("/v2/Services/{}/VerificationCheck", raw.service),
                body: (
                    "application/x-www-form-urlencoded",
                    format!("{sought}&Code={shown}"),
                ),
            };
            checks.spawn(ask(sender.clone(), asked));
        }
        let answers = checks.join_all().await;
        let count =
            |is_it: fn(&(u16, Value)) -> bool| answers.iter().filter(|one| is_it(one)).count();
        let evaluated = count(|(status, _)| *status == 200);
        let approved = count(|(_, body)| body["valid"] == true);
        let others = count(|(status, _)| matches!(status, 404 | 429));
        assert!(evaluated <= 5, "{evaluated} evaluated in round {round}");
        assert!(approved <= 1, "{approved} approved in round {round}");
        assert_eq!(evaluated + others, CROWD, "{answers:?}");
        assert!(approved == 1 || evaluated == 5, "{answers:?}");
    }
    assert!(gateway.stop().await.unwrap().success());
}
