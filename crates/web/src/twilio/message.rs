//! A message in Twilio's words: what a request asks for, and what a message looks like.

use std::time::Duration;

use domain::class::{ClassSet, TrafficClass};
use domain::message::MessageState;
use domain::msisdn::Msisdn;
use domain::sender::ShortCode;
use domain::text::segment::{self, ReferenceWidth};
use domain::text::{MessageText, TextError};
use domain::time::Timestamp;
use domain::twilio::{MessageStatus, Taking, error_code};
use domain::webhook::Target;
use engine::{InboundText, InboundView, SubmitRequest, Submitted, WrittenMessage};

use crate::json::fields::{Faults, MISSING};
use crate::json::{Fields, Json};
use crate::twilio::form::Pairs;
use crate::twilio::parameters::{Rules, declined, unless};
use crate::twilio::sid::{InboundSid, MessageSid};
use crate::twilio::time::rfc2822;

/// What is said of a text that is too long.
pub(crate) const TOO_LONG: &str =
    "has more than 1600 characters: shorten it, or send several messages";

/// The longest validity, in seconds.
const VALIDITY_MAX: u64 = 36_000;

const RULES: Rules = Rules {
    ignored: &[
        "Attempt",
        "ForceDelivery",
        "MaxPrice",
        "PersistentAction",
        "ProvideFeedback",
        "SmartEncoded",
        "TrafficType",
    ],
    declined: &[
        declined(
            "MessagingServiceSid",
            "is not supported: name a short code of this client as From",
        ),
        declined(
            "FallbackFrom",
            "is not supported: name one short code of this client as From",
        ),
        declined("MediaUrl", "is not supported: only text is sent here"),
        declined(
            "ContentSid",
            "is not supported: send the whole text as Body",
        ),
        declined(
            "ContentVariables",
            "is not supported: send the whole text as Body",
        ),
        declined(
            "ApplicationSid",
            "is not supported: there are no applications here",
        ),
        declined(
            "SendAt",
            "is not supported: send the message when it is due",
        ),
        declined(
            "ScheduleType",
            "is not supported: send the message when it is due",
        ),
        unless(
            "SendAsMms",
            &["false"],
            "is not supported: only text is sent here",
        ),
        unless(
            "ShortenUrls",
            &["false"],
            "is not supported: no link is changed here",
        ),
        unless(
            "ContentRetention",
            &["retain"],
            "is kept for the gateway's retention time: leave it out, and redact the message once it is settled",
        ),
        unless(
            "AddressRetention",
            &["retain"],
            "is kept for the gateway's retention time: leave it out, and delete the message once it is settled",
        ),
        unless(
            "RiskCheck",
            &["enable"],
            "cannot be turned off by a request: leave it out, or ask an operator",
        ),
    ],
};

/// Reads a message to be sent. `None` when anything is wrong, which is then among the faults.
pub(crate) fn read(
    pairs: Pairs<'_>,
    classes: ClassSet,
    faults: &mut Faults,
) -> Option<SubmitRequest> {
    let members = RULES.sort_out(pairs, &[], faults);
    let mut fields = Fields::of_query(members, faults);
    let to = fields.parsed("To", Msisdn::parse);
    let from = fields.parsed("From", str::parse::<ShortCode>);
    let text = text(&mut fields);
    let valid_for = valid_for(&mut fields);
    let callback = fields.parsed_if_there("StatusCallback", Target::parse);
    fields.close();
    if !faults.is_empty() {
        return None;
    }
    Some(SubmitRequest {
        to: to?,
        from: from?,
        text: text?,
        class: class(classes),
        reference: None,
        campaign: None,
        valid_for,
        risk: None,
        callback,
    })
}

fn text(fields: &mut Fields<'_, '_>) -> Option<MessageText> {
    let body = fields.required("Body")?;
    match MessageText::parse(&body) {
        Ok(text) => Some(text),
        Err(TextError::Empty) => fields.fault("Body", MISSING),
        Err(TextError::TooLong) => fields.fault("Body", TOO_LONG),
        Err(error @ TextError::Control { .. }) => fields.fault("Body", error.to_string()),
    }
}

fn valid_for(fields: &mut Fields<'_, '_>) -> Option<Duration> {
    match fields.whole("ValidityPeriod")? {
        seconds @ 1..=VALIDITY_MAX => Some(Duration::from_secs(seconds)),
        _ => fields.fault(
            "ValidityPeriod",
            format!("must be from 1 to {VALIDITY_MAX} seconds"),
        ),
    }
}

/// Twilio knows no classes. A key of one class sends that; one of several sends alerts when it may, so that nothing
/// gets the room that is kept for codes without saying so.
fn class(granted: ClassSet) -> TrafficClass {
    let order = [
        TrafficClass::Alert,
        TrafficClass::Otp,
        TrafficClass::Marketing,
    ];
    let first = order.into_iter().find(|class| granted.contains(*class));
    first.unwrap_or(TrafficClass::Alert)
}

/// Where a message stands: the same word that its URL is told.
fn status(state: MessageState, taking: Taking) -> &'static str {
    MessageStatus::of(state, taking).as_str()
}

/// Why it did not arrive: a number of Twilio's, and our words.
fn error(state: MessageState) -> Option<(u32, &'static str)> {
    let words = match state {
        MessageState::Failed => "the carrier or the network refused the message for good",
        MessageState::Expired => "the validity of the message ended before it was delivered",
        MessageState::Unknown => {
            "nobody can tell whether the message arrived: no receipt came in time"
        }
        MessageState::Accepted
        | MessageState::Dispatched
        | MessageState::Submitted
        | MessageState::Delivered
        | MessageState::Cancelled => "",
    };
    error_code(state).map(|number| (number, words))
}

/// What is written of a message, of either way.
pub(super) struct Written<'a> {
    /// The SID of the account.
    pub(super) account: &'a str,
    pub(super) sid: String,
    pub(super) direction: &'static str,
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) body: &'a str,
    pub(super) segments: usize,
    pub(super) status: &'static str,
    pub(super) error: Option<(u32, &'static str)>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) sent: Option<Timestamp>,
}

impl Written<'_> {
    /// Writes it as an object.
    pub(super) fn write(&self, json: &mut Json) {
        let account = self.account;
        json.open();
        json.name("account_sid").word(account);
        json.name("api_version").word("2010-04-01");
        json.name("body").text(self.body);
        json.name("date_created").word(rfc2822(self.created));
        json.name("date_sent").word_or_null(self.sent.map(rfc2822));
        json.name("date_updated").word(rfc2822(self.updated));
        json.name("direction").word(self.direction);
        if let Some((number, words)) = self.error {
            json.name("error_code").bare(number);
            json.name("error_message").text(words);
        } else {
            json.name("error_code").bare("null");
            json.name("error_message").bare("null");
        }
        json.name("from").text(self.from);
        json.name("messaging_service_sid").bare("null");
        json.name("num_media").word("0");
        json.name("num_segments").word(self.segments);
        json.name("price").bare("null");
        json.name("price_unit").bare("null");
        json.name("sid").word(&self.sid);
        json.name("status").word(self.status);
        json.name("subresource_uris").bare("{}");
        json.name("to").text(self.to);
        json.name("uri").word(format_args!(
            "/2010-04-01/Accounts/{account}/Messages/{}.json",
            self.sid
        ));
        json.close();
    }
}

/// A message that was taken on.
pub(crate) fn submitted(account: &str, asked: &Asked, answer: &Submitted) -> Json {
    let mut json = Json::with_capacity(1_024);
    Written {
        account,
        sid: MessageSid::of(answer.id).to_string(),
        direction: "outbound-api",
        from: &asked.from,
        to: &asked.to,
        body: asked.text.reveal(),
        segments: usize::from(answer.segments),
        status: status(answer.state, answer.taking),
        error: error(answer.state),
        created: answer.created,
        updated: answer.created,
        sent: None,
    }
    .write(&mut json);
    json
}

/// What is told again of a message once it was taken on.
pub(crate) struct Asked {
    from: String,
    to: String,
    text: MessageText,
}

impl Asked {
    /// What a request says.
    pub(crate) fn of(request: &SubmitRequest) -> Self {
        Self {
            from: request.from.to_string(),
            to: request.to.reveal_e164(),
            text: request.text.clone(),
        }
    }
}

/// What may be asked of a message that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// To take it back.
    Cancel,
    /// To destroy its text.
    Redact,
}

/// Reads what is asked of a message that is there.
pub(crate) fn change(pairs: Pairs<'_>, faults: &mut Faults) -> Option<Change> {
    let members = RULES.sort_out(pairs, &["Body"], faults);
    let mut fields = Fields::of_query(members, faults);
    let body = fields.text("Body");
    let status = fields.text("Status");
    let change = match (body.as_deref(), status.as_deref()) {
        (Some(""), None) => Some(Change::Redact),
        (None, Some("canceled")) => Some(Change::Cancel),
        (Some(_), None) => fields.fault(
            "Body",
            "can only be emptied, which destroys the text; no other text is taken",
        ),
        (None, Some(_)) => fields.fault("Status", "can only become canceled"),
        (Some(_), Some(_)) => fields.fault("Status", "is there beside Body: ask for one at a time"),
        (None, None) => fields.fault(
            "Status",
            "is missing, and Body too: send Status=canceled to take the message back, or an empty Body to destroy \
             its text",
        ),
    };
    fields.close();
    change
}

/// A message from a handset; nothing of one whose number is erased.
pub(super) fn write_inbound(json: &mut Json, account: &str, view: &InboundView) -> Option<()> {
    let text = view.text.as_ref().map_or("", InboundText::reveal);
    let body = segment::segments(text, ReferenceWidth::default());
    Written {
        account,
        sid: InboundSid::of(view.id).to_string(),
        direction: "inbound",
        from: &view.from?.reveal_e164(),
        to: &view.to.to_string(),
        body: text,
        segments: body.map_or(1, |body| body.segments.len().max(1)),
        status: "received",
        error: None,
        created: view.received,
        updated: view.received,
        sent: Some(view.received),
    }
    .write(json);
    Some(())
}

/// A message as it stands; nothing of one whose number is erased.
pub(crate) fn write(json: &mut Json, account: &str, message: &WrittenMessage) -> Option<()> {
    let view = &message.view;
    let left = !matches!(view.state, MessageState::Accepted | MessageState::Cancelled);
    Written {
        account,
        sid: MessageSid::of(view.id).to_string(),
        direction: "outbound-api",
        from: &view.from.to_string(),
        to: &view.to?.reveal_e164(),
        body: message.text.as_ref().map_or("", MessageText::reveal),
        segments: view.segments.len(),
        status: status(view.state, view.taking),
        error: error(view.state),
        created: view.created,
        updated: view.updated,
        sent: left.then_some(view.created),
    }
    .write(json);
    Some(())
}
