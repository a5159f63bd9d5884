//! Writes receipts as deliver_sm, in the form that the behaviour asks for.

use std::fmt::Write;

use bytes::{BufMut, BytesMut};

use super::behaviour::{IdForm, ReceiptForm, ReceiptPlan};
use super::deliveries::ReceiptDue;
use crate::inline::Inline;
use crate::pdu::{Body, EncodeError, Pdu, ShortMessage, Tlvs, esm_class, tag};
use crate::receipt::State;
use crate::time_format::receipt_date;

/// A message id as text.
pub(super) type IdText = Inline<24>;

/// The network's error number of an undelivered message: absent subscriber (GSM 09.02).
const ABSENT_SUBSCRIBER: u16 = 27;

/// Writes a message id.
pub(super) fn id_text(id: u64, form: IdForm) -> IdText {
    let mut text = IdText::new(b"");
    // Writing into memory cannot fail.
    let _ = match form {
        IdForm::Hex => write!(text, "{id:X}"),
        IdForm::HexLower => write!(text, "{id:x}"),
        IdForm::HexPadded => write!(text, "{id:016X}"),
        IdForm::Decimal => write!(text, "{id}"),
        IdForm::DecimalPadded => write!(text, "{id:020}"),
    };
    text
}

/// Room for one receipt, used again for the next.
#[derive(Default)]
pub(super) struct ReceiptWriter {
    text: BytesMut,
    tlvs: BytesMut,
}

impl ReceiptWriter {
    /// Appends the receipt to `out` as deliver_sm. `now_seconds` is when it happened.
    pub(super) fn write(
        &mut self,
        receipt: &ReceiptDue,
        plan: &ReceiptPlan,
        sequence: u32,
        now_seconds: u64,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let id = id_text(receipt.id, plan.id_form);
        self.text.clear();
        self.tlvs.clear();
        if plan.form != ReceiptForm::Tlv {
            self.write_text(receipt, &id, now_seconds);
        }
        if plan.form != ReceiptForm::Text {
            self.write_tlvs(receipt, &id);
        }
        let message = ShortMessage {
            source: receipt.handset.view(),
            destination: receipt.sender.view(),
            esm_class: esm_class::RECEIPT,
            short_message: &self.text,
            tlvs: Tlvs::parse(&self.tlvs).unwrap_or_default(),
            ..ShortMessage::default()
        };
        Pdu::request(sequence, Body::DeliverSm(message)).encode(out)
    }

    fn write_text(&mut self, receipt: &ReceiptDue, id: &IdText, now_seconds: u64) {
        let delivered = receipt.state == State::Delivered;
        let text = &mut self.text;
        text.put_slice(b"id:");
        text.put_slice(id.as_slice());
        text.put_slice(if delivered {
            b" sub:001 dlvrd:001"
        } else {
            b" sub:001 dlvrd:000"
        });
        text.put_slice(b" submit date:");
        text.put_slice(&receipt_date(receipt.submitted_seconds));
        text.put_slice(b" done date:");
        text.put_slice(&receipt_date(now_seconds));
        text.put_slice(b" stat:");
        text.put_slice(receipt.state.word().as_bytes());
        text.put_slice(if delivered {
            b" err:000 text:"
        } else {
            b" err:027 text:"
        });
        text.put_slice(receipt.text.as_slice());
    }

    fn write_tlvs(&mut self, receipt: &ReceiptDue, id: &IdText) {
        let mut with_nul = Inline::<25>::new(id.as_slice());
        let _ = with_nul.write_str("\0");
        Tlvs::push(
            &mut self.tlvs,
            tag::RECEIPTED_MESSAGE_ID,
            with_nul.as_slice(),
        );
        Tlvs::push(&mut self.tlvs, tag::MESSAGE_STATE, &[receipt.state.code()]);
        if receipt.state != State::Delivered {
            let [high, low] = ABSENT_SUBSCRIBER.to_be_bytes();
            Tlvs::push(&mut self.tlvs, tag::NETWORK_ERROR_CODE, &[3, high, low]);
        }
    }
}
