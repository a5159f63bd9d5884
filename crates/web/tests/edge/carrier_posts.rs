//! What carriers over HTTPS post to the gateway: taken once and only when it is theirs, durable before the
//! answer.

use std::fmt::Write as _;
use std::sync::Arc;

use domain::twilio::signature;
use engine::HandOver;
use engine::ports::Entropy;
use engine::settings::Unit;
use serde_json::json;
use testkit::carriers::Handed;
use testkit::settings::{primary, usual};
use testkit::{SeededEntropy, TestGateway};
use web::provider::{ProviderPlan, Providers};

use crate::provider::{ACCOUNT, CALLBACK, plan, secrets};
use crate::site::{MESSAGE, Role, Site, text};
use crate::wire::Heard;

const SID: &str = "SM0123456789abcdef0123456789abcdef";
const OTHER: &str = "SM00000000000000000000000000000000";

/// A gateway whose carrier `primary` posts, and the message that it took as [`SID`].
struct Stage {
    site: Site,
    providers: Arc<Providers>,
    message: String,
    wire: Role,
}

/// Fields of a form.
type Fields = Vec<(String, String)>;

fn fields(of: &[(&str, &str)]) -> Fields {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    of.iter().map(own).collect()
}

fn status(sid: &str, word: &str) -> Fields {
    fields(&[
        ("AccountSid", ACCOUNT),
        ("MessageSid", sid),
        ("MessageStatus", word),
        ("To", "+447700900123"),
        ("ErrorCode", if word == "delivered" { "" } else { "30003" }),
    ])
}

fn inbound(sid: &str, text: &str) -> Fields {
    fields(&[
        ("AccountSid", ACCOUNT),
        ("MessageSid", sid),
        ("From", "+447700900123"),
        ("To", "12345"),
        ("Body", text),
    ])
}

fn written(fields: &Fields) -> String {
    let mut out = String::new();
    for (name, value) in fields {
        for (text, end) in [(name, '='), (value, '&')] {
            for octet in text.bytes() {
                let _ = write!(out, "%{octet:02x}");
            }
            out.push(end);
        }
    }
    out.trim_end_matches('&').to_owned()
}

fn signed(path: &str, key: &str, fields: &Fields) -> String {
    signature(key, &format!("{CALLBACK}{path}"), fields)
}

impl Stage {
    async fn start() -> Self {
        let mut settings = usual();
        let carrier = settings.carriers.get_mut(&primary(0).carrier).unwrap();
        carrier.unit = Unit::Message;
        let test = TestGateway::immediate_with(settings);
        test.bind_all();
        let plan = ProviderPlan {
            name: primary(0).carrier,
            ..plan("http://127.0.0.1:1".to_owned())
        };
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(2));
        let providers = Providers::new(vec![(plan, secrets("hidden"))], &entropy).unwrap();
        let providers = Arc::new(providers);
        let site = Site::with_providers(test, Arc::clone(&providers)).await;
        let message = site.client().await.send().await;
        site.accepted().await;
        let wire = site.anonymous().await;
        let stage = Self {
            site,
            providers,
            message,
            wire,
        };
        stage.until("submitted").await;
        stage
    }

    /// Waits until the message stands so: what became of it is durable a moment later.
    async fn until(&self, state: &str) {
        let reached = async {
            while self.state().await != state {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(std::time::Duration::from_secs(20), reached);
        waited.await.unwrap();
    }

    /// Posts what is signed as it should be.
    async fn posts(&mut self, path: &str, fields: &Fields) -> Heard {
        let shown = signed(path, "callback", fields);
        self.post(path, &written(fields), &shown).await
    }

    async fn post(&mut self, path: &str, body: &str, shown: &str) -> Heard {
        let length = body.len();
        let more = format!(
            "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nContent-Length: {length}\r\n\
             X-Twilio-Signature: {shown}\r\n"
        );
        let request = self.wire.written(&format!("POST {path}"), &more, body);
        self.wire.wire.ask(&request).await
    }

    async fn state(&self) -> String {
        let mut client = self.site.client().await;
        let read = client.get(&format!("/v1/messages/{}", self.message)).await;
        text(&read.json()["state"])
    }

    async fn texts(&self) -> Vec<String> {
        let mut client = self.site.client().await;
        let listed = client.get("/v1/inbound").await.json();
        let rows = listed["inbound"].as_array().unwrap().clone();
        rows.iter().map(|row| text(&row["text"])).collect()
    }

    /// A post that is not the carrier's is refused, and changes nothing.
    async fn refuses(&mut self, path: &str, body: &str, shown: &str) {
        let heard = self.post(path, body, shown).await;
        assert_eq!(heard.problem(), (401, "unauthorized".to_owned()), "{body}");
        assert_eq!(self.state().await, "submitted");
    }
}

impl Site {
    /// What is handed over next.
    async fn handed(&self) -> Vec<Handed> {
        loop {
            let handed = self.test.carriers.take();
            if !handed.is_empty() {
                return handed;
            }
            self.test.gateway.dispatch();
            tokio::task::yield_now().await;
        }
    }

    /// The carrier takes the message that was handed over.
    async fn accepted(&self) {
        use domain::carrier_id::CarrierMessageId;
        use engine::ports::CarrierEvents as _;
        use engine::ports::carrier::Answer;
        let handed = self.handed().await;
        let id = CarrierMessageId::parse(SID.as_bytes()).unwrap();
        let tokens = handed.iter().map(|handed| handed.submission.token);
        let answers = tokens.map(|token| (token, Answer::Accepted(id.clone())));
        self.test
            .gateway
            .answered(&handed[0].bind, answers.collect());
    }
}

const STATUS: &str = "/carrier/primary/status";
const INBOUND: &str = "/carrier/primary/inbound";

#[tokio::test]
async fn what_became_of_a_message_is_recorded_before_the_answer_and_never_taken_back() {
    let mut stage = Stage::start().await;
    for word in ["queued", "sent", "a-word-of-tomorrow"] {
        let heard = stage.posts(STATUS, &status(SID, word)).await;
        assert_eq!((heard.status, heard.body.as_str()), (204, ""), "{word}");
        assert_eq!(stage.state().await, "submitted");
    }
    let heard = stage.posts(STATUS, &status(SID, "delivered")).await;
    assert_eq!(heard.status, 204);
    assert_eq!(stage.state().await, "delivered");
    for word in ["sent", "failed", "undelivered", "delivered"] {
        assert_eq!(stage.posts(STATUS, &status(SID, word)).await.status, 204);
        assert_eq!(stage.state().await, "delivered", "{word}");
    }
}

#[tokio::test]
async fn a_failure_keeps_the_error_of_the_network() {
    let mut stage = Stage::start().await;
    let heard = stage.posts(STATUS, &status(SID, "undelivered")).await;
    assert_eq!(heard.status, 204);
    let mut client = stage.site.client().await;
    let read = client.get(&format!("/v1/messages/{}", stage.message)).await;
    let failed = json!([{"state": "failed", "error": 30_003}]);
    assert_eq!(read.json()["segments"][0]["state"], failed[0]["state"]);
    assert_eq!(read.json()["segments"][0]["error"], failed[0]["error"]);
}

#[tokio::test]
async fn a_post_that_is_forged_altered_or_about_another_account_changes_nothing() {
    let mut stage = Stage::start().await;
    let good = status(SID, "delivered");
    let body = written(&good);
    let shown = signed(STATUS, "callback", &good);
    // Forged: another key, no key, no signature.
    stage
        .refuses(STATUS, &body, &signed(STATUS, "guess", &good))
        .await;
    stage
        .refuses(STATUS, &body, "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        .await;
    stage.refuses(STATUS, &body, "").await;
    // Altered: a field, one more field, one less, another path, another carrier.
    let altered = written(&status(SID, "failed"));
    stage.refuses(STATUS, &altered, &shown).await;
    stage.refuses(STATUS, &format!("{body}&X=1"), &shown).await;
    stage
        .refuses(STATUS, body.rsplit_once('&').unwrap().0, &shown)
        .await;
    let inbound = signed(INBOUND, "callback", &good);
    stage.refuses(STATUS, &body, &inbound).await;
    stage.refuses("/carrier/backup/status", &body, &shown).await;
    stage.refuses("/carrier/nobody/status", &body, &shown).await;
    // The provider's signature, and another account of it.
    let mut foreign = good.clone();
    foreign[0].1 = ACCOUNT.replace("AC0", "AC1");
    let of_other = signed(STATUS, "callback", &foreign);
    stage.refuses(STATUS, &written(&foreign), &of_other).await;
    // No form at all.
    stage.refuses(STATUS, "%", &shown).await;
    let heard = stage.post(STATUS, &body, &shown).await;
    assert_eq!(heard.status, 204, "{heard:?}");
}

#[tokio::test]
async fn a_post_is_taken_with_the_port_in_its_url_and_not_with_a_query() {
    let mut stage = Stage::start().await;
    let good = status(SID, "delivered");
    let url = format!("{CALLBACK}:443{STATUS}");
    let shown = signature("callback", &url, &good);
    let with_query = format!("{STATUS}?a=b");
    let heard = stage.post(&with_query, &written(&good), &shown).await;
    assert_eq!(heard.status, 400);
    assert_eq!(
        stage.post(STATUS, &written(&good), &shown).await.status,
        204
    );
}

#[tokio::test]
async fn a_post_is_bounded_and_what_makes_no_sense_is_said_by_its_field() {
    let mut stage = Stage::start().await;
    let mut long = status(SID, "delivered");
    long.push(("X".to_owned(), "x".repeat(40_000)));
    assert_eq!(stage.posts(STATUS, &long).await.status, 413);
    stage.wire = stage.site.anonymous().await;
    for (path, fields, field) in [
        (STATUS, status("", "delivered"), "MessageSid"),
        (STATUS, status("a\nb", "delivered"), "MessageSid"),
        (
            INBOUND,
            fields(&[("AccountSid", ACCOUNT), ("MessageSid", SID)]),
            "Body",
        ),
    ] {
        let heard = stage.posts(path, &fields).await;
        assert_eq!(heard.status, 400, "{heard:?}");
        assert_eq!(heard.json()["errors"][0]["parameter"], field);
    }
}

#[tokio::test]
async fn a_text_from_a_handset_is_taken_once_however_often_it_is_posted() {
    let mut stage = Stage::start().await;
    let said = "Où est-ce? 😀 a+b&c=d%";
    for _ in 0..3 {
        assert_eq!(stage.posts(INBOUND, &inbound(SID, said)).await.status, 204);
    }
    assert_eq!(stage.texts().await, [said]);
    assert_eq!(
        stage.posts(INBOUND, &inbound(OTHER, said)).await.status,
        204
    );
    assert_eq!(stage.texts().await.len(), 2);
    let stop = inbound("SM1", "STOP");
    assert_eq!(stage.posts(INBOUND, &stop).await.status, 204);
    let mut client = stage.site.client().await;
    let asked = r#"{"short_code":"12345","number":"+447700900123"}"#;
    let found = client.post("/v1/opt-outs/lookup", asked).await;
    assert_eq!(found.json()["standing"], "opted-out");
}

#[tokio::test]
async fn a_renewed_secret_is_taken_at_once_and_the_former_one_no_more() {
    let mut stage = Stage::start().await;
    let good = status(SID, "delivered");
    let mut renewed = secrets("hidden");
    renewed.callback = crate::provider::secret("renewed");
    stage.providers.renew(&primary(0).carrier, &renewed);
    let body = written(&good);
    stage
        .refuses(STATUS, &body, &signed(STATUS, "callback", &good))
        .await;
    let shown = signed(STATUS, "renewed", &good);
    assert_eq!(stage.post(STATUS, &body, &shown).await.status, 204);
}

/// A message of a class that is held when its fate is unknown, and whose hand-over had no answer.
async fn unanswered(stage: &Stage) -> (String, HandOver) {
    use engine::ports::CarrierEvents as _;
    use engine::ports::carrier::Answer;
    let body = MESSAGE.replace("otp", "marketing");
    let heard = stage.site.client().await.post("/v1/messages", &body).await;
    assert_eq!(heard.status, 202, "{heard:?}");
    let handed = stage.site.handed().await;
    let tokens = handed.iter().map(|handed| handed.submission.token);
    let silence = tokens.map(|token| (token, Answer::Silence)).collect();
    stage.site.test.gateway.answered(&handed[0].bind, silence);
    let named = HandOver {
        message: handed[0].submission.message,
        attempt: handed[0].submission.token.attempt,
    };
    (text(&heard.json()["id"]), named)
}

#[tokio::test]
async fn a_message_whose_answer_was_lost_is_settled_by_the_post_that_names_its_hand_over() {
    let mut stage = Stage::start().await;
    let (message, named) = unanswered(&stage).await;
    stage.message = message;
    stage.until("unknown").await;
    // Under the URL of none, or of another, it is about nothing that is known.
    let good = status(OTHER, "sent");
    let path = format!("{STATUS}/{named}");
    assert_eq!(stage.posts(STATUS, &good).await.status, 204);
    let later = HandOver {
        attempt: 2,
        ..named
    };
    for other in [later.to_string(), "msg_7-1".to_owned(), "7".to_owned()] {
        let path = format!("{STATUS}/{other}");
        assert_eq!(stage.posts(&path, &good).await.status, 204, "{other}");
    }
    // What is signed for one URL does not count for another.
    let shown = signed(STATUS, "callback", &good);
    let heard = stage.post(&path, &written(&good), &shown).await;
    assert_eq!(heard.problem(), (401, "unauthorized".to_owned()));
    let elsewhere = format!("/carrier/backup/status/{named}");
    assert_eq!(stage.posts(&elsewhere, &good).await.status, 401);
    assert_eq!(stage.state().await, "unknown");
    assert_eq!(stage.posts(&path, &good).await.status, 204);
    assert_eq!(stage.state().await, "submitted");
    for _ in 0..2 {
        let told = status(OTHER, "delivered");
        assert_eq!(stage.posts(&path, &told).await.status, 204);
        assert_eq!(stage.state().await, "delivered");
    }
}

#[tokio::test]
async fn slow_posts_of_one_source_take_no_place_of_another() {
    /// As many as one source may have under way.
    const PLACES: usize = 32;
    let mut stage = Stage::start().await;
    let good = status(SID, "delivered");
    let body = written(&good);
    let shown = signed(STATUS, "callback", &good);
    let more = format!(
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nX-Twilio-Signature: {shown}\r\n",
        body.len()
    );
    let begun = stage
        .wire
        .written(&format!("POST {STATUS}"), &more, &body[..1]);
    let mut slow = Vec::new();
    for _ in 0..PLACES {
        let mut wire = stage.site.wire_from("127.0.0.2").await;
        wire.send(&begun).await;
        slow.push(wire);
    }
    // Each takes its place at its own time.
    let request = stage.wire.written(&format!("POST {STATUS}"), &more, &body);
    let crowded = async {
        loop {
            let mut wire = stage.site.wire_from("127.0.0.2").await;
            let heard = wire.ask(&request).await;
            if heard.status == 503 {
                return heard;
            }
        }
    };
    let heard = tokio::time::timeout(std::time::Duration::from_secs(2), crowded).await;
    assert_eq!(heard.unwrap().problem(), (503, "busy".to_owned()));
    assert_eq!(stage.post(STATUS, &body, &shown).await.status, 204);
    for wire in &mut slow {
        wire.send(&body[1..]).await;
        assert_eq!(wire.answer().await.unwrap().status, 204);
    }
}
