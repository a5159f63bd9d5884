//! What is said in one session with an ESME, without any IO: PDUs come in as octets, and what can be said at
//! once goes out as octets; the rest is work for the engine, whose outcome is written later.
//!
//! ```text
//! open ──bind──► binding ──yes──► bound ──unbind──► leaving ──all answered──► closed
//!                   └─────no──► closed
//! ```

use std::sync::Arc;

use bytes::BytesMut;
use engine::EsmeDelivery;
use tokio::time::Instant;

use super::chatter::Chatter;
use super::counters::ServerCounters;
use super::deliveries::Deliveries;
use super::parts::{Asked, Part, Parts};
use super::replies::{bind_response, nack, refuse, submit_response, write};
use super::request::{Ground, handset, payload, terms};
use super::settings::ServerSettings;
use super::statuses;
use super::work::{BindWork, Many, One, Work};
use crate::frame::{self, Frame};
use crate::pdu::{
    Bind, BindKind, Body, Cancel, Destination, Multi, Pdu, Query, ShortMessage, id, next_sequence,
};
use crate::status::Status;
use zeroize::Zeroizing;

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Connected.
    Open,
    /// A bind is being looked at; what follows it waits.
    Binding,
    /// Bound.
    Bound(BindKind),
    /// The peer unbound with this sequence number; what it asked before is still answered.
    Leaving(u32),
}

/// What a connection does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// It goes on.
    Continue,
    /// It spoke another protocol before it ever bound.
    Foreign,
    /// It broke the protocol.
    Broken,
    /// It answered our unbind.
    Unbound,
}

pub(super) struct Conversation {
    settings: Arc<ServerSettings>,
    counters: Arc<ServerCounters>,
    phase: Phase,
    parts: Parts,
    deliveries: Deliveries,
    /// Work that the engine has not done yet.
    under_way: usize,
    malformed: u32,
    chatter: Chatter,
    /// The number of our last request.
    sequence: u32,
    heard_at: Instant,
    enquired_at: Option<Instant>,
}

/// One request's place: its number, and where its answer or its work goes.
struct Turn<'t> {
    sequence: u32,
    out: &'t mut BytesMut,
    work: &'t mut Vec<Work>,
}

impl Conversation {
    pub(super) fn new(settings: Arc<ServerSettings>, counters: Arc<ServerCounters>) -> Self {
        Self {
            chatter: Chatter::new(settings.chatter_per_second_max),
            settings,
            counters,
            phase: Phase::Open,
            parts: Parts::default(),
            deliveries: Deliveries::default(),
            under_way: 0,
            malformed: 0,
            sequence: 0,
            heard_at: Instant::now(),
            enquired_at: None,
        }
    }

    /// Stands there from the beginning.
    pub(super) const fn begin(&mut self, phase: Phase) {
        self.phase = phase;
    }

    pub(super) const fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether nothing more is looked at until something is answered.
    pub(super) fn is_full(&self) -> bool {
        match self.phase {
            Phase::Binding | Phase::Leaving(_) => true,
            // Parts alone never stop the reading: what they wait for may be next.
            Phase::Open | Phase::Bound(_) => {
                let asked = self.under_way + self.parts.held();
                self.under_way > 0 && asked >= self.settings.window_max
            }
        }
    }

    /// Until when nothing more is heard, since too much of what was said is no work.
    pub(super) fn quiet_until(&self) -> Option<Instant> {
        self.chatter.quiet_until(Instant::now())
    }

    /// Whether the engine has done all its work.
    pub(super) const fn is_idle(&self) -> bool {
        self.under_way == 0
    }

    /// Takes the whole PDUs of `input`, as many as the window allows; how many octets they were. `ground` is
    /// there while the session is bound.
    pub(super) fn take(
        &mut self,
        input: &[u8],
        ground: Option<&Ground<'_>>,
        out: &mut BytesMut,
        work: &mut Vec<Work>,
    ) -> (usize, Flow) {
        let mut rest = input;
        let flow = loop {
            if self.is_full() || self.quiet_until().is_some() {
                break Flow::Continue;
            }
            match frame::take(&mut rest, self.settings.frame_octets_max) {
                Ok(None) => break Flow::Continue,
                Ok(Some(frame)) => {
                    self.heard_at = Instant::now();
                    self.enquired_at = None;
                    let before = self.matter(work);
                    let flow = self.take_frame(frame, ground, out, work);
                    if self.matter(work) == before {
                        self.was_chatter();
                    }
                    if flow != Flow::Continue {
                        break flow;
                    }
                }
                Err(error) => {
                    nack(out, error.nack_sequence(), Status::INVALID_COMMAND_LENGTH);
                    break match self.phase {
                        Phase::Open => Flow::Foreign,
                        _ => Flow::Broken,
                    };
                }
            }
        };
        (input.len() - rest.len(), flow)
    }

    /// What changes with every PDU that matters: work, parts that wait, and deliveries that do.
    fn matter(&self, work: &[Work]) -> (usize, usize, usize) {
        (work.len(), self.parts.held(), self.deliveries.len())
    }

    fn was_chatter(&mut self) {
        self.chatter.one(self.heard_at);
        if self.quiet_until().is_some() {
            self.counters.chatter.one();
        }
    }

    /// Gives up on the oldest message that began before, if there is one.
    fn give_up_parts(&mut self, before: Instant, out: &mut BytesMut) -> bool {
        let Some(sequences) = self.parts.give_up(before) else {
            return false;
        };
        for sequence in sequences {
            self.counters.submits_refused.one();
            submit_response(out, sequence, Err(Status::TEMPORARY_APPLICATION_ERROR));
        }
        true
    }

    fn take_frame(
        &mut self,
        frame: Frame<'_>,
        ground: Option<&Ground<'_>>,
        out: &mut BytesMut,
        work: &mut Vec<Work>,
    ) -> Flow {
        match Pdu::decode(frame) {
            Ok(pdu) => {
                let sequence = pdu.sequence;
                let mut turn = Turn {
                    sequence,
                    out,
                    work,
                };
                self.take_pdu(&pdu, ground, &mut turn)
            }
            Err(error) => {
                self.counters.malformed.one();
                self.malformed = self.malformed.saturating_add(1);
                if error.id & id::RESPONSE == 0 {
                    refuse(
                        out,
                        error.id,
                        error.sequence,
                        statuses::of_malformed(&error),
                    );
                }
                if self.malformed > self.settings.malformed_max {
                    return Flow::Broken;
                }
                Flow::Continue
            }
        }
    }

    fn take_pdu(
        &mut self,
        pdu: &Pdu<'_>,
        ground: Option<&Ground<'_>>,
        turn: &mut Turn<'_>,
    ) -> Flow {
        let sequence = turn.sequence;
        match &pdu.body {
            Body::Bind(kind, bind) => self.bind(*kind, bind, turn),
            Body::EnquireLink => {
                let body = Body::EnquireLinkResponse;
                write(turn.out, Pdu::response(sequence, Status::OK, body));
            }
            Body::Unbind if matches!(self.phase, Phase::Bound(_)) => {
                // Nothing that is missing will come.
                while self.give_up_parts(Instant::now(), turn.out) {}
                self.phase = Phase::Leaving(sequence);
            }
            Body::SubmitSm(_) | Body::SubmitMulti(_) | Body::Query(_) | Body::Cancel(_) => {
                let transmits = matches!(self.phase, Phase::Bound(kind) if kind.transmits());
                match ground.filter(|_| transmits) {
                    Some(ground) => self.request(&pdu.body, ground, turn),
                    None => self.misplaced(pdu.body.id(), turn),
                }
            }
            Body::Unbind => self.misplaced(id::UNBIND, turn),
            Body::UnbindResponse => return Flow::Unbound,
            Body::Unknown {
                id: id::OUTBIND | id::ALERT_NOTIFICATION,
                ..
            } => {}
            Body::DeliverSm(_) => nack(turn.out, sequence, Status::INVALID_COMMAND_ID),
            Body::Unknown { id, .. } if id & id::RESPONSE == 0 => {
                nack(turn.out, sequence, Status::INVALID_COMMAND_ID);
            }
            Body::DeliverSmResponse(_) => self.deliveries.answered(sequence, pdu.status),
            Body::GenericNack => self.deliveries.answered(sequence, Status::UNKNOWN_ERROR),
            Body::EnquireLinkResponse
            | Body::BindResponse(..)
            | Body::SubmitSmResponse(_)
            | Body::QueryResponse(_)
            | Body::CancelResponse
            | Body::SubmitMultiResponse(_)
            | Body::Unknown { .. } => {}
        }
        Flow::Continue
    }

    /// A request that the state of the session does not allow.
    fn misplaced(&self, id: u32, turn: &mut Turn<'_>) {
        self.counters.misplaced.one();
        refuse(turn.out, id, turn.sequence, Status::INVALID_BIND_STATUS);
    }

    fn bind(&mut self, kind: BindKind, bind: &Bind<'_>, turn: &mut Turn<'_>) {
        if self.phase != Phase::Open {
            return bind_response(turn.out, (turn.sequence, kind), Err(Status::ALREADY_BOUND));
        }
        // 0x34 is SMPP 3.4, what is below has less; 0x50 has more, of which we use nothing.
        if !matches!(bind.interface_version, 0..=0x34 | 0x50) {
            return bind_response(turn.out, (turn.sequence, kind), Err(Status::BIND_FAILED));
        }
        self.phase = Phase::Binding;
        self.under_way += 1;
        turn.work.push(Work::Bind(BindWork {
            sequence: turn.sequence,
            kind,
            system_id: bind.system_id.into(),
            password: Zeroizing::new(bind.password.to_vec()),
        }));
    }

    /// What became of the bind.
    pub(super) fn bound(
        &mut self,
        (sequence, kind): (u32, BindKind),
        outcome: Result<(), Status>,
        out: &mut BytesMut,
    ) {
        self.under_way = self.under_way.saturating_sub(1);
        self.phase = match outcome {
            Ok(()) => Phase::Bound(kind),
            Err(_) => Phase::Open,
        };
        let name = outcome.map(|()| self.settings.name.as_bytes());
        bind_response(out, (sequence, kind), name);
    }

    fn request(&mut self, body: &Body<'_>, ground: &Ground<'_>, turn: &mut Turn<'_>) {
        match body {
            Body::SubmitSm(message) => self.submit(message, ground, turn),
            Body::SubmitMulti(multi) => self.multi(multi, ground, turn),
            Body::Query(query) => self.query(query, turn),
            Body::Cancel(cancel) => self.cancel(cancel, turn),
            _ => {}
        }
    }

    fn submit(&mut self, message: &ShortMessage<'_>, ground: &Ground<'_>, turn: &mut Turn<'_>) {
        let sequence = turn.sequence;
        if let Err(status) =
            self.try_submit(message, ground, (sequence, &mut *turn.out, &mut *turn.work))
        {
            self.counters.submits_refused.one();
            submit_response(turn.out, sequence, Err(status));
        }
    }

    fn try_submit(
        &mut self,
        message: &ShortMessage<'_>,
        ground: &Ground<'_>,
        (sequence, out, work): (u32, &mut BytesMut, &mut Vec<Work>),
    ) -> Result<(), Status> {
        let terms = terms(message, ground)?;
        let to = handset(&message.destination)?;
        let payload = payload(message)?;
        let receipts = terms.receipts;
        let key = terms.key.clone();
        let Some((thread, ordinal)) = payload.thread(&terms, to) else {
            let request = Box::new(terms.request(to, payload.octets)?);
            let sequences = vec![sequence];
            self.under_way += 1;
            work.push(Work::Submit(One {
                sequences,
                request,
                receipts,
                key,
            }));
            return Ok(());
        };
        let part = Part {
            thread,
            ordinal,
            sequence,
            octets: Zeroizing::new(payload.octets.to_vec()),
            asked: Asked { receipts, key },
        };
        let (whole, replaced) = self.parts.insert(part, Instant::now());
        if let Some(replaced) = replaced {
            submit_response(out, replaced, Err(Status::TEMPORARY_APPLICATION_ERROR));
        }
        let Some(whole) = whole else {
            if self.parts.held() > self.settings.window_max {
                self.give_up_parts(Instant::now(), out);
            }
            return Ok(());
        };
        match terms.request(to, &whole.octets) {
            Ok(request) => {
                self.under_way += 1;
                work.push(Work::Submit(One {
                    sequences: whole.sequences,
                    request: Box::new(request),
                    receipts: whole.asked.receipts,
                    key: whole.asked.key,
                }));
            }
            Err(status) => {
                for sequence in whole.sequences {
                    self.counters.submits_refused.one();
                    submit_response(out, sequence, Err(status));
                }
            }
        }
        Ok(())
    }

    fn multi(&mut self, multi: &Multi<'_>, ground: &Ground<'_>, turn: &mut Turn<'_>) {
        match self.many(multi, ground) {
            Ok(items) => {
                self.under_way += 1;
                let (sequence, receipts) = (turn.sequence, items.1);
                turn.work.push(Work::Multi(Many {
                    sequence,
                    items: items.0,
                    receipts,
                }));
            }
            Err(status) => {
                self.counters.submits_refused.one();
                refuse(turn.out, id::SUBMIT_MULTI, turn.sequence, status);
            }
        }
    }

    fn many(
        &self,
        multi: &Multi<'_>,
        ground: &Ground<'_>,
    ) -> Result<(Vec<super::work::Item>, engine::EsmeReceipts), Status> {
        let count = multi.destinations.count();
        if count == 0 || count > self.settings.destinations_max {
            return Err(Status::INVALID_DESTINATION_COUNT);
        }
        let terms = terms(&multi.message, ground)?;
        let payload = payload(&multi.message)?;
        if payload.place.is_some_and(|place| place.total() > 1) {
            return Err(Status::INVALID_ESM_CLASS);
        }
        if terms.key.is_some() {
            return Err(Status::OPTION_NOT_ALLOWED);
        }
        let mut items = Vec::with_capacity(usize::from(count));
        for destination in multi.destinations.iter() {
            let Destination::Handset(address) = destination else {
                return Err(Status::CANNOT_SUBMIT_TO_LIST);
            };
            let request = match handset(&address) {
                Ok(to) => Ok(terms.clone().request(to, payload.octets)?),
                Err(status) => Err(status),
            };
            items.push(super::work::Item {
                address: (address.ton, address.npi, address.reveal().into()),
                request: request.map(Box::new),
            });
        }
        Ok((items, terms.receipts))
    }

    fn query(&mut self, query: &Query<'_>, turn: &mut Turn<'_>) {
        let id = std::str::from_utf8(query.message_id)
            .ok()
            .and_then(|id| id.parse().ok());
        let Some(message) = id else {
            return refuse(
                turn.out,
                id::QUERY_SM,
                turn.sequence,
                Status::INVALID_MESSAGE_ID,
            );
        };
        self.under_way += 1;
        let sequence = turn.sequence;
        turn.work.push(Work::Query { sequence, message });
    }

    fn cancel(&mut self, cancel: &Cancel<'_>, turn: &mut Turn<'_>) {
        // Without an id all messages to a number are meant: nothing that would be told apart afterwards.
        let id = std::str::from_utf8(cancel.message_id)
            .ok()
            .and_then(|id| id.parse().ok());
        let Some(message) = id else {
            return refuse(
                turn.out,
                id::CANCEL_SM,
                turn.sequence,
                Status::INVALID_MESSAGE_ID,
            );
        };
        self.under_way += 1;
        let sequence = turn.sequence;
        turn.work.push(Work::Cancel { sequence, message });
    }

    /// Writes what became of submits, which are one message.
    pub(super) fn submitted(
        &mut self,
        sequences: &[u32],
        outcome: Result<&str, Status>,
        out: &mut BytesMut,
    ) {
        self.done();
        let count = u64::try_from(sequences.len()).unwrap_or(u64::MAX);
        match outcome {
            Ok(_) => self.counters.submits.add(count),
            Err(_) => self.counters.submits_refused.add(count),
        }
        for sequence in sequences {
            submit_response(out, *sequence, outcome.map(str::as_bytes));
        }
    }

    /// Writes the answer to a submit_multi, which counts as one submit: taken when any handset gets it.
    pub(super) fn submitted_many(&mut self, answer: Pdu<'_>, out: &mut BytesMut) {
        match answer.status {
            Status::OK => self.counters.submits.one(),
            _ => self.counters.submits_refused.one(),
        }
        self.answered(answer, out);
    }

    /// Writes an answer to a request that was work.
    pub(super) fn answered(&mut self, answer: Pdu<'_>, out: &mut BytesMut) {
        self.done();
        write(out, answer);
    }

    const fn done(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// How many more deliveries may be on their way.
    pub(super) fn delivery_room(&self) -> usize {
        match self.phase {
            Phase::Bound(kind) if kind.receives() => {
                let most = self.settings.delivery_window_max;
                most.saturating_sub(self.deliveries.len())
            }
            _ => 0,
        }
    }

    /// Writes deliveries.
    pub(super) fn deliver(&mut self, deliveries: Vec<EsmeDelivery>, out: &mut BytesMut) {
        if !matches!(self.phase, Phase::Bound(_)) {
            // It has unbound meanwhile: they wait for its next bind.
            return drop(deliveries);
        }
        let now = Instant::now();
        self.counters
            .deliveries
            .add(u64::try_from(deliveries.len()).unwrap_or(u64::MAX));
        for delivery in deliveries {
            self.sequence = next_sequence(self.sequence);
            self.deliveries.write(self.sequence, delivery, now, out);
        }
    }

    /// Gives up on parts and on answers to deliveries, and asks a quiet peer whether it lives; `false` when it does not.
    pub(super) fn check_timers(&mut self, now: Instant, out: &mut BytesMut) -> bool {
        if let Some(before) = now.checked_sub(self.settings.parts_timeout) {
            while self.give_up_parts(before, out) {}
        }
        self.deliveries.expire(self.settings.response_timeout, now);
        match (self.phase, self.enquired_at) {
            (Phase::Bound(_), Some(at)) => now.duration_since(at) < self.settings.response_timeout,
            (Phase::Bound(_), None) => {
                if now.duration_since(self.heard_at) >= self.settings.idle_timeout {
                    self.enquired_at = Some(now);
                    self.say(Body::EnquireLink, out);
                }
                true
            }
            _ => true,
        }
    }

    /// Writes a request of ours.
    pub(super) fn say(&mut self, body: Body<'_>, out: &mut BytesMut) {
        self.sequence = next_sequence(self.sequence);
        write(out, Pdu::request(self.sequence, body));
    }

    /// Writes the answer to the peer's unbind.
    pub(super) fn leave(out: &mut BytesMut, sequence: u32) {
        write(
            out,
            Pdu::response(sequence, Status::OK, Body::UnbindResponse),
        );
    }
}
