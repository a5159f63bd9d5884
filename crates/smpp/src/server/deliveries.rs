//! Deliveries to an ESME that are on their way: what they look like, and what became of each. One that is not
//! answered comes again, over this bind or another.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use bytes::BytesMut;
use domain::msisdn::Msisdn;
use domain::sender::ShortCode;
use domain::text::gsm7;
use domain::time::Timestamp;
use engine::{EsmeContent, EsmeDelivery};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::work::state;
use crate::inline::Inline;
use crate::pdu::{Address, Body, EncodeError, Pdu, ShortMessage, Tlvs, esm_class, tag};
use crate::status::Status;
use crate::time_format::receipt_date;

/// The most octets of short_message; longer texts go as message_payload.
const SHORT_MESSAGE_MAX: usize = 254;
/// `network_error_code` of a network that is not known, with an error of its own (SMPP 3.4 §5.3.2.31).
const NETWORK_GSM: u8 = 3;

/// The deliveries that wait for their answer, by sequence number.
#[derive(Default)]
pub(super) struct Deliveries(HashMap<u32, (EsmeDelivery, Instant)>);

impl Deliveries {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Writes one. What cannot be written is tried again later, and given up in the end.
    pub(super) fn write(
        &mut self,
        sequence: u32,
        delivery: EsmeDelivery,
        now: Instant,
        out: &mut BytesMut,
    ) {
        match write(sequence, &delivery.content, out) {
            Ok(()) => drop(self.0.insert(sequence, (delivery, now))),
            Err(error) => {
                tracing::error!(%error, "a delivery to an ESME cannot be written");
                delivery.refused();
            }
        }
    }

    /// The ESME answers one.
    pub(super) fn answered(&mut self, sequence: u32, status: Status) {
        match self.0.remove(&sequence) {
            Some((delivery, _)) if status == Status::OK => delivery.taken(),
            Some((delivery, _)) => delivery.refused(),
            None => {}
        }
    }

    /// Gives up waiting for those that were written so long ago.
    pub(super) fn expire(&mut self, patience: Duration, now: Instant) {
        let is_late = |(_, at): &(EsmeDelivery, Instant)| now.duration_since(*at) >= patience;
        for (_, (delivery, _)) in self.0.extract_if(|_, waiting| is_late(waiting)) {
            delivery.refused();
        }
    }
}

fn write(sequence: u32, content: &EsmeContent, out: &mut BytesMut) -> Result<(), EncodeError> {
    match content {
        EsmeContent::Mobile { from, to, text } => {
            let (data_coding, octets) = encoded(text.reveal());
            let ends = Ends::new(Some(*from), *to);
            deliver(
                sequence,
                ends.message(data_coding),
                (&octets, Tlvs::EMPTY),
                out,
            )
        }
        EsmeContent::Receipt {
            id,
            state: ended_as,
            error,
            to,
            from,
            accepted,
            ended,
        } => {
            let (id, word) = (id.to_string(), state(*ended_as));
            let text = text_of_receipt(&id, word.word(), (*accepted, *ended), *error);
            let mut parameters = BytesMut::new();
            let terminated = [id.as_bytes(), b"\0"].concat();
            Tlvs::push(&mut parameters, tag::RECEIPTED_MESSAGE_ID, &terminated);
            Tlvs::push(&mut parameters, tag::MESSAGE_STATE, &[word.code()]);
            if let Some(error) = error.and_then(|error| u16::try_from(error).ok()) {
                let [high, low] = error.to_be_bytes();
                let value = [NETWORK_GSM, high, low];
                Tlvs::push(&mut parameters, tag::NETWORK_ERROR_CODE, &value);
            }
            let ends = Ends::new(*to, *from);
            let message = ShortMessage {
                esm_class: esm_class::RECEIPT,
                ..ends.message(0)
            };
            let tlvs = Tlvs::parse(&parameters).unwrap_or_default();
            deliver(sequence, message, (text.as_bytes(), tlvs), out)
        }
    }
}

/// A receipt's text (SMPP 3.4 Appendix B). Of the message itself nothing is in it.
fn text_of_receipt(
    id: &str,
    word: &str,
    (accepted, ended): (Timestamp, Timestamp),
    error: Option<u32>,
) -> String {
    let date = |at: Timestamp| String::from_utf8(receipt_date(at.seconds()).to_vec());
    let date = |at| date(at).unwrap_or_default();
    let arrived = if word == "DELIVRD" { "001" } else { "000" };
    let error = error.unwrap_or(0).min(999);
    format!(
        "id:{id} sub:001 dlvrd:{arrived} submit date:{} done date:{} stat:{word} err:{error:03} text:",
        date(accepted),
        date(ended)
    )
}

/// A handset and a short code, as they stand in a deliver_sm.
struct Ends {
    handset: Option<Inline<15>>,
    code: Inline<8>,
}

impl Ends {
    fn new(handset: Option<Msisdn>, code: ShortCode) -> Self {
        let digits = |handset: Msisdn| {
            let mut digits = Inline::new(b"");
            // What is cut would be no number, and none is that long.
            let _ = write!(digits, "{}", handset.reveal());
            digits
        };
        let mut written = Inline::new(b"");
        let _ = write!(written, "{code}");
        Self {
            handset: handset.map(digits),
            code: written,
        }
    }

    fn message(&self, data_coding: u8) -> ShortMessage<'_> {
        let source = self.handset.as_ref();
        let source = source.map(|digits| Address::new(1, 1, digits.as_slice()));
        ShortMessage {
            source: source.unwrap_or_default(),
            destination: Address::new(3, 0, self.code.as_slice()),
            data_coding,
            ..ShortMessage::default()
        }
    }
}

/// The octets of a text, and its data_coding.
fn encoded(text: &str) -> (u8, Zeroizing<Vec<u8>>) {
    if let Some(octets) = gsm7::encode(text) {
        return (0, Zeroizing::new(octets));
    }
    let units = text.encode_utf16().flat_map(u16::to_be_bytes);
    (8, Zeroizing::new(units.collect()))
}

fn deliver(
    sequence: u32,
    message: ShortMessage<'_>,
    (octets, tlvs): (&[u8], Tlvs<'_>),
    out: &mut BytesMut,
) -> Result<(), EncodeError> {
    let mut payload = BytesMut::new();
    let message = if octets.len() <= SHORT_MESSAGE_MAX {
        ShortMessage {
            short_message: octets,
            tlvs,
            ..message
        }
    } else {
        Tlvs::push(&mut payload, tag::MESSAGE_PAYLOAD, octets);
        ShortMessage {
            tlvs: Tlvs::parse(&payload).unwrap_or_default(),
            ..message
        }
    };
    Pdu::request(sequence, Body::DeliverSm(message)).encode(out)
}
