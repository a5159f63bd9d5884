//! One ESME's session at the simulated carrier: which PDU is answered how. It does no IO: octets come
//! in, octets go out.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use domain::time::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::behaviour::{Fate, ReceiptOrder, ReceiptSwitch};
use super::deliveries::{Address, Owner, Payload, ReceiptDue, Waiting};
use super::hub::{Hub, Shared};
use super::random::Random;
use super::receipts::{ReceiptWriter, id_text};
use crate::frame::{self, FRAME_LIMIT_OCTETS};
use crate::inline::Inline;
use crate::pdu::{
    Bind, BindKind, BindResponse, Body, MessageResponse, Pdu, ShortMessage, esm_class, id,
    next_sequence,
};
use crate::receipt::State;
use crate::status::Status;

/// What a connection does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// It goes on.
    Continue,
    /// What is waiting is written, then it ends.
    Finish,
    /// It breaks, as if the network had gone.
    Break,
}

/// A response that waits for its latency: when, to which request, the id (if taken), the status.
type Late = Reverse<(Instant, u32, u64, u32)>;

/// The moment of a batch, by both clocks.
#[derive(Clone, Copy)]
struct Moment {
    timer: Instant,
    wall: Timestamp,
}

/// One submit's place in the session.
#[derive(Clone, Copy)]
struct Turn {
    sequence: u32,
    owner: Owner,
    moment: Moment,
}

pub(super) struct Session {
    hub: Arc<Hub>,
    connection: u64,
    bound: Option<(BindKind, Owner)>,
    random: Random,
    sequence: u32,
    unanswered: HashMap<u32, Waiting>,
    late: BinaryHeap<Late>,
    writer: ReceiptWriter,
    wake: Arc<Notify>,
}

impl Session {
    pub(super) fn new(hub: Arc<Hub>, wake: Arc<Notify>) -> Self {
        let connection = hub.lock().connection();
        Self {
            random: Random::new(hub.config().seed.wrapping_add(connection)),
            hub,
            connection,
            bound: None,
            sequence: 0,
            unanswered: HashMap::new(),
            late: BinaryHeap::new(),
            writer: ReceiptWriter::default(),
            wake,
        }
    }

    pub(super) const fn is_bound(&self) -> bool {
        self.bound.is_some()
    }

    /// Answers every whole PDU in `input`; returns how many octets they were.
    pub(super) fn take(&mut self, input: &[u8], out: &mut BytesMut) -> (usize, Flow) {
        let hub = Arc::clone(&self.hub);
        let moment = Moment {
            timer: Instant::now(),
            wall: hub.now(),
        };
        let mut rest = input;
        let flow = loop {
            let frame = match frame::take(&mut rest, FRAME_LIMIT_OCTETS) {
                Ok(Some(frame)) => frame,
                Ok(None) => break Flow::Continue,
                Err(error) => {
                    tracing::debug!(%error, "simulator: no frame");
                    let status = Status::INVALID_COMMAND_LENGTH;
                    answer(out, error.nack_sequence(), status, Body::GenericNack);
                    break Flow::Finish;
                }
            };
            let flow = match Pdu::decode(frame) {
                Ok(pdu) => self.answer(pdu, moment, out),
                Err(error) => {
                    tracing::debug!(%error, "simulator: malformed PDU");
                    answer(out, error.sequence, error.why.status(), Body::GenericNack);
                    Flow::Finish
                }
            };
            if flow != Flow::Continue {
                break flow;
            }
        };
        (input.len() - rest.len(), flow)
    }

    fn answer(&mut self, pdu: Pdu<'_>, moment: Moment, out: &mut BytesMut) -> Flow {
        let sequence = pdu.sequence;
        match pdu.body {
            Body::SubmitSm(message) => return self.submit(sequence, &message, moment, out),
            Body::DeliverSmResponse(_) => self.delivered(sequence, pdu.status, moment.timer),
            Body::EnquireLink => answer(out, sequence, Status::OK, Body::EnquireLinkResponse),
            Body::Bind(kind, bind) => return self.bind(sequence, kind, &bind, out),
            Body::Unbind => {
                answer(out, sequence, Status::OK, Body::UnbindResponse);
                return Flow::Finish;
            }
            Body::Unknown { id, .. } if id & id::RESPONSE == 0 => {
                answer(out, sequence, Status::INVALID_COMMAND_ID, Body::GenericNack);
            }
            Body::DeliverSm(_) | Body::Query(_) | Body::Cancel(_) | Body::SubmitMulti(_) => {
                answer(out, sequence, Status::INVALID_COMMAND_ID, Body::GenericNack);
            }
            Body::BindResponse(..)
            | Body::SubmitSmResponse(_)
            | Body::QueryResponse(_)
            | Body::CancelResponse
            | Body::SubmitMultiResponse(_)
            | Body::EnquireLinkResponse
            | Body::UnbindResponse
            | Body::GenericNack
            | Body::Unknown { .. } => {}
        }
        Flow::Continue
    }

    fn bind(&mut self, sequence: u32, kind: BindKind, bind: &Bind<'_>, out: &mut BytesMut) -> Flow {
        let refuse = |out: &mut BytesMut, status| {
            answer(
                out,
                sequence,
                status,
                Body::BindResponse(kind, BindResponse::default()),
            );
        };
        if self.bound.is_some() {
            refuse(out, Status::ALREADY_BOUND);
            return Flow::Continue;
        }
        let owner = match self.hub.admit(bind.system_id, bind.password) {
            Ok(owner) => owner,
            Err(status) => {
                refuse(out, status);
                return Flow::Finish;
            }
        };
        self.bound = Some((kind, owner));
        let mut shared = self.hub.lock();
        shared.stats.binds += 1;
        if kind.receives() {
            shared.enter(self.connection, owner, Arc::clone(&self.wake));
        }
        let name = self.hub.config().name.as_bytes();
        let response = BindResponse {
            system_id: Some(name),
            ..BindResponse::default()
        };
        answer(
            out,
            sequence,
            Status::OK,
            Body::BindResponse(kind, response),
        );
        Flow::Continue
    }

    fn submit(
        &mut self,
        sequence: u32,
        message: &ShortMessage<'_>,
        moment: Moment,
        out: &mut BytesMut,
    ) -> Flow {
        let Some((_, owner)) = self.bound.filter(|(kind, _)| kind.transmits()) else {
            respond(out, sequence, Status::INVALID_BIND_STATUS, b"");
            return Flow::Continue;
        };
        let turn = Turn {
            sequence,
            owner,
            moment,
        };
        let hub = Arc::clone(&self.hub);
        let mut shared = hub.lock();
        let fate = shared.behaviour.fate(&mut self.random);
        if let Fate::Refused(status) = fate {
            shared.stats.refused += 1;
            self.respond_in_time(turn, 0, status, &shared, out);
            return Flow::Continue;
        }
        let message_id = shared.take(message, moment.wall);
        self.plan_receipt(message_id, message, turn, &mut shared, out);
        match fate {
            Fate::Silent => shared.stats.silent += 1,
            Fate::Disconnected => return Flow::Break,
            Fate::Accepted | Fate::Refused(_) => {
                self.respond_in_time(turn, message_id, Status::OK, &shared, out);
            }
        }
        Flow::Continue
    }

    /// Answers a submit now, or after the latency that is drawn for it.
    fn respond_in_time(
        &mut self,
        turn: Turn,
        message_id: u64,
        status: Status,
        shared: &Shared,
        out: &mut BytesMut,
    ) {
        let latency = shared.behaviour.latency.draw(&mut self.random);
        if latency.is_zero() {
            respond_with(out, turn.sequence, status, message_id, shared);
        } else {
            let due = turn.moment.timer + latency;
            self.late
                .push(Reverse((due, turn.sequence, message_id, status.0)));
        }
    }

    /// Lets a receipt come, if one is asked for.
    fn plan_receipt(
        &mut self,
        message_id: u64,
        message: &ShortMessage<'_>,
        turn: Turn,
        shared: &mut Shared,
        out: &mut BytesMut,
    ) {
        let plan = shared.behaviour.receipts;
        let failed = self.random.chance(plan.undelivered_rate);
        let asked = match message.registered_delivery & 3 {
            1 => true,
            2 => failed,
            _ => false,
        };
        if plan.switch == ReceiptSwitch::Off || !asked {
            return;
        }
        let state = if failed {
            State::Undeliverable
        } else {
            State::Delivered
        };
        let overtakes = plan.order == ReceiptOrder::BeforeResponse && self.receives().is_some();
        let repeated = self.random.chance(plan.duplicate_rate);
        for _ in 0..=u8::from(repeated) {
            let delay = plan.delay.draw(&mut self.random);
            let due = turn.moment.timer + if overtakes { Duration::ZERO } else { delay };
            if shared.deliveries.count() >= self.hub.config().waiting_max {
                shared.stats.receipts_dropped += 1;
                continue;
            }
            let receipt = receipt(message_id, message, state, turn.moment.wall);
            let payload = Box::new(Payload::Receipt(receipt));
            shared.deliveries.push(turn.owner, due, payload);
        }
        if overtakes {
            self.deliver_due(turn.owner, shared, turn.moment, out);
        } else if self.receives().is_none() {
            shared.wake(turn.owner);
        }
    }

    /// Whose deliveries this session receives.
    fn receives(&self) -> Option<Owner> {
        self.bound
            .filter(|(kind, _)| kind.receives())
            .map(|(_, owner)| owner)
    }

    /// A receiver answered a delivery: it is done, or comes again.
    fn delivered(&mut self, sequence: u32, status: Status, now: Instant) {
        let Some(mut waiting) = self.unanswered.remove(&sequence) else {
            return;
        };
        let mut shared = self.hub.lock();
        match (status, &*waiting.payload) {
            (Status::OK, Payload::Receipt(_)) => shared.stats.receipts_acked += 1,
            (Status::OK, Payload::Mobile(_)) => shared.stats.mo_acked += 1,
            _ => {
                waiting.due = now + self.hub.config().retry_delay;
                shared.deliveries.put_back(waiting);
            }
        }
    }

    /// Writes everything that is due. Returns when there is more to do without new input.
    pub(super) fn write_due(&mut self, out: &mut BytesMut) -> Option<Instant> {
        let hub = Arc::clone(&self.hub);
        let mut shared = hub.lock();
        let moment = Moment {
            timer: Instant::now(),
            wall: hub.now(),
        };
        while let Some(Reverse((due, sequence, message_id, status))) = self.late.peek().copied() {
            if due > moment.timer {
                break;
            }
            self.late.pop();
            respond_with(out, sequence, Status(status), message_id, &shared);
        }
        let late = self.late.peek().map(|Reverse((due, ..))| *due);
        let Some(owner) = self.receives() else {
            return late;
        };
        self.deliver_due(owner, &mut shared, moment, out);
        if self.unanswered.len() >= hub.config().window_max {
            return late;
        }
        let next = shared.deliveries.next_due(owner);
        late.into_iter().chain(next).min()
    }

    /// Writes the deliveries that are due, as far as the window allows.
    fn deliver_due(
        &mut self,
        owner: Owner,
        shared: &mut Shared,
        moment: Moment,
        out: &mut BytesMut,
    ) {
        while self.unanswered.len() < self.hub.config().window_max {
            let Some(waiting) = shared.deliveries.pop_due(owner, moment.timer) else {
                return;
            };
            self.sequence = next_sequence(self.sequence);
            let written = match &*waiting.payload {
                Payload::Receipt(receipt) => {
                    shared.stats.receipts_sent += 1;
                    let (plan, now) = (&shared.behaviour.receipts, moment.wall.seconds());
                    self.writer.write(receipt, plan, self.sequence, now, out)
                }
                Payload::Mobile(part) => {
                    shared.stats.mo_sent += 1;
                    let message = ShortMessage {
                        source: part.handset.view(),
                        destination: part.short_code.view(),
                        esm_class: part.esm_class,
                        data_coding: part.data_coding,
                        short_message: &part.octets,
                        ..ShortMessage::default()
                    };
                    Pdu::request(self.sequence, Body::DeliverSm(message)).encode(out)
                }
            };
            match written {
                Ok(()) => drop(self.unanswered.insert(self.sequence, waiting)),
                Err(error) => tracing::warn!(%error, "simulator: a delivery cannot be written"),
            }
        }
    }

    /// The connection is gone: what was not answered waits for the next receiver.
    pub(super) fn end(&mut self) {
        let mut shared = self.hub.lock();
        shared.leave(self.connection);
        for (_, waiting) in self.unanswered.drain() {
            shared.deliveries.put_back(waiting);
        }
        if let Some((_, owner)) = self.bound {
            shared.wake(owner);
            shared.wake(Owner::ANYONE);
        }
    }
}

fn receipt(id: u64, message: &ShortMessage<'_>, state: State, now: Timestamp) -> ReceiptDue {
    let plain = message.data_coding == 0 && message.esm_class & esm_class::UDHI == 0;
    ReceiptDue {
        id,
        sender: Address::copy(&message.source),
        handset: Address::copy(&message.destination),
        state,
        submitted_seconds: now.seconds(),
        text: Inline::new(if plain { message.payload() } else { b"" }),
    }
}

/// Writes a submit_sm_resp with the id in the form of the behaviour.
fn respond_with(out: &mut BytesMut, sequence: u32, status: Status, id: u64, shared: &Shared) {
    respond(
        out,
        sequence,
        status,
        id_text(id, shared.behaviour.id_form).as_slice(),
    );
}

fn respond(out: &mut BytesMut, sequence: u32, status: Status, message_id: &[u8]) {
    let response = match status {
        Status::OK => MessageResponse::with_id(message_id),
        _ => MessageResponse::default(),
    };
    answer(out, sequence, status, Body::SubmitSmResponse(response));
}

/// Writes a response. All of them are within their limits, but for a name set too long.
fn answer(out: &mut BytesMut, sequence: u32, status: Status, body: Body<'_>) {
    if let Err(error) = Pdu::response(sequence, status, body).encode(out) {
        tracing::warn!(%error, "simulator: a response cannot be written");
    }
}
