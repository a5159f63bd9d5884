//! Messages: sent, read, refused.

use engine::NewClient;
use serde_json::json;
use testkit::TestGateway;
use testkit::gateway::everything;
use testkit::settings;
use web::ServerSettings;
use web::twilio::sid::MessageSid;

use super::account::{Account, form, refusal};
use crate::site::{Site, text};

const TO: &str = "+447700900123";

/// A good message with one parameter replaced, or taken away when empty.
fn with<'a>(name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("To", TO),
        ("From", "12345"),
        ("Body", "Your code is 482913"),
    ];
    let others = usual.into_iter().filter(|(other, _)| *other != name);
    others.chain([(name, value)]).collect()
}

#[tokio::test]
async fn a_message_is_sent_and_read_again() {
    let site = Site::start().await;
    let mut account = Account::new(&site).await;
    let path = account.path("Messages.json");
    let says = "Hall\u{f6}, +1 & \"100 %\"\r\nX-Injected: 1";
    let asked = [("To", "+44 7700 900123"), ("From", "12345"), ("Body", says)];
    let sent = account.post(&path, &asked).await;
    assert_eq!(sent.status, 201, "{sent:?}");
    assert_eq!(sent.header("x-injected"), None);
    let shown = sent.json();
    let sid = text(&shown["sid"]);
    assert!(sid.parse::<MessageSid>().is_ok(), "{sid}");
    let date = text(&shown["date_created"]);
    assert_eq!(
        shown,
        json!({
            "account_sid": account.sid,
            "api_version": "2010-04-01",
            "body": says,
            "date_created": date,
            "date_sent": null,
            "date_updated": date,
            "direction": "outbound-api",
            "error_code": null,
            "error_message": null,
            "from": "12345",
            "messaging_service_sid": null,
            "num_media": "0",
            "num_segments": "1",
            "price": null,
            "price_unit": null,
            "sid": sid,
            "status": "queued",
            "subresource_uris": {},
            "to": TO,
            "uri": format!("/2010-04-01/Accounts/{}/Messages/{sid}.json", account.sid),
        })
    );
    assert!(date.ends_with(" +0000"), "{date}");
    let read = account.get(shown["uri"].as_str().unwrap()).await;
    assert_eq!(read.status, 200);
    let mut read = read.json();
    // It may have left meanwhile.
    for name in ["status", "date_sent", "date_updated"] {
        read[name] = shown[name].clone();
    }
    assert_eq!(read, shown);
    let picture = account.path(&format!("Messages/{}.json", sid.replace("SM", "MM")));
    assert_eq!(account.get(&picture).await.status, 200);
}

#[tokio::test]
async fn another_accounts_message_is_answered_like_none_at_all() {
    let site = Site::start().await;
    let sid = Account::new(&site).await.send(TO, "Hello").await;
    let mut stranger = Account::new(&site).await;
    let mut answers = std::collections::BTreeSet::new();
    let account = stranger.sid.clone();
    for sid in [
        sid.clone(),
        sid.to_uppercase(),
        sid.replace("SM", "VE"),
        format!("{sid}0"),
        sid[..33].to_owned(),
        account,
        "SM".to_owned(),
        "%00".to_owned(),
    ] {
        let path = stranger.path(&format!("Messages/{sid}.json"));
        let heard = stranger.get(&path).await;
        assert_eq!(refusal(&heard), (404, 20_404, "not-found".to_owned()));
        answers.insert(heard.body);
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn a_wrong_parameter_is_refused_by_its_name_and_its_value_is_not_repeated() {
    let site = Site::start().await;
    let mut account = Account::new(&site).await;
    let path = account.path("Messages.json");
    let long = "x".repeat(1_601);
    for (name, value, number) in [
        ("To", "", 21_604),
        ("To", "07700900456", 21_211),
        ("To", "+447700900456,+447700900124", 21_211),
        ("To", "whatsapp:+447700900456", 21_211),
        ("To", "+447700900456\r\nBcc: +447700900124", 21_211),
        ("From", "", 21_603),
        ("From", "ACME", 21_212),
        ("From", "+447700900999", 21_212),
        ("From", "12345\r\n", 21_212),
        ("Body", "", 21_602),
        ("Body", long.as_str(), 21_617),
        ("Body", "a\0b", 20_422),
        ("ValidityPeriod", "0", 20_422),
        ("ValidityPeriod", "36001", 20_422),
        ("ValidityPeriod", "1e3", 20_422),
        ("StatusCallback", "http://example.com/7700900456", 21_609),
        ("StatusCallback", "https://u:900456@example.com/", 21_609),
        ("StatusCallback", "https://0x7f.1/", 21_609),
        ("StatusCallback", "https://10.0.0.1/", 21_609),
        ("StatusCallback", "https://[::ffff:7f00:1]/", 21_609),
        ("MessagingServiceSid", "MG7700900456", 20_422),
        ("MediaUrl", "https://example.com/7700900456.png", 20_422),
        ("ContentSid", "HX7700900456", 20_422),
        ("SendAt", "2026-12-01T00:00:00Z", 20_422),
        ("ScheduleType", "fixed", 20_422),
        ("ContentRetention", "discard", 20_422),
        ("AddressRetention", "obfuscate", 20_422),
        ("RiskCheck", "disable", 20_422),
        ("ShortenUrls", "true", 20_422),
        ("Colour", "red 7700900456", 20_422),
    ] {
        let heard = account.post(&path, &with(name, value)).await;
        let expected = (400, number, "invalid-request".to_owned());
        assert_eq!(refusal(&heard), expected, "{name}={value}");
        let says = text(&heard.json()["message"]);
        assert!(says.starts_with(name), "{says}");
        assert!(
            !says.contains("900456") && !says.contains("482913"),
            "{says}"
        );
    }
    let twice = form(&with("To", TO)) + "&To=%2B447700900124";
    let heard = account.post_with(&path, "", &twice).await;
    assert_eq!(refusal(&heard).1, 21_211);
    let several = [("To", "1"), ("From", "x"), ("Colour", "red")];
    let says = text(&account.post(&path, &several).await.json()["message"]);
    for name in ["To: ", "From: ", "Body: ", "Colour: "] {
        assert!(says.contains(name), "{says}");
    }
}

#[tokio::test]
async fn what_changes_nothing_is_taken_and_passed_over() {
    let site = Site::start().await;
    let mut account = Account::new(&site).await;
    let path = account.path("Messages.json");
    for (name, value) in [
        ("ValidityPeriod", "60"),
        ("Attempt", "3"),
        ("ProvideFeedback", "true"),
        ("SmartEncoded", "true"),
        ("MaxPrice", "0.01"),
        ("ForceDelivery", "true"),
        ("PersistentAction", "geo:1,2"),
        ("TrafficType", "free"),
        ("RiskCheck", "enable"),
        ("ContentRetention", "retain"),
        ("AddressRetention", "retain"),
        ("ShortenUrls", "false"),
        ("SendAsMms", "false"),
        ("StatusCallback", ""),
    ] {
        let heard = account.post(&path, &with(name, value)).await;
        assert_eq!(heard.status, 201, "{name}={value} {heard:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_form_is_refused() {
    let site = Site::start().await;
    let mut account = Account::new(&site).await;
    let path = account.path("Messages.json");
    for (body, code) in [
        ("To=%zz", "invalid-request"),
        ("To=%ff", "invalid-request"),
        (&*"a=1&".repeat(65), "invalid-request"),
    ] {
        let heard = account.post_with(&path, "", body).await;
        assert_eq!(refusal(&heard), (400, 20_422, code.to_owned()), "{body}");
    }
    let large = format!("To={}", "1".repeat(70_000));
    let heard = account.post_with(&path, "", &large).await;
    assert_eq!(refusal(&heard), (413, 20_413, "body-too-large".to_owned()));
    let query = format!("{path}?To=1");
    assert_eq!(refusal(&account.post(&query, &[]).await).0, 400);
    for headers in [
        "Content-Type: application/json\r\n",
        "",
        "Content-Type: multipart/form-data; boundary=x\r\n",
    ] {
        let heard = account.call("POST", &path, headers, "To=1").await;
        let expected = (415, 20_422, "unsupported-media-type".to_owned());
        assert_eq!(refusal(&heard), expected, "{headers}");
    }
}

#[tokio::test]
async fn refusals_of_the_gateway_have_numbers_and_say_when_to_come_back() {
    let mut tight = settings::usual();
    tight.bounds.queue_max = [10, 1, 10];
    let site = Site::over(
        TestGateway::immediate_with(tight),
        ServerSettings::default(),
    )
    .await;
    let mut account = Account::new(&site).await;
    let path = account.path("Messages.json");
    let heard = account.post(&path, &with("From", "54321")).await;
    let expected = (400, 21_606, "short-code-not-granted".to_owned());
    assert_eq!(refusal(&heard), expected);
    account.send(TO, "One").await;
    let heard = account.post(&path, &with("Body", "Two")).await;
    assert_eq!(refusal(&heard), (429, 21_611, "queue-full".to_owned()));
    assert!(heard.header("retry-after").is_some(), "{heard:?}");
}

#[tokio::test]
async fn an_idempotency_key_gives_the_first_message_again() {
    let site = Site::start().await;
    let mut account = Account::new(&site).await;
    let path = account.path("Messages.json");
    let body = form(&with("Body", "Once"));
    let key = "Idempotency-Key: k-1\r\n";
    let first = account.post_with(&path, key, &body).await;
    let again = account.post_with(&path, key, &body).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.json()["sid"], first.json()["sid"]);
    let other = form(&with("Body", "Twice"));
    let heard = account.post_with(&path, key, &other).await;
    let expected = (409, 20_409, "idempotency-key-reused".to_owned());
    assert_eq!(refusal(&heard), expected);
}

#[tokio::test]
async fn a_key_of_one_class_sends_that_and_one_of_several_sends_alerts() {
    use domain::class::TrafficClass::{Alert, Marketing, Otp};
    let site = Site::start().await;
    for (granted, sent) in [
        (vec![Otp], "otp"),
        (vec![Marketing], "marketing"),
        (vec![Otp, Alert, Marketing], "alert"),
        (vec![Otp, Marketing], "otp"),
    ] {
        let (row, key) = site.test.add_client(NewClient {
            classes: granted.into_iter().collect(),
            ..everything("classes")
        });
        let mut account = Account::of(&site, row.id, &key).await;
        account.send(TO, "Which class?").await;
        let listed = site
            .role(Some(key.reveal()))
            .await
            .get("/v1/messages")
            .await;
        assert_eq!(listed.json()["messages"][0]["class"], sent);
    }
}
