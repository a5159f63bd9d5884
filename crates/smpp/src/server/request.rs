//! From a submit of an ESME to a request of the engine: every field is looked at, and what is not on the
//! account's lists is refused with the status of the field. No IO and no state.

use std::time::Duration;

use domain::class::TrafficClass;
use domain::msisdn::Msisdn;
use domain::sender::ShortCode;
use domain::text::MessageText;
use domain::text::decode::{Decoded, Fidelity, decode_text};
use domain::text::udh::{self, Concatenation, ReferenceWidth};
use domain::time::Timestamp;
use engine::settings::{EsmeAccount, OtherParameters};
use engine::{EsmeReceipts, IdempotencyKey, SubmitRequest};

use super::parts::Thread;
use crate::pdu::{Address, ShortMessage, esm_class, tag};
use crate::status::Status;
use crate::time_format::{parse_absolute, parse_relative};

/// The optional parameter with an idempotency key: one of those that vendors may use (SMPP 3.4 §5.3.2).
pub const IDEMPOTENCY_KEY_TAG: u16 = 0x1501;

/// Optional parameters that are read. None may be there twice: which of them was meant?
const READ: [u16; 6] = [
    tag::MESSAGE_PAYLOAD,
    tag::SAR_MSG_REF_NUM,
    tag::SAR_TOTAL_SEGMENTS,
    tag::SAR_SEGMENT_SEQNUM,
    tag::USER_MESSAGE_REFERENCE,
    IDEMPOTENCY_KEY_TAG,
];

/// Bits of esm_class that say how a message is to be kept: 0 as the SMSC likes, 3 store and forward.
const MODE_MASK: u8 = 0x03;
/// The bits of registered_delivery that ask for receipts of the SMSC.
const RECEIPTS_MASK: u8 = 0x03;
/// The bits of registered_delivery that ask for acknowledgements by the handset's user, which nobody gives.
const ACKNOWLEDGEMENTS: u8 = 0x0C;
/// The highest priority_flag.
const PRIORITY_MAX: u8 = 3;
/// The highest type of number.
const TON_MAX: u8 = 6;

/// Whose submit it is, and when it came.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) account: &'a EsmeAccount,
    /// The short codes of its client.
    pub(super) short_codes: &'a [ShortCode],
    pub(super) now: Timestamp,
}

/// What a submit asks for, but for whom it is to and what it says.
#[derive(Clone)]
pub(super) struct Terms {
    pub(super) from: ShortCode,
    pub(super) data_coding: u8,
    pub(super) receipts: EsmeReceipts,
    pub(super) key: Option<IdempotencyKey>,
    class: TrafficClass,
    reference: Option<Box<str>>,
    valid_for: Option<Duration>,
}

impl Terms {
    /// The request with its text.
    pub(super) fn request(self, to: Msisdn, octets: &[u8]) -> Result<SubmitRequest, Status> {
        let text = text(self.data_coding, octets)?;
        Ok(SubmitRequest {
            to,
            from: self.from,
            text,
            class: self.class,
            reference: self.reference,
            campaign: None,
            valid_for: self.valid_for,
            risk: None,
            callback: None,
        })
    }
}

/// The text of a submit, and which part of which message it is.
pub(super) struct Payload<'a> {
    pub(super) octets: &'a [u8],
    pub(super) place: Option<Concatenation>,
}

impl Payload<'_> {
    /// Which message it is a part of; `None` when it is one by itself.
    pub(super) fn thread(&self, terms: &Terms, to: Msisdn) -> Option<(Thread, u8)> {
        let place = self.place.filter(|place| place.total() > 1)?;
        let thread = Thread::of((terms.from, to), place, terms.data_coding);
        Some((thread, place.ordinal()))
    }
}

/// Everything of a submit but whom it is to.
pub(super) fn terms(message: &ShortMessage<'_>, ground: &Ground<'_>) -> Result<Terms, Status> {
    let allowed = &ground.account.allowed;
    let class = class(message.service_type, ground.account)?;
    let from = sender(&message.source, ground.short_codes)?;
    let mode = message.esm_class & MODE_MASK;
    if !allowed.esm_classes.contains(&message.esm_class) || mode == 1 || mode == 2 {
        return Err(Status::INVALID_ESM_CLASS);
    }
    if !allowed.protocol_ids.contains(&message.protocol_id) {
        return Err(Status::REJECTED_BY_APPLICATION);
    }
    if message.priority_flag > PRIORITY_MAX {
        return Err(Status::INVALID_PRIORITY);
    }
    if !message.schedule_delivery_time.is_empty() {
        return Err(Status::INVALID_SCHEDULE);
    }
    let valid_for = validity(message.validity_period, ground.now)?;
    let receipts = receipts(message.registered_delivery)?;
    if message.replace_if_present != 0 {
        return Err(Status::INVALID_REPLACE_FLAG);
    }
    if !allowed.data_codings.contains(&message.data_coding) {
        return Err(Status::INVALID_DATA_CODING);
    }
    if message.default_message_id != 0 {
        return Err(Status::INVALID_DEFAULT_MESSAGE_ID);
    }
    let other = message
        .tlvs
        .iter()
        .any(|(tag, _)| !allowed.parameters.contains(&tag));
    if other && allowed.other_parameters == OtherParameters::Refuse {
        return Err(Status::OPTION_NOT_ALLOWED);
    }
    let times = |tag| {
        message
            .tlvs
            .iter()
            .filter(|(found, _)| *found == tag)
            .count()
    };
    if READ.iter().any(|tag| times(*tag) > 1) {
        return Err(Status::OPTION_NOT_ALLOWED);
    }
    Ok(Terms {
        from,
        data_coding: message.data_coding,
        receipts,
        key: key(message)?,
        class,
        reference: reference(message)?,
        valid_for,
    })
}

/// The handset of an address: TON 1, or a number that says by its `+` that it is international. Anything
/// else may be read in more ways than one.
pub(super) fn handset(address: &Address<'_>) -> Result<Msisdn, Status> {
    let digits = std::str::from_utf8(address.reveal()).map_err(|_| Status::INVALID_DESTINATION)?;
    let (written, marked) = match digits.strip_prefix('+') {
        Some(digits) => (digits, true),
        None => (digits, false),
    };
    if !(address.ton == 1 || (address.ton == 0 && marked)) {
        return Err(Status::INVALID_DESTINATION_TON);
    }
    if !written.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(Status::INVALID_DESTINATION);
    }
    Msisdn::parse(&format!("+{written}")).map_err(|_| Status::INVALID_DESTINATION)
}

/// The octets of the text, behind a header that may only say which part it is. Parts may be numbered by
/// header or by parameters, not by both.
pub(super) fn payload<'a>(message: &ShortMessage<'a>) -> Result<Payload<'a>, Status> {
    let octets = message.payload();
    let by_parameters = by_parameters(message)?;
    if message.esm_class & esm_class::UDHI == 0 {
        return Ok(Payload {
            octets,
            place: by_parameters,
        });
    }
    let read = udh::parse(octets).map_err(|_| Status::INVALID_ESM_CLASS)?;
    let header = octets.get(1..octets.len() - read.payload.len());
    if by_parameters.is_some() || !header.is_some_and(only_numbers_parts) {
        return Err(Status::INVALID_ESM_CLASS);
    }
    Ok(Payload {
        octets: read.payload,
        place: read.concatenation,
    })
}

/// Whether the elements of a header, whose lengths are known to hold, are those of concatenation alone:
/// ports, for one, would make something else of the text.
fn only_numbers_parts(mut elements: &[u8]) -> bool {
    while let [element, length, rest @ ..] = elements {
        if !matches!(element, 0x00 | 0x08) {
            return false;
        }
        elements = rest.get(usize::from(*length)..).unwrap_or_default();
    }
    true
}

fn by_parameters(message: &ShortMessage<'_>) -> Result<Option<Concatenation>, Status> {
    let tlvs = &message.tlvs;
    let given = [
        tlvs.get(tag::SAR_MSG_REF_NUM),
        tlvs.get(tag::SAR_TOTAL_SEGMENTS),
        tlvs.get(tag::SAR_SEGMENT_SEQNUM),
    ];
    match given {
        [None, None, None] => Ok(None),
        [Some([high, low]), Some([total]), Some([ordinal])] => {
            let reference = u16::from_be_bytes([*high, *low]);
            let place = Concatenation::new(reference, ReferenceWidth::Sixteen, *total, *ordinal);
            place.map(Some).ok_or(Status::INVALID_OPTION_VALUE)
        }
        [Some(_), Some(_), Some(_)] => Err(Status::INVALID_PARAMETER_LENGTH),
        _ => Err(Status::MISSING_OPTION),
    }
}

fn class(service_type: &[u8], account: &EsmeAccount) -> Result<TrafficClass, Status> {
    if service_type.is_empty() {
        return Ok(account.class);
    }
    let name = std::str::from_utf8(service_type).ok();
    let class = name.and_then(|name| account.service_types.get(name));
    class.copied().ok_or(Status::INVALID_SERVICE_TYPE)
}

/// The short code. Without one it is the client's, when that has no more than one.
fn sender(address: &Address<'_>, own: &[ShortCode]) -> Result<ShortCode, Status> {
    if address.ton > TON_MAX {
        return Err(Status::INVALID_SOURCE_TON);
    }
    match (address.reveal(), own) {
        ([], [only]) => Ok(*only),
        (octets, _) => ShortCode::parse(octets).map_err(|_| Status::INVALID_SOURCE),
    }
}

fn receipts(registered_delivery: u8) -> Result<EsmeReceipts, Status> {
    if registered_delivery & ACKNOWLEDGEMENTS != 0 {
        return Err(Status::INVALID_REGISTERED_DELIVERY);
    }
    match registered_delivery & RECEIPTS_MASK {
        0 => Ok(EsmeReceipts::None),
        1 => Ok(EsmeReceipts::All),
        2 => Ok(EsmeReceipts::Failures),
        _ => Err(Status::INVALID_REGISTERED_DELIVERY),
    }
}

fn validity(field: &[u8], now: Timestamp) -> Result<Option<Duration>, Status> {
    if field.is_empty() {
        return Ok(None);
    }
    let ahead = |until: i64| {
        let now = i64::try_from(now.seconds()).unwrap_or(i64::MAX);
        u64::try_from(until.saturating_sub(now)).ok()
    };
    let seconds = parse_relative(field).or_else(|| parse_absolute(field).and_then(ahead));
    let seconds = seconds.ok_or(Status::INVALID_EXPIRY)?;
    Ok(Some(Duration::from_secs(seconds)))
}

/// The ESME's own number for the message.
fn reference(message: &ShortMessage<'_>) -> Result<Option<Box<str>>, Status> {
    match message.tlvs.get(tag::USER_MESSAGE_REFERENCE) {
        None => Ok(None),
        Some([high, low]) => {
            let number = u16::from_be_bytes([*high, *low]);
            Ok(Some(number.to_string().into()))
        }
        Some(_) => Err(Status::INVALID_PARAMETER_LENGTH),
    }
}

fn key(message: &ShortMessage<'_>) -> Result<Option<IdempotencyKey>, Status> {
    let Some(octets) = message.tlvs.get(IDEMPOTENCY_KEY_TAG) else {
        return Ok(None);
    };
    let text = std::str::from_utf8(octets).map_err(|_| Status::INVALID_OPTION_VALUE)?;
    let key = IdempotencyKey::parse(text.trim_end_matches('\0'));
    key.map(Some).map_err(|_| Status::INVALID_OPTION_VALUE)
}

/// What cannot be read to the last octet is refused: nobody gets a text that was guessed.
fn text(data_coding: u8, octets: &[u8]) -> Result<MessageText, Status> {
    if octets.is_empty() {
        return Err(Status::INVALID_MESSAGE_LENGTH);
    }
    let Decoded::Text(decoded) = decode_text(data_coding, octets) else {
        return Err(Status::INVALID_DATA_CODING);
    };
    if decoded.fidelity() != Fidelity::Exact {
        return Err(Status::SUBMIT_FAILED);
    }
    MessageText::parse(decoded.reveal()).map_err(|error| match error {
        domain::text::TextError::Control { .. } => Status::SUBMIT_FAILED,
        _ => Status::INVALID_MESSAGE_LENGTH,
    })
}
