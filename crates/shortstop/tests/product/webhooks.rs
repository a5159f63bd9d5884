//! Webhooks of the real binary, taken by receivers that others' libraries verify for: the Python receiver of
//! `docs/webhooks.md` as it stands there, and one of npm. Each is away when things happen, and the gateway is
//! killed meanwhile; nothing is lost.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use engine::ports::Clock as _;
use serde_json::Value;
use shortstop::certificates::{self, Subject};
use shortstop::clock::SystemClock;
use shortstop::config::checked::PairFiles;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use super::ground::{Carrier, Ground, PATIENCE, free_address, run, run_json, send, until};

const PAGE: &str = include_str!("../../../../docs/webhooks.md");

struct Receiver {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Receiver {
    fn start(mut command: Command, secret: &str, at: SocketAddr, files: &PairFiles) -> Self {
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
        Self { child, lines }
    }

    /// The next event of this type; what comes before it has to be an event too.
    async fn hears(&mut self, wanted: &str) -> String {
        loop {
            let line = timeout(PATIENCE, self.lines.next_line()).await;
            let line = line.unwrap_or_else(|_| panic!("no {wanted} in time"));
            let line = line.unwrap().expect("it goes on");
            assert!(!line.starts_with("refused"), "{line}");
            if line.split(' ').next() == Some(wanted) {
                return line;
            }
        }
    }
}

pub fn tool(name: &str) -> String {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-tools/paths.json");
    let text = std::fs::read_to_string(&list);
    let text = text.expect("`cargo xtask test` installs the libraries that verify");
    let paths: Value = serde_json::from_str(&text).unwrap();
    paths[name].as_str().unwrap().to_owned()
}

/// The receiver of the page, as whoever follows it has it.
fn of_page(ground: &Ground) -> Command {
    let (_, code) = PAGE.split_once("```python\n").unwrap();
    let (code, _) = code.split_once("```").unwrap();
    let file = ground.path("receiver.py");
    std::fs::write(&file, code).unwrap();
    let mut command = Command::new(tool("python"));
    command.arg(file);
    command
}

fn of_npm() -> Command {
    let script = "tests/product/webhooks/receiver.mjs";
    let mut command = Command::new(tool("node"));
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script));
    command
}

pub async fn only_client(data: &str) -> String {
    let listed = run_json(&["client", "list", "--data", data]).await;
    listed["clients"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receivers_of_others_verify_what_they_are_told_and_miss_nothing() {
    let mut ground = Ground::new();
    let tls = ground.path("tls");
    std::fs::create_dir(&tls).unwrap();
    let made = certificates::keep(&tls, &[Subject::Carrier], SystemClock.now()).unwrap();
    let files = Subject::Carrier.files(&tls);
    let ca = made.ca.display();
    let section = format!("[webhooks]\nca_file = '{ca}'\ni_accept_calls_into = ['127.0.0.0/8']\n");
    ground.more.push_str(&section);
    let carrier = Carrier::start(&[]).await;
    ground.configure(carrier.smpp);
    let mut gateway = ground.start().await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    let data = ground.data().display().to_string();
    let client = only_client(&data).await;

    for inside in [
        "https://10.0.0.1/",
        "https://[::ffff:10.0.0.1]/",
        "https://167772161/",
        "http://hooks.example/",
    ] {
        let refused = run(&["webhook", "add", &client, inside, "--data", &data]).await;
        assert_eq!(refused.status.code(), Some(2), "{inside}");
    }

    let mut told = Vec::new();
    for command in [of_page(&ground), of_npm()] {
        let at = free_address();
        let url = format!("https://127.0.0.1:{}/in", at.port());
        let words = [
            "webhook",
            "add",
            &client,
            &url,
            "--include",
            "number",
            "--data",
            &data,
        ];
        let added = run_json(&words).await;
        let secret = added["webhook"]["secret"].as_str().unwrap().to_owned();
        let id = added["webhook"]["id"].as_str().unwrap().to_owned();
        told.push((Some(command), at, secret, id));
    }
    // Nobody is there yet, and the gateway dies.
    let id = send(&mut api, "+447700900123", "alert", "While they are away").await;
    super::ground::reaches(&mut api, &id, "delivered").await;
    gateway.kill().await.unwrap();
    drop(gateway);
    let gateway = ground.start().await;
    for (command, at, secret, webhook) in &mut told {
        let mut receiver = Receiver::start(command.take().unwrap(), secret, *at, &files);
        until("the receiver", async || {
            tokio::net::TcpStream::connect(*at).await.ok()
        })
        .await;
        // What waits for another try waits for minutes, unless an operator says that it is there again.
        for act in ["disable", "enable"] {
            run_json(&["webhook", act, webhook, "--data", &data]).await;
        }
        let line = receiver.hears("message.delivered").await;
        assert!(
            line.contains(&id) && line.contains("+447700900123"),
            "{line}"
        );
        receiver.child.kill().await.unwrap();
    }
    assert!(gateway.stop().await.unwrap().success());
}
