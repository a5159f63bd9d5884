//! What the simulated provider answers: its API, and a window for people (`GET /stats`, `GET /inbox`, `POST /mo`).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use web::twilio::form;

use super::post::Told;
use super::{ProviderSim, lock};

/// The largest request body, in octets.
const BODY_MAX: usize = 64 * 1_024;

/// The errors of messages that fail: a full queue, and a filter.
const FAILURES: [(u32, &str); 2] = [(21_611, "the queue is full"), (30_007, "filtered")];

/// A request that ends its connection in place of an answer.
#[derive(Debug, thiserror::Error)]
#[error("hung up on purpose")]
pub(super) struct HungUp;

type Answer = Response<Full<Bytes>>;

/// What happens to a message.
enum Fate {
    Throttled,
    Failed(u32, &'static str),
    Silent,
    HungUp,
    Taken,
}

/// The body of `POST /mo`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FromHandset {
    from: String,
    to: String,
    text: String,
}

pub(super) async fn answer(
    sim: &ProviderSim,
    request: Request<Incoming>,
) -> Result<Answer, HungUp> {
    let account = format!("/2010-04-01/Accounts/{}", sim.0.plan.account);
    let path = request.uri().path().to_owned();
    let below = path.strip_prefix(&account);
    match (request.method(), path.as_str(), below) {
        (&Method::GET, "/stats", _) => Ok(lines(&[sim.counts()])),
        (&Method::GET, "/inbox", _) => Ok(lines(&sim.inbox())),
        (&Method::POST, "/mo", _) => Ok(from_handset(sim, request).await),
        (_, _, Some(".json" | "/Messages.json")) if !is_ours(sim, &request) => {
            Ok(refused(StatusCode::UNAUTHORIZED, 20_003, "authenticate"))
        }
        (&Method::GET, _, Some(".json")) => {
            let body = json!({"sid": sim.0.plan.account, "status": "active"});
            Ok(said(StatusCode::OK, &body))
        }
        (&Method::POST, _, Some("/Messages.json")) => message(sim, request).await,
        _ => Ok(refused(
            StatusCode::NOT_FOUND,
            20_404,
            "there is no such path",
        )),
    }
}

/// Whether account and password are shown.
fn is_ours(sim: &ProviderSim, request: &Request<Incoming>) -> bool {
    let plan = &sim.0.plan;
    let pair = format!("{}:{}", plan.account, plan.secret.reveal());
    let shown = format!("Basic {}", STANDARD.encode(pair));
    let given = request.headers().get(AUTHORIZATION);
    given.is_some_and(|given| given.as_bytes() == shown.as_bytes())
}

async fn message(sim: &ProviderSim, request: Request<Incoming>) -> Result<Answer, HungUp> {
    let Some(body) = body_of(request).await else {
        return Ok(refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            20_413,
            "the body is too long",
        ));
    };
    let Ok(fields) = form::read(&body) else {
        return Ok(refused(
            StatusCode::BAD_REQUEST,
            20_422,
            "the body is no form",
        ));
    };
    let field = |name: &str| {
        let mut found = fields.iter().filter(|(other, _)| other == name);
        found.next().map(|(_, value)| value.to_string())
    };
    let (to, from, text) = match (field("To"), field("From"), field("Body")) {
        (Some(to), Some(from), Some(text)) => (to, from, text),
        (None, ..) => return Ok(refused(StatusCode::BAD_REQUEST, 21_604, "To is missing")),
        (_, None, _) => return Ok(refused(StatusCode::BAD_REQUEST, 21_603, "From is missing")),
        _ => return Ok(refused(StatusCode::BAD_REQUEST, 21_602, "Body is missing")),
    };
    let (fate, latency) = fate(sim);
    tokio::time::sleep(latency).await;
    if let Some(refusal) = refusal(sim, &fate) {
        return Ok(refusal);
    }
    let sid = sim.show(&from, &to, &text);
    let told = Told {
        sid: sid.clone(),
        from,
        to,
    };
    if let Some(url) = field("StatusCallback") {
        sim.tell_later(url, told);
    }
    match fate {
        Fate::HungUp => Err(HungUp),
        Fate::Silent => {
            sim.count(|counts| counts.silent += 1);
            std::future::pending().await
        }
        _ => Ok(taken(&sid)),
    }
}

fn taken(sid: &str) -> Answer {
    let body = json!({"sid": sid, "status": "queued", "error_code": null});
    said(StatusCode::CREATED, &body)
}

/// The answer to a message that is not taken.
fn refusal(sim: &ProviderSim, fate: &Fate) -> Option<Answer> {
    let refusal = match fate {
        Fate::Throttled => {
            let mut answer = refused(StatusCode::TOO_MANY_REQUESTS, 20_429, "too many requests");
            let wait = HeaderValue::from_static("1");
            answer.headers_mut().insert(RETRY_AFTER, wait);
            answer
        }
        Fate::Failed(code, says) => refused(StatusCode::BAD_REQUEST, *code, says),
        _ => return None,
    };
    sim.count(|counts| counts.refused += 1);
    Some(refusal)
}

/// What chance makes of a message, and how long its answer takes.
fn fate(sim: &ProviderSim) -> (Fate, Duration) {
    let behaviour = &sim.0.plan.behaviour;
    let mut chance = lock(&sim.0.chance);
    let latency = behaviour.latency.draw(&mut chance);
    let fate = if chance.chance(behaviour.throttle_rate) {
        Fate::Throttled
    } else if chance.chance(behaviour.failure_rate) {
        let (code, says) = chance.pick(&FAILURES).copied().unwrap_or(FAILURES[0]);
        Fate::Failed(code, says)
    } else if chance.chance(behaviour.silence_rate) {
        Fate::Silent
    } else if chance.chance(behaviour.disconnect_rate) {
        Fate::HungUp
    } else {
        Fate::Taken
    };
    (fate, latency)
}

async fn from_handset(sim: &ProviderSim, request: Request<Incoming>) -> Answer {
    let body = body_of(request).await.unwrap_or_default();
    let Ok(said) = serde_json::from_slice::<FromHandset>(&body) else {
        let says = "the body is not {from, to, text}, all of them text";
        return refused(StatusCode::BAD_REQUEST, 20_422, says);
    };
    let Some(url) = sim.0.plan.inbound.clone() else {
        let says = "nobody said where messages from handsets go: give --inbound-url";
        return refused(StatusCode::CONFLICT, 20_409, says);
    };
    let (from, to, text) = (&*said.from, &*said.to, &*said.text);
    let status = match sim.bring(&url, (from, to, text)).await {
        Ok(()) => StatusCode::ACCEPTED,
        Err(error) => {
            tracing::warn!(%error, "simulator: a message from a handset was not taken");
            StatusCode::BAD_GATEWAY
        }
    };
    self::said(status, &json!({"parts": 1}))
}

async fn body_of(request: Request<Incoming>) -> Option<Bytes> {
    let body = Limited::new(request.into_body(), BODY_MAX).collect().await;
    Some(body.ok()?.to_bytes())
}

fn refused(status: StatusCode, code: u32, says: &str) -> Answer {
    let body = json!({"code": code, "message": says, "status": status.as_u16()});
    said(status, &body)
}

fn said(status: StatusCode, body: &serde_json::Value) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body.to_string())));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

/// Each item as JSON on a line of its own.
fn lines<T: Serialize>(items: &[T]) -> Answer {
    let written = items
        .iter()
        .filter_map(|item| serde_json::to_string(item).ok());
    let body: String = written.map(|line| line + "\n").collect();
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    let kind = HeaderValue::from_static("application/x-ndjson");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}
