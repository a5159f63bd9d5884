//! The carriers: what they were handed, what they make of it, and what must hold of every segment at the
//! moment at which it is handed over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use domain::carrier_id::CarrierMessageId;
use domain::message::{AmbiguityPolicy, SegmentState};
use domain::msisdn::Msisdn;
use engine::ports::Carriers;
use engine::ports::carrier::{Answer, BindId, Submission, Token};
use engine::settings::Settings;
use testkit::MemoryStore;
use testkit::entropy::Chance;

/// What became of one dispatch, as far as the gateway can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The gateway has heard nothing.
    Open,
    /// It was told that the segment did not go.
    Refused,
    /// It was told something else, and that may not have become durable.
    Told,
    /// It was told nothing, or what it was told was lost.
    Doubtful,
}

/// One dispatch that a carrier saw.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub token: Token,
    pub bind: BindId,
    pub to: Msisdn,
    pub answer: Answer,
    pub fate: Fate,
    /// The id under which the carrier took it, told or not.
    pub taken: Option<CarrierMessageId>,
}

/// Everything that the carriers know.
pub struct Seen {
    store: Option<Arc<MemoryStore>>,
    chance: Chance,
    settings: Settings,
    ids: u64,
    tokens: BTreeSet<Token>,
    pub cancelled: BTreeSet<u64>,
    pub attempts: Vec<Attempt>,
    /// Places in `attempts` without an answer, by bind.
    pub outstanding: BTreeMap<BindId, Vec<usize>>,
    /// Whether carriers do what is asked of them.
    pub healthy: bool,
    pub hash: u64,
}

/// The carriers as the gateway sees them.
pub struct CarrierSide(Mutex<Seen>);

impl CarrierSide {
    pub fn new(settings: &Settings, seed: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Seen {
            store: None,
            chance: Chance::new(seed),
            settings: settings.clone(),
            // Hexadecimal ids from here on begin with a letter, so that no decimal one is among them.
            ids: 0xa000_0000,
            tokens: BTreeSet::new(),
            cancelled: BTreeSet::new(),
            attempts: Vec::new(),
            outstanding: BTreeMap::new(),
            healthy: false,
            hash: 0,
        })))
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap()
    }

    /// A new process of the gateway: whatever was unanswered will never be.
    pub fn serve(&self, store: &Arc<MemoryStore>) {
        let mut seen = self.seen();
        seen.store = Some(Arc::clone(store));
        seen.forget_outstanding();
    }
}

impl Carriers for CarrierSide {
    fn submit(&self, bind: &BindId, batch: Vec<Submission>) {
        let mut seen = self.seen();
        for submission in batch {
            seen.take(bind, &submission);
        }
        let used = seen.outstanding.get(bind).map_or(0, Vec::len);
        let window = seen.settings.bind(bind).unwrap().window_max;
        assert!(
            used <= usize::from(window),
            "{used} in a window of {window}"
        );
    }
}

impl Seen {
    /// After a crash, whatever was not answered never will be.
    fn forget_outstanding(&mut self) {
        self.outstanding.clear();
        for attempt in &mut self.attempts {
            if attempt.fate == Fate::Open {
                attempt.fate = Fate::Doubtful;
            }
        }
        self.doubt_what_was_told();
    }

    /// After a crash or a failed commit, what was told may have been forgotten.
    pub fn doubt_what_was_told(&mut self) {
        for attempt in &mut self.attempts {
            if attempt.fate == Fate::Told {
                attempt.fate = Fate::Doubtful;
            }
        }
    }

    fn take(&mut self, bind: &BindId, submission: &Submission) {
        let token = submission.token;
        self.check_durable(bind, submission);
        assert!(self.tokens.insert(token), "{token:?} was handed over twice");
        assert!(
            !self.cancelled.contains(&token.message),
            "{token:?} was cancelled"
        );
        self.check_duplicate(token);
        self.hash = mix(self.hash, token.message ^ u64::from(token.segment) << 56);
        self.hash = mix(
            self.hash,
            submission
                .payload
                .iter()
                .map(|octet| u64::from(*octet))
                .sum(),
        );
        let (answer, taken) = self.decide();
        self.attempts.push(Attempt {
            token,
            bind: bind.clone(),
            to: submission.to,
            answer,
            fate: Fate::Open,
            taken,
        });
        let place = self.attempts.len() - 1;
        self.outstanding
            .entry(bind.clone())
            .or_default()
            .push(place);
    }

    /// Nothing is handed over unless its dispatch is durable, in time and to the right bind.
    fn check_durable(&self, bind: &BindId, submission: &Submission) {
        let token = submission.token;
        let store = self.store.as_ref().unwrap();
        let row = store.with_image(|image| image.message_row(token.message).cloned());
        let row = row.expect("the message is durable");
        let segment = &row.segments[usize::from(token.segment)];
        assert_eq!(segment.state(), SegmentState::Dispatched, "{token:?}");
        assert_eq!(segment.attempts(), token.attempt, "{token:?}");
        assert_eq!(segment.carrier(), Some(&bind.carrier));
        assert_eq!(segment.bind(), Some(bind.index));
        let at = segment.changed().unwrap();
        assert!(at < row.expires, "{token:?} was sent after its validity");
        let left = row.expires.since(at).as_secs().max(1);
        assert_eq!(u64::from(submission.validity_seconds), left);
    }

    /// A segment goes again only when every earlier dispatch of it failed for certain, or is in doubt and
    /// its class says to send it again.
    fn check_duplicate(&self, token: Token) {
        let same = |other: &&Attempt| {
            (other.token.message, other.token.segment) == (token.message, token.segment)
        };
        let row = self.store.as_ref().unwrap();
        let class = row.with_image(|image| image.message_row(token.message).unwrap().head.class);
        for earlier in self.attempts.iter().filter(same) {
            let allowed = match earlier.fate {
                Fate::Refused => true,
                Fate::Doubtful => self.settings.ambiguity(class) == AmbiguityPolicy::Resend,
                Fate::Open | Fate::Told => false,
            };
            assert!(allowed, "{token:?} goes again after {earlier:?}");
        }
    }

    /// What a carrier makes of a segment, and whether it took it.
    fn decide(&mut self) -> (Answer, Option<CarrierMessageId>) {
        self.ids += 1;
        let id = CarrierMessageId::parse(format!("{:08X}", self.ids).as_bytes()).unwrap();
        let fault = if self.healthy {
            100
        } else {
            self.chance.below(100)
        };
        match fault {
            0..6 => (Answer::Throttled(0x58), None),
            6..12 => (Answer::QueueFull(0x14), None),
            12..16 => (Answer::Later(0x08), None),
            16..20 => (Answer::Rejected(0x0b), None),
            20..24 => (Answer::NotSent, None),
            24..29 => (Answer::Silence, None),
            29..34 => (Answer::Silence, Some(id)),
            _ => (Answer::Accepted(id.clone()), Some(id)),
        }
    }

    /// A bind with something unanswered.
    pub fn busy_bind(&mut self) -> Option<BindId> {
        let busy: Vec<BindId> = self
            .outstanding
            .iter()
            .filter(|(_, places)| !places.is_empty())
            .map(|(bind, _)| bind.clone())
            .collect();
        (!busy.is_empty()).then(|| self.chance.pick(&busy).clone())
    }

    /// Answers up to `most` segments of a bind, not in their order.
    pub fn answers(&mut self, bind: &BindId, most: usize) -> Vec<(Token, Answer)> {
        let mut answers = Vec::new();
        for _ in 0..most {
            let Some(places) = self.outstanding.get_mut(bind).filter(|p| !p.is_empty()) else {
                break;
            };
            let count = u64::try_from(places.len()).unwrap();
            let place = places.remove(usize::try_from(self.chance.below(count)).unwrap());
            answers.push(self.attempts[place].tell());
        }
        answers
    }

    /// The link is gone: every open token is answered, and nobody knows what left.
    pub fn answers_of_lost(&mut self, bind: &BindId) -> Vec<(Token, Answer)> {
        let places = self.outstanding.remove(bind).unwrap_or_default();
        let mut answers = Vec::new();
        for place in places {
            let attempt = &mut self.attempts[place];
            attempt.answer = match attempt.answer {
                Answer::NotSent => Answer::NotSent,
                _ => Answer::Silence,
            };
            answers.push(attempt.tell());
        }
        answers
    }
}

impl Attempt {
    fn tell(&mut self) -> (Token, Answer) {
        self.fate = match self.answer {
            Answer::Throttled(_)
            | Answer::ThrottledFor(..)
            | Answer::QueueFull(_)
            | Answer::Later(_)
            | Answer::NotSent => Fate::Refused,
            Answer::Silence => Fate::Doubtful,
            Answer::Accepted(_) | Answer::Rejected(_) => Fate::Told,
        };
        (self.token, self.answer.clone())
    }
}

/// Mixes a number into a hash.
pub const fn mix(hash: u64, number: u64) -> u64 {
    (hash.rotate_left(5) ^ number).wrapping_mul(0x517c_c1b7_2722_0a95)
}
