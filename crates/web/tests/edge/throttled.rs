//! What a client sees of limits: 429 with what is used up and when to come back, and on every success what
//! is left.

use domain::limit::policy::{Draft, Policy, Rule, defaults};
use engine::Settings;
use engine::settings::LimitSettings;
use testkit::TestGateway;
use testkit::settings::{countries, usual};
use web::ServerSettings;

use crate::site::{MESSAGE, Site};

/// One limit out of the box, with another amount.
fn only(name: &str, most: u32) -> Policy {
    let mut all = defaults().into_iter();
    let policy = all.find(|policy| policy.name().as_str() == name).unwrap();
    let draft = policy.draft().clone();
    let rule = match draft.rule {
        Rule::Quota { window, .. } => Rule::Quota {
            amount: most.into(),
            window,
        },
        Rule::Rate { period, .. } => Rule::Rate {
            count: most,
            period,
            burst: most,
        },
        Rule::Held { .. } => Rule::Held { most },
    };
    Policy::new(Draft { rule, ..draft }).unwrap()
}

fn limited(policies: Vec<Policy>) -> TestGateway {
    TestGateway::immediate_with(Settings {
        limits: LimitSettings {
            policies,
            countries: countries(),
            ..LimitSettings::default()
        },
        ..usual()
    })
}

async fn site(policies: Vec<Policy>) -> Site {
    Site::over(limited(policies), ServerSettings::default()).await
}

#[tokio::test]
async fn a_used_up_limit_is_429_with_its_name_its_fields_and_when_to_come_back() {
    let site = site(vec![only("recipient-otp-hour", 2)]).await;
    let mut client = site.client().await;
    let first = client.post("/v1/messages", MESSAGE).await;
    assert_eq!(first.status, 202);
    assert_eq!(
        first.header("ratelimit"),
        None,
        "others may count there too"
    );
    let policy = "\"recipient-otp-hour\";q=2;w=3600";
    assert_eq!(client.post("/v1/messages", MESSAGE).await.status, 202);
    let refused = client.post("/v1/messages", MESSAGE).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("ratelimit-policy"), Some(policy));
    let rest = refused.header("ratelimit").unwrap();
    assert_eq!(rest, "\"recipient-otp-hour\";r=0;t=3600");
    assert_eq!(refused.header("retry-after"), Some("3600"));
    let problem = refused.json();
    assert_eq!(problem["code"], "throttled");
    assert_eq!(problem["violated-policies"][0], "recipient-otp-hour");
    assert_eq!(problem["retry_after_seconds"], 3_600);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("recipient-otp-hour (2 requests in 3600 seconds)"));
    assert!(!refused.body.contains("900123"), "no number in an answer");
}

#[tokio::test]
async fn an_accepted_message_tells_what_is_left_of_the_clients_own_limit_and_of_no_other() {
    let limits = vec![
        only("recipient-otp-hour", 2),
        only("client-spend-day", 2),
        only("client-rate", 7),
    ];
    let site = site(limits).await;
    let mut client = site.client().await;
    let first = client.post("/v1/messages", MESSAGE).await;
    assert_eq!(first.status, 202);
    let policy = "\"client-rate\";q=7;qu=\"shortstop-segments\";w=2";
    assert_eq!(first.header("ratelimit-policy"), Some(policy));
    assert_eq!(first.header("ratelimit"), Some("\"client-rate\";r=6;t=1"));
}

#[tokio::test]
async fn a_verification_that_sends_a_code_tells_what_is_left_as_a_message_does() {
    let site = site(vec![only("client-rate", 7)]).await;
    let mut client = site.client().await;
    let body = r#"{"to":"+447700900123","from":"12345","channel":"sms","purpose":"sign-in"}"#;
    let first = client.post("/v1/verifications", body).await;
    assert_eq!(first.status, 201, "{}", first.body);
    let policy = "\"client-rate\";q=7;qu=\"shortstop-segments\";w=2";
    assert_eq!(first.header("ratelimit-policy"), Some(policy));
    assert_eq!(first.header("ratelimit"), Some("\"client-rate\";r=6;t=1"));
    let texted = body.replace("sms", "mo");
    let awaited = client.post("/v1/verifications", &texted).await;
    assert_eq!(awaited.status, 201, "{}", awaited.body);
    assert_eq!(awaited.header("ratelimit"), None, "no message was counted");
}

#[tokio::test]
async fn in_a_batch_only_what_is_over_the_limit_is_refused() {
    let site = site(vec![only("recipient-otp-hour", 2)]).await;
    let mut client = site.client().await;
    let body = format!(r#"{{"messages":[{MESSAGE},{MESSAGE},{MESSAGE}]}}"#);
    let answer = client.post("/v1/messages/batch", &body).await;
    assert_eq!(answer.status, 200);
    let results = &answer.json()["results"];
    assert_eq!(results[1]["status"], 202);
    assert_eq!(results[2]["status"], 429);
    assert_eq!(results[2]["violated-policies"][0], "recipient-otp-hour");
    assert_eq!(results[2]["retry_after_seconds"], 3_600);
}

#[tokio::test]
async fn guessed_keys_are_429_after_their_limit_and_a_forged_source_changes_nothing() {
    let site = site(vec![only("source-logins", 2)]).await;
    let mut guesser = site.role(Some("ssk_wrong")).await;
    for guess in 0..4 {
        let forged = format!("X-Forwarded-For: 198.51.100.{guess}\r\n");
        let answer = guesser.post_with("/v1/messages", &forged, MESSAGE).await;
        let expected = if guess < 2 { 401 } else { 429 };
        assert_eq!(answer.status, expected, "{guess}");
    }
    let mut client = site.client().await;
    assert_eq!(client.post("/v1/messages", MESSAGE).await.status, 202);
}

#[tokio::test]
async fn a_trusted_proxy_says_whom_to_count() {
    let settings = ServerSettings {
        trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()],
        ..ServerSettings::default()
    };
    let site = Site::over(limited(vec![only("source-logins", 1)]), settings).await;
    let mut guesser = site.role(Some("ssk_wrong")).await;
    for (source, expected) in [(1, 401), (1, 429), (2, 401)] {
        let header = format!("X-Forwarded-For: 198.51.100.{source}\r\n");
        let answer = guesser.post_with("/v1/messages", &header, MESSAGE).await;
        assert_eq!(answer.status, expected, "{source}");
    }
}
