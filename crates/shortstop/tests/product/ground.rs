//! What the tests stand on: a data folder and a configuration of their own, a carrier simulator in a
//! process, and the gateway in another.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use serde_json::Value;
use shortstop::child::{GatewayProcess, Launch};
use shortstop::folder::write_private;
use shortstop::http_client::{Client, Target};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_shortstop");

/// The short code of every test.
pub const CODE: &str = "12345";

/// The password at the simulator.
pub const PASSWORD: &str = "s3cr3tpw";

/// Nothing in these tests takes longer unless it is broken.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A place of its own for one test.
pub struct Ground {
    folder: TempDir,
    /// Where the gateway listens.
    pub https: SocketAddr,
    /// Where its admin pages are.
    pub admin: SocketAddr,
    /// What follows the generated configuration.
    pub more: String,
    /// Settings of the listener, after its address.
    pub https_more: String,
    /// Settings of verifications.
    pub verifications: String,
    /// Settings of the store. The reserve is small, for the sake of tests that read every octet.
    pub store: String,
    /// Limits; wide open unless a test is about them, since most write to few numbers.
    pub limits: String,
    /// Settings of the carrier, after those that every test needs.
    pub carrier: String,
}

impl Ground {
    /// A new place.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_private(&folder.path().join("password"), PASSWORD.as_bytes()).unwrap();
        let (more, carrier, https_more) = (String::new(), String::new(), String::new());
        let store = "reserve_mib = 1\n".to_owned();
        let verifications = "brand = 'Example'\n".to_owned();
        Self {
            folder,
            https: free_address(),
            admin: free_address(),
            more,
            https_more,
            verifications,
            store,
            limits: wide_open(),
            carrier,
        }
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Everything that the gateway logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("gateway.log")).unwrap_or_default()
    }

    /// Writes the configuration for a carrier at this address.
    pub fn configure(&self, carrier: SocketAddr) -> PathBuf {
        let text = format!(
            "[node]\nname = 'test-1'\ndata_folder = 'data'\n\
             [https]\nlisten = '{}'\n{}[admin]\nlisten = '{}'\n\
             [[short_code]]\nnumber = '{CODE}'\ncarriers = ['sim']\nmps = 2000\nburst = 100\n\
             [[carrier]]\nname = 'sim'\naddress = '{carrier}'\nsystem_id = 'tester'\n\
             password_file = 'password'\ntransport = 'plaintext-loopback'\n\
             window_max = 50\nmps = 2000\nburst = 100\n{}\n\
             [verifications]\n{}\n[store]\n{}\n\
             [countries]\nenabled = ['GB', 'US', 'DE']\n{}\n{}\n",
            self.https,
            self.https_more,
            self.admin,
            self.carrier,
            self.verifications,
            self.store,
            self.limits,
            self.more
        );
        let path = self.path("shortstop.toml");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// How to start the gateway.
    pub fn launch(&self) -> Launch {
        Launch {
            program: BINARY.into(),
            config: self.path("shortstop.toml"),
            log: self.path("gateway.log"),
        }
    }

    /// Starts the gateway.
    pub async fn start(&self) -> GatewayProcess {
        match GatewayProcess::start(&self.launch()).await {
            Ok(gateway) => gateway,
            Err(error) => panic!("{error:#}\n{}", self.log()),
        }
    }

    /// Makes a client that may do everything, and gives its key.
    pub async fn key(&self) -> String {
        let config = self.path("shortstop.toml");
        let client = run_json(&[
            "client",
            "add",
            "tester",
            "--short-code",
            CODE,
            "--class",
            "otp",
            "--class",
            "alert",
            "--class",
            "marketing",
            "--scope",
            "messages:send",
            "--scope",
            "messages:read",
            "--scope",
            "inbound:read",
            "--scope",
            "opt-outs:read",
            "--scope",
            "opt-outs:write",
            "--scope",
            "factors:write",
            "--scope",
            "factors:check",
            "--scope",
            "factors:read",
            "--scope",
            "ledger:read",
            "--scope",
            "ledger:search",
            "--scope",
            "verifications:write",
            "--scope",
            "verifications:check",
            "--scope",
            "verifications:read",
            "--config",
            config.to_str().unwrap(),
        ])
        .await;
        client["client"]["api_key"].as_str().unwrap().to_owned()
    }

    /// The API, with a key.
    pub fn api(&self, key: &str) -> Target {
        let ca = std::fs::read(self.data().join("tls/ca.pem")).unwrap();
        Target::https(self.https, &ca).unwrap().with_key(key)
    }

    /// The admin pages.
    pub fn admin(&self) -> Client {
        Target::http(self.admin).client()
    }
}

/// Blocks that open the limits on messages, requests and keys so wide that nobody meets them.
fn wide_open() -> String {
    let quotas = [
        "recipient-otp-10-minutes",
        "recipient-otp-hour",
        "recipient-otp-day",
        "recipient-hour",
    ];
    let quotas = quotas.map(|name| format!("[[limit]]\nname = '{name}'\namount = 1000000\n"));
    let rates = ["client-rate", "source-logins", "network-logins"];
    let rates =
        rates.map(|name| format!("[[limit]]\nname = '{name}'\namount = 100000\nburst = 100000\n"));
    let held = "[[limit]]\nname = 'client-concurrency'\namount = 100000\n".to_owned();
    [&quotas[..], &rates[..], &[held]].concat().concat()
}

/// Runs the binary to its end.
pub async fn run(args: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.args(args).stdin(Stdio::null()).kill_on_drop(true);
    tokio::time::timeout(PATIENCE, command.output())
        .await
        .expect("the command hangs")
        .unwrap()
}

/// Runs the binary with `--json`, expects exit code 0 and gives the last event.
pub async fn run_json(args: &[&str]) -> Value {
    let output = run(&[args, &["--json"]].concat()).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{args:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

/// The carrier simulator in a process of its own.
pub struct Carrier {
    _child: Child,
    /// Where it speaks SMPP.
    pub smpp: SocketAddr,
    /// Where its own pages are.
    pub http: SocketAddr,
}

impl Carrier {
    /// A carrier that answers after some milliseconds, with receipts soon after.
    pub async fn start(args: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", args).await
    }

    /// The same at a given address.
    pub async fn start_at(listen: &str, args: &[&str]) -> Self {
        let mut child = Command::new(BINARY)
            .args([
                "carrier-sim",
                "--json",
                "--listen",
                listen,
                "--http",
                "127.0.0.1:0",
            ])
            .args(["--receipt-milliseconds", "20-200", "--inbox-max", "100000"])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line())
            .await
            .unwrap()
            .unwrap();
        let ready: Value = serde_json::from_str(&line.expect("the carrier did not start")).unwrap();
        let address = |name: &str| {
            ready[name]
                .as_str()
                .unwrap()
                .trim_start_matches("http://")
                .parse()
                .unwrap()
        };
        Self {
            smpp: address("smpp"),
            http: address("http"),
            _child: child,
        }
    }

    /// One number of its statistics.
    pub async fn count(&self, name: &str) -> u64 {
        let reply = Target::http(self.http)
            .client()
            .get("/stats")
            .await
            .unwrap();
        reply.json()[name].as_u64().unwrap()
    }

    /// What the handsets have received: number, text.
    pub async fn inbox(&self) -> Vec<(String, String)> {
        let reply = Target::http(self.http)
            .client()
            .get("/inbox")
            .await
            .unwrap();
        let lines = reply
            .text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let word = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        lines
            .map(|row| (word(&row, "to"), word(&row, "text")))
            .collect()
    }

    /// Lets a handset write to the short code.
    pub async fn say(&self, from: &str, text: &str) {
        let body = serde_json::json!({"from": from, "to": CODE, "text": text});
        let reply = Target::http(self.http)
            .client()
            .post("/mo", &body)
            .await
            .unwrap();
        assert_eq!(reply.status.as_u16(), 202, "{}", reply.text);
    }
}

/// Waits until something holds, looking often.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    // Between two looks others get the processor; nothing depends on how long.
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let watch = async {
        loop {
            looks.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, watch)
        .await
        .unwrap_or_else(|_| panic!("{what} did not happen"))
}

/// Waits for a message to reach a state.
pub async fn reaches(api: &mut Client, id: &str, state: &str) {
    until(&format!("{state} of {id}"), async || {
        let reply = api.get(&format!("/v1/messages/{id}")).await.ok()?;
        (reply.member("state") == state).then_some(())
    })
    .await;
}

/// Sends one message and gives its id.
pub async fn send(api: &mut Client, to: &str, class: &str, text: &str) -> String {
    let reply = api
        .post("/v1/messages", &message(to, class, text))
        .await
        .unwrap();
    assert_eq!(reply.status.as_u16(), 202, "{}", reply.text);
    reply.member("id")
}

/// The body of a request.
pub fn message(to: &str, class: &str, text: &str) -> Value {
    serde_json::json!({"to": to, "from": CODE, "text": text, "class": class})
}

/// An address that stays free while a gateway is away: below the ports that the system gives to
/// outgoing connections, and apart from those of tests in other processes.
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let base = u16::try_from(std::process::id() % 700).unwrap() * 20;
    loop {
        let port = 15_000 + (base + NEXT.fetch_add(1, Ordering::Relaxed)) % 14_000;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// Every file in a folder and below it.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}
