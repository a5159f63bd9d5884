//! Calls of webhooks, against a receiver with TLS, a lab resolver, and everything that a URL could be made to
//! lead to.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use domain::webhook::Target;
use engine::ports::Webhook;
use engine::ports::webhook::{Body, Call, Called, Shape, Uncalled};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use testkit::contract::webhook::{WebhookPeer, run};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use web::webhook::{LookingUp, Names, Roots, WebhookCaller, WebhookWay};

const HOST: &str = "hooks.example";
const PATIENCE: Duration = Duration::from_millis(500);

/// A resolver that gives one answer after the other, the last one for ever.
#[derive(Default)]
struct Lab {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl Lab {
    fn answering(answers: &[&[&str]]) -> Arc<Self> {
        let parsed = |list: &&[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self {
            answers: Mutex::new(answers.iter().map(parsed).collect()),
            asked: Mutex::default(),
        })
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Names for Lab {
    fn look_up<'a>(&'a self, name: &'a str) -> LookingUp<'a> {
        self.asked.lock().unwrap().push(name.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 {
            answers.pop_front().unwrap()
        } else {
            answers.front().cloned().unwrap_or_default()
        };
        Box::pin(std::future::ready(Ok(answer)))
    }
}

/// What arrived: its `Host`, id, timestamp, signature and body.
type Heard = (String, String, u64, String, Vec<u8>);

#[derive(Default)]
struct Book {
    status: u16,
    fields: Vec<(&'static str, String)>,
    body: String,
    is_silent: bool,
    heard: Vec<Heard>,
}

/// A receiver on 127.0.0.1.
struct Receiver {
    port: u16,
    roots: Roots,
    book: Arc<Mutex<Book>>,
    _folder: tempfile::TempDir,
}

impl Receiver {
    async fn start(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let key =
            rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let book = Arc::new(Mutex::new(Book {
            status: 200,
            ..Book::default()
        }));
        let shared = Arc::clone(&book);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, book) = (acceptor.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    let Ok(socket) = acceptor.accept(socket).await else {
                        return;
                    };
                    let service = service_fn(move |request| answer(Arc::clone(&book), request));
                    let serving = http1::Builder::new();
                    let _cut = serving
                        .serve_connection(TokioIo::new(socket), service)
                        .await;
                });
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, made.cert.pem()).unwrap();
        Self {
            port,
            roots: Roots::File(file),
            book,
            _folder: folder,
        }
    }

    /// A caller to whom these networks are permitted, over this resolver.
    fn caller(&self, permitted: &[&str], lab: &Arc<Lab>) -> WebhookCaller {
        let way = WebhookWay {
            roots: self.roots.clone(),
            patience: PATIENCE,
            permitted: permitted.iter().map(|net| net.parse().unwrap()).collect(),
        };
        WebhookCaller::with_names(way, lab.clone()).unwrap()
    }

    fn url(&self, host: &str) -> String {
        format!("https://{host}:{}/in?a=1", self.port)
    }

    fn heard(&self) -> Vec<Heard> {
        std::mem::take(&mut self.book.lock().unwrap().heard)
    }
}

async fn answer(
    book: Arc<Mutex<Book>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let field = |name: &str| {
        let value = request.headers().get(name).unwrap();
        value.to_str().unwrap().to_owned()
    };
    let (host, id, signature) = (
        field("host"),
        field("webhook-id"),
        field("webhook-signature"),
    );
    let timestamp = field("webhook-timestamp").parse().unwrap();
    assert_eq!(field("content-type"), "application/json");
    assert_eq!(request.uri(), "/in?a=1");
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let (response, is_silent) = {
        let mut book = book.lock().unwrap();
        let heard = (host, id, timestamp, signature, body.to_vec());
        book.heard.push(heard);
        let mut response = Response::builder().status(book.status);
        for (name, value) in &book.fields {
            response = response.header(*name, value);
        }
        let body = Full::new(Bytes::from(book.body.clone()));
        (response.body(body).unwrap(), book.is_silent)
    };
    if is_silent {
        std::future::pending::<()>().await;
    }
    Ok(response)
}

async fn call(caller: &WebhookCaller, url: &str) -> Result<Called, Uncalled> {
    let call = Call {
        target: Target::parse(url).unwrap(),
        id: "evt_1".to_owned(),
        timestamp: 1_764_064_800,
        signature: "v1,a".to_owned(),
        shape: Shape::Json,
        body: Body(b"{}".to_vec()),
    };
    caller.call(call).await
}

fn is_forbidden(answer: &Result<Called, Uncalled>) -> bool {
    matches!(answer, Err(Uncalled::Forbidden(_)))
}

#[tokio::test]
async fn the_name_of_the_url_is_called_at_the_address_that_was_vetted() {
    let receiver = Receiver::start(HOST).await;
    let lab = Lab::answering(&[&["127.0.0.1"]]);
    let caller = receiver.caller(&["127.0.0.0/8"], &lab);
    let answered = call(&caller, &receiver.url(HOST)).await.unwrap();
    assert_eq!((answered.status, lab.asked()), (200, 1));
    let authority = format!("{HOST}:{}", receiver.port);
    assert_eq!(receiver.heard()[0].0, authority);
    let other = call(&caller, &receiver.url("other.example")).await;
    let Err(Uncalled::Broken(says)) = other else {
        panic!("{other:?}")
    };
    assert!(says.starts_with("TLS failed"), "{says}");
}

#[tokio::test]
async fn a_name_that_answers_differently_the_next_time_gains_nothing() {
    let receiver = Receiver::start(HOST).await;
    // The first answer may be called, and nobody is there; the second is the receiver, which may not.
    let lab = Lab::answering(&[&["127.0.0.2"], &["127.0.0.1"]]);
    let caller = receiver.caller(&["127.0.0.2/32"], &lab);
    let first = call(&caller, &receiver.url(HOST)).await;
    assert!(matches!(first, Err(Uncalled::Broken(_))), "{first:?}");
    assert_eq!(lab.asked(), 1, "looked up once");
    let second = call(&caller, &receiver.url(HOST)).await;
    assert!(is_forbidden(&second), "{second:?}");
    assert!(receiver.heard().is_empty());
}

#[tokio::test]
async fn a_name_that_leads_to_good_and_bad_addresses_is_called_at_none() {
    let receiver = Receiver::start(HOST).await;
    for bad in [
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "::ffff:127.0.0.2",
        "fd00:ec2::254",
    ] {
        for both in [["127.0.0.1", bad], [bad, "127.0.0.1"]] {
            let lab = Lab::answering(&[&both]);
            let caller = receiver.caller(&["127.0.0.1/32"], &lab);
            let answer = call(&caller, &receiver.url(HOST)).await;
            assert!(is_forbidden(&answer), "{both:?}: {answer:?}");
        }
    }
    let nothing = Lab::answering(&[&[]]);
    let answer = call(&receiver.caller(&[], &nothing), &receiver.url(HOST)).await;
    assert!(matches!(answer, Err(Uncalled::Broken(_))), "{answer:?}");
    assert!(receiver.heard().is_empty());
}

#[tokio::test]
async fn nothing_on_this_machine_is_called_however_it_is_written() {
    let receiver = Receiver::start(HOST).await;
    let lab = Lab::answering(&[&["127.0.0.1"]]);
    let caller = receiver.caller(&[], &lab);
    for host in [
        HOST,
        "localhost",
        "127.0.0.1",
        "[::ffff:127.0.0.1]",
        "[::7f00:1]",
        "[::1]",
        "0.0.0.0",
    ] {
        let answer = call(&caller, &receiver.url(host)).await;
        assert!(is_forbidden(&answer), "{host}: {answer:?}");
    }
    assert!(receiver.heard().is_empty());
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nobody_goes_where_it_points() {
    let receiver = Receiver::start(HOST).await;
    let other = Receiver::start(HOST).await;
    let lab = Lab::answering(&[&["127.0.0.1"]]);
    let caller = receiver.caller(&["127.0.0.1/32"], &lab);
    for status in [301, 302, 303, 307, 308] {
        {
            let mut book = receiver.book.lock().unwrap();
            book.status = status;
            book.fields = vec![("location", other.url(HOST))];
        }
        assert_eq!(
            call(&caller, &receiver.url(HOST)).await.unwrap().status,
            status
        );
    }
    assert_eq!(receiver.heard().len(), 5);
    assert!(other.heard().is_empty());
}

#[tokio::test]
async fn an_answer_has_bounds_and_may_ask_for_time() {
    let receiver = Receiver::start(HOST).await;
    let lab = Lab::answering(&[&["127.0.0.1"]]);
    let caller = receiver.caller(&["127.0.0.1/32"], &lab);
    receiver.book.lock().unwrap().fields = vec![("retry-after", "120".to_owned())];
    let asked = call(&caller, &receiver.url(HOST)).await.unwrap();
    assert_eq!(asked.retry_after, Some(Duration::from_mins(2)));
    receiver.book.lock().unwrap().fields = vec![("x-long", "a".repeat(64 * 1_024))];
    let long_head = call(&caller, &receiver.url(HOST)).await;
    assert!(
        matches!(long_head, Err(Uncalled::Broken(_))),
        "{long_head:?}"
    );
    {
        let mut book = receiver.book.lock().unwrap();
        (book.fields, book.body) = (Vec::new(), "a".repeat(65 * 1_024));
    }
    let long_body = call(&caller, &receiver.url(HOST)).await;
    assert!(
        matches!(long_body, Err(Uncalled::Broken(_))),
        "{long_body:?}"
    );
}

struct Peer {
    receiver: Receiver,
    caller: WebhookCaller,
}

impl WebhookPeer for Peer {
    fn webhook(&self) -> &dyn Webhook {
        &self.caller
    }

    fn target(&self) -> Target {
        Target::parse(&self.receiver.url(HOST)).unwrap()
    }

    fn says(&self, status: u16) {
        let mut book = self.receiver.book.lock().unwrap();
        (book.status, book.is_silent) = (status, false);
    }

    fn is_silent(&self) {
        self.receiver.book.lock().unwrap().is_silent = true;
    }

    fn heard(&self) -> Vec<(String, u64, String, Vec<u8>)> {
        let heard = self.receiver.heard().into_iter();
        heard
            .map(|(_, id, timestamp, signature, body)| (id, timestamp, signature, body))
            .collect()
    }
}

#[tokio::test]
async fn the_caller_keeps_the_contract() {
    let receiver = Receiver::start(HOST).await;
    let lab = Lab::answering(&[&["127.0.0.1"]]);
    let caller = receiver.caller(&["127.0.0.1/32"], &lab);
    run(&Peer { receiver, caller }).await;
}
