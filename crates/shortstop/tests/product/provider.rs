//! A carrier over HTTPS beside one over SMPP, against the real binary: sent, told, told wrongly, killed in
//! between, and its secrets renewed.

use std::collections::BTreeSet;
use std::process::Stdio;

use domain::twilio::signature;
use rustix::process::Signal;
use serde_json::Value;
use shortstop::child::GatewayProcess;
use shortstop::folder::write_private;
use shortstop::http_client::{Reply, Target};
use testkit::provider::{Act, Asked, ProviderServer};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::ground::{BINARY, CODE, Carrier, Ground, PATIENCE, reaches, run, send, until};
use super::ledger::{self, word};
use super::siem::acceptor;

const READER: &str = "+447700900123";
const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
/// Where the provider is told to post; its requests come by another way in these tests.
const PUBLIC: &str = "https://sms.example.com";
const SECRET: &str = "the-auth-token";

/// The settings of the provider `cloud` at this URL.
pub fn section(url: &str) -> String {
    format!(
        "[[carrier]]\nname = 'cloud'\nkind = 'https'\nurl = '{url}'\naccount = '{ACCOUNT}'\n\
         secret_file = 'cloud.secret'\ncallback_url = '{PUBLIC}'\nresponse_seconds = 2\n\
         reconnect_seconds_max = 1\nthrottle_pause_milliseconds = 20\n"
    )
}

/// Writes the secret of the provider.
pub fn keep_secret(ground: &Ground, secret: &str) {
    let _ = std::fs::remove_file(ground.path("cloud.secret"));
    write_private(&ground.path("cloud.secret"), secret.as_bytes()).unwrap();
}

/// The provider posts to the gateway, signed under a secret.
pub async fn post(ground: &Ground, about: &str, secret: &str, fields: &[(&str, &str)]) -> Reply {
    let path = format!("/carrier/cloud/{about}");
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let owned: Vec<_> = fields.iter().map(own).collect();
    let shown = signature(secret, &format!("{PUBLIC}{path}"), &owned);
    let target = ground.api("").with_header("x-twilio-signature", &shown);
    target.client().post_form(&path, fields).await.unwrap()
}

/// What became of a message.
pub fn status<'a>(sid: &'a str, word: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("AccountSid", ACCOUNT),
        ("MessageSid", sid),
        ("MessageStatus", word),
        ("To", READER),
    ]
}

/// A message from a handset.
pub fn inbound<'a>(sid: &'a str, text: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("AccountSid", ACCOUNT),
        ("MessageSid", sid),
        ("From", READER),
        ("To", CODE),
        ("Body", text),
    ]
}

/// A gateway that prefers the provider and falls back to SMPP.
struct Both {
    ground: Ground,
    gateway: GatewayProcess,
    provider: ProviderServer,
    smpp: Carrier,
    key: String,
}

impl Both {
    async fn start() -> Self {
        Self::by("'cloud', 'sim'").await
    }

    /// The same with these carriers for the short code.
    async fn by(carriers: &str) -> Self {
        let smpp = Carrier::start(&[]).await;
        let mut ground = Ground::new();
        let provider = ProviderServer::start(Some(acceptor(&ground))).await;
        keep_secret(&ground, SECRET);
        let url = format!("https://{}", provider.address());
        ground.more = format!("{}ca_file = 'tls/ca.pem'\n", section(&url));
        route(&ground, &smpp, carriers);
        let gateway = ground.start().await;
        let key = ground.key().await;
        let both = Self {
            ground,
            gateway,
            provider,
            smpp,
            key,
        };
        both.bound(1).await;
        both
    }

    /// Waits until both carriers were there so often.
    async fn bound(&self, times: usize) {
        until("both carriers", async || {
            let entries = ledger::entries(&self.ground.data());
            let of = |place: &str| {
                let bound = |entry: &&Value| {
                    word(entry, "/kind") == "link.bound" && word(entry, "/object/id") == place
                };
                entries.iter().filter(bound).count()
            };
            (of("cloud/0") >= times && of("sim/0") >= times).then_some(())
        })
        .await;
    }

    async fn send(&self, class: &str, text: &str) -> String {
        send(
            &mut self.ground.api(&self.key).client(),
            READER,
            class,
            text,
        )
        .await
    }

    async fn reaches(&self, id: &str, state: &str) {
        reaches(&mut self.ground.api(&self.key).client(), id, state).await;
    }

    async fn tells(&self, asked: &Asked, word: &str) {
        let sid = asked.sid.as_deref().unwrap();
        let reply = post(&self.ground, "status", SECRET, &status(sid, word)).await;
        assert_eq!(reply.status.as_u16(), 204, "{}", reply.text);
    }

    /// Kills the gateway, and starts it again.
    async fn kill(&mut self) {
        self.gateway.kill().await.unwrap();
        self.gateway = self.ground.start().await;
    }
}

/// Writes a configuration in which these carriers have the short code.
fn route(ground: &Ground, smpp: &Carrier, carriers: &str) {
    let path = ground.configure(smpp.smpp);
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text.replace("carriers = ['sim']", &format!("carriers = [{carriers}]"));
    std::fs::write(path, text).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_by_https_is_a_carrier_and_smpp_takes_over_while_it_is_away() {
    let both = Both::start().await;
    let long = "A long text, of which a provider makes parts itself. ".repeat(8);
    let id = both.send("alert", &long).await;
    let asked = both.provider.until(1).await.remove(0);
    assert_eq!((asked.field("Body"), asked.field("From")), (&*long, CODE));
    assert_eq!(
        asked.field("StatusCallback"),
        format!("{PUBLIC}/carrier/cloud/status/{id}-1")
    );
    both.reaches(&id, "submitted").await;
    // Somebody else tells that it arrived.
    let sid = asked.sid.clone().unwrap();
    let forged = post(
        &both.ground,
        "status",
        "a-guess",
        &status(&sid, "delivered"),
    )
    .await;
    assert_eq!(forged.status.as_u16(), 401, "{}", forged.text);
    both.tells(&asked, "sent").await;
    both.reaches(&id, "submitted").await;
    both.tells(&asked, "delivered").await;
    both.reaches(&id, "delivered").await;
    both.tells(&asked, "failed").await;
    both.reaches(&id, "delivered").await;

    let mut api = both.ground.api(&both.key).client();
    for _ in 0..2 {
        let words = inbound("SMa", "Où est-ce? 😀");
        let reply = post(&both.ground, "inbound", SECRET, &words).await;
        assert_eq!(reply.status.as_u16(), 204, "{}", reply.text);
    }
    let listed = api.get("/v1/inbound").await.unwrap().json();
    assert_eq!(listed["inbound"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["inbound"][0]["text"], "Où est-ce? 😀");

    let Both {
        ground,
        smpp,
        key,
        gateway,
        provider,
    } = both;
    drop(provider);
    let mut api = ground.api(&key).client();
    let id = send(&mut api, READER, "otp", "Your code is 482913").await;
    reaches(&mut api, &id, "delivered").await;
    assert_eq!(smpp.count("unique").await, 1);
    gateway.stop().await.unwrap();
    let entries = ledger::entries(&ground.data());
    let lost = entries
        .iter()
        .filter(|entry| word(entry, "/kind") == "link.lost");
    let lost: BTreeSet<&str> = lost.map(|entry| word(entry, "/object/id")).collect();
    assert_eq!(lost, BTreeSet::from(["cloud/0", "sim/0"]));
    let told = |entry: &&Value| {
        word(entry, "/kind") == "receipt.received" && word(entry, "/actor/id") == "cloud"
    };
    assert!(entries.iter().filter(told).count() > 1, "one a segment");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_between_request_and_answer_loses_nothing_and_what_may_have_gone_is_told() {
    let mut both = Both::by("'cloud'").await;
    both.provider.next(Act::Hang);
    both.provider.next(Act::Hang);
    let held = both.send("marketing", "An offer").await;
    let first = both.provider.until(1).await.remove(0);
    let again = both.send("otp", "Your code is 482913").await;
    both.provider.until(2).await;
    both.kill().await;
    // Marketing is not sent twice, and its fate is told; a code is, and that is in the ledger.
    both.reaches(&held, "unknown").await;
    both.bound(2).await;
    // Until the provider tells, under the URL that it was given with the message.
    let url = first.field("StatusCallback");
    let about = url.split_once("/cloud/").unwrap().1;
    let words = status("SMheld", "sent");
    let other = post(&both.ground, about, "a-guess", &words).await;
    assert_eq!(other.status.as_u16(), 401, "{}", other.text);
    both.reaches(&held, "unknown").await;
    let words = status("SMheld", "delivered");
    let reply = post(&both.ground, about, SECRET, &words).await;
    assert_eq!(reply.status.as_u16(), 204, "{}", reply.text);
    both.reaches(&held, "delivered").await;
    both.reaches(&again, "submitted").await;
    let last = both.provider.until(3).await.pop().unwrap();
    assert_eq!(last.field("Body"), "Your code is 482913");
    both.tells(&last, "delivered").await;
    both.reaches(&again, "delivered").await;
    // What the provider took before the kill it tells after it.
    let id = both.send("alert", "Before").await;
    let asked = both.provider.until(4).await.pop().unwrap();
    both.reaches(&id, "submitted").await;
    both.kill().await;
    both.tells(&asked, "delivered").await;
    both.reaches(&id, "delivered").await;
    assert_eq!(both.provider.messages().len(), 4);
    both.gateway.stop().await.unwrap();
    let entries = ledger::entries(&both.ground.data());
    let doubted = |entry: &&Value| {
        word(entry, "/kind") == "message.dispatched" && word(entry, "/reason") == "restart"
    };
    let doubted: Vec<&str> = entries
        .iter()
        .filter(doubted)
        .map(|entry| word(entry, "/object/id"))
        .collect();
    assert_eq!(doubted, [again.as_str()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_shows_a_new_secret_and_takes_no_post_under_the_former_one() {
    let both = Both::start().await;
    let first = both.send("alert", "First").await;
    let asked = both.provider.until(1).await.remove(0);
    both.reaches(&first, "submitted").await;
    keep_secret(&both.ground, "renewed");
    both.gateway.signal(Signal::HUP).unwrap();
    let sid = asked.sid.clone().unwrap();
    until("the new secret", async || {
        let reply = post(
            &both.ground,
            "status",
            "renewed",
            &status(&sid, "delivered"),
        )
        .await;
        (reply.status.as_u16() == 204).then_some(())
    })
    .await;
    let former = post(&both.ground, "status", SECRET, &status(&sid, "delivered")).await;
    assert_eq!(former.status.as_u16(), 401);
    both.send("alert", "Second").await;
    let messages = both.provider.until(2).await;
    assert_ne!(messages[0].shown, messages[1].shown);
    let log = both.ground.log();
    for secret in [SECRET, "renewed"] {
        assert!(!log.contains(secret), "{log}");
    }
}

/// Whether a configuration with this section is one, and what is said of it.
async fn check(section: &str) -> (bool, String) {
    let mut ground = Ground::new();
    keep_secret(&ground, SECRET);
    ground.more = section.to_owned();
    let path = ground.configure("127.0.0.1:1".parse().unwrap());
    let output = run(&["check-config", path.to_str().unwrap()]).await;
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn a_provider_is_checked_before_it_is_used() {
    let good = section("http://127.0.0.1:1");
    let (is_good, said) = check(&good).await;
    assert!(is_good, "{said}");
    assert!(said.contains("cloud (HTTPS)"), "{said}");
    for (from, to, expected) in [
        (
            "http://127.0.0.1:1",
            "http://api.example",
            "carrier[1].url: plain http",
        ),
        (
            "url = 'http://127.0.0.1:1'\n",
            "",
            "carrier[1].url: is missing",
        ),
        (ACCOUNT, "AC/../x", "carrier[1].account: must be"),
        (
            PUBLIC,
            "http://sms.example.com",
            "carrier[1].callback_url: must be an https URL",
        ),
        (
            PUBLIC,
            "https://u@sms.example.com",
            "carrier[1].callback_url: the callback URL",
        ),
        ("'cloud.secret'", "'nothing'", "carrier[1].secret_file: "),
        (
            "response_seconds = 2",
            "response_seconds = 0",
            "carrier[1].response_seconds",
        ),
        (
            "response_seconds = 2",
            "system_type = 'x'",
            "carrier[1].system_type: is for carriers of the kind smpp",
        ),
        (
            "response_seconds = 2",
            "auth = 'key'",
            "carrier[1].api_key: is missing",
        ),
        (
            "response_seconds = 2",
            "api_key = 'SK1'",
            "carrier[1].api_key: is set, but auth is basic",
        ),
        (
            "kind = 'https'",
            "kind = 'smpp'",
            "carrier[1].url: is for carriers of the kind https",
        ),
    ] {
        assert!(good.contains(from), "{from}");
        let (is_good, said) = check(&good.replace(from, to)).await;
        assert!(!is_good && said.contains(expected), "{to}: {said}");
    }
    let keyed = format!("{good}auth = 'key'\napi_key = 'SK1'\n");
    let (_, said) = check(&keyed).await;
    assert!(
        said.contains("carrier[1].callback_secret_file: is missing"),
        "{said}"
    );
    let keyed = format!("{keyed}callback_secret_file = 'cloud.secret'\n");
    let (is_good, said) = check(&keyed).await;
    assert!(is_good, "{said}");
}

/// The provider that ships, with these moods, and a gateway that has no other carrier.
async fn simulated(moods: &[&str]) -> (Ground, GatewayProcess, Sim) {
    let mut ground = Ground::new();
    keep_secret(&ground, SECRET);
    let path = |name: &str| ground.path(name).display().to_string();
    let gateway_url = format!("https://{}", ground.https);
    let inbound_url = format!("{gateway_url}/carrier/cloud/inbound");
    let (secret, made, ca) = (path("cloud.secret"), path("sim"), path("data/tls/ca.pem"));
    let mut args = vec![
        "--secret-file",
        &secret,
        "--tls-folder",
        &made,
        "--account",
        ACCOUNT,
    ];
    args.extend(["--gateway-ca", &ca, "--inbound-url", &inbound_url]);
    args.extend(moods);
    let sim = Sim::start(&args).await;
    let section = section(&sim.https).replace(PUBLIC, &gateway_url);
    ground.more = format!("{section}ca_file = 'sim/ca.pem'\n");
    let config = ground.configure("127.0.0.1:1".parse().unwrap());
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace("carriers = ['sim']", "carriers = ['cloud']");
    std::fs::write(&config, text).unwrap();
    let gateway = ground.start().await;
    (ground, gateway, sim)
}

/// `carrier-sim --https` as a process.
struct Sim {
    https: String,
    http: std::net::SocketAddr,
    _child: tokio::process::Child,
}

impl Sim {
    async fn start(args: &[&str]) -> Self {
        let mut child = tokio::process::Command::new(BINARY)
            .args(["carrier-sim", "--json", "--https", "127.0.0.1:0"])
            .args(["--http", "127.0.0.1:0", "--receipt-milliseconds", "20-200"])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let line = line.unwrap().unwrap().expect("the provider did not start");
        let ready: Value = serde_json::from_str(&line).unwrap();
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        Self {
            https: text("https"),
            http: text("http").trim_start_matches("http://").parse().unwrap(),
            _child: child,
        }
    }

    async fn count(&self, name: &str) -> u64 {
        let mut client = Target::http(self.http).client();
        client.get("/stats").await.unwrap().json()[name]
            .as_u64()
            .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_simulated_provider_takes_messages_tells_what_became_of_them_and_brings_texts() {
    let (ground, gateway, sim) = simulated(&[]).await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    let mut ids = Vec::new();
    for place in 0..20 {
        ids.push(send(&mut api, READER, "alert", &format!("Number {place} é")).await);
    }
    for id in &ids {
        reaches(&mut api, id, "delivered").await;
    }
    assert_eq!(sim.count("submits").await, 20);
    let mut window = Target::http(sim.http).client();
    let inbox = window.get("/inbox").await.unwrap().text;
    assert!(
        inbox.contains("Number 19 é") && inbox.contains(READER),
        "{inbox}"
    );
    let said = serde_json::json!({"from": READER, "to": CODE, "text": "Hello?"});
    let reply = window.post("/mo", &said).await.unwrap();
    assert_eq!(reply.status.as_u16(), 202, "{}", reply.text);
    let listed = api.get("/v1/inbound").await.unwrap().json();
    assert_eq!(listed["inbound"][0]["text"], "Hello?", "{listed}");
    gateway.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_simulated_provider_takes_and_never_answers_is_told_all_the_same() {
    let (ground, gateway, sim) = simulated(&["--silence-rate", "1"]).await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    for class in ["marketing", "otp"] {
        let id = send(&mut api, READER, class, "Never answered").await;
        reaches(&mut api, &id, "delivered").await;
    }
    assert_eq!(
        (sim.count("submits").await, sim.count("silent").await),
        (2, 2)
    );
    gateway.stop().await.unwrap();
}
