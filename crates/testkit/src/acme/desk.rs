//! What an authority answers, path by path.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::signature::sha256;
use domain::time::Timestamp;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::Inside;
use super::books::{Authorization, Order, Standing};
use super::issue::{self, now};
use super::jws::{self, Asked, Who, Wrong};
use super::look::look;
use super::tricks::Trick;

/// What is answered: a status, the URL of what was made, and a body.
type Said = (StatusCode, Option<String>, Body);

/// Octets that nobody needs.
const LONG: usize = 1 << 20;

enum Body {
    Json(Value),
    Pem(String),
}

/// Answers a request, always with a nonce.
pub(super) async fn answer(
    inside: Arc<Inside>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (uri, method) = (request.uri().clone(), request.method().clone());
    // As it was written, which is what is signed.
    let whole = uri.path_and_query().map_or("/", |whole| whole.as_str());
    let path = uri.path().trim_end_matches('/').to_owned();
    let is_jose = request
        .headers()
        .get("content-type")
        .is_some_and(|kind| kind == "application/jose+json");
    let body = request.into_body().collect().await;
    let body = body
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let said = match (method, path.as_str()) {
        (Method::GET, "/directory") => Ok(directory(&inside)),
        (Method::GET | Method::HEAD, "/nonce") => {
            Ok((StatusCode::OK, None, Body::Json(Value::Null)))
        }
        (Method::GET, path) if path.starts_with("/renewal/") => Ok(renewal(&inside, path)),
        (Method::POST, _) if is_jose => posted(&inside, (&path, whole), &body),
        _ => Err("malformed"),
    };
    let nonce = inside.books().nonce();
    let builder = Response::builder().header("replay-nonce", nonce);
    let answer = match said {
        Ok((status, location, body)) => {
            let mut builder = builder.status(status);
            if let Some(url) = location {
                builder = builder.header("location", url);
            }
            let body = match body {
                Body::Json(json) => json.to_string(),
                Body::Pem(text) => text,
            };
            builder.body(Full::from(body))
        }
        Err(word) => {
            let status = match word {
                "rateLimited" => StatusCode::TOO_MANY_REQUESTS,
                _ => StatusCode::BAD_REQUEST,
            };
            let kind = format!("urn:ietf:params:acme:error:{word}");
            let body = json!({"type": kind, "detail": "for a test", "status": status.as_u16()});
            let builder = builder.status(status);
            let builder = builder.header("content-type", "application/problem+json");
            builder.body(Full::from(body.to_string()))
        }
    };
    Ok(answer.expect("an answer"))
}

fn directory(inside: &Inside) -> Said {
    let odd = if inside.plays(Trick::OddUrls) {
        "/?of=test"
    } else {
        ""
    };
    let at = |name: &str| format!("{}/{name}{odd}", inside.base);
    let order = if inside.plays(Trick::ClearOrders) {
        at("order").replacen("https", "http", 1)
    } else {
        at("order")
    };
    let told = json!({
        "newNonce": at("nonce"),
        "newAccount": at("account"),
        "newOrder": order,
        "revokeCert": at("revoke"),
        "keyChange": at("key"),
        "renewalInfo": format!("{}/renewal", inside.base),
        "meta": {"termsOfService": at("terms")},
    });
    (StatusCode::OK, None, Body::Json(told))
}

/// A window that is over when it is wanted, and years away otherwise.
fn renewal(inside: &Inside, path: &str) -> Said {
    let id = path.trim_start_matches("/renewal/");
    let is_id = id.split_once('.').is_some_and(|(issuer, serial)| {
        jws::decoded(issuer).is_ok() && jws::decoded(serial).is_ok()
    });
    if !is_id {
        return (StatusCode::NOT_FOUND, None, Body::Json(json!({})));
    }
    let start = if inside.books().wants_renewal {
        now().saturating_sub(Duration::from_hours(2))
    } else {
        now() + Duration::from_hours(24 * 999)
    };
    let moment = |at: Duration| Timestamp::from_seconds(at.as_secs()).to_string();
    let window = json!({"start": moment(start), "end": moment(start + Duration::from_hours(1))});
    let told = json!({"suggestedWindow": window});
    (StatusCode::OK, None, Body::Json(told))
}

fn posted(inside: &Arc<Inside>, (path, whole): (&str, &str), body: &[u8]) -> Result<Said, Wrong> {
    let left = inside.books().trick.and_then(Trick::refuses_nonce);
    if left.is_some() {
        inside.books().trick = left;
        return Err("badNonce");
    }
    let asked = jws::read(inside, whole, body)?;
    let (what, number) = match path.trim_start_matches('/').split_once('/') {
        Some((what, number)) => (what, number.parse().map_err(|_| "malformed")?),
        None => (path.trim_start_matches('/'), usize::MAX),
    };
    match (what, &asked.who) {
        ("account", Who::Key) => account(inside, whole, &asked),
        ("order", Who::Account(who)) if number == usize::MAX => order(inside, *who, &asked),
        ("order", Who::Account(who)) => shown(inside, *who, number),
        ("authorization", Who::Account(who)) => authorization(inside, *who, number),
        ("challenge", Who::Account(who)) => challenge(inside, *who, number, &asked),
        ("finalize", Who::Account(who)) => finalize(inside, *who, number, &asked),
        ("certificate", Who::Account(_)) => {
            let found = inside.books().certificates.get(number).cloned();
            let found = found.ok_or("malformed")?;
            if inside.plays(Trick::Elsewhere) && !whole.ends_with("?there") {
                let there = format!("{}{path}?there", inside.base);
                return Ok((StatusCode::FOUND, Some(there), Body::Pem(String::new())));
            }
            let more = if inside.plays(Trick::Flood) { LONG } else { 0 };
            Ok((StatusCode::OK, None, Body::Pem(found + &"\n".repeat(more))))
        }
        _ => Err("unauthorized"),
    }
}

fn account(inside: &Inside, path: &str, asked: &Asked) -> Result<Said, Wrong> {
    let told: Value = serde_json::from_slice(&asked.payload).map_err(|_| "malformed")?;
    let mut books = inside.books();
    let known = books.accounts.iter();
    let known = known
        .filter(|(_, point)| **point == asked.point)
        .map(|(number, _)| *number)
        .next();
    let status = if known.is_some() {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    if known.is_none() {
        if told["termsOfServiceAgreed"] != true {
            return Err("userActionRequired");
        }
        if let Some((id, secret)) = &inside.settings.customer {
            let url = format!("{}{path}", inside.base);
            let bound = &told["externalAccountBinding"];
            if !bound.is_object() {
                return Err("externalAccountRequired");
            }
            if !jws::is_bound(bound, (id, secret), (&url, &asked.point))? {
                return Err("unauthorized");
            }
        }
    }
    let number = known.unwrap_or(books.accounts.len());
    books.accounts.insert(number, asked.point.clone());
    let url = format!("{}/account/{number}", inside.base);
    Ok((status, Some(url), Body::Json(json!({"status": "valid"}))))
}

fn order(inside: &Inside, who: usize, asked: &Asked) -> Result<Said, Wrong> {
    let told: Value = serde_json::from_slice(&asked.payload).map_err(|_| "malformed")?;
    let mut books = inside.books();
    if books.refusals > 0 {
        books.refusals -= 1;
        return Err("rateLimited");
    }
    let names = told["identifiers"].as_array().ok_or("malformed")?;
    let names = names.iter().map(|name| match name["type"].as_str() {
        Some("dns") => name["value"].as_str().map(str::to_owned),
        _ => None,
    });
    let names: Vec<String> = names.collect::<Option<_>>().ok_or("malformed")?;
    if let Some(id) = told["replaces"].as_str() {
        books.replaced.push(id.to_owned());
    }
    let mut authorizations = Vec::new();
    for name in &names {
        authorizations.push(books.authorizations.len());
        let token = format!("token-{}-{}", books.authorizations.len(), books.last_nonce);
        books.authorizations.push(Authorization {
            account: who,
            name: name.clone(),
            token,
            standing: Standing::Pending,
        });
    }
    let number = books.orders.len();
    books.orders.push(Order {
        account: who,
        names,
        authorizations,
        certificate: None,
        replaces: told["replaces"].clone(),
    });
    drop(books);
    let (_, _, body) = shown(inside, who, number)?;
    let url = format!("{}/order/{number}", inside.base);
    Ok((StatusCode::CREATED, Some(url), body))
}

fn shown(inside: &Inside, who: usize, number: usize) -> Result<Said, Wrong> {
    let is_spoilt = inside.plays(Trick::InvalidOrders);
    let books = inside.books();
    let order = books.orders.get(number).ok_or("malformed")?;
    if order.account != who {
        return Err("unauthorized");
    }
    let status = match order.certificate {
        Some(_) if is_spoilt => "invalid",
        Some(_) => "valid",
        None if books.is_proved(order) => "ready",
        None if books.is_lost(order) => "invalid",
        None => "pending",
    };
    let at = |what: &str, number: usize| format!("{}/{what}/{number}", inside.base);
    let named = |name: &String| json!({"type": "dns", "value": name});
    let told = order.authorizations.iter();
    let mut told = json!({
        "status": status,
        "identifiers": order.names.iter().map(named).collect::<Vec<_>>(),
        "authorizations": told.map(|place| at("authorization", *place)).collect::<Vec<_>>(),
        "finalize": at("finalize", number),
        "replaces": order.replaces,
    });
    if let Some(place) = order.certificate {
        told["certificate"] = json!(at("certificate", place));
    }
    Ok((StatusCode::OK, None, Body::Json(told)))
}

fn authorization(inside: &Inside, who: usize, number: usize) -> Result<Said, Wrong> {
    let kind = if inside.plays(Trick::OtherChallenges) {
        "dns-01"
    } else {
        "tls-alpn-01"
    };
    let books = inside.books();
    let found = books.authorizations.get(number).ok_or("malformed")?;
    if found.account != who {
        return Err("unauthorized");
    }
    let url = format!("{}/challenge/{number}", inside.base);
    let mut challenge = json!({"type": kind, "url": url, "token": found.token});
    if let Standing::Invalid(why) = &found.standing {
        let kind = "urn:ietf:params:acme:error:tls";
        challenge["error"] = json!({"type": kind, "detail": why});
    }
    let other = json!({"type": "http-01", "url": url, "token": "another"});
    let told = json!({
        "status": found.standing.word(),
        "identifier": {"type": "dns", "value": found.name},
        "challenges": [other, challenge],
    });
    Ok((StatusCode::OK, None, Body::Json(told)))
}

fn challenge(
    inside: &Arc<Inside>,
    who: usize,
    number: usize,
    asked: &Asked,
) -> Result<Said, Wrong> {
    if asked.payload != b"{}" {
        return Err("malformed");
    }
    let mut books = inside.books();
    let found = books.authorizations.get_mut(number).ok_or("malformed")?;
    if found.account != who || found.standing != Standing::Pending {
        return Err("unauthorized");
    }
    found.standing = Standing::Looked;
    let proof = format!("{}.{}", found.token, jws::thumbprint(&asked.point));
    let (name, at) = (found.name.clone(), inside.settings.names_at);
    let inside = Arc::clone(inside);
    tokio::spawn(async move {
        let looked = look(at, &name, &sha256(proof.as_bytes())).await;
        if let Some(found) = inside.books().authorizations.get_mut(number) {
            found.standing = match looked {
                Ok(()) => Standing::Valid,
                Err(why) => Standing::Invalid(why.to_owned()),
            };
        }
    });
    let told = json!({"type": "tls-alpn-01", "status": "processing"});
    Ok((StatusCode::OK, None, Body::Json(told)))
}

fn finalize(inside: &Inside, who: usize, number: usize, asked: &Asked) -> Result<Said, Wrong> {
    let told: Value = serde_json::from_slice(&asked.payload).map_err(|_| "malformed")?;
    let request = jws::decoded(told["csr"].as_str().ok_or("badCSR")?)?;
    let is_another = inside.plays(Trick::AnotherKey);
    let is_elsewhere = inside.plays(Trick::OtherNames);
    let mut books = inside.books();
    let order = books.orders.get(number).cloned().ok_or("malformed")?;
    if order.account != who || !books.is_proved(&order) {
        return Err("orderNotReady");
    }
    let life = inside.settings.life;
    let names = if is_elsewhere {
        vec!["elsewhere.example".to_owned()]
    } else {
        order.names
    };
    let request = if is_another || is_elsewhere {
        issue::request(&names)
    } else {
        request
    };
    let chain = inside.issuing.give(&request, &names, life)?;
    let place = books.certificates.len();
    books.certificates.push(chain);
    if let Some(order) = books.orders.get_mut(number) {
        order.certificate = Some(place);
    }
    drop(books);
    shown(inside, who, number)
}
