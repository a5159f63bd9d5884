//! The client of a SIM Swap service: against one that keeps to CAMARA, and against peers that are none.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use domain::verification::risk::{MaxAgeHours, SimSwap, Unknown};
use engine::ports::Risk;
use engine::ports::risk::Told;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use testkit::contract::risk::{SimService, run};
use testkit::gateway::handset;
use tokio::net::TcpListener;
use web::sim_swap::{Credentials, Secret, SimSwapClient, SimSwapPlace};
use web::witness::Roots;

/// What a service will answer, and what it heard.
#[derive(Default)]
struct Book {
    status: u16,
    body: String,
    is_silent: bool,
    tokens: u32,
    revoked: Vec<String>,
    heard: Vec<(String, String, String)>,
}

/// A service on loopback.
struct Service {
    url: String,
    book: Arc<Mutex<Book>>,
    client: SimSwapClient,
}

const PATIENCE: Duration = Duration::from_millis(300);

async fn served(credentials: impl Fn(&str) -> Credentials) -> Service {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/sim-swap/v1", listener.local_addr().unwrap());
    let token_url = format!("http://{}/token", listener.local_addr().unwrap());
    let book = Arc::new(Mutex::new(Book::default()));
    let shared = Arc::clone(&book);
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let book = Arc::clone(&shared);
            let service = service_fn(move |request| answer(Arc::clone(&book), request));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
        }
    });
    let place = SimSwapPlace {
        url: url.clone(),
        roots: Roots::System,
        patience: PATIENCE,
        questions_max: 4,
    };
    let client = SimSwapClient::new(&place, credentials(&token_url)).unwrap();
    Service { url, book, client }
}

async fn answer(
    book: Arc<Mutex<Book>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    assert_eq!(request.method(), Method::POST);
    let shown = request.headers()["authorization"]
        .to_str()
        .unwrap()
        .to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let (status, text, is_silent) = {
        let mut book = book.lock().unwrap();
        book.heard.push((path.clone(), shown.clone(), body));
        if path == "/token" {
            book.tokens += 1;
            let token = format!("t{}", book.tokens);
            let text =
                format!(r#"{{"access_token":"{token}","token_type":"bearer","expires_in":3600}}"#);
            (200, text, false)
        } else if book.revoked.contains(&shown) {
            (401, r#"{"code":"UNAUTHENTICATED"}"#.to_owned(), false)
        } else {
            (book.status, book.body.clone(), book.is_silent)
        }
    };
    if is_silent {
        std::future::pending::<()>().await;
    }
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    let elsewhere = http::HeaderValue::from_static("/elsewhere");
    response.headers_mut().insert("location", elsewhere);
    Ok(response)
}

fn given(_: &str) -> Credentials {
    Credentials::Bearer(Secret::new("given".to_owned()).unwrap())
}

fn fetched(token_url: &str) -> Credentials {
    Credentials::Client {
        token_url: token_url.to_owned(),
        id: "shortstop".to_owned(),
        secret: Secret::new("hidden".to_owned()).unwrap(),
        scope: "sim-swap:check".to_owned(),
    }
}

impl Service {
    fn answers(&self, status: u16, body: &str) {
        let mut book = self.book.lock().unwrap();
        (book.status, book.body, book.is_silent) = (status, body.to_owned(), false);
    }

    async fn ask(&self) -> SimSwap {
        let asked = self.client.sim_swap(handset(7), MaxAgeHours::default());
        match asked.await {
            Told::Answered(verdict) => verdict,
            Told::NotAsked => panic!("it must ask"),
        }
    }

    fn heard(&self) -> Vec<(String, String, String)> {
        std::mem::take(&mut self.book.lock().unwrap().heard)
    }
}

impl SimService for Service {
    fn risk(&self) -> &dyn Risk {
        &self.client
    }

    fn says(&self, verdict: SimSwap) {
        match verdict {
            SimSwap::Unchanged => self.answers(200, r#"{"swapped":false}"#),
            SimSwap::Changed => self.answers(200, r#"{"swapped":true}"#),
            SimSwap::Unknown(Unknown::NotCovered) => {
                self.answers(
                    422,
                    r#"{"status":422,"code":"SERVICE_NOT_APPLICABLE","message":""}"#,
                );
            }
            SimSwap::Unknown(Unknown::Failed) => self.answers(500, ""),
            SimSwap::Unknown(Unknown::TimedOut) => self.book.lock().unwrap().is_silent = true,
        }
    }
}

#[tokio::test]
async fn the_client_keeps_the_contract_of_the_port() {
    run(&served(given).await).await;
    run(&served(fetched).await).await;
}

#[tokio::test]
async fn the_question_is_that_of_camara() {
    let service = served(given).await;
    service.answers(200, r#"{"swapped":false,"more":1}"#);
    assert_eq!(service.ask().await, SimSwap::Unchanged);
    let (path, shown, body) = service.heard().remove(0);
    assert_eq!(
        (path.as_str(), shown.as_str()),
        ("/sim-swap/v1/check", "Bearer given")
    );
    assert_eq!(body, r#"{"maxAge":240,"phoneNumber":"+447700900007"}"#);
}

#[tokio::test]
async fn one_token_serves_until_it_is_refused_and_then_another_is_fetched_once() {
    let service = served(fetched).await;
    service.answers(200, r#"{"swapped":true}"#);
    for _ in 0..3 {
        assert_eq!(service.ask().await, SimSwap::Changed);
    }
    let heard = service.heard();
    let fetches: Vec<_> = heard.iter().filter(|(path, ..)| path == "/token").collect();
    assert_eq!(fetches.len(), 1);
    assert_eq!(fetches[0].1, "Basic c2hvcnRzdG9wOmhpZGRlbg==");
    assert_eq!(
        fetches[0].2,
        "grant_type=client_credentials&scope=sim-swap%3Acheck"
    );
    service
        .book
        .lock()
        .unwrap()
        .revoked
        .push("Bearer t1".to_owned());
    assert_eq!(service.ask().await, SimSwap::Changed);
    assert_eq!(service.heard().len(), 3, "refused, fetched, asked again");
    service.book.lock().unwrap().revoked = (1..9).map(|n| format!("Bearer t{n}")).collect();
    assert_eq!(service.ask().await, SimSwap::Unknown(Unknown::Failed));
    assert_eq!(service.heard().len(), 3, "it does not go on for ever");
}

#[tokio::test]
async fn a_hundred_questions_at_once_fetch_one_token() {
    let service = Arc::new(served(fetched).await);
    service.answers(200, r#"{"swapped":false}"#);
    let asking: Vec<_> = (0..100)
        .map(|_| {
            let service = Arc::clone(&service);
            tokio::spawn(async move { service.ask().await })
        })
        .collect();
    for asked in asking {
        assert_ne!(asked.await.unwrap(), SimSwap::Changed);
    }
    assert_eq!(service.book.lock().unwrap().tokens, 1);
}

#[tokio::test]
async fn whatever_makes_no_sense_is_unknown_and_no_redirect_is_followed() {
    let service = served(given).await;
    let long = format!(r#"{{"swapped":false,"more":"{}"}}"#, "a".repeat(70_000));
    for (status, body) in [
        (200, "{}"),
        (200, r#"{"swapped":"no"}"#),
        (200, "<html>"),
        (200, long.as_str()),
        (201, r#"{"swapped":false}"#),
        (302, r#"{"swapped":false}"#),
        (307, r#"{"swapped":false}"#),
        (403, r#"{"code":"PERMISSION_DENIED"}"#),
        (422, r#"{"code":"MISSING_IDENTIFIER"}"#),
        (404, ""),
        (429, r#"{"code":"TOO_MANY_REQUESTS"}"#),
    ] {
        service.answers(status, body);
        let failed = SimSwap::Unknown(Unknown::Failed);
        assert_eq!(service.ask().await, failed, "{status}");
        assert_eq!(service.heard().len(), 1, "{status}");
    }
    service.answers(404, r#"{"code":"IDENTIFIER_NOT_FOUND"}"#);
    assert_eq!(service.ask().await, SimSwap::Unknown(Unknown::NotCovered));
}

#[tokio::test]
async fn nobody_there_and_plain_http_to_others_are_no_way_to_ask() {
    let service = served(given).await;
    let place = SimSwapPlace {
        url: "http://127.0.0.1:1".to_owned(),
        roots: Roots::System,
        patience: PATIENCE,
        questions_max: 1,
    };
    let client = SimSwapClient::new(&place, given("")).unwrap();
    let asked = client.sim_swap(handset(1), MaxAgeHours::default()).await;
    assert_eq!(asked, Told::Answered(SimSwap::Unknown(Unknown::Failed)));
    let away = SimSwapPlace {
        url: "http://api.operator.example".to_owned(),
        ..place.clone()
    };
    assert!(SimSwapClient::new(&away, given("")).is_err());
    let token_away = fetched("http://api.operator.example/token");
    assert!(SimSwapClient::new(&place, token_away).is_err());
    assert!(!format!("{:?} {:?}", service.client, fetched("x")).contains("hidden"));
    assert!(format!("{:?}", service.client).contains(&service.url));
}
