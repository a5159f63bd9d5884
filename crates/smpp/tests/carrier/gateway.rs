//! The gateway's side in these tests: links, and an engine that only records what it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::message::CarrierName;
use domain::msisdn::Msisdn;
use domain::sender::ShortCode;
use domain::text::segment::{ReferenceWidth, segments};
use domain::time::Timestamp;
use engine::ports::carrier::{
    Answer, BindId, CarrierEvents, Carriers, Delivery, Direction, Mobile, Receipt, Submission,
    Token, Verdict, Verdicts,
};
use engine::ports::{Clock, Entropy};
use smpp::link::{Backoff, Endpoint, LinkConfig, LinkState, Links, Password, Security, Timers};
use smpp::sim::{Behaviour, ReceiptPlan, SimConfig, SimHandle, Simulator, Span};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// As long as anything may take here before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_764_064_800)
    }

    fn uptime(&self) -> Duration {
        Duration::ZERO
    }
}

pub struct NoChance;

impl Entropy for NoChance {
    fn fill(&self, octets: &mut [u8]) {
        octets.fill(0);
    }
}

/// What the engine was told.
pub enum Told {
    Bound(BindId, Direction),
    Lost(String),
    Answered(Vec<(Token, Answer)>),
    Delivered(BindId, Vec<Delivery>),
}

/// Records, and judges deliveries as it is set.
pub struct Recorder {
    told: mpsc::UnboundedSender<Told>,
    takes: AtomicBool,
}

impl CarrierEvents for Recorder {
    fn bound(&self, bind: &BindId, direction: Direction) {
        let _ = self.told.send(Told::Bound(bind.clone(), direction));
    }

    fn lost(&self, _bind: &BindId, reason: &str) {
        let _ = self.told.send(Told::Lost(reason.to_owned()));
    }

    fn answered(&self, _bind: &BindId, answers: Vec<(Token, Answer)>) {
        let _ = self.told.send(Told::Answered(answers));
    }

    fn delivered(&self, bind: &BindId, batch: Vec<Delivery>, verdicts: Verdicts) {
        let verdict = if self.takes.load(Ordering::SeqCst) {
            Verdict::Taken
        } else {
            Verdict::Again
        };
        verdicts(vec![verdict; batch.len()]);
        let _ = self.told.send(Told::Delivered(bind.clone(), batch));
    }
}

/// Links and what they told.
pub struct Gateway {
    pub links: Links,
    recorder: Arc<Recorder>,
    told: mpsc::UnboundedReceiver<Told>,
}

impl Gateway {
    pub fn start(configs: Vec<LinkConfig>) -> Self {
        let (sender, told) = mpsc::unbounded_channel();
        let recorder = Arc::new(Recorder {
            told: sender,
            takes: AtomicBool::new(true),
        });
        let entropy: Arc<dyn Entropy> = Arc::new(NoChance);
        let links = Links::new(configs, &entropy).unwrap();
        let events: Arc<dyn CarrierEvents> = recorder.clone();
        links.start(&events);
        Self {
            links,
            recorder,
            told,
        }
    }

    /// Whether deliveries are taken from now on.
    pub fn takes_deliveries(&self, takes: bool) {
        self.recorder.takes.store(takes, Ordering::SeqCst);
    }

    pub async fn next(&mut self) -> Told {
        let told = tokio::time::timeout(PATIENCE, self.told.recv()).await;
        told.expect("the link says nothing")
            .expect("the link is gone")
    }

    pub async fn bound(&mut self) -> (BindId, Direction) {
        loop {
            if let Told::Bound(bind, direction) = self.next().await {
                return (bind, direction);
            }
        }
    }

    pub async fn lost(&mut self) -> String {
        loop {
            if let Told::Lost(reason) = self.next().await {
                return reason;
            }
        }
    }

    /// The next `count` answers, in their order.
    pub async fn answers(&mut self, count: usize) -> Vec<(Token, Answer)> {
        let mut answers = Vec::new();
        while answers.len() < count {
            if let Told::Answered(more) = self.next().await {
                answers.extend(more);
            }
        }
        assert_eq!(answers.len(), count);
        answers
    }

    /// The first delivery of the next batch, and the bind that brought it.
    pub async fn delivery(&mut self) -> (BindId, Delivery) {
        loop {
            if let Told::Delivered(bind, mut batch) = self.next().await {
                return (bind, batch.remove(0));
            }
        }
    }

    pub async fn receipts(&mut self, count: usize) -> Vec<Receipt> {
        let mut receipts = Vec::new();
        while receipts.len() < count {
            if let Told::Delivered(_, batch) = self.next().await {
                receipts.extend(batch.into_iter().map(|delivery| match delivery {
                    Delivery::Receipt(receipt) => receipt,
                    Delivery::Mobile(_) => panic!("a message, not a receipt"),
                }));
            }
        }
        receipts
    }

    pub async fn mobiles(&mut self, count: usize) -> Vec<Mobile> {
        let mut mobiles = Vec::new();
        while mobiles.len() < count {
            if let Told::Delivered(_, batch) = self.next().await {
                mobiles.extend(batch.into_iter().map(|delivery| match delivery {
                    Delivery::Mobile(mobile) => mobile,
                    Delivery::Receipt(_) => panic!("a receipt, not a message"),
                }));
            }
        }
        mobiles
    }

    pub fn submit(&self, count: u64) {
        self.links.submit(
            &bind(0),
            (0..count)
                .map(|number| submission(number, "hello"))
                .collect(),
        );
    }

    /// Waits until bind 0 is down, and says why.
    pub async fn down(&self) -> String {
        let mut watched = self.links.watch(&bind(0)).unwrap();
        let down = watched.wait_for(|state| matches!(state, LinkState::Down(_)));
        match &*tokio::time::timeout(PATIENCE, down).await.unwrap().unwrap() {
            LinkState::Down(reason) => reason.clone(),
            state => panic!("not down: {state:?}"),
        }
    }
}

pub fn bind(index: u16) -> BindId {
    BindId {
        carrier: CarrierName::new("primary"),
        index,
    }
}

/// A link that is quick to notice and quick to come back.
pub fn config(sim: &SimHandle, security: Security) -> LinkConfig {
    config_to(sim.address().unwrap().port(), security)
}

pub fn config_to(port: u16, security: Security) -> LinkConfig {
    let endpoint = Endpoint {
        host: "localhost".to_owned(),
        port,
    };
    let password = Password::new("secret12".to_owned());
    LinkConfig {
        window_max: 1_000,
        timers: Timers {
            response: Duration::from_secs(5),
            ..Timers::default()
        },
        backoff: Backoff {
            min: Duration::from_millis(20),
            max: Duration::from_millis(40),
        },
        ..LinkConfig::new(bind(0), endpoint, security, "esme1".to_owned(), password)
    }
}

pub async fn listener() -> TcpListener {
    // By name, because that is how the links find it.
    TcpListener::bind("localhost:0").await.unwrap()
}

/// A well-behaved simulator whose receipts come at once.
pub fn behaviour() -> Behaviour {
    let receipts = ReceiptPlan {
        delay: Span::ZERO,
        ..ReceiptPlan::default()
    };
    Behaviour {
        receipts,
        ..Behaviour::default()
    }
}

pub async fn simulator(behaviour: Behaviour) -> SimHandle {
    let config = SimConfig {
        behaviour,
        retry_delay: Duration::from_millis(10),
        ..SimConfig::new(Arc::new(FixedClock))
    };
    Simulator::start(config, listener().await)
}

/// A link to a simulator of this behaviour, bound.
pub async fn bound_to(behaviour: Behaviour) -> (Gateway, SimHandle) {
    let sim = simulator(behaviour).await;
    let mut gateway = Gateway::start(vec![config(&sim, Security::PlainLoopback)]);
    assert_eq!(gateway.bound().await, (bind(0), Direction::Both));
    (gateway, sim)
}

pub fn token(message: u64) -> Token {
    Token {
        message,
        segment: 0,
        attempt: 1,
    }
}

/// The first segment of a text; the number makes it another message.
pub fn submission(message: u64, text: &str) -> Submission {
    segments_of(message, text).remove(0)
}

pub fn segments_of(message: u64, text: &str) -> Vec<Submission> {
    let cut = segments(text, ReferenceWidth::Eight).unwrap();
    let header = |segment: &domain::text::segment::Segment| {
        let header = segment.header(7, ReferenceWidth::Eight);
        header.map_or(Vec::new(), |header| header.as_octets().to_vec())
    };
    let submission = |segment: &domain::text::segment::Segment| Submission {
        message: domain::id::MessageId::new(message, 0),
        token: Token {
            segment: segment.ordinal() - 1,
            ..token(message)
        },
        source: ShortCode::parse("12345").unwrap(),
        to: Msisdn::from_digits(447_700_900_000 + message % 1_000).unwrap(),
        data_coding: cut.encoding.data_coding(),
        udh: header(segment),
        payload: segment.reveal().into(),
        validity_seconds: 600,
        priority: 1,
    };
    cut.segments.iter().map(submission).collect()
}
