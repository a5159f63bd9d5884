//! One event: what happened, to what, and whom it concerns. It is made from one entry of the ledger and
//! holds as little of persons as that does.

use std::fmt;

use domain::event::EventType;
use domain::id::{ClientId, InboundId, MessageId, OptOutId, VerificationId};
use domain::message::{DoneDate, MessageState};
use domain::sender::ShortCode;
use domain::time::Timestamp;
use domain::verification::state::State;
use ledger::Hash;

use crate::rows::OptOutStanding;

/// The id of an event: the beginning of its entry's leaf hash. It is the same whenever it is told, and
/// nobody else's, also in a gateway that was restored from a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventId([u8; 16]);

impl EventId {
    /// The id of the event that an entry tells.
    pub(crate) fn of(leaf: Hash) -> Self {
        let [id, _] = split(*leaf.as_bytes());
        Self(id)
    }
}

fn split(octets: [u8; 32]) -> [[u8; 16]; 2] {
    let (mut left, mut right) = ([0; 16], [0; 16]);
    let (first, second) = octets.split_at(16);
    left.copy_from_slice(first);
    right.copy_from_slice(second);
    [left, right]
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("evt_")?;
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A message came to stand so.
    Message {
        /// The message.
        id: MessageId,
        /// Where it stands.
        state: MessageState,
        /// The carrier's status or the network's error number, when it failed.
        error: Option<u32>,
        /// When it ended by the carrier's clock, where a receipt said so.
        done: Option<DoneDate>,
    },
    /// A message came from a handset.
    Inbound {
        /// The message.
        id: InboundId,
        /// The keyword it was, when it was one.
        keyword: Option<Box<str>>,
    },
    /// An opt-out was recorded or taken back.
    OptOut {
        /// The opt-out.
        id: OptOutId,
        /// Which of both.
        standing: OptOutStanding,
        /// Why.
        basis: Box<str>,
    },
    /// A verification ended.
    Verification {
        /// The verification.
        id: VerificationId,
        /// How.
        state: State,
        /// Codes that were evaluated.
        checks: u8,
        /// Codes that were sent.
        sends: u8,
    },
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The index of its entry in the ledger.
    pub index: u64,
    /// Its id.
    pub id: EventId,
    /// What others call it.
    pub event_type: EventType,
    /// When it happened.
    pub at: Timestamp,
    /// The client that it concerns; `None` for what concerns everybody with the short code.
    pub client: Option<ClientId>,
    /// The short code, where the entry names one.
    pub short_code: Option<ShortCode>,
    /// What happened.
    pub happening: Happening,
    /// Events of one line are told in order: the sequence of the message, or of what began it.
    pub line: u64,
}
