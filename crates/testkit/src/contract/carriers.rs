//! What an implementation of `Carriers` promises, kept as a book: every token that is handed over is
//! answered exactly once, also when its bind is lost. Put the book between the engine's place and the
//! implementation, do what may go wrong, and close it.

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
