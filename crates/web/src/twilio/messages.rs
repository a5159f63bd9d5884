//! `/2010-04-01/Accounts/{account}/Messages`: the messages of an account.

use bytes::Bytes;
use domain::id::{Id, MessageId};
use engine::{LookupError, MessageView, Redaction, Scope, WrittenMessage};
use http::StatusCode;
use hyper::body::Incoming;

use crate::api::credentials::idempotency_key;
use crate::api::query::parameters;
use crate::api::{Api, Call, refuse_query, sound};
use crate::http_errors::not_found;
use crate::json::Json;
use crate::json::fields::Faults;
use crate::problem::Problem;
use crate::reply::{Kind, Reply};
use crate::twilio::list;
use crate::twilio::message::{self, Asked, Change};
use crate::twilio::parameters::{pairs, renamed};
use crate::twilio::sid::{MessageSid, Sid};

/// What parts of our own requests are called here.
const NAMES: [(&str, &str); 2] = [
    ("/valid_for_seconds", "ValidityPeriod"),
    ("/status_callback", "StatusCallback"),
];

/// Octets of a message, about.
const MESSAGE_OCTETS: usize = 1_024;

impl Api {
    /// Takes one message on: 201 once it is safe on disk.
    pub(crate) async fn twilio_send_message(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let key = idempotency_key(&call.parts.headers)?;
        let body = self.form(call, body).await?;
        let mut faults = Faults::default();
        let request = message::read(pairs(&body)?, call.caller.classes(), &mut faults);
        let request = sound(request, faults)?;
        let asked = Asked::of(&request);
        let submitted = self.gateway.submit(&call.caller, request, key).await;
        let submitted = submitted.map_err(|error| renamed(error.into(), &NAMES))?;
        let json = message::submitted(call.within, &asked, &submitted);
        Ok(Reply {
            repeated: submitted.replayed == engine::Replay::Repeated,
            limit: submitted.limit,
            ..Reply::json(StatusCode::CREATED, json)
        })
    }

    /// One message, of either way.
    pub(crate) async fn twilio_read_message(&self, call: &Call<'_>) -> Result<Reply, Problem> {
        refuse_query(call.parts)?;
        let id = id(call)?;
        match self.gateway.message_with_text(&call.caller, id).await {
            Ok(found) => shown(call, &found),
            Err(LookupError::NotFound) => self.read_inbound(call, id).await,
            Err(error) => Err(error.into()),
        }
    }

    /// A SID does not tell which way its message went.
    async fn read_inbound(&self, call: &Call<'_>, id: MessageId) -> Result<Reply, Problem> {
        let id = Id::from_bytes(id.to_bytes()).ok_or_else(not_found)?;
        let found = self.gateway.inbound_message(&call.caller, id).await?;
        let mut json = Json::with_capacity(MESSAGE_OCTETS);
        message::write_inbound(&mut json, call.within, &found).ok_or_else(not_found)?;
        Ok(Reply::json(StatusCode::OK, json))
    }

    /// A page of messages of both ways.
    pub(crate) async fn twilio_list_messages(&self, call: &Call<'_>) -> Result<Reply, Problem> {
        let mut faults = Faults::default();
        let members = parameters(call.parts.uri.query(), &mut faults);
        let listing = list::read(members, &mut faults);
        let listing = sound(Some(listing), faults)?;
        let wanted = listing.wanted.clone();
        let found = self.gateway.traffic(&call.caller, wanted).await?;
        Ok(Reply::json(
            StatusCode::OK,
            listing.write(call.within, &found),
        ))
    }

    /// Takes a message back, or destroys its text.
    pub(crate) async fn twilio_change_message(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let id = id(call)?;
        let body = self.form(call, body).await?;
        let mut faults = Faults::default();
        let change = message::change(pairs(&body)?, &mut faults);
        let view = match sound(change, faults)? {
            Change::Cancel => self.gateway.cancel(&call.caller, id).await?,
            Change::Redact => {
                // The same request takes messages back, for which the scope of the route is enough.
                self.gateway
                    .authorize(&call.caller, Scope::MessagesRedact)?;
                let what = Redaction::Text;
                self.gateway.redact(&call.caller, id, what).await?
            }
        };
        shown(call, &without_text(view))
    }

    /// Destroys what is kept of a message.
    pub(crate) async fn twilio_delete_message(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let id = id(call)?;
        self.form(call, body).await?;
        let what = Redaction::Whole;
        self.gateway.redact(&call.caller, id, what).await?;
        Ok(Reply::ready(
            StatusCode::NO_CONTENT,
            Kind::Json,
            Bytes::new(),
        ))
    }
}

/// A SID of the wrong form is answered like one that is not there.
fn id(call: &Call<'_>) -> Result<MessageId, Problem> {
    let sid: MessageSid = call.object.parse().map_err(|_| not_found())?;
    Ok(Sid::id(sid))
}

/// Whoever changes a message need not be allowed to read it.
const fn without_text(view: MessageView) -> WrittenMessage {
    WrittenMessage { view, text: None }
}

fn shown(call: &Call<'_>, found: &WrittenMessage) -> Result<Reply, Problem> {
    let mut json = Json::with_capacity(MESSAGE_OCTETS);
    message::write(&mut json, call.within, found).ok_or_else(not_found)?;
    Ok(Reply::json(StatusCode::OK, json))
}
