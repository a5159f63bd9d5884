//! Carriers over HTTPS as the engine meets them: against a provider that keeps to the shape, and against one
//! that answers anything, never, or without end.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::carrier_id::CarrierMessageId;
use domain::id::MessageId;
use domain::message::CarrierName;
use domain::msisdn::Msisdn;
use domain::sender::ShortCode;
use engine::HandOver;
use engine::ports::Entropy;
use engine::ports::carrier::{
    Answer, BindId, CarrierEvents, Carriers, Delivery, Direction, Submission, Token, Verdicts,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::PrivateKeyDer;
use testkit::SeededEntropy;
use testkit::contract::carriers::{AnswerBook, Outcome, ToldCarrier, each_outcome_has_its_answer};
use testkit::provider::{Act, ProviderServer};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use web::provider::{
    KeptBounds, ProviderPlan, ProviderSecrets, ProviderTimers, Providers, Roots, Secret,
};

pub const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
pub const CALLBACK: &str = "https://sms.example.com";

/// Nothing takes longer unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a provider may take to answer in these tests.
const RESPONSE: Duration = Duration::from_millis(300);

/// What the engine was told, in order; the answers in a book that holds them to the contract.
#[derive(Default)]
struct Told {
    book: AnswerBook,
    ways: Mutex<Vec<String>>,
    more: Notify,
}

impl CarrierEvents for Told {
    fn bound(&self, bind: &BindId, direction: Direction) {
        self.ways.lock().unwrap().push("bound".to_owned());
        self.book.bound(bind, direction);
        self.more.notify_waiters();
    }

    fn lost(&self, bind: &BindId, reason: &str) {
        self.ways.lock().unwrap().push(format!("lost: {reason}"));
        self.book.lost(bind, reason);
        self.more.notify_waiters();
    }

    fn answered(&self, bind: &BindId, answers: Vec<(Token, Answer)>) {
        self.book.answered(bind, answers);
        self.more.notify_waiters();
    }

    fn delivered(&self, bind: &BindId, batch: Vec<Delivery>, verdicts: Verdicts) {
        self.book.delivered(bind, batch, verdicts);
    }
}

/// A provider and the gateway's way to it.
struct Road {
    server: ProviderServer,
    providers: Arc<Providers>,
    told: Arc<Told>,
    messages: u64,
}

pub fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned()).unwrap()
}

pub fn secrets(shown: &str) -> ProviderSecrets {
    ProviderSecrets {
        secret: secret(shown),
        callback: secret("callback"),
    }
}

pub fn plan(url: String) -> ProviderPlan {
    ProviderPlan {
        name: CarrierName::new("cloud"),
        url,
        roots: Roots::System,
        account: ACCOUNT.to_owned(),
        user: ACCOUNT.to_owned(),
        callback_url: CALLBACK.to_owned(),
        timers: ProviderTimers {
            connect: RESPONSE,
            response: RESPONSE,
            probe: Duration::from_mins(1),
            reconnect: Duration::from_millis(20),
            reconnect_max: Duration::from_millis(40),
        },
        kept: KeptBounds {
            connections_max: 10,
            idle: PATIENCE,
        },
    }
}

fn bind() -> BindId {
    BindId {
        carrier: CarrierName::new("cloud"),
        index: 0,
    }
}

impl Road {
    async fn open() -> Self {
        let server = ProviderServer::start(None).await;
        let plan = plan(format!("http://{}", server.address()));
        let road = Self::to(server, plan);
        road.until(|told| told.ways() == ["bound"]).await;
        road
    }

    fn to(server: ProviderServer, plan: ProviderPlan) -> Self {
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
        let providers = Providers::new(vec![(plan, secrets("hidden"))], &entropy).unwrap();
        let told = Arc::new(Told::default());
        let events: Arc<dyn CarrierEvents> = told.clone();
        providers.start(&events);
        Self {
            server,
            providers: Arc::new(providers),
            told,
            messages: 0,
        }
    }

    /// Hands a message of these segments over.
    fn submit(&mut self, segments: &[&str]) {
        self.messages += 1;
        let submissions: Vec<Submission> = (0..)
            .zip(segments)
            .map(|(place, text)| submission(self.messages, place, text))
            .collect();
        self.told.book.hand_over(&bind(), &submissions);
        self.providers.submit(&bind(), submissions);
    }

    async fn until(&self, holds: impl Fn(&Told) -> bool) {
        let reached = async {
            loop {
                let more = self.told.more.notified();
                if holds(&self.told) {
                    return;
                }
                more.await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, reached).await;
        waited.unwrap_or_else(|_| panic!("{:?} {:?}", self.told.ways(), self.told.book));
    }

    /// Hands a message over and gives the answer to it.
    async fn answer(&mut self) -> Answer {
        let before = self.told.book.answers().len();
        self.submit(&["Hello"]);
        self.until(|told| told.book.answers().len() > before).await;
        self.told.book.answers().pop().unwrap().1
    }
}

impl Told {
    fn ways(&self) -> Vec<String> {
        self.ways.lock().unwrap().clone()
    }
}

fn submission(message: u64, segment: u8, text: &str) -> Submission {
    Submission {
        message: MessageId::new(message, 0),
        token: Token {
            message,
            segment,
            attempt: 1,
        },
        source: ShortCode::parse("12345").unwrap(),
        to: Msisdn::parse("+447700900123").unwrap(),
        data_coding: 0,
        udh: Vec::new(),
        payload: Arc::from(text.as_bytes()),
        validity_seconds: 600,
        priority: 0,
    }
}

fn say(status: u16, body: &str) -> Act {
    Act::Say(status, String::new(), body.to_owned())
}

#[tokio::test]
async fn a_message_is_one_request_whatever_its_length_and_each_segment_has_its_answer() {
    let mut road = Road::open().await;
    road.submit(&["Hello ", "from ", "far & wide+"]);
    road.until(|told| told.book.answers().len() == 3).await;
    let messages = road.server.messages();
    let [asked] = &messages[..] else {
        panic!("{messages:?}")
    };
    let path = format!("POST /2010-04-01/Accounts/{ACCOUNT}/Messages.json");
    assert_eq!(asked.line, path);
    assert_eq!(asked.field("To"), "+447700900123");
    assert_eq!(asked.field("From"), "12345");
    assert_eq!(asked.field("Body"), "Hello from far & wide+");
    assert_eq!(asked.field("ValidityPeriod"), "600");
    let named = HandOver {
        message: MessageId::new(1, 0),
        attempt: 1,
    };
    let callback = format!("https://sms.example.com/carrier/cloud/status/{named}");
    assert_eq!(asked.field("StatusCallback"), callback);
    let sid = CarrierMessageId::parse(asked.sid.as_ref().unwrap().as_bytes()).unwrap();
    let expected = Answer::Accepted(sid);
    let answers = road.told.book.answers();
    assert!(
        answers.iter().all(|(_, answer)| *answer == expected),
        "{answers:?}"
    );
    road.told.book.close();
}

impl ToldCarrier for Road {
    async fn meet(&mut self, outcome: Outcome) -> Answer {
        match outcome {
            Outcome::Taken => self.server.next(Act::Take),
            Outcome::Refused => self.server.next(say(400, r#"{"code":21211}"#)),
            Outcome::TooFast => self.server.next(say(429, "")),
            Outcome::QueueFull => self.server.next(say(400, r#"{"code":21611}"#)),
            Outcome::Busy => self.server.next(say(503, "")),
            Outcome::Unanswered => self.server.next(Act::Hang),
            Outcome::HungUp => self.server.next(Act::HangUp),
            Outcome::Away => {
                let (server, providers, told) = gone().await;
                (self.server, self.providers, self.told) = (server, providers, told);
            }
        }
        self.answer().await
    }
}

/// The way to a provider that is not there any more.
async fn gone() -> (ProviderServer, Arc<Providers>, Arc<Told>) {
    let mut road = Road::open().await;
    let address = road.server.address();
    let gone = ProviderServer::start(None).await;
    drop(std::mem::replace(&mut road.server, gone));
    // The task that listens ends at its own time, and so do those of its connections.
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    (road.server, road.providers, road.told)
}

#[tokio::test]
async fn each_outcome_has_the_answer_that_it_has_with_every_carrier() {
    each_outcome_has_its_answer(&mut Road::open().await).await;
}

#[tokio::test]
async fn refusals_are_told_apart_and_the_way_stays_open() {
    let mut road = Road::open().await;
    road.server.next(say(
        400,
        r#"{"code":21211,"message":"+447700900123 is wrong"}"#,
    ));
    assert_eq!(road.answer().await, Answer::Rejected(21_211));
    road.server.next(Act::Say(
        429,
        "Retry-After: 7\r\n".to_owned(),
        String::new(),
    ));
    let wait = Duration::from_secs(7);
    assert_eq!(road.answer().await, Answer::ThrottledFor(429, wait));
    road.server.next(say(400, r#"{"code":21611}"#));
    assert_eq!(road.answer().await, Answer::QueueFull(21_611));
    road.server.next(say(503, ""));
    assert_eq!(road.answer().await, Answer::Later(503));
    assert_eq!(road.told.ways(), ["bound"]);
}

#[tokio::test]
async fn what_may_have_left_is_of_unknown_fate_and_five_such_in_a_row_are_an_outage() {
    let mut road = Road::open().await;
    // It names an id, and is too long to be read.
    let long = format!(r#"{{"sid":"SM1","x":"{}"}}"#, "x".repeat(70_000));
    let long = Act::Say(201, String::new(), long);
    for act in [Act::Hang, Act::HangUp, Act::Flood, long, say(500, "")] {
        assert_eq!(road.told.ways(), ["bound"]);
        road.server.about_account(say(502, ""));
        road.server.next(act);
        assert_eq!(road.answer().await, Answer::Silence);
    }
    road.until(|told| told.ways() == ["bound", "lost: its answer is 500"])
        .await;
    assert_eq!(
        road.answer().await,
        Answer::NotSent,
        "nothing goes meanwhile"
    );
    road.server.about_account(say(200, "{}"));
    road.until(|told| told.ways().len() == 3).await;
    assert!(matches!(road.answer().await, Answer::Accepted(_)));
    assert_eq!(road.server.messages().len(), 6);
    road.told.book.close();
}

#[tokio::test]
async fn a_provider_that_is_gone_took_nothing_and_that_is_known() {
    let mut road = Road::open().await;
    let address = road.server.address();
    let gone = ProviderServer::start(None).await;
    drop(std::mem::replace(&mut road.server, gone));
    // The task that listens ends at its own time.
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(road.answer().await, Answer::NotSent);
    let ways = road.told.ways();
    assert!(ways[1].starts_with("lost: no connection"), "{ways:?}");
}

#[tokio::test]
async fn a_refused_account_and_a_redirect_end_the_way_and_no_message() {
    let mut road = Road::open().await;
    road.server.about_account(say(401, r#"{"code":20003}"#));
    road.server.next(say(401, r#"{"code":20003}"#));
    assert_eq!(road.answer().await, Answer::Later(401));
    let lost = "lost: it refuses our account or secret (error 20003)";
    road.until(|told| told.ways() == ["bound", lost]).await;

    let elsewhere = ProviderServer::start(None).await;
    let mut road = Road::open().await;
    let location = format!("Location: http://{}/\r\n", elsewhere.address());
    road.server
        .about_account(Act::Say(307, location.clone(), String::new()));
    road.server.next(Act::Say(307, location, String::new()));
    assert_eq!(road.answer().await, Answer::Later(307));
    assert_eq!(road.told.ways().len(), 2);
    assert_eq!((elsewhere.messages().len(), elsewhere.probes()), (0, 0));
}

fn secured(folder: &Path, name: &str) -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join(name), made.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn only_the_provider_whose_certificate_and_name_are_right_hears_of_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let ours = secured(folder.path(), "ours.pem");
    let others = secured(folder.path(), "others.pem");
    let of = |server: &ProviderServer, host: &str| ProviderPlan {
        roots: Roots::File(folder.path().join("ours.pem")),
        ..plan(format!("https://{host}:{}", server.address().port()))
    };
    let server = ProviderServer::start(Some(ours.clone())).await;
    let plan = of(&server, "localhost");
    let mut road = Road::to(server, plan);
    road.until(|told| told.ways() == ["bound"]).await;
    assert!(matches!(road.answer().await, Answer::Accepted(_)));

    for (acceptor, host) in [(others, "localhost"), (ours, "127.0.0.1")] {
        let server = ProviderServer::start(Some(acceptor)).await;
        let plan = of(&server, host);
        let mut road = Road::to(server, plan);
        // It is asked whether it is there, again and again, and not believed.
        let refused = tokio::time::timeout(PATIENCE, road.server.until_ended(3)).await;
        refused.expect("it was believed");
        assert_eq!(road.answer().await, Answer::NotSent, "{host}");
        assert!(road.told.ways().is_empty());
        assert_eq!((road.server.messages().len(), road.server.probes()), (0, 0));
    }
}

#[tokio::test]
async fn a_stop_answers_for_everything_by_what_is_known_of_it() {
    let mut road = Road::open().await;
    road.server.next(Act::Hang);
    road.submit(&["Hello"]);
    road.server.until(1).await;
    road.providers.stop(Duration::from_millis(50)).await;
    road.submit(&["Too late"]);
    road.until(|told| told.book.answers().len() == 2).await;
    let answers: Vec<Answer> = road
        .told
        .book
        .answers()
        .into_iter()
        .map(|told| told.1)
        .collect();
    assert_eq!(answers, [Answer::Silence, Answer::NotSent]);
    assert_eq!(road.told.ways(), ["bound", "lost: the gateway stops"]);
    road.told.book.close();
}

#[tokio::test]
async fn a_new_secret_is_shown_with_the_next_message() {
    let mut road = Road::open().await;
    road.answer().await;
    road.providers.renew(&bind().carrier, &secrets("renewed"));
    road.answer().await;
    let shown: Vec<String> = road
        .server
        .messages()
        .into_iter()
        .map(|asked| asked.shown)
        .collect();
    // AC0123456789abcdef0123456789abcdef:hidden, and :renewed.
    let expected = [
        "Basic QUMwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjpoaWRkZW4=",
        "Basic QUMwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjpyZW5ld2Vk",
    ];
    assert_eq!(shown, expected);
}

/// Hands a thousand messages over, ten at a time, and says how many connections they took.
async fn connections_of_a_thousand(security: Option<TlsAcceptor>, plan: ProviderPlan) -> usize {
    const UNDER_WAY: usize = 10;
    let address = plan.url.rsplit_once(':').unwrap().1.parse().unwrap();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], address));
    let mut road = Road::to(ProviderServer::start_at(address, security).await, plan);
    road.until(|told| told.ways() == ["bound"]).await;
    for sent in 0..1_000 {
        road.until(|told| told.book.answers().len() + UNDER_WAY > sent)
            .await;
        road.submit(&["Hello"]);
    }
    road.until(|told| told.book.answers().len() == 1_000).await;
    let answers = road.told.book.answers();
    let is_taken = |(_, answer): &(Token, Answer)| matches!(answer, Answer::Accepted(_));
    assert!(answers.iter().all(is_taken), "{answers:?}");
    assert_eq!(road.server.messages().len(), 1_000);
    road.told.book.close();
    road.server.connections()
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn a_thousand_messages_take_no_more_connections_than_are_under_way_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let security = secured(folder.path(), "ours.pem");
    let secure = |kept: usize| {
        let mut plan = plan(format!("https://localhost:{}", free_port()));
        plan.roots = Roots::File(folder.path().join("ours.pem"));
        plan.kept.connections_max = kept;
        plan
    };
    let kept = connections_of_a_thousand(Some(security.clone()), secure(10)).await;
    assert!(kept <= 11, "{kept}");
    let own = connections_of_a_thousand(Some(security), secure(0)).await;
    assert_eq!(own, 1_001, "one each, and one for the question");
}

#[tokio::test]
async fn a_connection_that_ended_while_it_rested_takes_no_message_with_it() {
    let mut road = Road::open().await;
    for sent in 1..=5 {
        road.server.next(Act::TakeAndEnd);
        assert!(matches!(road.answer().await, Answer::Accepted(_)));
        road.server.until_ended(sent).await;
    }
    assert_eq!(road.server.messages().len(), 5);
    assert_eq!(road.told.ways(), ["bound"]);
}

#[tokio::test]
async fn a_message_that_was_written_to_a_kept_connection_and_not_answered_is_never_sent_again() {
    let mut road = Road::open().await;
    assert!(matches!(road.answer().await, Answer::Accepted(_)));
    assert_eq!(road.server.connections(), 1, "that of the question");
    road.server.next(Act::HangUp);
    assert_eq!(road.answer().await, Answer::Silence);
    assert_eq!(
        (road.server.messages().len(), road.server.connections()),
        (2, 1)
    );
    // Neither is the connection of one whose answer came too late, was broken or said to be its last.
    for act in [
        Act::Hang,
        Act::Say(
            201,
            "Connection: close\r\n".to_owned(),
            r#"{"sid":"SM1"}"#.to_owned(),
        ),
        Act::Say(
            201,
            "Keep-Alive: timeout=1\r\n".to_owned(),
            r#"{"sid":"SM2"}"#.to_owned(),
        ),
    ] {
        let before = road.server.connections();
        road.server.next(act);
        road.answer().await;
        assert!(matches!(road.answer().await, Answer::Accepted(_)));
        assert!(road.server.connections() > before);
    }
}
