//! The processes that a scenario measures or attacks: a build of the product as a gateway, and as a carrier
//! simulator, each with a folder, certificates and ports of its own.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, bail};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use serde_json::Value;

use super::load::Target;
use crate::step::root;

/// The short code of every scenario.
const SHORT_CODE: &str = "12345";
/// The password at the carrier, and where it stands; those of ESMEs are the same.
pub const PASSWORD: &str = "secret12";
/// In the yard's folder.
pub const PASSWORD_FILE: &str = "carrier.password";
/// How long a process may take to say that it is ready.
const READY: Duration = Duration::from_mins(1);

/// What a scenario wants of its gateway.
#[derive(Clone, Copy)]
pub struct Wishes {
    /// Segments a second, of the short code and over all binds.
    pub mps: u32,
    /// Binds to the carrier.
    pub binds: u16,
    /// Unanswered segments on each.
    pub window: u16,
}

/// A folder with certificates, where the processes of one scenario live.
pub struct Yard {
    folder: PathBuf,
    program: PathBuf,
    smpp: SocketAddr,
    sim_http: SocketAddr,
    https: SocketAddr,
    admin: SocketAddr,
    door: SocketAddr,
}

/// A process that ends with its value.
pub struct Process {
    child: Child,
    ready: Value,
}

impl Process {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, as a crash would.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text)?;
    Ok(fs::set_permissions(
        path,
        fs::Permissions::from_mode(0o600),
    )?)
}

impl Yard {
    /// Makes an empty folder under `target/bench` with certificates in it, for the release build.
    pub fn new(name: &str) -> anyhow::Result<Self> {
        Self::of(program(), name)
    }

    /// The same for another build.
    pub fn of(program: PathBuf, name: &str) -> anyhow::Result<Self> {
        let folder = root().join("target/bench").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let yard = Self {
            folder,
            program,
            smpp: free_address()?,
            sim_http: free_address()?,
            https: free_address()?,
            admin: free_address()?,
            door: free_address()?,
        };
        yard.certificates()?;
        write_private(&yard.folder.join(PASSWORD_FILE), PASSWORD)?;
        Ok(yard)
    }

    fn certificates(&self) -> anyhow::Result<()> {
        let mut ca = CertificateParams::new(Vec::new())?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        let ca = rcgen::CertifiedIssuer::self_signed(ca, KeyPair::generate()?)?;
        let mut leaf =
            CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let leaf = leaf.signed_by(&key, &ca)?;
        fs::write(self.folder.join("ca.pem"), ca.pem())?;
        fs::write(self.folder.join("server.pem"), leaf.pem())?;
        write_private(&self.folder.join("server.key"), &key.serialize_pem())
    }

    /// Where its gateway may listen for ESMEs.
    pub const fn door(&self) -> SocketAddr {
        self.door
    }

    /// A path in its folder.
    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// Writes the configuration, `more` being what follows it.
    fn configuration(&self, wishes: Wishes, more: &str) -> anyhow::Result<PathBuf> {
        let Wishes { mps, binds, window } = wishes;
        let mut text = String::new();
        writeln!(
            text,
            "[node]\nname = \"bench\"\ndata_folder = {:?}",
            self.path("data")
        )?;
        writeln!(text, "[https]\nlisten = \"{}\"", self.https)?;
        writeln!(text, "certificate_file = {:?}", self.path("server.pem"))?;
        writeln!(text, "key_file = {:?}", self.path("server.key"))?;
        writeln!(text, "[admin]\nlisten = \"{}\"", self.admin)?;
        writeln!(text, "[log]\nlevel = \"error\"")?;
        writeln!(
            text,
            "[bounds]\nqueue_otp_max = 5000000\nreceipts_pending_max = 1000000"
        )?;
        writeln!(
            text,
            "[[short_code]]\nnumber = \"{SHORT_CODE}\"\nmps = {mps}\nburst = {mps}"
        )?;
        writeln!(text, "carriers = [\"primary\"]")?;
        writeln!(
            text,
            "[[carrier]]\nname = \"primary\"\naddress = \"{}\"",
            self.smpp
        )?;
        writeln!(
            text,
            "system_id = \"bench\"\npassword_file = {:?}",
            self.path(PASSWORD_FILE)
        )?;
        writeln!(
            text,
            "server_name = \"localhost\"\nca_file = {:?}",
            self.path("ca.pem")
        )?;
        writeln!(text, "window_max = {window}\nmps = {mps}\nburst = {mps}")?;
        let names = vec!["\"transceiver\""; usize::from(binds)].join(", ");
        writeln!(text, "binds = [{names}]\n{more}")?;
        let path = self.folder.join("shortstop.toml");
        fs::write(&path, text)?;
        Ok(path)
    }

    /// Starts a gateway and waits until it serves.
    pub fn gateway(&self, wishes: Wishes) -> anyhow::Result<Process> {
        self.gateway_with(wishes, &wide_open()?)
    }

    /// The same with other configuration after that of node, short code and carrier.
    pub fn gateway_with(&self, wishes: Wishes, more: &str) -> anyhow::Result<Process> {
        let config = self.configuration(wishes, more)?;
        self.start(&["serve", "--json", "--config", &config.display().to_string()])
    }

    /// Starts a carrier over TLS.
    pub fn carrier(&self, options: &[&str]) -> anyhow::Result<Process> {
        let (smpp, http) = (self.smpp.to_string(), self.sim_http.to_string());
        let (chain, key) = (self.path("server.pem"), self.path("server.key"));
        let mut words = vec!["carrier-sim", "--json", "--listen", &smpp, "--http", &http];
        words.extend(["--tls-cert", &chain, "--tls-key", &key]);
        words.extend(options);
        self.start(&words)
    }

    /// Makes a client on the running gateway that sends codes; gives where and as whom to send.
    pub fn client(&self) -> anyhow::Result<Target> {
        self.client_of("bench", "otp")
    }

    /// The same under a name, for a class.
    pub fn client_of(&self, name: &str, class: &str) -> anyhow::Result<Target> {
        self.client_with(name, class, &[])
    }

    /// The same with further options, such as scopes.
    pub fn client_with(&self, name: &str, class: &str, options: &[&str]) -> anyhow::Result<Target> {
        let config = self.path("shortstop.toml");
        let output = Command::new(&self.program)
            .args(["client", "add", name, "--json", "--config", &config])
            .args(["--short-code", SHORT_CODE, "--class", class])
            .args(options)
            .stderr(Stdio::inherit())
            .output()?;
        let answer: Value = serde_json::from_slice(&output.stdout).context("client add")?;
        let word = |name| {
            let word = answer.pointer(name).and_then(Value::as_str);
            word.with_context(|| format!("no {name}"))
        };
        let (key, id) = (word("/client/api_key")?, word("/client/id")?);
        Ok(Target {
            address: self.https,
            ca: self.folder.join("ca.pem"),
            key: key.to_owned(),
            client: id.to_owned(),
            short_code: SHORT_CODE.to_owned(),
            class: class.to_owned(),
        })
    }

    /// Writes the published log of the running gateway to a folder; gives the folder.
    pub fn export(&self) -> anyhow::Result<String> {
        let (config, to) = (self.path("shortstop.toml"), self.path("log"));
        let status = Command::new(&self.program)
            .args(["ledger", "export", "--json", "--config", &config])
            .args(["--to", &to])
            .stdout(Stdio::null())
            .status()?;
        anyhow::ensure!(status.success(), "the log could not be exported");
        Ok(to)
    }

    /// One number of the simulator's statistics.
    pub fn stat(&self, name: &str) -> anyhow::Result<u64> {
        let body = get(self.sim_http, "/stats")?;
        let stats: Value = serde_json::from_str(&body)?;
        stats
            .get(name)
            .and_then(Value::as_u64)
            .with_context(|| format!("no {name} in the stats"))
    }

    /// What the simulated handsets received.
    pub fn inbox(&self) -> anyhow::Result<Vec<Value>> {
        let body = get(self.sim_http, "/inbox")?;
        body.lines()
            .map(|line| Ok(serde_json::from_str(line)?))
            .collect()
    }

    /// The sum of a metric's rows whose labels hold `label`.
    pub fn metric(&self, name: &str, label: &str) -> anyhow::Result<u64> {
        let text = get(self.admin, "/metrics")?;
        let rows = text
            .lines()
            .filter(|line| line.starts_with(name) && line.contains(label));
        let values = rows.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
        #[expect(
            clippy::as_conversions,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a counter"
        )]
        let sum = values.sum::<f64>() as u64;
        Ok(sum)
    }

    /// Starts the product and waits for its `ready` line.
    fn start(&self, words: &[&str]) -> anyhow::Result<Process> {
        let mut child = Command::new(&self.program)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .context("the product does not start")?;
        let output = child.stdout.take().context("no output")?;
        let mut process = Process {
            child,
            ready: Value::Null,
        };
        let (lines, seen) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = lines.send(line);
            }
        });
        let line = seen
            .recv_timeout(READY)
            .context("the process did not say that it is ready")?;
        process.ready = serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))?;
        if process.ready.get("event").and_then(Value::as_str) != Some("ready") {
            bail!("the first line was not `ready`: {line}");
        }
        Ok(process)
    }

    /// Removes the folder: some scenarios fill gigabytes.
    pub fn clear(self) -> anyhow::Result<()> {
        Ok(fs::remove_dir_all(&self.folder)?)
    }
}

/// The release build.
pub fn program() -> PathBuf {
    root().join("target/release/shortstop")
}

/// A plain HTTP GET on loopback.
fn get(address: SocketAddr, path: &str) -> anyhow::Result<String> {
    use std::io::{Read, Write};

    let mut stream = std::net::TcpStream::connect(address)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    if head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked")
    {
        return dechunk(body);
    }
    Ok(body.to_owned())
}

fn dechunk(mut body: &str) -> anyhow::Result<String> {
    let mut whole = String::new();
    loop {
        let (size, rest) = body.split_once("\r\n").context("a chunk without a size")?;
        let size = usize::from_str_radix(size.trim(), 16)?;
        if size == 0 {
            return Ok(whole);
        }
        whole.push_str(rest.get(..size).context("a short chunk")?);
        body = rest.get(size + 2..).context("a chunk without an end")?;
    }
}

/// Every limit is in the road and open as wide as the load needs, so that what is measured is their cost
/// and not what they refuse. Those on recipients are as out of the box: the load has a million numbers.
pub fn wide_open() -> anyhow::Result<String> {
    const WIDE: u64 = 1_000_000_000;
    let mut text = "[countries]\nenabled = [\"GB\"]\n".to_owned();
    for name in ["client-rate", "short-code-rate"] {
        writeln!(
            text,
            "[[limit]]\nname = \"{name}\"\namount = {WIDE}\nburst = {WIDE}"
        )?;
    }
    for name in [
        "client-concurrency",
        "prefix-hour",
        "country-day",
        "campaign-day",
    ] {
        writeln!(
            text,
            "[[limit]]\nname = \"{name}\"\namount = {WIDE}\nmode = \"enforce\""
        )?;
    }
    Ok(text)
}
