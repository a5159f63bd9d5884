//! `/2010-04-01/Accounts/{account}/Messages`: the messages of an account.

use http::StatusCode;
use hyper::body::Incoming;

use crate::api::credentials::idempotency_key;
use crate::api::{Api, Call, refuse_query, sound};
use crate::http_errors::not_found;
use crate::json::Json;
use crate::json::fields::Faults;
use crate::problem::Problem;
use crate::reply::Reply;
use crate::twilio::message::{self, Asked};
use crate::twilio::parameters::{pairs, renamed};
use crate::twilio::sid::{MessageSid, Sid};

/// What parts of our own requests are called here.
const NAMES: [(&str, &str); 2] = [
    ("/valid_for_seconds", "ValidityPeriod"),
    ("/status_callback", "StatusCallback"),
];

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

    /// One message.
    pub(crate) async fn twilio_read_message(&self, call: &Call<'_>) -> Result<Reply, Problem> {
        refuse_query(call.parts)?;
        let sid: MessageSid = call.object.parse().map_err(|_| not_found())?;
        let id = Sid::id(sid);
        let found = self.gateway.message_with_text(&call.caller, id).await?;
        let mut json = Json::with_capacity(1_024);
        message::write(&mut json, call.within, &found).ok_or_else(not_found)?;
        Ok(Reply::json(StatusCode::OK, json))
    }
}
