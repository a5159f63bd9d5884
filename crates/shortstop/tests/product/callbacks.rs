//! Status callbacks of the real binary, checked by the validators of Twilio's SDKs and the libraries of Standard
//! Webhooks: each step in order, though the receiver fails and the gateway is killed; a receiver that is away holds
//! up nobody else's; and nobody is led inside.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use domain::id::{ClientId, MessageId};
use domain::twilio::sid;
use engine::ports::Clock as _;
use serde_json::Value;
use shortstop::certificates::{self, Subject};
use shortstop::clock::SystemClock;
use shortstop::config::checked::PairFiles;
use shortstop::http_client::Client;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use super::ground::{
    CODE, Carrier, Ground, PATIENCE, free_address, message, reaches, run_json, until,
};
use super::webhooks::{only_client, tool};

struct Receiver {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Receiver {
    async fn start(mut command: Command, secret: &str, at: SocketAddr, files: &PairFiles) -> Self {
        let mut child = command
            .env("WEBHOOK_SECRET", secret)
            .env("PORT", at.port().to_string())
            .env("CERTIFICATE", &files.certificate)
            .env("KEY", &files.key)
            .env("NODE_PATH", tool("node_modules"))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        until("the receiver", async || {
            tokio::net::TcpStream::connect(at).await.ok()
        })
        .await;
        Self { child, lines }
    }

    /// The next line, in words.
    async fn hears(&mut self) -> Vec<String> {
        let line = timeout(PATIENCE, self.lines.next_line()).await;
        let line = line.expect("it is told in time").unwrap();
        let line = line.expect("it goes on");
        line.split(' ').map(str::to_owned).collect()
    }

    /// The steps of one message, each once unless it is told again, in their order.
    async fn hears_all_of(&mut self, id: &str) {
        let id: MessageId = id.parse().unwrap();
        let mut expected = ["queued", "sent", "delivered"].into_iter().peekable();
        let mut last = Vec::new();
        while let Some(step) = expected.peek() {
            let heard = self.hears().await;
            if heard == last {
                continue;
            }
            let of = [heard[0].as_str(), &heard[1], &heard[2]];
            let message = sid("SM", id.to_bytes());
            assert_eq!(of, [*step, &message, "+447700900123"], "{heard:?}");
            expected.next();
            last = heard;
        }
    }
}

fn script(program: &str, name: &str) -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/product/callbacks");
    let mut command = Command::new(tool(program));
    command.arg(folder.join(name));
    command
}

/// A gateway's place, and the certificate of the receivers.
fn place(permitted: &str) -> (Ground, PairFiles) {
    let mut ground = Ground::new();
    let tls = ground.path("tls");
    std::fs::create_dir(&tls).unwrap();
    let made = certificates::keep(&tls, &[Subject::Carrier], SystemClock.now()).unwrap();
    let ca = made.ca.display();
    let section = format!("[webhooks]\nca_file = '{ca}'\ni_accept_calls_into = [{permitted}]\n");
    ground.more.push_str(&section);
    (ground, Subject::Carrier.files(&tls))
}

async fn secret_of(client: &str, data: &str) -> String {
    let shown = run_json(&["client", "callback-secret", client, "--data", data]).await;
    let id: ClientId = client.parse().unwrap();
    let shown = &shown["callback"];
    assert_eq!(shown["account_sid"], sid("AC", id.to_bytes()));
    shown["secret"].as_str().unwrap().to_owned()
}

fn with_url(url: &str) -> Value {
    let mut body = message("+447700900123", "alert", "Tell me");
    body["status_callback"] = url.into();
    body
}

async fn send(api: &mut Client, url: &str) -> String {
    let reply = api.post("/v1/messages", &with_url(url)).await.unwrap();
    assert_eq!(reply.status.as_u16(), 202, "{}", reply.text);
    reply.member("id")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_validators_of_others_take_each_step_in_order_over_failures_and_a_kill() {
    let (ground, files) = place("'127.0.0.0/8'");
    let carrier = Carrier::start(&[]).await;
    ground.configure(carrier.smpp);
    let mut gateway = ground.start().await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    let data = ground.data().display().to_string();
    let client = only_client(&data).await;
    let secret = secret_of(&client, &data).await;

    let at = free_address();
    let mut command = script("python", "receiver.py");
    command.env("FAIL", "once");
    let mut receiver = Receiver::start(command, &secret, at, &files).await;
    let url = format!("https://127.0.0.1:{}/status?for=anna%20b", at.port());
    let id = send(&mut api, &url).await;
    assert_eq!(receiver.hears().await, ["failed", "queued"]);
    reaches(&mut api, &id, "delivered").await;
    gateway.kill().await.unwrap();
    drop(gateway);
    let gateway = ground.start().await;
    receiver.hears_all_of(&id).await;
    receiver.child.kill().await.unwrap();

    let at = free_address();
    let command = script("node", "receiver.mjs");
    let mut receiver = Receiver::start(command, &secret, at, &files).await;
    let url = format!("https://127.0.0.1:{}", at.port());
    let id = send(&mut api, &url).await;
    receiver.hears_all_of(&id).await;
    assert!(gateway.stop().await.unwrap().success());
    for file in super::ground::files(&ground.data()) {
        let octets = std::fs::read(&file).unwrap();
        let is_there = octets.windows(8).any(|window| window == b"for=anna");
        assert!(!is_there, "{}", file.display());
    }
    assert!(!ground.log().contains("for=anna"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_away_holds_up_nobody_elses_callbacks() {
    let (ground, files) = place("'127.0.0.0/8'");
    let carrier = Carrier::start(&[]).await;
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let away = ground.key().await;
    let data = ground.data().display().to_string();
    let add = ["client", "add", "prompt", "--short-code", CODE];
    let add = [&add[..], &["--class", "alert", "--data", &data]].concat();
    let prompt = run_json(&add).await;
    let id = prompt["client"]["id"].as_str().unwrap();
    let secret = secret_of(id, &data).await;
    let key = prompt["client"]["api_key"].as_str().unwrap();
    let (mut away, mut prompt) = (ground.api(&away).client(), ground.api(key).client());

    let nobody = format!("https://127.0.0.1:{}/", free_address().port());
    for _ in 0..40 {
        send(&mut away, &nobody).await;
    }
    let at = free_address();
    let command = script("python", "receiver.py");
    let mut receiver = Receiver::start(command, &secret, at, &files).await;
    let url = format!("https://127.0.0.1:{}/status", at.port());
    for _ in 0..3 {
        let id = send(&mut prompt, &url).await;
        receiver.hears_all_of(&id).await;
    }
    assert!(gateway.stop().await.unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_url_that_leads_inside_is_refused_at_once_or_when_its_name_does() {
    let (ground, _) = place("");
    let carrier = Carrier::start(&[]).await;
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    for inside in [
        "https://10.0.0.1/",
        "https://127.0.0.1/",
        "https://[::ffff:10.0.0.1]/",
        "https://167772161/",
        "https://0x7f.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://user@hooks.example/",
        "https://hooks.example:0/",
        "http://hooks.example/",
    ] {
        let reply = api.post("/v1/messages", &with_url(inside)).await.unwrap();
        assert_eq!(reply.member("code"), "invalid-request", "{inside}");
        assert!(reply.text.contains("#/status_callback"), "{}", reply.text);
        assert!(!reply.text.contains(inside), "{}", reply.text);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    send(&mut api, &format!("https://localhost:{port}/")).await;
    let mut admin = ground.admin();
    until("the refusal", async || {
        let metrics = admin.get("/metrics").await.ok()?.text;
        let mut lines = metrics.lines();
        let name = "shortstop_events_failures_in_a_row{to=\"callbacks/";
        let line = lines.find(|line| line.starts_with(name))?;
        (!line.ends_with(" 0")).then_some(())
    })
    .await;
    let called = std::future::poll_fn(|context| {
        std::task::Poll::Ready(listener.poll_accept(context).is_ready())
    });
    assert!(!called.await, "nobody was called");
    assert!(gateway.stop().await.unwrap().success());
}
