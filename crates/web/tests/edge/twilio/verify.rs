//! Verify: services, verifications under them and checks, and what nobody learns from the answers.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::id::{VerificationId, VerifyServiceId};
use domain::verification::budget::policy::{CheckPolicy, Policy};
use engine::VERIFY_SERVICES_MAX;
use serde_json::{Value, json};
use testkit::TestGateway;
use testkit::settings::{usual, verifications};
use web::ServerSettings;
use web::twilio::sid::{VerificationSid, VerifyServiceSid};

use super::account::{Account, refusal};
use crate::site::{Site, text};
use crate::wire::Heard;

const PERSON: &str = "+447700900123";
const URL: &str = "https://sms.example.com/gateway";

/// An edge whose messages leave, with an address for others.
async fn site() -> Site {
    over(TestGateway::immediate()).await
}

async fn over(test: TestGateway) -> Site {
    test.bind_all();
    let settings = ServerSettings {
        public_url: URL.to_owned(),
        ..ServerSettings::default()
    };
    Site::over(test, settings).await
}

/// The code of the message that left last.
async fn code(site: &Site) -> String {
    let handed = loop {
        if let Some(handed) = site.test.carriers.take().pop() {
            break handed;
        }
        site.test.gateway.dispatch();
        tokio::task::yield_now().await;
    };
    let says = String::from_utf8(handed.submission.payload.to_vec()).unwrap();
    let runs = says.split(|character: char| !character.is_ascii_digit());
    runs.max_by_key(|run| run.len()).unwrap().to_owned()
}

/// As many digits, and other ones.
fn other_than(code: &str) -> String {
    let last = if code.ends_with('1') { "2" } else { "1" };
    format!("{}{last}", &code[..code.len() - 1])
}

impl Account {
    /// The service that it has without making it.
    fn service(&self) -> String {
        self.sid.replacen("AC", "VA", 1)
    }

    async fn begin(&mut self, service: &str, more: &[(&str, &str)]) -> Heard {
        let path = format!("/v2/Services/{service}/Verifications");
        let usual = [("To", PERSON), ("Channel", "sms")];
        self.post(&path, &[&usual[..], more].concat()).await
    }

    async fn check(&mut self, service: &str, asked: &[(&str, &str)]) -> Heard {
        let path = format!("/v2/Services/{service}/VerificationCheck");
        self.post(&path, asked).await
    }

    async fn make(&mut self, asked: &[(&str, &str)]) -> Heard {
        self.post("/v2/Services", asked).await
    }
}

/// The members of an answer that differ from one to the next.
const TIMES: [&str; 2] = ["date_created", "date_updated"];

/// The status and the head without its time and its id, and the body to the octet.
fn seen(heard: &Heard) -> (u16, Vec<String>, String) {
    let lines = heard.head.lines().skip(1).map(str::to_ascii_lowercase);
    let fixed = |line: &String| !line.starts_with("date:") && !line.starts_with("x-request-id:");
    let lines = lines.filter(fixed).collect();
    (heard.status, lines, heard.body.clone())
}

fn not_found(heard: &Heard) {
    let expected = (404, 20_404, "not-found".to_owned());
    assert_eq!(refusal(heard), expected);
}

#[tokio::test]
async fn a_number_is_verified_in_their_words() {
    let site = site().await;
    let mut account = Account::new(&site).await;
    let service = account.service();
    let begun = account.begin(&service, &[("Locale", "en")]).await;
    assert_eq!(begun.status, 201, "{begun:?}");
    let begun = begun.json();
    let sid = text(&begun["sid"]);
    assert!(sid.parse::<VerificationSid>().is_ok(), "{sid}");
    let date = text(&begun["date_created"]);
    let attempt = begun["send_code_attempts"][0]["attempt_sid"].clone();
    assert!(attempt.as_str().unwrap().starts_with("VL"), "{begun}");
    let time = begun["send_code_attempts"][0]["time"].clone();
    let pending = json!({
        "account_sid": account.sid,
        "amount": null,
        "channel": "sms",
        "date_created": date,
        "date_updated": date,
        "lookup": {},
        "payee": null,
        "send_code_attempts": [{"attempt_sid": attempt, "channel": "sms", "time": time}],
        "service_sid": service,
        "sid": sid,
        "sna": null,
        "status": "pending",
        "to": PERSON,
        "url": format!("{URL}/v2/Services/{service}/Verifications/{sid}"),
        "valid": false,
    });
    assert_eq!(begun, pending);
    let path = format!("/v2/Services/{service}/Verifications/{sid}");
    assert_eq!(account.get(&path).await.json(), pending);
    let code = code(&site).await;
    let wrong = account
        .check(&service, &[("To", PERSON), ("Code", &other_than(&code))])
        .await;
    assert_eq!(wrong.status, 200, "{wrong:?}");
    let mut wrong = wrong.json();
    for name in TIMES {
        wrong[name] = date.clone().into();
    }
    let checked = json!({
        "account_sid": account.sid,
        "amount": null,
        "channel": "sms",
        "date_created": date,
        "date_updated": date,
        "payee": null,
        "service_sid": service,
        "sid": sid,
        "sna_attempts_error_codes": [],
        "status": "pending",
        "to": PERSON,
        "valid": false,
    });
    assert_eq!(wrong, checked);
    let asked = [("VerificationSid", &*sid), ("Code", &code)];
    let right = account.check(&service, &asked).await.json();
    assert_eq!(
        (&right["status"], &right["valid"]),
        (&json!("approved"), &json!(true))
    );
    let read = account.get(&path).await.json();
    assert_eq!(
        (&read["status"], &read["to"]),
        (&json!("approved"), &json!(PERSON))
    );
    not_found(&account.check(&service, &asked).await);
}

#[tokio::test]
async fn what_a_check_does_not_find_has_one_answer_whatever_the_cause() {
    let site = site().await;
    let mut account = Account::new(&site).await;
    let mut stranger = Account::new(&site).await;
    let (service, theirs) = (account.service(), stranger.service());
    let own = text(&account.make(&[("FriendlyName", "Other Shop")]).await.json()["sid"]);
    let unknown = VerifyServiceSid::of(VerifyServiceId::new(7, 7)).to_string();
    let nothing = VerificationSid::of(VerificationId::new(7, 7)).to_string();
    // One of each sort: expired, cancelled, approved.
    let expired = text(&account.begin(&service, &[]).await.json()["sid"]);
    let code = code(&site).await;
    site.test.clock.advance(Duration::from_mins(11));
    let cancelled = text(&account.begin(&service, &[]).await.json()["sid"]);
    let path = format!("/v2/Services/{service}/Verifications/{cancelled}");
    let taken = account.post(&path, &[("Status", "canceled")]).await;
    assert_eq!(taken.json()["status"], "canceled", "{taken:?}");
    let mut answers = BTreeSet::new();
    let shown = [code.clone(), other_than(&code)];
    for code in &shown {
        for sid in [&expired, &cancelled, &nothing, &"VE1".to_owned(), &service] {
            let asked = [("VerificationSid", &**sid), ("Code", code)];
            answers.insert(seen(&account.check(&service, &asked).await));
        }
        let number = [("To", PERSON), ("Code", &**code)];
        answers.insert(seen(&account.check(&service, &number).await));
    }
    site.test.clock.advance(Duration::from_mins(11));
    let live = text(&account.begin(&service, &[]).await.json()["sid"]);
    let code = self::code(&site).await;
    for code in [&code, &other_than(&code)] {
        let asked = [
            [("VerificationSid", &*live), ("Code", code)],
            [("To", PERSON), ("Code", code)],
        ];
        for asked in asked {
            for under in [&*own, &*theirs, &*unknown, "VA1", &*live] {
                answers.insert(seen(&account.check(under, &asked).await));
            }
            for under in [&*service, &*theirs, &*own] {
                answers.insert(seen(&stranger.check(under, &asked).await));
            }
        }
    }
    let right = [("To", PERSON), ("Code", &*code)];
    let right_one = account.check(&service, &right).await;
    assert_eq!(right_one.json()["valid"], true, "no check was lost");
    answers.insert(seen(&account.check(&service, &right).await));
    let by_sid = [("VerificationSid", &*live), ("Code", &*code)];
    answers.insert(seen(&account.check(&service, &by_sid).await));
    assert_eq!(answers.len(), 1, "{answers:#?}");
    assert_eq!(answers.first().unwrap().0, 404);
}

#[tokio::test]
async fn what_is_another_accounts_is_read_and_changed_by_nobody_else() {
    let site = site().await;
    let mut account = Account::new(&site).await;
    let mut stranger = Account::new(&site).await;
    let (service, theirs) = (account.service(), stranger.service());
    let own = text(&account.make(&[("FriendlyName", "Other Shop")]).await.json()["sid"]);
    let sid = text(&account.begin(&service, &[]).await.json()["sid"]);
    let unknown = VerifyServiceSid::of(VerifyServiceId::new(7, 7)).to_string();
    let mut answers = BTreeSet::new();
    for under in [&service, &own, &theirs, &unknown] {
        let path = format!("/v2/Services/{under}/Verifications/{sid}");
        answers.insert(seen(&stranger.get(&path).await));
        let taking = stranger.post(&path, &[("Status", "canceled")]);
        answers.insert(seen(&taking.await));
        if *under != theirs {
            answers.insert(seen(&stranger.begin(under, &[]).await));
            let path = format!("/v2/Services/{under}");
            answers.insert(seen(&stranger.get(&path).await));
            let changing = stranger.post(&path, &[("FriendlyName", "Mine")]);
            answers.insert(seen(&changing.await));
            answers.insert(seen(&stranger.delete(&path).await));
        }
    }
    assert_eq!(answers.len(), 1, "{answers:#?}");
    assert_eq!(answers.first().unwrap().0, 404);
    let listed = stranger.get("/v2/Services").await.json();
    assert_eq!(listed["services"].as_array().unwrap().len(), 1, "{listed}");
    let path = format!("/v2/Services/{service}/Verifications/{sid}");
    assert_eq!(account.get(&path).await.json()["status"], "pending");
}

#[tokio::test]
async fn of_used_up_checks_and_locked_numbers_right_and_wrong_codes_learn_the_same() {
    let mut settings = usual();
    let checks = CheckPolicy::new(7, 100).unwrap();
    let terms = engine::VerificationSettings {
        policy: Policy {
            sms: checks,
            ..Policy::default()
        },
        ..verifications()
    };
    settings.verifications = Some(Box::new(terms));
    let site = over(TestGateway::immediate_with(settings)).await;
    let mut account = Account::new(&site).await;
    let service = account.service();
    let mut answers = [BTreeSet::new(), BTreeSet::new()];
    account.begin(&service, &[]).await;
    let code = code(&site).await;
    let right = [("To", PERSON), ("Code", &*code)];
    let other = other_than(&code);
    let wrong = [("To", PERSON), ("Code", &*other)];
    for left in (0..5).rev() {
        let status = account.check(&service, &wrong).await.json()["status"].clone();
        let expected = if left == 0 {
            "max_attempts_reached"
        } else {
            "pending"
        };
        assert_eq!(status, expected);
    }
    for asked in [&right, &wrong] {
        let heard = account.check(&service, asked).await;
        assert_eq!(refusal(&heard), (429, 60_202, "checks-used-up".to_owned()));
        answers[0].insert(seen(&heard));
    }
    site.test.clock.advance(Duration::from_mins(11));
    account.begin(&service, &[]).await;
    let code = self::code(&site).await;
    let right = [("To", PERSON), ("Code", &*code)];
    let other = other_than(&code);
    let wrong = [("To", PERSON), ("Code", &*other)];
    for _ in 0..2 {
        assert_eq!(account.check(&service, &wrong).await.status, 200);
    }
    for asked in [&right, &wrong] {
        let heard = account.check(&service, asked).await;
        assert_eq!(refusal(&heard), (429, 60_202, "guess-budget".to_owned()));
        answers[1].insert(seen(&heard));
    }
    for answers in answers {
        assert_eq!(answers.len(), 1, "{answers:#?}");
    }
}

#[tokio::test]
async fn what_cannot_be_honoured_is_refused_by_name_and_sends_nothing() {
    let site = site().await;
    let mut account = Account::new(&site).await;
    let service = account.service();
    let garbage = "{\"a\": {{[\u{0}\r\nX: 1";
    for (name, value) in [
        ("CustomCode", "482913"),
        ("RateLimits", "{\"ip\":\"192.0.2.1\"}"),
        ("RateLimits", garbage),
        ("TemplateSid", "HJ00000000000000000000000000000000"),
        ("CustomMessage", "Your code is {code}"),
        ("CustomFriendlyName", "evil.example"),
        ("RiskCheck", "disable"),
        ("SendDigits", "1"),
        ("Colour", "red"),
        ("To", "+447700900124"),
        ("Payee", "evil.example"),
        ("Payee", "Code 482913"),
        ("Amount", "\r\n"),
        ("AppHash", "x"),
        ("Locale", "<b>"),
    ] {
        let heard = account.begin(&service, &[(name, value)]).await;
        let expected = (400, 60_200, "invalid-request".to_owned());
        assert_eq!(refusal(&heard), expected, "{name} {value}");
        let says = text(&heard.json()["message"]);
        assert!(says.contains(name), "{says}");
        assert!(!says.contains(value), "{says}");
    }
    let path = format!("/v2/Services/{service}/Verifications");
    for channel in ["call", "email", "whatsapp", "sna", ""] {
        let asked = [("To", PERSON), ("Channel", channel)];
        let (status, number, _) = refusal(&account.post(&path, &asked).await);
        assert_eq!((status, number), (400, 60_200), "{channel}");
    }
    for status in ["approved", "pending", ""] {
        let path = format!("{path}/{}", VerificationSid::of(VerificationId::new(7, 7)));
        let heard = account.post(&path, &[("Status", status)]).await;
        assert_eq!(refusal(&heard).0, 400, "{status}");
    }
    for asked in [
        &[("Code", "482913")][..],
        &[("To", PERSON)],
        &[("To", PERSON), ("Code", "x")],
        &[("To", PERSON), ("Code", "482913"), ("SnaClientToken", "x")],
        &[("To", PERSON), ("Code", "482913"), ("Code", "482914")],
    ] {
        let (status, number, _) = refusal(&account.check(&service, asked).await);
        assert_eq!((status, number), (400, 60_200), "{asked:?}");
    }
    site.test.gateway.dispatch();
    assert!(site.test.carriers.take().is_empty(), "nothing was sent");
}

#[tokio::test]
async fn services_are_made_shown_and_removed() {
    let site = site().await;
    let mut account = Account::new(&site).await;
    let asked = [
        ("FriendlyName", "Example Shop"),
        ("CodeLength", "8"),
        ("SkipSmsToLandlines", "true"),
    ];
    let made = account.make(&asked).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    let sid = text(&made["sid"]);
    let date = text(&made["date_created"]);
    let url = format!("{URL}/v2/Services/{sid}");
    assert_eq!(
        made,
        json!({
            "account_sid": account.sid,
            "code_length": 8,
            "custom_code_enabled": false,
            "date_created": date,
            "date_updated": date,
            "default_template_sid": null,
            "do_not_share_warning_enabled": true,
            "dtmf_input_required": false,
            "friendly_name": "Example Shop",
            "links": {
                "verification_checks": format!("{url}/VerificationCheck"),
                "verifications": format!("{url}/Verifications"),
            },
            "lookup_enabled": false,
            "psd2_enabled": false,
            "push": null,
            "sid": sid,
            "skip_sms_to_landlines": true,
            "totp": null,
            "tts_name": null,
            "url": url,
            "verify_event_subscription_enabled": false,
        })
    );
    let path = format!("/v2/Services/{sid}");
    assert_eq!(account.get(&path).await.json(), made);
    let gone = account.delete(&path).await;
    assert_eq!((gone.status, &*gone.body), (204, ""));
    not_found(&account.get(&path).await);
    not_found(&account.begin(&sid, &[]).await);
}

#[tokio::test]
async fn services_are_changed_within_bounds_and_listed_page_by_page() {
    let site = site().await;
    let mut account = Account::new(&site).await;
    let made = account.make(&[("FriendlyName", "Example Shop")]).await;
    let sid = text(&made.json()["sid"]);
    let path = format!("/v2/Services/{sid}");
    let changed = account.post(&path, &[("Psd2Enabled", "true")]).await.json();
    assert_eq!(changed["psd2_enabled"], true);
    let actless = account.begin(&sid, &[]).await;
    let says = text(&actless.json()["message"]);
    assert!(says.contains("Amount") && says.contains("Payee"), "{says}");
    let standing = format!("/v2/Services/{}", account.service());
    let refused = account.post(&standing, &[("FriendlyName", "Mine")]).await;
    assert_eq!(refusal(&refused).1, 60_200);
    assert_eq!(refusal(&account.delete(&standing).await).1, 60_200);
    for n in 1..VERIFY_SERVICES_MAX {
        account
            .make(&[("FriendlyName", &format!("Shop {n}"))])
            .await;
    }
    let more = account.make(&[("FriendlyName", "One more")]).await;
    assert_eq!(refusal(&more).1, 60_200);
    let mut names = Vec::new();
    let mut next = json!("/v2/Services?PageSize=8");
    while let Value::String(page) = next {
        let listed = account.get(page.trim_start_matches(URL)).await.json();
        assert_eq!(listed["meta"]["key"], "services");
        let rows = listed["services"].as_array().unwrap();
        names.extend(rows.iter().map(|row| text(&row["friendly_name"])));
        next = listed["meta"]["next_page_url"].clone();
    }
    assert_eq!(names.len(), 1 + VERIFY_SERVICES_MAX);
    assert_eq!(names[..3], ["Example", "Example Shop", "Shop 1"]);
}

#[tokio::test]
async fn a_code_is_good_for_its_amount_and_payee_alone() {
    let site = site().await;
    let mut account = Account::new(&site).await;
    let service = account.service();
    let act = [("Amount", "EUR 12.50"), ("Payee", "Ann Example")];
    let begun = account.begin(&service, &act).await.json();
    assert_eq!(
        (&begun["amount"], &begun["payee"]),
        (&json!("EUR 12.50"), &json!("Ann Example"))
    );
    let code = code(&site).await;
    let base = [("To", PERSON), ("Code", &*code)];
    for act in [
        &[][..],
        &[("Amount", "EUR 12.50")],
        &[("Amount", "EUR 12.51"), ("Payee", "Ann Example")],
        &[("Amount", "EUR 12.50"), ("Payee", "Bob Example")],
    ] {
        let heard = account.check(&service, &[&base[..], act].concat()).await;
        assert_eq!(heard.json()["valid"], false, "{act:?}");
    }
    let right = account.check(&service, &[&base[..], &act].concat()).await;
    assert_eq!(right.json()["status"], "approved", "{right:?}");
}

#[tokio::test]
async fn to_begin_again_sends_the_same_code_once_its_wait_is_over() {
    let site = site().await;
    let mut account = Account::new(&site).await;
    let service = account.service();
    let first = account.begin(&service, &[]).await.json();
    let code = code(&site).await;
    let early = account.begin(&service, &[]).await;
    assert_eq!(refusal(&early).1, 60_203);
    let wait = early.header("retry-after").expect("it says when");
    let wait: u64 = wait.trim().parse().unwrap();
    site.test.clock.advance(Duration::from_secs(wait));
    let again = account.begin(&service, &[]).await.json();
    assert_eq!(again["sid"], first["sid"]);
    assert_eq!(again["send_code_attempts"].as_array().unwrap().len(), 2);
    assert_eq!(self::code(&site).await, code);
}
