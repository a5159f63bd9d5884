//! The window of one session: which submit belongs to which token, and what becomes of it.

use std::collections::HashMap;
use std::fmt::Write;
use std::time::Duration;

use domain::carrier_id::CarrierMessageId;
use engine::ports::carrier::{Answer, Submission, Token};
use tokio::time::Instant;

use super::config::LinkConfig;
use crate::inline::Inline;
use crate::pdu::{Address, Body, MessageResponse, Pdu, ShortMessage, esm_class};
use crate::status::{Reaction, Status};
use crate::time_format::relative;
use crate::wire::Wire;

/// A submit that is not answered yet.
struct Open {
    token: Token,
    since: Instant,
    /// The first octet of its PDU in all that was ever to be written.
    begins_at: u64,
}

/// The unanswered submits of one session, by sequence number.
pub(super) struct Window {
    open: HashMap<u32, Open>,
    max: usize,
    text: Vec<u8>,
}

impl Window {
    pub(super) fn new(max: usize) -> Self {
        Self {
            open: HashMap::with_capacity(max.min(1_024)),
            max,
            text: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Writes one submit. An answer is returned when it did not go.
    pub(super) fn submit(
        &mut self,
        submission: &Submission,
        sequence: u32,
        config: &LinkConfig,
        wire: &mut Wire,
    ) -> Option<Answer> {
        if self.open.len() >= self.max {
            tracing::error!(window_max = self.max, "more segments than the window holds");
            return Some(Answer::NotSent);
        }
        let begins_at = wire.appended();
        self.text.clear();
        self.text.extend_from_slice(&submission.udh);
        self.text.extend_from_slice(&submission.payload);
        if let Err(error) = encode(submission, &self.text, sequence, config, wire) {
            tracing::error!(%error, "a segment cannot be written");
            return Some(Answer::Rejected(Status::INVALID_MESSAGE_LENGTH.0));
        }
        let open = Open {
            token: submission.token,
            since: Instant::now(),
            begins_at,
        };
        self.open.insert(sequence, open);
        None
    }

    /// The carrier's answer to one submit; `None` when it was not open (any more).
    pub(super) fn answer(
        &mut self,
        sequence: u32,
        status: Status,
        response: &MessageResponse<'_>,
    ) -> Option<(Token, Answer)> {
        let open = self.open.remove(&sequence)?;
        let answer = match status.reaction() {
            Reaction::Accepted => accepted(response, sequence),
            Reaction::Throttled => Answer::Throttled(status.0),
            Reaction::RetryTail => Answer::QueueFull(status.0),
            Reaction::BackOff => Answer::Later(status.0),
            Reaction::Permanent => Answer::Rejected(status.0),
        };
        Some((open.token, answer))
    }

    /// Takes out what was not answered in time.
    pub(super) fn overdue(&mut self, now: Instant, patience: Duration) -> Vec<(Token, Answer)> {
        self.open
            .extract_if(|_, open| now.duration_since(open.since) >= patience)
            .map(|(_, open)| (open.token, Answer::Silence))
            .collect()
    }

    /// Takes out everything, the connection being gone. Only what begins behind the last octet
    /// that was `written` certainly did not go.
    pub(super) fn abandon(&mut self, written: u64) -> Vec<(Token, Answer)> {
        let answer = |open: &Open| {
            if open.begins_at >= written {
                Answer::NotSent
            } else {
                Answer::Silence
            }
        };
        self.open
            .drain()
            .map(|(_, open)| (open.token, answer(&open)))
            .collect()
    }
}

fn encode(
    submission: &Submission,
    text: &[u8],
    sequence: u32,
    config: &LinkConfig,
    wire: &mut Wire,
) -> Result<(), crate::pdu::EncodeError> {
    let (mut source, mut destination) = (Inline::<20>::new(b""), Inline::<20>::new(b""));
    // Writing into memory cannot fail, and both numbers are shorter.
    let _ = write!(source, "{}", submission.source.number());
    let _ = write!(destination, "{}", submission.to.reveal());
    let addressing = config.addressing;
    let message = ShortMessage {
        service_type: config.service_type.as_bytes(),
        source: Address::new(
            addressing.source_ton,
            addressing.source_npi,
            source.as_slice(),
        ),
        destination: Address::new(
            addressing.destination_ton,
            addressing.destination_npi,
            destination.as_slice(),
        ),
        esm_class: if submission.udh.is_empty() {
            0
        } else {
            esm_class::UDHI
        },
        priority_flag: submission.priority,
        validity_period: &relative(submission.validity_seconds),
        registered_delivery: 1,
        data_coding: submission.data_coding,
        short_message: text,
        ..ShortMessage::default()
    };
    Pdu::request(sequence, Body::SubmitSm(message)).encode(wire.output())
}

/// A segment that was taken. A carrier that names none took it all the same, so it gets a name that
/// no receipt will ever have.
fn accepted(response: &MessageResponse<'_>, sequence: u32) -> Answer {
    let named = CarrierMessageId::parse(response.message_id.unwrap_or_default());
    let named = named.or_else(|error| {
        tracing::warn!(%error, "the carrier took a segment without a usable id");
        CarrierMessageId::parse(format!("unnamed-{sequence}").as_bytes())
    });
    named.map_or(Answer::Silence, Answer::Accepted)
}
