//! Debian's Kannel at the door: its bearerbox binds over TLS and verifies us, its smsbox takes messages over
//! HTTP and calls back with receipts and with what handsets wrote.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use shortstop::folder::write_private;
use shortstop::http_client::Target;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use super::super::ground::{CODE, Ground, free_address, until};
use super::{AWAY, Door, ESME_PASSWORD, of_kind, receives, texts};

const BEARERBOX: &str = "/usr/sbin/bearerbox";
const SMSBOX: &str = "/usr/sbin/smsbox";

/// What Kannel calls: it keeps the paths.
#[derive(Clone)]
struct Hook {
    address: SocketAddr,
    paths: Arc<Mutex<Vec<String>>>,
}

impl Hook {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hook = Self {
            address: listener.local_addr().unwrap(),
            paths: Arc::default(),
        };
        let called = hook.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(called.clone().answer(stream));
            }
        });
        hook
    }

    async fn answer(self, mut stream: TcpStream) {
        let mut request = Vec::new();
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            match stream.read_buf(&mut request).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        let text = String::from_utf8_lossy(&request);
        let path = text.split(' ').nth(1).unwrap_or_default();
        self.paths.lock().unwrap().push(path.to_owned());
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let _ = stream.write_all(answer).await;
    }

    /// How many calls hold all of these words.
    fn calls(&self, words: &[&str]) -> usize {
        let paths = self.paths.lock().unwrap();
        let holds = |path: &&String| words.iter().all(|word| path.contains(word));
        paths.iter().filter(holds).count()
    }

    async fn is_called(&self, count: usize, words: &[&str]) {
        until("a call of Kannel", async || {
            (self.calls(words) >= count).then_some(())
        })
        .await;
    }
}

/// A bearerbox and a smsbox, in the folder of the test.
struct Kannel {
    log: std::path::PathBuf,
    sendsms: SocketAddr,
    hook: Hook,
    bearerbox: Child,
    _smsbox: Child,
}

impl Kannel {
    /// Starts both, over TLS.
    async fn start(door: &Door, ca_file: &Path, password: &str) -> Self {
        Self::over("true", door, ca_file, password).await
    }

    /// Starts both; `tls` is a word of Kannel's.
    async fn over(tls: &str, door: &Door, ca_file: &Path, password: &str) -> Self {
        let ground = &door.ground;
        let hook = Hook::open().await;
        let (admin, inner, sendsms) = (free_address(), free_address(), free_address());
        let text = format!(
            "group = core\nadmin-port = {}\nadmin-interface = 127.0.0.1\nadmin-password = adminpwd\n\
             smsbox-port = {}\nsmsbox-interface = 127.0.0.1\ndlr-storage = internal\n\
             ssl-trusted-ca-file = \"{}\"\n\n\
             group = smsc\nsmsc = smpp\nsmsc-id = shortstop\nhost = 127.0.0.1\nport = {}\n\
             use-ssl = {tls}\ntransceiver-mode = true\nsmsc-username = esme1\n\
             smsc-password = {password}\nsystem-type = \"\"\nsource-addr-ton = 3\n\
             source-addr-npi = 0\ndest-addr-ton = 1\ndest-addr-npi = 1\nreconnect-delay = 1\n\
             max-pending-submits = 50\n\n\
             group = smsbox\nbearerbox-host = 127.0.0.1\nsendsms-port = {}\n\
             sendsms-interface = 127.0.0.1\n\n\
             group = sendsms-user\nusername = tester\npassword = tester\nconcatenation = true\n\
             max-messages = 10\n\n\
             group = sms-service\nkeyword = default\ncatch-all = true\nmax-messages = 0\n\
             get-url = \"http://{}/mo?from=%p&text=%b\"\n",
            admin.port(),
            inner.port(),
            ca_file.display(),
            door.address.port(),
            sendsms.port(),
            hook.address,
        );
        let config = ground.path("kannel.conf");
        write_private(&config, text.as_bytes()).unwrap();
        let bearerbox = spawn(ground, BEARERBOX, &config);
        until("bearerbox", async || TcpStream::connect(inner).await.ok()).await;
        let smsbox = spawn(ground, SMSBOX, &config);
        until("smsbox", async || TcpStream::connect(sendsms).await.ok()).await;
        Self {
            log: ground.path("bearerbox.log"),
            sendsms,
            hook,
            bearerbox,
            _smsbox: smsbox,
        }
    }

    /// Has Kannel send a text, and call us about it.
    async fn send(&self, text: &str) {
        self.send_from(CODE, text).await;
    }

    async fn send_from(&self, code: &str, text: &str) {
        let url = format!("http://{}/dlr?type=%d&id=%F", self.hook.address);
        let coding = if text.is_ascii() { 0 } else { 2 };
        let coding = if text.contains('€') { 0 } else { coding };
        let path = format!(
            "/cgi-bin/sendsms?username=tester&password=tester&from={code}&to=447700900123\
             &charset=UTF-8&coding={coding}&dlr-mask=31&dlr-url={}&text={}",
            escaped(url.as_bytes()),
            escaped(text.as_bytes())
        );
        let reply = Target::http(self.sendsms)
            .client()
            .get(&path)
            .await
            .unwrap();
        assert_eq!(reply.status.as_u16(), 202, "{}", reply.text);
    }

    /// Stops it where it stands, or has it go on.
    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.bearerbox.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// Waits until its log holds this.
    async fn says(&self, words: &str) {
        until(words, async || {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            log.contains(words).then_some(())
        })
        .await;
    }
}

fn spawn(ground: &Ground, program: &str, config: &Path) -> Child {
    let name = Path::new(program).file_name().unwrap().to_str().unwrap();
    let log = std::fs::File::create(ground.path(&format!("{name}.log"))).unwrap();
    let mut command = Command::new(program);
    command.arg(config).stdin(Stdio::null());
    command.stdout(log.try_clone().unwrap()).stderr(log);
    command.kill_on_drop(true).spawn().unwrap_or_else(|error| {
        panic!("{program}: {error}; Kannel is missing, run `cargo xtask test`")
    })
}

fn escaped(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        let _ = write!(text, "%{octet:02X}");
        text
    })
}

/// As Kannel passes a text of UCS-2 on.
fn units(text: &str) -> String {
    let units = text.encode_utf16().flat_map(u16::to_be_bytes);
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&octet);
    let written = units.map(|octet| match octet {
        b' ' => "+".to_owned(),
        _ if plain(octet) => char::from(octet).to_string(),
        _ => format!("%{octet:02X}"),
    });
    written.collect()
}

#[tokio::test]
async fn kannel_sends_texts_and_gets_receipts_and_what_handsets_wrote_over_tls_also_after_a_kill() {
    let mut door = Door::open("tls").await;
    let ca_file = door.ground.data().join("tls/ca.pem");
    let kannel = Kannel::start(&door, &ca_file, ESME_PASSWORD).await;
    let long = "Здравствуйте! ".repeat(10);
    for text in ["HELLO", &long] {
        door.carrier.say("447700900999", text).await;
    }
    for text in texts() {
        kannel.send(&text).await;
    }
    let hook = &kannel.hook;
    let delivered = ["/dlr?type=1&id=msg_"];
    hook.is_called(texts().len(), &delivered).await;
    hook.is_called(1, &["/mo?from=%2B447700900999&text=HELLO"])
        .await;
    let whole = format!("/mo?from=%2B447700900999&text={}", units(&long));
    hook.is_called(1, &[&whole]).await;
    receives(&door.carrier, &texts()).await;

    door.gateway.kill().await.unwrap();
    // It keeps what it is given, as the carrier does.
    let later = ["One more.".to_owned(), "And another one. ".repeat(20)];
    for text in &later {
        kannel.send(text).await;
    }
    door.carrier.say("447700900999", "AGAIN").await;
    door.gateway = door.ground.start().await;
    hook.is_called(texts().len() + later.len(), &delivered)
        .await;
    hook.is_called(1, &["/mo?from=%2B447700900999&text=AGAIN"])
        .await;
    receives(&door.carrier, &later).await;
    assert!(door.gateway.stop().await.unwrap().success());
    assert!(of_kind(&door.ground, "esme.bound").len() >= 2);
}

#[tokio::test]
async fn what_kannel_was_not_told_before_a_kill_it_is_told_after_it() {
    let mut door = Door::open("tls").await;
    let ca_file = door.ground.data().join("tls/ca.pem");
    let kannel = Kannel::start(&door, &ca_file, ESME_PASSWORD).await;
    for text in ["One", "Two"] {
        kannel.send_from(AWAY, text).await;
    }
    // It knows their ids.
    kannel.hook.is_called(2, &["/dlr?type=8"]).await;
    let mut api = door.ground.api(&door.key).client();
    let ids = until("the messages", async || {
        let listed = api.get("/v1/messages").await.ok()?.json();
        let ids = listed["messages"].as_array()?.iter();
        let ids: Vec<String> = ids
            .filter_map(|row| Some(row["id"].as_str()?.to_owned()))
            .collect();
        (ids.len() == 2).then_some(ids)
    })
    .await;
    // It hears nothing from here on, and what ends now waits for it.
    kannel.signal(Signal::STOP);
    for id in &ids {
        let path = format!("/v1/messages/{id}/cancel");
        let reply = api.post(&path, &json!({})).await.unwrap();
        assert_eq!(reply.status.as_u16(), 200, "{}", reply.text);
    }
    door.gateway.kill().await.unwrap();
    door.gateway = door.ground.start().await;
    kannel.signal(Signal::CONT);
    for id in &ids {
        let told = format!("/dlr?type=2&id={id}");
        kannel.hook.is_called(1, &[&told]).await;
    }
    assert!(door.gateway.stop().await.unwrap().success());
}

#[tokio::test]
async fn kannel_without_tls_gets_no_bind_whatever_it_knows() {
    let door = Door::open("tls").await;
    let ca_file = door.ground.data().join("tls/ca.pem");
    let _kannel = Kannel::over("false", &door, &ca_file, ESME_PASSWORD).await;
    let mut admin = door.ground.admin();
    until("the refusal", async || {
        let metrics = admin.get("/metrics").await.ok()?.text;
        let mut lines = metrics.lines();
        let name = "shortstop_smpp_handshakes_failed_total ";
        let line = lines.find(|line| line.starts_with(name))?;
        (!line.ends_with(" 0")).then_some(())
    })
    .await;
    assert!(door.gateway.stop().await.unwrap().success());
    assert!(of_kind(&door.ground, "esme.bound").is_empty());
    assert!(!door.ground.log().contains(ESME_PASSWORD));
}

#[tokio::test]
async fn kannel_goes_no_further_than_a_certificate_of_another_authority() {
    let door = Door::open("tls").await;
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let ca_file = door.ground.path("other.pem");
    std::fs::write(&ca_file, other.cert.pem()).unwrap();
    let kannel = Kannel::start(&door, &ca_file, ESME_PASSWORD).await;
    kannel.says("certificate verify failed").await;
    assert!(door.gateway.stop().await.unwrap().success());
    assert!(of_kind(&door.ground, "esme.bound").is_empty());
}

#[tokio::test]
async fn kannel_with_a_wrong_password_is_told_nothing_but_that() {
    let door = Door::open("tls").await;
    let ca_file = door.ground.data().join("tls/ca.pem");
    let kannel = Kannel::start(&door, &ca_file, "wrong").await;
    kannel
        .says("SMSC rejected login to transmit, code 0x0000000d")
        .await;
    assert!(door.gateway.stop().await.unwrap().success());
    assert!(of_kind(&door.ground, "esme.bound").is_empty());
    let failed = &of_kind(&door.ground, "auth.failed")[0];
    assert_eq!(failed["reason"], "bind-password");
}
