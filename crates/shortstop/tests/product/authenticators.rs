//! Authenticator apps that others wrote: `pyotp` and `oathtool` read our addresses and show the codes that we
//! take, and `zbarimg` reads the address from our picture. Their clock is that of this machine, as is the
//! gateway's; a time step may end at any moment, and no test depends on when.

use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use domain::verification::totp::{
    Algorithm, AppDigits, Authenticator, OtpauthUri, STEP_SECONDS, TotpKey, hotp,
};
use serde_json::{Value, json};
use shortstop::http_client::{Client, Reply};
use testkit::entropy::Chance;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::ground::{Carrier, Ground, PATIENCE};

/// The steps around now that an app is asked about, on either side: the farthest are ten minutes away.
const AROUND: u64 = 20;

/// How often a step may end in between before the machine is too slow for this test.
const TRIES: usize = 3;

/// A user and what the app is to show of the firm and the account.
type Person = (&'static str, &'static str, &'static str);

/// Names that are plain, that must be escaped, and whose user is a number.
const PEOPLE: [Person; 3] = [
    ("user-1", "Example Ltd", "ann@example.com"),
    ("user-2", "Müller & Söhne", "Zoë + co #1 = 100 %? /日本語"),
    ("+447700900319", "A", "+447700900319"),
];

/// Whether a whole round fell into the time that it was made for.
#[derive(PartialEq, Eq)]
enum Round {
    InTime,
    TooLate,
}

#[tokio::test]
async fn the_codes_of_apps_that_others_wrote_are_right_once_and_near_their_time() {
    let (_carrier, ground) = ground().await;
    let gateway = ground.start().await;
    let mut api = ground.api(&ground.key().await).client();
    for person in PEOPLE {
        let mut rounds = Vec::new();
        while !rounds.contains(&Round::InTime) {
            assert!(rounds.len() < TRIES, "a step ended in every round");
            rounds.push(round(&mut api, person).await);
        }
    }
    assert!(gateway.stop().await.unwrap().success());
}

/// Enrols an app and has it show its codes: one of long ago, those of the step before, of now and of the
/// next, the same again, and one of a far future.
async fn round(api: &mut Client, person: Person) -> Round {
    let factor = enrol(api, person).await;
    let uri = factor.member("otpauth_uri");
    let step = clock().await / STEP_SECONDS;
    let first = (step - AROUND) * STEP_SECONDS;
    let codes = codes_of_both(&uri, person, first).await;
    // Nothing of what is near may be among them by chance, even if the next steps begin meanwhile.
    let near = &codes[19..=24];
    let distant = |code: &&String| !near.contains(code);
    let past = codes[..10].iter().find(distant).unwrap();
    let future = codes[30..].iter().rfind(distant).unwrap();

    let id = factor.member("id");
    assert!(!is_right(api, &id, "confirm", past).await, "{uri}");
    for (at, act) in [(19, "confirm"), (20, "check"), (21, "check")] {
        if !is_right(api, &id, act, &codes[at]).await {
            let shown_for = step + u64::try_from(at).unwrap() - AROUND;
            let current = clock().await / STEP_SECONDS;
            assert!(current > shown_for + 1, "{uri}: refused in time");
            return Round::TooLate;
        }
    }
    for code in &codes[19..=21] {
        assert!(!is_right(api, &id, "check", code).await, "{uri}: replayed");
    }
    assert!(!is_right(api, &id, "check", future).await, "{uri}");
    Round::InTime
}

/// The codes of all steps from a time on, by `pyotp`, which read the address; `oathtool` agrees.
async fn codes_of_both(uri: &str, (_, issuer, account): Person, first: u64) -> Vec<String> {
    let steps = 0..=2 * AROUND;
    let times: Vec<u64> = steps.map(|step| first + step * STEP_SECONDS).collect();
    let app = &pyotp(&json!([{"uri": uri, "times": times}])).await["apps"][0];
    assert_eq!(app["issuer"], issuer);
    assert_eq!(app["account"], account);
    let set = (&app["hash"], &app["digits"], &app["period"]);
    assert_eq!(set, (&json!("sha1"), &json!(6), &json!(STEP_SECONDS)));
    let codes: Vec<String> = serde_json::from_value(app["codes"].clone()).unwrap();
    assert_eq!(codes, oathtool(app, first, 2 * AROUND).await, "{uri}");
    codes
}

#[tokio::test]
async fn a_camera_reads_our_picture_as_the_address() {
    let (_carrier, ground) = ground().await;
    let gateway = ground.start().await;
    let mut api = ground.api(&ground.key().await).client();
    for person in PEOPLE {
        let factor = enrol(&mut api, person).await;
        let (svg, png) = (ground.path("qr.svg"), ground.path("qr.png"));
        std::fs::write(&svg, factor.member("qr")).unwrap();
        let mut draw = Command::new("rsvg-convert");
        draw.args(["--format=png", "--output"]).arg(&png).arg(&svg);
        output(draw, b"").await;
        let mut read = Command::new("zbarimg");
        read.args([
            "--raw",
            "--quiet",
            "--nodbus",
            "-Sdisable",
            "-Sqrcode.enable",
        ]);
        read.arg(&png);
        let seen = output(read, b"").await;
        assert_eq!(seen.trim_end(), factor.member("otpauth_uri"));
    }
    assert!(gateway.stop().await.unwrap().success());
}

#[tokio::test]
async fn apps_that_others_wrote_show_our_codes_for_any_key_at_any_time() {
    let seed = RandomState::new().hash_one("authenticators");
    let mut chance = Chance::new(seed);
    let drawn: Vec<Drawn> = (0..48).map(|_| Drawn::new(&mut chance)).collect();
    let asked: Vec<Value> = drawn.iter().map(Drawn::question).collect();
    let answer = pyotp(&Value::from(asked)).await;
    let apps = answer["apps"].as_array().unwrap();
    assert_eq!(apps.len(), drawn.len());
    for (drawn, app) in drawn.iter().zip(apps) {
        let ours = drawn.codes();
        assert_eq!(json!(ours), app["codes"], "pyotp, seed {seed}: {app}");
        let theirs = oathtool(app, drawn.seconds, 3).await;
        assert_eq!(ours, theirs, "oathtool, seed {seed}: {app}");
    }
}

/// An authenticator and a time, drawn by lot.
struct Drawn {
    algorithm: Algorithm,
    digits: AppDigits,
    key: TotpKey,
    /// When somebody begins to look at it.
    seconds: u64,
}

impl Drawn {
    fn new(chance: &mut Chance) -> Self {
        let count = 16 + chance.below(49);
        let octets = (0..count).map(|_| u8::try_from(chance.below(256)).unwrap());
        let octets: Vec<u8> = octets.collect();
        Self {
            algorithm: *chance.pick(&[Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512]),
            digits: *chance.pick(&[AppDigits::Six, AppDigits::Eight]),
            key: TotpKey::from_bytes(&octets).unwrap(),
            // Until the year 2242: beyond 32 bits, signed or not.
            seconds: chance.below(1 << 33),
        }
    }

    fn question(&self) -> Value {
        let app = Authenticator::enrol(self.algorithm, self.digits);
        let uri = OtpauthUri::new(&app, &self.key, "Example Ltd", "ann").unwrap();
        let times: Vec<u64> = (0..4)
            .map(|step| self.seconds + step * STEP_SECONDS)
            .collect();
        json!({"uri": uri.reveal(), "times": times})
    }

    /// What we expect at that time and in the three steps that follow.
    fn codes(&self) -> Vec<String> {
        let first = self.seconds / STEP_SECONDS;
        let code = |step| hotp(&self.key, self.algorithm, step, self.digits.length());
        (first..first + 4)
            .map(|step| code(step).reveal().to_owned())
            .collect()
    }
}

async fn ground() -> (Carrier, Ground) {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    (carrier, ground)
}

async fn enrol(api: &mut Client, (user, issuer, account): Person) -> Reply {
    let asked = json!({"kind": "totp", "user": user, "issuer": issuer, "account": account});
    let reply = api.post("/v1/factors", &asked).await.unwrap();
    assert_eq!(reply.status.as_u16(), 201, "{}", reply.text);
    reply
}

async fn is_right(api: &mut Client, id: &str, act: &str, code: &str) -> bool {
    let path = format!("/v1/factors/{id}/{act}");
    let reply = api.post(&path, &json!({"code": code})).await.unwrap();
    assert_eq!(reply.status.as_u16(), 200, "{}", reply.text);
    reply.json()["verified"].as_bool().unwrap()
}

/// What time it is for the apps, in seconds since 1970.
async fn clock() -> u64 {
    pyotp(&json!([])).await["now"].as_u64().unwrap()
}

/// Has `pyotp` read addresses and show codes.
async fn pyotp(apps: &Value) -> Value {
    let script = "tests/product/authenticators/app_pyotp.py";
    let mut command = Command::new(python());
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script));
    let answer = output(command, apps.to_string().as_bytes()).await;
    serde_json::from_str(&answer).unwrap()
}

/// The codes of `oathtool` at a time and in so many steps that follow, for an app as `pyotp` read it.
async fn oathtool(app: &Value, seconds: u64, further: u64) -> Vec<String> {
    let mut command = Command::new("oathtool");
    let hash = app["hash"].as_str().unwrap();
    command.args(["--base32", &format!("--totp={hash}")]);
    command.arg(format!("--digits={}", app["digits"]));
    command.arg(format!("--time-step-size={}s", app["period"]));
    command.args([format!("--now=@{seconds}"), format!("--window={further}")]);
    command.arg(app["secret"].as_str().unwrap());
    let codes = output(command, b"").await;
    codes.lines().map(str::to_owned).collect()
}

/// Runs a program to its end and gives what it wrote.
async fn output(mut command: Command, input: &[u8]) -> String {
    let name = command.as_std().get_program().display().to_string();
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{name}: {error}; `cargo xtask test` installs it"));
    let run = async {
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(input).await.unwrap();
        drop(pipe);
        child.wait_with_output().await.unwrap()
    };
    let output = tokio::time::timeout(PATIENCE, run).await;
    let output = output.unwrap_or_else(|_| panic!("{name} hangs"));
    let status = output.status;
    assert!(status.success(), "{name}: {status}; see its words above");
    String::from_utf8(output.stdout).unwrap()
}

/// The interpreter that has `pyotp`, as `cargo xtask test` wrote it down.
fn python() -> PathBuf {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-tools/paths.json");
    let text = std::fs::read_to_string(&list).unwrap_or_else(|error| {
        panic!(
            "{}: {error}; run `cargo xtask test`, which installs pyotp",
            list.display()
        )
    });
    let paths: Value = serde_json::from_str(&text).unwrap();
    paths["python"].as_str().unwrap().into()
}
