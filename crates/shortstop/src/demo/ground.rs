//! What the demo stands on: a data folder, ports, certificates, a configuration, the built-in carrier
//! and the gateway with one client.

use std::net::{Ipv4Addr, SocketAddr, TcpListener as Probe};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use engine::ports::Clock as _;
use engine::rows::AuthMode;
use serde::Serialize;
use smpp::sim::{Account, Behaviour, SimConfig, SimHandle, Simulator, Span};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::address;
use super::claim::Claim;
use crate::certificates::{self, Subject};
use crate::child::{GatewayProcess, Launch};
use crate::cli::DemoArgs;
use crate::clock::SystemClock;
use crate::config::carrier::CarrierSection;
use crate::config::limit::LimitSection;
use crate::config::short_code::ShortCodeSection;
use crate::config::{Carrier, Config};
use crate::control::{Answer, KeyAsked, NewClientAsked, Request, client};
use crate::entropy;
use crate::folder::{DataFolder, replace_private};
use crate::http_client::Target;
use crate::ready::Ready;
use crate::sim_server;

/// The demo's short code.
pub const SHORT_CODE: &str = "12345";

/// The demo's name at its carrier.
const SYSTEM_ID: &str = "demo";

/// A usual address that was taken.
#[derive(Clone, Debug, Serialize)]
pub struct Moved {
    /// What it is for.
    pub what: &'static str,
    /// The usual address.
    pub usual: SocketAddr,
    /// The one that is used instead.
    pub used: SocketAddr,
}

/// Everything that runs.
pub struct Ground {
    /// The gateway.
    pub gateway: GatewayProcess,
    /// How to start it again.
    pub launch: Launch,
    /// The carrier.
    pub sim: SimHandle,
    /// Where everything is, with the key.
    pub ready: Ready,
    /// The handset that opts out; another one each time, since an opt-out stays in a kept data folder.
    pub leaver: String,
    /// What the client is called to applications of Twilio's.
    pub account: String,
    /// Usual addresses that were taken, what they are for, and what is used instead.
    pub moved: Vec<Moved>,
    /// The API, with the key.
    pub api: Target,
    /// Held until the demo ends.
    _claim: Claim,
    /// The folder of a demo that keeps nothing.
    _temporary: Option<TempDir>,
}

impl Ground {
    /// Makes and starts everything.
    pub async fn prepare(args: &DemoArgs) -> anyhow::Result<Self> {
        let (path, temporary) = place(args)?;
        let folder = DataFolder::prepare(&path)?;
        let claim = Claim::take(&folder)?;
        let files = certificates::keep(
            &folder.tls(),
            &[Subject::Gateway, Subject::Carrier],
            SystemClock.now(),
        )?;
        let password = entropy::word(8);
        let (sim, sim_http) = carrier(&folder, &password).await?;
        let mut moved = Vec::new();
        let config = configuration(&folder, &files, sim.address(), &mut moved)?;
        replace_private(&folder.path().join("demo.password"), password.as_bytes())?;
        let launch = Launch {
            program: std::env::current_exe().context("the demo does not find its own binary")?,
            config: folder.path().join("demo.toml"),
            log: folder.path().join("gateway.log"),
        };
        replace_private(&launch.config, config.to_toml().as_bytes())?;
        let gateway = GatewayProcess::start(&launch).await?;
        let (key, account) = new_client(&folder).await?;
        let ready = Ready {
            ca: Some(files.ca.clone()),
            api_key: Some(key.clone()),
            smpp: None,
            sim: Some(format!("http://{sim_http}")),
            ..gateway.ready().clone()
        };
        let api = Target::https(address(&ready.https)?, &std::fs::read(&files.ca)?)?.with_key(&key);
        Ok(Self {
            gateway,
            launch,
            sim,
            ready,
            leaver: leaver(),
            account,
            moved,
            api,
            _claim: claim,
            _temporary: temporary,
        })
    }

    /// Ends everything in good order.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.gateway.stop().await?;
        self.sim.stop();
        Ok(())
    }
}

fn place(args: &DemoArgs) -> anyhow::Result<(PathBuf, Option<TempDir>)> {
    if let Some(folder) = &args.data {
        return Ok((folder.clone(), None));
    }
    let temporary = tempfile::Builder::new()
        .prefix("shortstop-demo-")
        .tempdir()?;
    Ok((temporary.path().join("data"), Some(temporary)))
}

/// Starts the carrier over TLS, with a quarter of a second to the handset and back.
async fn carrier(folder: &DataFolder, password: &str) -> anyhow::Result<(SimHandle, SocketAddr)> {
    let mut config = SimConfig::new(Arc::new(SystemClock));
    config.tls = Some(sim_server::acceptor(
        &Subject::Carrier.files(&folder.tls()),
    )?);
    config.accounts = vec![Account {
        system_id: SYSTEM_ID.to_owned(),
        password: password.to_owned(),
    }];
    config.inbox_max = 200_000;
    let mut behaviour = Behaviour {
        latency: Span::millis(5, 40),
        ..Behaviour::default()
    };
    behaviour.receipts.delay = Span::millis(50, 500);
    config.behaviour = behaviour;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let sim = Simulator::start(config, listener);
    let http =
        sim_server::serve_http(sim.clone(), SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    Ok((sim, http))
}

fn configuration(
    folder: &DataFolder,
    files: &certificates::MadeFiles,
    carrier: Option<SocketAddr>,
    moved: &mut Vec<Moved>,
) -> anyhow::Result<Config> {
    let carrier = carrier.context("the carrier has no address")?;
    let mut config = Config::default();
    "demo".clone_into(&mut config.node.name);
    config.node.data_folder = folder.path().to_path_buf();
    config.https.listen = free(config.https.listen, "HTTPS", moved)?;
    config.https.certificate_file = Some(files.server.certificate.clone());
    config.https.key_file = Some(files.server.key.clone());
    config.admin.listen = free(config.admin.listen, "monitoring", moved)?;
    config.countries.enabled = vec!["GB".to_owned()];
    config.limits = limits();
    config.verifications.brand = Some("Example".to_owned());
    config.short_codes = vec![ShortCodeSection {
        number: Some(SHORT_CODE.to_owned()),
        carriers: vec!["demo".to_owned()],
        mps: 500,
        burst: 50,
        stopped_text:
            "Demo: you are unsubscribed and will get no more messages. Reply START to resubscribe."
                .to_owned(),
        ..ShortCodeSection::default()
    }];
    let section = CarrierSection {
        name: Some("demo".to_owned()),
        address: Some(carrier.to_string()),
        system_id: Some(SYSTEM_ID.to_owned()),
        password_file: Some(folder.path().join("demo.password")),
        ca_file: Some(files.ca.clone()),
        window_max: 50,
        mps: 500,
        burst: 50,
        ..CarrierSection::default()
    };
    config.carriers = vec![Carrier {
        section,
        ..Carrier::default()
    }];
    Ok(config)
}

/// The demo writes to few numbers, and to each of them often.
fn limits() -> Vec<LimitSection> {
    let wide = |name: &str| LimitSection {
        name: Some(name.to_owned()),
        amount: Some(100_000),
        ..LimitSection::default()
    };
    [
        "recipient-otp-10-minutes",
        "recipient-otp-hour",
        "recipient-otp-day",
        "recipient-hour",
        "client-rate",
    ]
    .map(wide)
    .to_vec()
}

/// A number of the range that is kept free for examples, above those of the load.
fn leaver() -> String {
    let chance = u16::from_be_bytes(entropy::octets());
    format!("+447700900{}", 400 + chance % 600)
}

/// The usual port if it is free, another one otherwise.
fn free(
    usual: SocketAddr,
    what: &'static str,
    moved: &mut Vec<Moved>,
) -> anyhow::Result<SocketAddr> {
    if Probe::bind(usual).is_ok() {
        return Ok(usual);
    }
    let used = Probe::bind((usual.ip(), 0))?.local_addr()?;
    moved.push(Moved { what, usual, used });
    Ok(used)
}

/// The client of the demo, made over the control socket: its key and what applications of Twilio's call it.
async fn new_client(folder: &DataFolder) -> anyhow::Result<(String, String)> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let request = Request::ClientAdd(NewClientAsked {
        name: "demo".to_owned(),
        scopes: words(&[
            "messages:send",
            "messages:read",
            "inbound:read",
            "opt-outs:read",
            "opt-outs:write",
            "verifications:write",
            "verifications:check",
            "verifications:read",
            "factors:write",
            "factors:check",
            "factors:read",
            "ledger:read",
            "ledger:search",
        ]),
        short_codes: vec![SHORT_CODE.parse()?],
        classes: domain::class::TrafficClass::ALL.to_vec(),
        networks: words(&["127.0.0.0/8"]),
        expires: None,
        auth: AuthMode::Key,
        certificates: Vec::new(),
        certificate_names: Vec::new(),
        key: KeyAsked::Bearer,
    });
    let answer = client::ask(&folder.socket(), &request).await?;
    let Some(Answer::Done { result }) = answer else {
        anyhow::bail!("the gateway did not make a client: {answer:?}")
    };
    let word = |name: &str| {
        let word = result.pointer(&format!("/client/{name}"));
        let word = word.and_then(serde_json::Value::as_str);
        word.map(str::to_owned)
            .with_context(|| format!("the gateway told no {name}"))
    };
    Ok((word("api_key")?, word("account_sid")?))
}

/// A path as it can be pasted into a shell.
pub fn shell(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
