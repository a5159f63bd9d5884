//! What a carrier's deliver_sm is in the engine's words, or the status that refuses it for good.

use domain::carrier_id::CarrierMessageId;
use domain::message::DoneDate;
use domain::msisdn::Msisdn;
use domain::sender::ShortCode;
use domain::text::udh::{Concatenation, ReferenceWidth};
use engine::ports::carrier::{Delivery, Mobile, Receipt};

use crate::pdu::{Address, ShortMessage, Tlvs, esm_class, tag};
use crate::receipt;
use crate::status::Status;
use crate::time_format::receipt_date;

/// Reads a deliver_sm. What can never be taken, however often the carrier sends it, is refused with
/// a status that says so: a receipt without an id, a number that is none, someone else's short code.
pub(super) fn delivery(message: &ShortMessage<'_>) -> Result<Delivery, Status> {
    if receipt::is_receipt(message) {
        receipt(message).map(Delivery::Receipt)
    } else {
        mobile(message).map(Delivery::Mobile)
    }
}

fn receipt(message: &ShortMessage<'_>) -> Result<Receipt, Status> {
    let read = receipt::parse(message).ok_or(Status::REJECTED_BY_APPLICATION)?;
    let carrier_id =
        CarrierMessageId::parse(read.id).map_err(|_| Status::REJECTED_BY_APPLICATION)?;
    Ok(Receipt {
        carrier_id,
        state: read.state.into(),
        error: read.error,
        recipient: recipient(&message.source),
        done: read.done_at.and_then(done_date),
    })
}

/// As the carrier wrote it: its zone is not known.
fn done_date(seconds: i64) -> Option<DoneDate> {
    let seconds = u64::try_from(seconds).ok()?;
    DoneDate::parse(&receipt_date(seconds))
}

/// The handset that a receipt is about. Carriers echo the number as it was submitted, so the usual
/// case is read without looking at any numbering plan.
fn recipient(address: &Address<'_>) -> Option<Msisdn> {
    let octets = address.reveal();
    let plain = address.ton == 1 && octets.iter().all(u8::is_ascii_digit);
    let digits = std::str::from_utf8(octets).ok().filter(|_| plain);
    match digits.map(str::parse::<u64>) {
        Some(Ok(number)) if octets.first() != Some(&b'0') => Msisdn::from_digits(number).ok(),
        _ => Msisdn::from_carrier(octets, address.ton).ok(),
    }
}

fn mobile(message: &ShortMessage<'_>) -> Result<Mobile, Status> {
    let source = &message.source;
    let from =
        Msisdn::from_carrier(source.reveal(), source.ton).map_err(|_| Status::INVALID_SOURCE)?;
    let to =
        ShortCode::parse(message.destination.reveal()).map_err(|_| Status::INVALID_DESTINATION)?;
    let (udh, payload) = split_header(message);
    Ok(Mobile {
        id: None,
        from,
        to,
        data_coding: message.data_coding,
        udh,
        payload: payload.to_vec(),
    })
}

/// The user data header with its length octet, and the text. Parts that a carrier numbers by
/// sar_* parameters get the header that says the same.
fn split_header<'a>(message: &ShortMessage<'a>) -> (Vec<u8>, &'a [u8]) {
    let payload = message.payload();
    if message.esm_class & esm_class::UDHI == 0 {
        return (sar_header(&message.tlvs).unwrap_or_default(), payload);
    }
    let header = payload.first().map_or(0, |length| usize::from(*length) + 1);
    match payload.split_at_checked(header) {
        Some((header, text)) => (header.to_vec(), text),
        // The header lies about its length. The octets are kept whole, so that nothing is lost.
        None => (Vec::new(), payload),
    }
}

fn sar_header(tlvs: &Tlvs<'_>) -> Option<Vec<u8>> {
    let [high, low] = *tlvs.get(tag::SAR_MSG_REF_NUM)?.first_chunk::<2>()?;
    let total = *tlvs.get(tag::SAR_TOTAL_SEGMENTS)?.first()?;
    let ordinal = *tlvs.get(tag::SAR_SEGMENT_SEQNUM)?.first()?;
    let reference = u16::from_be_bytes([high, low]);
    let place = Concatenation::new(reference, ReferenceWidth::Sixteen, total, ordinal)?;
    Some(place.header().as_octets().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use domain::message::ReceiptState;
    use proptest::prelude::{any, prop_assert, proptest};

    const HANDSET: Address<'static> = Address::new(1, 1, b"447700900123");

    fn message(text: &[u8]) -> ShortMessage<'_> {
        ShortMessage {
            source: HANDSET,
            destination: Address::new(3, 0, b"12345"),
            short_message: text,
            ..ShortMessage::default()
        }
    }

    fn read_mobile(message: &ShortMessage<'_>) -> Mobile {
        match delivery(message) {
            Ok(Delivery::Mobile(mobile)) => mobile,
            other => panic!("not a message: {:?}", other.err()),
        }
    }

    #[test]
    fn a_message_keeps_its_header_apart_from_its_text() {
        let text = b"\x05\x00\x03\xA7\x02\x01hello";
        let mobile = read_mobile(&ShortMessage {
            esm_class: esm_class::UDHI,
            ..message(text)
        });
        assert_eq!(
            (mobile.udh.as_slice(), mobile.payload.as_slice()),
            (&text[..6], &text[6..])
        );
        assert_eq!(mobile.from.reveal(), 447_700_900_123);
        assert_eq!(mobile.to.number(), 12_345);
        let lying = b"\xFF\x00hello";
        let mobile = read_mobile(&ShortMessage {
            esm_class: esm_class::UDHI,
            ..message(lying)
        });
        assert_eq!(
            (mobile.udh.len(), mobile.payload.as_slice()),
            (0, &lying[..])
        );
    }

    #[test]
    fn parts_numbered_by_parameters_get_a_header() {
        let mut tlvs = BytesMut::new();
        Tlvs::push(&mut tlvs, tag::SAR_MSG_REF_NUM, &[0x12, 0xA7]);
        Tlvs::push(&mut tlvs, tag::SAR_TOTAL_SEGMENTS, &[2]);
        Tlvs::push(&mut tlvs, tag::SAR_SEGMENT_SEQNUM, &[1]);
        let tlvs = Tlvs::parse(&tlvs).unwrap();
        let mobile = read_mobile(&ShortMessage {
            tlvs,
            ..message(b"hello")
        });
        assert_eq!(mobile.udh, [6, 8, 4, 0x12, 0xA7, 2, 1]);
        assert_eq!(mobile.payload, b"hello");
    }

    #[test]
    fn what_can_never_be_taken_is_refused_for_good() {
        let named = ShortMessage {
            source: Address::new(5, 0, b"INFO"),
            ..message(b"hi")
        };
        assert_eq!(delivery(&named).err(), Some(Status::INVALID_SOURCE));
        let elsewhere = ShortMessage {
            destination: HANDSET,
            ..message(b"hi")
        };
        assert_eq!(
            delivery(&elsewhere).err(),
            Some(Status::INVALID_DESTINATION)
        );
        let nameless = ShortMessage {
            esm_class: esm_class::RECEIPT,
            ..message(b"stat:DELIVRD")
        };
        assert_eq!(
            delivery(&nameless).err(),
            Some(Status::REJECTED_BY_APPLICATION)
        );
    }

    #[test]
    fn a_receipt_names_its_segment_and_its_handset() {
        let text = b"id:0A1B2C3D stat:UNDELIV err:027";
        let read = delivery(&ShortMessage {
            esm_class: esm_class::RECEIPT,
            ..message(text)
        });
        let Ok(Delivery::Receipt(receipt)) = read else {
            panic!("not a receipt")
        };
        assert_eq!(receipt.carrier_id.as_str(), "0A1B2C3D");
        assert_eq!(
            (receipt.state, receipt.error),
            (ReceiptState::Failed, Some(27))
        );
        assert_eq!(receipt.recipient.map(Msisdn::reveal), Some(447_700_900_123));
    }

    proptest! {
        #[test]
        fn any_message_is_read_without_panic(
            text in proptest::collection::vec(any::<u8>(), 0..254), class: u8, address: Vec<u8>, ton in 0_u8..8,
        ) {
            let source = Address::new(ton, 1, &address);
            let message = ShortMessage { esm_class: class, source, ..message(&text) };
            if let Ok(Delivery::Mobile(mobile)) = delivery(&message) {
                prop_assert!(mobile.payload.len() + mobile.udh.len() == text.len());
            }
        }
    }
}
