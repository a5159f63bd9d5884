//! `POST /v1/messages` and `POST /v1/messages/{id}/cancel`.

use engine::Replay;
use http::StatusCode;
use hyper::body::Incoming;

use crate::api::{Api, Call, body, credentials, document, message, refuse_query, render, sound};
use crate::http_errors::not_found;
use crate::json::fields::Faults;
use crate::json::{Fields, Json};
use crate::problem::Problem;
use crate::reply::Reply;

impl Api {
    /// Takes one message on: 202 once it is safe on disk.
    pub(super) async fn submit_message(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let key = credentials::idempotency_key(&call.parts.headers)?;
        let body = self.body(call, body).await?;
        let mut faults = Faults::default();
        let request = message::read(document(&body)?, &mut faults);
        let request = sound(request, faults)?;
        let submitted = self.gateway.submit(&call.caller, request, key).await?;
        let mut json = Json::with_capacity(256);
        json.open();
        render::submitted(&mut json, &submitted);
        json.close();
        Ok(Reply {
            repeated: submitted.replayed == Replay::Repeated,
            limit: submitted.limit,
            ..Reply::json(StatusCode::ACCEPTED, json)
        })
    }

    /// Takes a message back.
    pub(super) async fn cancel_message(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        refuse_query(call.parts)?;
        let id = call.object.parse().map_err(|_| not_found())?;
        self.require_empty(call, body).await?;
        let view = self.gateway.cancel(&call.caller, id).await?;
        Ok(Reply::json(StatusCode::OK, render::message(&view)))
    }

    /// Some clients send `{}` with every POST; anything more is a mistake.
    pub(super) async fn require_empty(
        &self,
        call: &Call<'_>,
        incoming: &mut Incoming,
    ) -> Result<(), Problem> {
        let octets_max = self.settings.body_bytes_max;
        let body = self.octets_up_to(octets_max, call, incoming).await?;
        if body.is_empty() {
            return Ok(());
        }
        body::require_json(&call.parts.headers)?;
        let mut faults = Faults::default();
        Fields::open(document(&body)?, "", &mut faults).close();
        sound(Some(()), faults)
    }
}
