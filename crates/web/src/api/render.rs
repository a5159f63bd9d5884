//! Writes what the engine shows as JSON. Numbers and texts stand in full here and nowhere else: they go
//! to the client that they belong to.

use domain::consent::Standing;
use domain::message::SegmentState;
use domain::msisdn::Msisdn;
use engine::{
    InboundText, InboundView, LedgerPage, LedgerReceipt, MessageView, OptOutView, PageView, Proofs,
    Submitted, VerificationReceipt,
};

use crate::json::Json;
use crate::problem::Problem;

/// Octets of a message in a list, about.
const MESSAGE_OCTETS: usize = 512;

/// The members of a message that was taken on.
pub(crate) fn submitted(json: &mut Json, submitted: &Submitted) {
    json.name("id").word(submitted.id);
    json.name("state").word(submitted.state);
    json.name("encoding").word(submitted.encoding);
    json.name("segments").bare(submitted.segments);
    json.name("created").word(submitted.created);
    json.name("expires").word(submitted.expires);
}

/// The results of a batch, each with the status that it would have had alone.
pub(crate) fn batch(outcomes: &[Result<Submitted, Problem>]) -> Json {
    let mut json = Json::with_capacity(outcomes.len().saturating_mul(256));
    json.open().name("results").open_list();
    for outcome in outcomes {
        json.open();
        match outcome {
            Ok(message) => {
                json.name("status").bare(202);
                submitted(&mut json, message);
            }
            Err(problem) => problem.write(&mut json),
        }
        json.close();
    }
    json.close_list().close();
    json
}

/// One message.
pub(crate) fn message(view: &MessageView) -> Json {
    let mut json = Json::with_capacity(MESSAGE_OCTETS);
    write_message(&mut json, view);
    json
}

/// Proof that a message is in the ledger. The entry goes as a text, since its octets count.
pub(crate) fn receipt(receipt: &LedgerReceipt) -> Json {
    let octets = receipt.entry.len() + receipt.proof.len();
    let mut json = Json::with_capacity(octets.saturating_mul(2));
    json.open();
    write_receipt(&mut json, receipt);
    json.close();
    json
}

/// Proof that a verification is in the ledger, and once it ended, how.
pub(crate) fn verification_receipt(receipt: &VerificationReceipt) -> Json {
    let octets = receipt.began.entry.len() + receipt.began.proof.len();
    let mut json = Json::with_capacity(octets.saturating_mul(4));
    json.open();
    write_receipt(&mut json, &receipt.began);
    if let Some(end) = &receipt.ended {
        json.name("end").open();
        json.name("entry").text(&end.entry);
        json.name("proof").text(&end.proof);
        json.close();
    }
    json.close();
    json
}

fn write_receipt(json: &mut Json, receipt: &LedgerReceipt) {
    json.name("entry").text(&receipt.entry);
    json.name("proof").text(&receipt.proof);
    json.name("openings").open_list();
    for opening in &receipt.openings {
        json.open();
        json.name("field").word(opening.field);
        json.name("key").word(&opening.key_hex);
        json.name("value").text(&opening.value);
        json.close();
    }
    json.close_list();
}

/// A page of entries, each as a text, since its octets count.
pub(crate) fn entries(page: &LedgerPage, proofs: Proofs) -> Json {
    let octets =
        |row: &engine::FoundEntry| row.entry.len() + row.proof.as_ref().map_or(0, String::len);
    let octets: usize = page.rows.iter().map(octets).sum();
    let mut json = Json::with_capacity(octets.saturating_mul(2));
    json.open().name("entries").open_list();
    for row in &page.rows {
        json.open().name("index").bare(row.index);
        json.name("entry").text(&row.entry);
        if proofs == Proofs::With {
            json.name("proof").text_or_null(row.proof.as_deref());
        }
        json.close();
    }
    json.close_list()
        .name("next")
        .word_or_null(page.next)
        .close();
    json
}

/// A page of messages.
pub(crate) fn messages(page: &PageView<MessageView>) -> Json {
    let mut json = Json::with_capacity(page.rows.len().saturating_mul(MESSAGE_OCTETS));
    json.open().name("messages").open_list();
    for view in &page.rows {
        write_message(&mut json, view);
    }
    json.close_list()
        .name("next")
        .word_or_null(page.next)
        .close();
    json
}

fn write_message(json: &mut Json, view: &MessageView) {
    json.open();
    json.name("id").word(view.id);
    json.name("state").word(view.state);
    json.name("to")
        .word_or_null(view.to.map(Msisdn::reveal_e164));
    json.name("from").word(view.from);
    json.name("class").word(view.class);
    json.name("encoding").word(view.encoding);
    json.name("segments").open_list();
    for segment in &view.segments {
        json.open().name("state").word(segment_word(segment.state));
        if let Some(error) = segment.error {
            json.name("error").bare(error);
        }
        json.close();
    }
    json.close_list();
    json.name("reference")
        .text_or_null(view.reference.as_deref());
    json.name("campaign").text_or_null(view.campaign.as_deref());
    json.name("created").word(view.created);
    json.name("expires").word(view.expires);
    json.name("updated").word(view.updated).close();
}

/// The word for where a segment stands.
const fn segment_word(state: SegmentState) -> &'static str {
    match state {
        SegmentState::Pending => "pending",
        SegmentState::Dispatched => "dispatched",
        SegmentState::Submitted => "submitted",
        SegmentState::Delivered => "delivered",
        SegmentState::Failed => "failed",
        SegmentState::Expired => "expired",
        SegmentState::Cancelled => "cancelled",
        SegmentState::Unknown => "unknown",
    }
}

/// A page of messages from handsets.
pub(crate) fn inbound(page: &PageView<InboundView>) -> Json {
    let mut json = Json::with_capacity(page.rows.len().saturating_mul(MESSAGE_OCTETS));
    json.open().name("inbound").open_list();
    for view in &page.rows {
        json.open();
        json.name("id").word(view.id);
        json.name("from")
            .word_or_null(view.from.map(Msisdn::reveal_e164));
        json.name("to").word(view.to);
        json.name("text")
            .text_or_null(view.text.as_ref().map(InboundText::reveal));
        json.name("keyword").text_or_null(view.keyword.as_deref());
        json.name("received").word(view.received).close();
    }
    json.close_list()
        .name("next")
        .word_or_null(page.next)
        .close();
    json
}

/// What is on record of a number and a short code.
pub(crate) fn opt_out(view: &OptOutView) -> Json {
    let standing = match view.standing {
        Standing::Open => "open",
        Standing::OptedOut => "opted-out",
    };
    let mut json = Json::with_capacity(128);
    json.open()
        .name("short_code")
        .word(view.short_code)
        .name("standing")
        .word(standing);
    json.name("basis").text_or_null(view.basis.as_deref());
    json.name("since").word_or_null(view.since).close();
    json
}
