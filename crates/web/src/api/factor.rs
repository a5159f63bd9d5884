//! `/v1/factors`: authenticator apps and recovery codes are enrolled, confirmed, checked, shown and removed.
//! Secrets and codes are shown once, by the answer that makes them.

mod qr;
mod request;

use domain::id::FactorId;
use domain::verification::recovery::RecoveryCode;
use engine::{AppSecret, FactorChecked, FactorView};
use http::StatusCode;
use hyper::body::Incoming;

use crate::api::{Api, Call, credentials, refuse_query};
use crate::http_errors::not_found;
use crate::json::Json;
use crate::problem::Problem;
use crate::reply::Reply;
use request::Wanted;

/// Octets of a factor, and of one whose picture is shown, about.
const FACTOR_OCTETS: usize = 512;
const ENROLLED_OCTETS: usize = 16_384;

impl Api {
    /// Enrols a factor: 201 once it is safe on disk.
    pub(super) async fn enrol_factor(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        credentials::refuse_idempotency_key(&call.parts.headers)?;
        let body = self.body(call, body).await?;
        let enrolment = request::enrolment(&body)?;
        let (caller, user) = (&call.caller, &enrolment.user);
        let json = match enrolment.wanted {
            Wanted::App(labels) => {
                let (view, secret) = self.gateway.enrol_app(caller, user, &labels).await?;
                app(&view, &secret)
            }
            Wanted::Codes(count) => {
                let (view, codes) = self.gateway.issue_codes(caller, user, count).await?;
                recovery(&view, &codes)
            }
        };
        Ok(Reply::json(StatusCode::CREATED, json))
    }

    /// Confirms an app by its first code.
    pub(super) async fn confirm_factor(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let id = id(call)?;
        let body = self.body(call, body).await?;
        let code = request::code(&body)?;
        let checked = self.gateway.confirm_factor(&call.caller, id, &code).await?;
        Ok(Reply::json(StatusCode::OK, result(&checked)))
    }

    /// Checks a code.
    pub(super) async fn check_factor(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let id = id(call)?;
        let body = self.body(call, body).await?;
        let code = request::code(&body)?;
        let checked = self.gateway.check_factor(&call.caller, id, &code).await?;
        Ok(Reply::json(StatusCode::OK, result(&checked)))
    }

    /// Shows a factor, without its secret.
    pub(super) async fn read_factor(&self, call: &Call<'_>) -> Result<Reply, Problem> {
        refuse_query(call.parts)?;
        let view = self.gateway.factor(&call.caller, id(call)?).await?;
        let mut json = Json::with_capacity(FACTOR_OCTETS);
        json.open();
        members(&mut json, &view);
        standing(&mut json, &view);
        json.close();
        Ok(Reply::json(StatusCode::OK, json))
    }

    /// Removes a factor and destroys its secret.
    pub(super) async fn remove_factor(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        refuse_query(call.parts)?;
        let id = id(call)?;
        self.require_empty(call, body).await?;
        self.gateway.remove_factor(&call.caller, id).await?;
        let mut json = Json::with_capacity(FACTOR_OCTETS);
        json.open().name("id").word(id);
        json.name("state").word("removed").close();
        Ok(Reply::json(StatusCode::OK, json))
    }
}

/// An id of the wrong form is answered like one that is not there.
fn id(call: &Call<'_>) -> Result<FactorId, Problem> {
    call.object.parse().map_err(|_| not_found())
}

fn members(json: &mut Json, view: &FactorView) {
    json.name("id").word(view.id);
    json.name("kind").word(view.kind);
    json.name("state").word(view.state);
    json.name("user").text_or_null(view.user.as_deref());
    json.name("created").word(view.created);
}

fn standing(json: &mut Json, view: &FactorView) {
    json.name("updated").word(view.updated);
    json.name("checks_left").bare(view.checks_left);
    if let Some(left) = view.codes_left {
        json.name("codes_left").bare(left);
    }
}

fn app(view: &FactorView, secret: &AppSecret) -> Json {
    let uri = secret.uri.reveal();
    let mut json = Json::with_capacity(ENROLLED_OCTETS);
    json.open();
    members(&mut json, view);
    json.name("secret").text(&secret.base_32);
    json.name("otpauth_uri").text(uri);
    let picture = qr::svg(uri);
    json.name("qr")
        .text_or_null(picture.as_ref().map(|svg| svg.as_str()))
        .close();
    json
}

fn recovery(view: &FactorView, codes: &[RecoveryCode]) -> Json {
    let mut json = Json::with_capacity(FACTOR_OCTETS);
    json.open();
    members(&mut json, view);
    json.name("codes").open_list();
    for code in codes {
        json.text(&code.reveal());
    }
    json.close_list().close();
    json
}

fn result(checked: &FactorChecked) -> Json {
    let view = &checked.factor;
    let mut json = Json::with_capacity(FACTOR_OCTETS);
    json.open();
    json.name("id").word(view.id);
    json.name("state").word(view.state);
    json.name("verified").bare(checked.verified);
    json.name("checks_left").bare(view.checks_left);
    if let Some(left) = view.codes_left {
        json.name("codes_left").bare(left);
    }
    json.close();
    json
}
