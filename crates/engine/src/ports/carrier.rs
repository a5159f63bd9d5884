//! The carrier port, both directions: what the engine hands to the binds of carriers, and what they
//! tell the engine. The engine decides what goes over which bind and when (window, pace, priority);
//! an implementation only moves octets and reports what became of them.

use std::sync::Arc;
use std::time::Duration;

use domain::carrier_id::CarrierMessageId;
use domain::id::MessageId;
use domain::message::{CarrierName, DoneDate, ReceiptState};
use domain::msisdn::Msisdn;
use domain::sender::ShortCode;

/// One bind of one carrier: `index` is its place among the carrier's configured binds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BindId {
    /// The carrier's configured name.
    pub carrier: CarrierName,
    /// Place among the carrier's binds, from 0.
    pub index: u16,
}

/// Names one dispatch of one segment, so that answers find their way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    /// The sequence of the message's id.
    pub message: u64,
    /// The segment's place in the message, from 0.
    pub segment: u8,
    /// The dispatch's count, from 1: an answer to an earlier dispatch is not this one's.
    pub attempt: u16,
}

/// One segment to put on the wire. Its dispatch is already durable.
#[derive(Clone)]
pub struct Submission {
    /// The message that it belongs to.
    pub message: MessageId,
    /// Names it in the answer.
    pub token: Token,
    /// `source_addr`.
    pub source: ShortCode,
    /// `destination_addr`.
    pub to: Msisdn,
    /// SMPP `data_coding` (0 or 8).
    pub data_coding: u8,
    /// The user data header, empty for a message of one segment.
    pub udh: Vec<u8>,
    /// The text as SMPP wants it: one octet a septet, or UCS-2 big-endian.
    pub payload: Arc<[u8]>,
    /// What is left of its life, in seconds (1 or more).
    pub validity_seconds: u32,
    /// SMPP `priority_flag`, 0 to 3.
    pub priority: u8,
}

/// How a carrier answered one submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Taken, under this id.
    Accepted(CarrierMessageId),
    /// Refused for good, with the SMPP `command_status`, or the error code of a provider by HTTPS.
    Rejected(u32),
    /// `ESME_RTHROTTLED`: we were too fast; the segment did not go.
    Throttled(u32),
    /// We were too fast, and the carrier says for how long it takes nothing; the segment did not go.
    ThrottledFor(u32, Duration),
    /// `ESME_RMSGQFUL`: the carrier's queue is full; the segment did not go.
    QueueFull(u32),
    /// A temporary failure at the carrier (`ESME_RSYSERR`, `ESME_RX_T_APPN`); the segment did not go.
    Later(u32),
    /// No answer in the response time, or the link was lost: nobody knows whether it went.
    Silence,
    /// It was never written to the socket: it certainly did not go.
    NotSent,
}

/// A delivery receipt as the carrier sent it.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The carrier's id of the segment.
    pub carrier_id: CarrierMessageId,
    /// What became of it.
    pub state: ReceiptState,
    /// The network's error number, when there is one that is not zero.
    pub error: Option<u32>,
    /// The handset that the receipt is about, when it names one.
    pub recipient: Option<Msisdn>,
    /// When it happened by the carrier's clock, when it says so.
    pub done: Option<DoneDate>,
}

/// A message from a handset, or one part of it.
#[derive(Clone)]
pub struct Mobile {
    /// The carrier's id of it, where it gives one: a whole message that comes again under it is taken once,
    /// for as long as an idempotency key is kept.
    pub id: Option<CarrierMessageId>,
    /// The handset.
    pub from: Msisdn,
    /// The short code it wrote to.
    pub to: ShortCode,
    /// SMPP `data_coding`.
    pub data_coding: u8,
    /// The user data header, empty without UDHI.
    pub udh: Vec<u8>,
    /// The text, without the header.
    pub payload: Vec<u8>,
}

/// One `deliver_sm`.
#[derive(Clone)]
pub enum Delivery {
    /// A delivery receipt.
    Receipt(Receipt),
    /// A message from a handset.
    Mobile(Mobile),
}

/// What to answer to one `deliver_sm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is durable: `ESME_ROK`.
    Taken,
    /// It is not: answer a temporary error, so that the carrier sends it again.
    Again,
}

/// What a bind can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Transmitter: MT only.
    Transmit,
    /// Receiver: MO and receipts only.
    Receive,
    /// Transceiver: both.
    Both,
}

/// Called once with what to answer to each delivery of a batch, in its order.
pub type Verdicts = Box<dyn FnOnce(Vec<Verdict>) + Send>;

/// The engine's way out to carriers.
///
/// `submit` is called only after the dispatch of every segment in the batch is durable, never with
/// more unanswered segments than the bind's window, and from any thread; it must not block. Every
/// token handed over is answered exactly once through [`CarrierEvents::answered`], also when the
/// bind is lost (`Silence` if any octet of it may have left, `NotSent` otherwise).
///
/// For a carrier that takes whole messages ([`Unit::Message`](crate::settings::Unit)) the submissions of
/// one message stand together in one batch, every one of them that waits. They are one request: its answer
/// is given to each token, in one call. The last message of a window may be longer than what is left of it.
pub trait Carriers: Send + Sync {
    /// Puts a batch on the wire of one bind.
    fn submit(&self, bind: &BindId, batch: Vec<Submission>);
}

/// The carriers' way in to the engine.
///
/// None of these blocks or waits. `delivered` calls `verdicts` once everything of the batch is
/// durable or has failed to be, from any thread; until then no `deliver_sm_resp` may be sent.
pub trait CarrierEvents: Send + Sync {
    /// A bind is up and takes what its direction says.
    fn bound(&self, bind: &BindId, direction: Direction);
    /// A bind is gone. Answers for its open tokens follow or have been given; the reason holds no
    /// personal data.
    fn lost(&self, bind: &BindId, reason: &str);
    /// Answers to submissions, in the order in which they came.
    fn answered(&self, bind: &BindId, answers: Vec<(Token, Answer)>);
    /// What the carrier delivered, in the order in which it came.
    fn delivered(&self, bind: &BindId, batch: Vec<Delivery>, verdicts: Verdicts);
}
