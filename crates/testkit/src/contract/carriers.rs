//! What an implementation of `Carriers` promises, kept as a book: every token that is handed over is
//! answered exactly once, also when its bind is lost. Put the book between the engine's place and the
//! implementation, do what may go wrong, and close it. And what carriers make of a message, each outcome with the
//! one answer that it has whatever the carrier speaks.

use std::collections::BTreeMap;
use std::sync::Mutex;

use engine::ports::CarrierEvents;
use engine::ports::carrier::{
    Answer, BindId, Delivery, Direction, Submission, Token, Verdict, Verdicts,
};

/// Notes what was handed over and what was answered. It takes every delivery.
#[derive(Debug, Default)]
pub struct AnswerBook {
    open: Mutex<BTreeMap<Token, BindId>>,
    answers: Mutex<Vec<(Token, Answer)>>,
}

impl AnswerBook {
    /// An empty book.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a batch that is about to be handed over.
    pub fn hand_over(&self, bind: &BindId, batch: &[Submission]) {
        let mut open = self.open.lock().unwrap();
        for submission in batch {
            let before = open.insert(submission.token, bind.clone());
            assert_eq!(before, None, "{:?} was handed over twice", submission.token);
        }
    }

    /// How many tokens have no answer yet.
    pub fn unanswered(&self) -> usize {
        self.open.lock().unwrap().len()
    }

    /// Every answer so far, in order.
    pub fn answers(&self) -> Vec<(Token, Answer)> {
        self.answers.lock().unwrap().clone()
    }

    /// Nothing may be open any more.
    pub fn close(&self) {
        let open = self.open.lock().unwrap();
        assert!(open.is_empty(), "never answered: {open:?}");
    }
}

impl CarrierEvents for AnswerBook {
    fn bound(&self, _: &BindId, _: Direction) {}

    fn lost(&self, _: &BindId, _: &str) {}

    fn answered(&self, bind: &BindId, answers: Vec<(Token, Answer)>) {
        let mut open = self.open.lock().unwrap();
        for (token, answer) in answers {
            let over = open.remove(&token);
            assert_eq!(over.as_ref(), Some(bind), "{answer:?} to {token:?}");
            self.answers.lock().unwrap().push((token, answer));
        }
    }

    fn delivered(&self, _: &BindId, batch: Vec<Delivery>, verdicts: Verdicts) {
        verdicts(vec![Verdict::Taken; batch.len()]);
    }
}

/// What a carrier makes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It takes it.
    Taken,
    /// It refuses it for good.
    Refused,
    /// We were too fast.
    TooFast,
    /// Its queue is full.
    QueueFull,
    /// It fails for a while, and says that it did not take it.
    Busy,
    /// It reads it and never answers.
    Unanswered,
    /// It reads it and ends the connection.
    HungUp,
    /// It is not there.
    Away,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 8] = [
        Self::Taken,
        Self::Refused,
        Self::TooFast,
        Self::QueueFull,
        Self::Busy,
        Self::Unanswered,
        Self::HungUp,
        Self::Away,
    ];

    /// Whether an answer is the one that this outcome has.
    fn has(self, answer: &Answer) -> bool {
        match self {
            Self::Taken => matches!(answer, Answer::Accepted(_)),
            Self::Refused => matches!(answer, Answer::Rejected(_)),
            Self::TooFast => matches!(answer, Answer::Throttled(_) | Answer::ThrottledFor(..)),
            Self::QueueFull => matches!(answer, Answer::QueueFull(_)),
            Self::Busy => matches!(answer, Answer::Later(_)),
            // Whether it left is known to nobody, or known to be not so: neither may be taken for the other.
            Self::Unanswered | Self::HungUp => *answer == Answer::Silence,
            Self::Away => *answer == Answer::NotSent,
        }
    }
}

/// An implementation, and a carrier that does as it is told.
pub trait ToldCarrier {
    /// Has the carrier do so with one message, hands it over, and gives the one answer.
    fn meet(&mut self, outcome: Outcome) -> impl Future<Output = Answer>;
}

/// Each outcome has its answer.
pub async fn each_outcome_has_its_answer(carrier: &mut impl ToldCarrier) {
    for outcome in Outcome::ALL {
        let answer = carrier.meet(outcome).await;
        assert!(outcome.has(&answer), "{outcome:?} is answered {answer:?}");
    }
}
