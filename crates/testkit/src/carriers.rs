//! The way out to carriers as a test sees it: collects what is handed over and answers nothing. What a
//! carrier would say comes from the test, through the gateway's `CarrierEvents`.

use std::sync::Mutex;

use domain::carrier_id::CarrierMessageId;
use engine::ports::Carriers;
use engine::ports::carrier::{Answer, BindId, Submission, Token};

/// What was handed over to one bind.
#[derive(Clone)]
pub struct Handed {
    /// The bind.
    pub bind: BindId,
    /// The segment.
    pub submission: Submission,
}

/// Collects submissions.
#[derive(Default)]
pub struct RecordingCarriers {
    fresh: Mutex<Vec<Handed>>,
    seen: Mutex<Vec<Handed>>,
}

impl std::fmt::Debug for RecordingCarriers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RecordingCarriers({} seen)", self.count())
    }
}

impl RecordingCarriers {
    /// Nothing handed over yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was handed over since the last call, in order.
    pub fn take(&self) -> Vec<Handed> {
        std::mem::take(&mut *self.fresh.lock().unwrap())
    }

    /// Everything ever handed over, in order.
    pub fn seen(&self) -> Vec<Handed> {
        self.seen.lock().unwrap().clone()
    }

    /// How many segments were ever handed over.
    pub fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

impl Carriers for RecordingCarriers {
    fn submit(&self, bind: &BindId, batch: Vec<Submission>) {
        let handed: Vec<Handed> = batch
            .into_iter()
            .map(|submission| Handed {
                bind: bind.clone(),
                submission,
            })
            .collect();
        self.seen.lock().unwrap().extend(handed.iter().cloned());
        self.fresh.lock().unwrap().extend(handed);
    }
}

/// `Accepted` under an id made from the token: unique while the token is.
pub fn accepted(token: Token) -> (Token, Answer) {
    (token, Answer::Accepted(id_of(token)))
}

/// The id that [`accepted`] gives.
pub fn id_of(token: Token) -> CarrierMessageId {
    let text = format!("{:x}-{}-{}", token.message, token.segment, token.attempt);
    CarrierMessageId::parse(text.as_bytes()).unwrap()
}
