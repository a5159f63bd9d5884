//! What is said on a bound session, without any IO: PDUs come in as octets, answers go out as octets,
//! and the engine is told in batches.

use std::sync::Arc;

use bytes::BytesMut;
use engine::ports::carrier::{
    Answer, CarrierEvents, Delivery, Submission, Token, Verdict, Verdicts,
};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::super::config::LinkConfig;
use super::super::ending::Ending;
use super::super::inbound;
use super::super::outbound::Window;
use crate::frame;
use crate::pdu::{Body, MessageResponse, Pdu, ShortMessage, id, next_sequence};
use crate::status::Status;
use crate::wire::Wire;

/// A batch of deliveries, and what the engine said to each.
pub(super) struct Judged {
    sequences: Vec<u32>,
    octets: usize,
    verdicts: Vec<Verdict>,
}

/// The bind was number 1.
const BIND_SEQUENCE: u32 = 1;

/// What one read brought.
#[derive(Default)]
struct Batch {
    answers: Vec<(Token, Answer)>,
    sequences: Vec<u32>,
    deliveries: Vec<Delivery>,
    /// Of the text in the deliveries.
    octets: usize,
}

pub(super) struct Conversation<'a> {
    config: &'a LinkConfig,
    events: &'a Arc<dyn CarrierEvents>,
    judge: mpsc::UnboundedSender<Judged>,
    pub(super) window: Window,
    sequence: u32,
    /// Deliveries that the engine has not judged yet.
    unjudged: usize,
    /// Octets of their texts.
    unjudged_octets: usize,
    /// Deliveries refused for good that the log does not know of yet, and why the last one was.
    refused: Option<(u64, Status)>,
    heard_at: Instant,
    enquired_at: Option<Instant>,
    /// The sequence number of our unbind, once it is said.
    farewell: Option<u32>,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(
        config: &'a LinkConfig,
        events: &'a Arc<dyn CarrierEvents>,
        judge: mpsc::UnboundedSender<Judged>,
    ) -> Self {
        Self {
            config,
            events,
            judge,
            window: Window::new(config.window_max),
            sequence: BIND_SEQUENCE,
            unjudged: 0,
            unjudged_octets: 0,
            refused: None,
            heard_at: Instant::now(),
            enquired_at: None,
            farewell: None,
        }
    }

    /// Whether nothing is under way in either direction.
    pub(super) fn is_idle(&self) -> bool {
        self.window.is_empty() && self.unjudged == 0
    }

    pub(super) fn submit(&mut self, submission: &Submission, wire: &mut Wire) -> Option<Answer> {
        let sequence = self.next_sequence();
        self.window.submit(submission, sequence, self.config, wire)
    }

    pub(super) fn unbind(&mut self, out: &mut BytesMut) {
        let sequence = self.next_sequence();
        self.farewell = Some(sequence);
        write(out, Pdu::request(sequence, Body::Unbind));
    }

    /// Takes every whole PDU of `input`; returns how many octets they were. What was read before a
    /// PDU that ends the session still counts.
    pub(super) fn take(&mut self, input: &[u8], out: &mut BytesMut) -> (usize, Result<(), Ending>) {
        let mut batch = Batch::default();
        let mut rest = input;
        let result = loop {
            match frame::take(&mut rest, self.config.frame_limit_octets) {
                Ok(None) => break Ok(()),
                Ok(Some(frame)) => {
                    self.heard_at = Instant::now();
                    self.enquired_at = None;
                    if let Err(ending) = self.take_frame(frame, &mut batch, out) {
                        break Err(ending);
                    }
                }
                Err(error) => {
                    nack(out, error.nack_sequence(), Status::INVALID_COMMAND_LENGTH);
                    break Err(error.into());
                }
            }
        };
        self.hand_over(batch);
        (input.len() - rest.len(), result)
    }

    fn take_frame(
        &mut self,
        frame: frame::Frame<'_>,
        batch: &mut Batch,
        out: &mut BytesMut,
    ) -> Result<(), Ending> {
        match Pdu::decode(frame) {
            Ok(pdu) => self.take_pdu(&pdu, batch, out),
            Err(error) => {
                // A response is not answered, not even a broken one.
                if error.id & id::RESPONSE == 0 {
                    nack(out, error.sequence, error.why.status());
                }
                Err(error.into())
            }
        }
    }

    fn take_pdu(
        &mut self,
        pdu: &Pdu<'_>,
        batch: &mut Batch,
        out: &mut BytesMut,
    ) -> Result<(), Ending> {
        let sequence = pdu.sequence;
        match &pdu.body {
            Body::SubmitSmResponse(response) => {
                batch
                    .answers
                    .extend(self.window.answer(sequence, pdu.status, response));
            }
            Body::DeliverSm(message) => self.take_delivery(sequence, message, batch, out),
            Body::EnquireLink => {
                write(
                    out,
                    Pdu::response(sequence, Status::OK, Body::EnquireLinkResponse),
                );
            }
            Body::Unbind => {
                write(
                    out,
                    Pdu::response(sequence, Status::OK, Body::UnbindResponse),
                );
                return Err(Ending::Unbound);
            }
            Body::UnbindResponse if self.farewell == Some(sequence) => return Err(Ending::Stopped),
            Body::GenericNack => {
                let status = if pdu.status == Status::OK {
                    Status::UNKNOWN_ERROR
                } else {
                    pdu.status
                };
                let response = MessageResponse::default();
                batch
                    .answers
                    .extend(self.window.answer(sequence, status, &response));
            }
            Body::Unknown {
                id: id::OUTBIND | id::ALERT_NOTIFICATION,
                ..
            }
            | Body::EnquireLinkResponse
            | Body::UnbindResponse
            | Body::BindResponse(..)
            | Body::DeliverSmResponse(_)
            | Body::QueryResponse(_)
            | Body::CancelResponse
            | Body::SubmitMultiResponse(_) => {}
            Body::Unknown { id, .. } if id & id::RESPONSE != 0 => {}
            Body::Unknown { .. }
            | Body::Bind(..)
            | Body::SubmitSm(_)
            | Body::Query(_)
            | Body::Cancel(_)
            | Body::SubmitMulti(_) => {
                nack(out, sequence, Status::INVALID_COMMAND_ID);
            }
        }
        Ok(())
    }

    fn take_delivery(
        &mut self,
        sequence: u32,
        message: &ShortMessage<'_>,
        batch: &mut Batch,
        out: &mut BytesMut,
    ) {
        let octets = message.payload().len();
        if !self.has_room(batch, octets) {
            return acknowledge(out, sequence, Status::TEMPORARY_APPLICATION_ERROR);
        }
        match inbound::delivery(message) {
            Ok(delivery) => {
                batch.sequences.push(sequence);
                batch.deliveries.push(delivery);
                batch.octets += octets;
            }
            Err(status) => {
                let count = self.refused.map_or(0, |(count, _)| count);
                self.refused = Some((count.saturating_add(1), status));
                acknowledge(out, sequence, status);
            }
        }
    }

    /// Whether one more delivery stays within both bounds. The first one always does.
    fn has_room(&self, batch: &Batch, octets: usize) -> bool {
        let count = self.unjudged + batch.sequences.len();
        let octets = self.unjudged_octets + batch.octets + octets;
        count < self.config.deliveries_max
            && (count == 0 || octets <= self.config.deliveries_octets_max)
    }

    /// Says how many deliveries were refused since it last said so: a carrier must not be able to
    /// fill the log.
    pub(super) fn log_refused(&mut self) {
        if let Some((count, status)) = self.refused.take() {
            let carrier = &self.config.bind.carrier;
            tracing::warn!(%carrier, count, %status, "deliveries were refused for good");
        }
    }

    /// Tells the engine what one read brought.
    fn hand_over(&mut self, batch: Batch) {
        let bind = &self.config.bind;
        if !batch.answers.is_empty() {
            self.events.answered(bind, batch.answers);
        }
        if batch.deliveries.is_empty() {
            return;
        }
        self.unjudged += batch.sequences.len();
        self.unjudged_octets += batch.octets;
        let judge = self.judge.clone();
        let (sequences, octets) = (batch.sequences, batch.octets);
        let verdicts: Verdicts = Box::new(move |verdicts| {
            // The session may be gone; then the carrier delivers again on the next one.
            let _ = judge.send(Judged {
                sequences,
                octets,
                verdicts,
            });
        });
        self.events.delivered(bind, batch.deliveries, verdicts);
    }

    /// Answers deliveries that the engine has judged.
    pub(super) fn acknowledge(&mut self, judged: &mut Vec<Judged>, out: &mut BytesMut) {
        for batch in judged.drain(..) {
            let Judged {
                sequences,
                octets,
                verdicts,
            } = batch;
            self.unjudged = self.unjudged.saturating_sub(sequences.len());
            self.unjudged_octets = self.unjudged_octets.saturating_sub(octets);
            // A verdict that is missing must not make a carrier forget.
            let verdicts = verdicts
                .into_iter()
                .chain(std::iter::repeat(Verdict::Again));
            for (sequence, verdict) in sequences.into_iter().zip(verdicts) {
                let status = match verdict {
                    Verdict::Taken => Status::OK,
                    Verdict::Again => Status::TEMPORARY_APPLICATION_ERROR,
                };
                acknowledge(out, sequence, status);
            }
        }
    }

    /// Gives up on submits without an answer, and asks a quiet peer whether it lives.
    pub(super) fn check_timers(&mut self, now: Instant, out: &mut BytesMut) -> Result<(), Ending> {
        self.log_refused();
        let timers = &self.config.timers;
        let overdue = self.window.overdue(now, timers.response);
        if !overdue.is_empty() {
            self.events.answered(&self.config.bind, overdue);
        }
        match self.enquired_at {
            Some(at) if now.duration_since(at) >= timers.response => Err(Ending::NoSign),
            None if now.duration_since(self.heard_at) >= timers.enquire => {
                self.enquired_at = Some(now);
                let sequence = self.next_sequence();
                write(out, Pdu::request(sequence, Body::EnquireLink));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    const fn next_sequence(&mut self) -> u32 {
        self.sequence = next_sequence(self.sequence);
        self.sequence
    }
}

/// deliver_sm_resp: its message id is empty (SMPP 3.4 §4.6.2).
fn acknowledge(out: &mut BytesMut, sequence: u32, status: Status) {
    let body = Body::DeliverSmResponse(MessageResponse::with_id(b""));
    write(out, Pdu::response(sequence, status, body));
}

fn nack(out: &mut BytesMut, sequence: u32, status: Status) {
    write(out, Pdu::response(sequence, status, Body::GenericNack));
}

/// Writes a PDU whose fields are all within their limits.
fn write(out: &mut BytesMut, pdu: Pdu<'_>) {
    if let Err(error) = pdu.encode(out) {
        tracing::error!(%error, "a PDU cannot be written");
    }
}
