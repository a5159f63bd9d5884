//! Authenticator apps and recovery codes over HTTPS, with restarts and kills in between. The app of these
//! tests reads the address that the API gives, and its clock is that of the gateway.

use domain::time::Timestamp;
use domain::verification::code::CodeLength;
use domain::verification::totp::{Algorithm, TotpKey, hotp};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use shortstop::http_client::{Client, Reply};

use super::canary::{self, Canaries};
use super::ground::{Carrier, Ground, files, run_json};

/// A user who is no number, and one who is.
const USER: &str = "Canary-user-5518@example.com";
const NUMBER: &str = "+447700900318";

/// An authenticator app that read an address.
pub struct App {
    /// Its factor.
    pub id: String,
    /// The key in base-32.
    secret: String,
    enrolled: Timestamp,
}

impl App {
    /// Enrols one for a user.
    pub async fn enrol(api: &mut Client, user: &str) -> Self {
        let asked = json!({"kind": "totp", "user": user, "issuer": "Example Ltd"});
        let reply = api.post("/v1/factors", &asked).await.unwrap();
        assert_eq!(reply.status.as_u16(), 201, "{}", reply.text);
        assert_eq!(reply.headers["cache-control"], "no-store");
        let (secret, uri) = (reply.member("secret"), reply.member("otpauth_uri"));
        assert!(uri.contains(&format!("secret={secret}&")), "{uri}");
        assert!(reply.member("qr").contains("<svg"));
        Self {
            id: reply.member("id"),
            secret,
            enrolled: reply.member("created").parse().unwrap(),
        }
    }

    /// What it shows so many steps after its enrolment.
    pub fn code(&self, steps: u64) -> String {
        let step = self.enrolled.seconds() / 30 + steps;
        let key = TotpKey::from_bytes(&self.octets()).unwrap();
        let code = hotp(&key, Algorithm::Sha1, step, CodeLength::SIX);
        code.reveal().to_owned()
    }

    /// A code that it does not show within many steps.
    fn wrong(&self) -> String {
        let near: Vec<String> = (0..20).map(|step| self.code(step)).collect();
        let mut codes = (0..).map(|code| format!("{code:06}"));
        codes.find(|code| !near.contains(code)).unwrap()
    }

    fn octets(&self) -> Vec<u8> {
        let (mut octets, mut bits, mut held) = (Vec::new(), 0_u32, 0);
        for letter in self.secret.bytes() {
            let digit = match letter {
                b'A'..=b'Z' => letter - b'A',
                _ => letter - b'2' + 26,
            };
            bits = (bits << 5) | u32::from(digit);
            held += 5;
            if held >= 8 {
                held -= 8;
                octets.push(u8::try_from((bits >> held) & 0xff).unwrap());
            }
        }
        octets
    }
}

/// Has recovery codes made for a user.
pub async fn issue(api: &mut Client, user: &str, count: u8) -> (String, Vec<String>) {
    let asked = json!({"kind": "recovery", "user": user, "count": count});
    let reply = api.post("/v1/factors", &asked).await.unwrap();
    assert_eq!(reply.status.as_u16(), 201, "{}", reply.text);
    assert_eq!(reply.headers["cache-control"], "no-store");
    let codes = reply.json()["codes"].clone();
    let codes: Vec<String> = serde_json::from_value(codes).unwrap();
    assert_eq!(codes.len(), usize::from(count));
    (reply.member("id"), codes)
}

async fn show(api: &mut Client, id: &str, act: &str, code: &str) -> Reply {
    let path = format!("/v1/factors/{id}/{act}");
    api.post(&path, &json!({"code": code})).await.unwrap()
}

async fn is_right(api: &mut Client, id: &str, code: &str) -> bool {
    let reply = show(api, id, "check", code).await;
    assert_eq!(reply.status.as_u16(), 200, "{}", reply.text);
    reply.json()["verified"].as_bool().unwrap()
}

/// A problem without what differs in each answer.
fn problem(reply: &Reply) -> Value {
    let mut problem = reply.json();
    for name in ["request_id", "retry_after_seconds"] {
        problem.as_object_mut().unwrap().remove(name);
    }
    problem
}

async fn ground(more: &str) -> (Carrier, Ground) {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    more.clone_into(&mut ground.more);
    ground.configure(carrier.smpp);
    (carrier, ground)
}

#[tokio::test]
async fn a_code_is_right_once_over_a_restart_and_a_kill_and_a_locked_factor_looks_at_none() {
    let (_carrier, ground) = ground("").await;
    let gateway = ground.start().await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    let app = App::enrol(&mut api, USER).await;
    assert_eq!(
        show(&mut api, &app.id, "check", &app.code(0))
            .await
            .member("code"),
        "factor-pending"
    );
    let confirmed = show(&mut api, &app.id, "confirm", &app.code(0)).await;
    assert_eq!(
        (
            confirmed.member("state").as_str(),
            confirmed.json()["verified"].clone()
        ),
        ("active", json!(true))
    );
    assert!(
        !is_right(&mut api, &app.id, &app.code(0)).await,
        "it confirmed the enrolment"
    );
    // The code of the next step is taken already, for clocks that differ.
    assert!(is_right(&mut api, &app.id, &app.code(1)).await);
    assert!(!is_right(&mut api, &app.id, &app.code(1)).await);
    assert!(gateway.stop().await.unwrap().success());

    let mut gateway = ground.start().await;
    let mut api = ground.api(&key).client();
    let again = show(&mut api, &app.id, "check", &app.code(1)).await;
    assert_eq!(again.json()["verified"], json!(false));
    // A code typed twice is no guess, unless this machine took longer than the code is shown.
    let most = again.json()["checks_left"].as_u64().unwrap();
    for left in (0..most).rev() {
        if left < 3 {
            gateway.kill().await.unwrap();
            gateway = ground.start().await;
            api = ground.api(&key).client();
        }
        let wrong = show(&mut api, &app.id, "check", &app.wrong()).await;
        assert_eq!(
            wrong.json()["checks_left"],
            left,
            "no attempt is given back"
        );
    }
    let locked = show(&mut api, &app.id, "check", &app.wrong()).await;
    assert_eq!(
        (locked.status.as_u16(), locked.member("code").as_str()),
        (429, "guess-budget")
    );
    assert!(locked.headers.contains_key("retry-after"));
    assert!(gateway.stop().await.unwrap().success());
}

#[tokio::test]
async fn apps_of_a_user_share_their_wrong_codes_over_kills_and_enrolments() {
    let (_carrier, ground) = ground("[factors]\ntotp_failures_per_day = 2\n").await;
    let mut gateway = ground.start().await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    let (one, two) = (
        App::enrol(&mut api, USER).await,
        App::enrol(&mut api, USER).await,
    );
    let other = App::enrol(&mut api, NUMBER).await;
    for (app, left) in [(&one, 1), (&two, 0)] {
        let wrong = show(&mut api, &app.id, "confirm", &app.wrong()).await;
        assert_eq!(wrong.json()["checks_left"], left, "{}", wrong.text);
        gateway.kill().await.unwrap();
        gateway = ground.start().await;
        api = ground.api(&key).client();
    }
    let anew = App::enrol(&mut api, USER).await;
    for app in [&one, &two, &anew] {
        for code in [app.code(0), app.wrong()] {
            let locked = show(&mut api, &app.id, "confirm", &code).await;
            assert_eq!(locked.member("code"), "guess-budget", "{}", locked.text);
        }
    }
    let confirmed = show(&mut api, &other.id, "confirm", &other.code(0)).await;
    assert_eq!(confirmed.json()["verified"], json!(true));
    assert!(gateway.stop().await.unwrap().success());
}

#[tokio::test]
async fn a_locked_set_answers_right_and_wrong_alike_and_removed_is_as_good_as_unknown() {
    let (_carrier, ground) = ground("[factors]\nrecovery_failures_per_day = 2\n").await;
    let gateway = ground.start().await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    let (id, codes) = issue(&mut api, USER, 3).await;
    assert!(is_right(&mut api, &id, &codes[0]).await);
    for _ in 0..2 {
        assert!(!is_right(&mut api, &id, &codes[0]).await);
    }
    let right = show(&mut api, &id, "check", &codes[1]).await;
    let wrong = show(&mut api, &id, "check", "0000-0000-0000-0000").await;
    let no_code = show(&mut api, &id, "check", "no code at all").await;
    assert_eq!(right.status.as_u16(), 429, "{}", right.text);
    assert_eq!(problem(&right), problem(&wrong));
    assert_eq!(problem(&right), problem(&no_code));
    let path = format!("/v1/factors/{id}");
    let shown = api.get(&path).await.unwrap().json();
    assert_eq!(
        (&shown["user"], &shown["codes_left"], &shown["checks_left"]),
        (&json!(USER), &json!(2), &json!(0))
    );
    let removed = api.delete(&path).await.unwrap();
    assert_eq!(
        (removed.status.as_u16(), removed.member("state").as_str()),
        (200, "removed")
    );
    let unknown = "/v1/factors/fac_agndkyl6fn76pkr4ha5qmzvkhe";
    let unknown = problem(&api.get(unknown).await.unwrap());
    assert_eq!(problem(&api.get(&path).await.unwrap()), unknown);
    assert_eq!(problem(&api.delete(&path).await.unwrap()), unknown);
    assert_eq!(
        problem(&show(&mut api, &id, "check", &codes[1]).await),
        unknown
    );
    let asked = json!({"kind": "recovery", "user": USER});
    let once = api.post_once("/v1/factors", "k-1", &asked).await.unwrap();
    assert_eq!(once.json()["errors"][0]["header"], "Idempotency-Key");
    assert!(gateway.stop().await.unwrap().success());
}

/// The octets in which secrets lie sealed.
fn sealed(ground: &Ground) -> Vec<Vec<u8>> {
    let file = ground.data().join("shortstop.sqlite");
    let database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let sql = "SELECT wrapped FROM factor WHERE wrapped IS NOT NULL ORDER BY seq";
    let mut statement = database.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[tokio::test]
async fn no_secret_lies_in_clear_anywhere_and_a_removed_one_not_even_sealed() {
    let (_carrier, ground) = ground("[log]\nlevel = 'trace'\n").await;
    let gateway = ground.start().await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    let (app, other) = (
        App::enrol(&mut api, USER).await,
        App::enrol(&mut api, NUMBER).await,
    );
    let (set, codes) = issue(&mut api, USER, 5).await;
    let mut told = String::new();
    for app in [&app, &other] {
        for code in [app.wrong(), app.code(0)] {
            told += &show(&mut api, &app.id, "confirm", &code).await.text;
        }
    }
    told += &show(&mut api, &set, "check", &codes[0]).await.text;
    told += &show(&mut api, &app.id, "check", "no code").await.text;
    let metrics = ground.admin().get("/metrics").await.unwrap().text;
    assert!(metrics.contains("shortstop_factor_checks_total"));
    let mut canaries = Canaries::new();
    for app in [&app, &other] {
        canaries.octets("a seed", &app.octets());
        canaries.text(&app.secret);
        canaries.text(&app.secret.to_lowercase());
    }
    for code in &codes {
        canaries.text(code);
        canaries.text(&code.replace('-', ""));
    }
    canaries.text(USER);
    canaries.number(NUMBER);
    canaries.assert_absent("an answer", told.as_bytes());
    canaries.assert_absent("the metrics", metrics.as_bytes());
    canary::look(&ground, &canaries, "while it runs");

    let before = sealed(&ground);
    assert_eq!(before.len(), 3);
    for id in [&app.id, &set] {
        let removed = api.delete(&format!("/v1/factors/{id}")).await.unwrap();
        assert_eq!(removed.status.as_u16(), 200, "{}", removed.text);
    }
    assert!(gateway.stop().await.unwrap().success());
    let mut gone = Canaries::new();
    gone.plain("the sealed seed", before[0].clone());
    gone.plain("the sealed codes", before[2].clone());
    canary::look(&ground, &gone, "after the removal");
    canary::look(&ground, &canaries, "after the removal");
    let kept = files(&ground.data()).iter().any(|path| {
        let octets = std::fs::read(path).unwrap();
        octets
            .windows(before[1].len())
            .any(|window| window == before[1])
    });
    assert!(kept, "the other one is still there to be found");
    assert_eq!(sealed(&ground).len(), 1);
}

/// By the command of the operator, for the factor whose user is the number.
#[tokio::test]
async fn a_person_gets_a_copy_of_the_factor_and_then_has_it_destroyed() {
    let (_carrier, ground) = ground("").await;
    let gateway = ground.start().await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    let app = App::enrol(&mut api, NUMBER).await;
    let (kept, codes) = issue(&mut api, USER, 1).await;
    let confirmed = show(&mut api, &app.id, "confirm", &app.code(0)).await;
    assert_eq!(confirmed.status.as_u16(), 200, "{}", confirmed.text);
    let config = ground.path("shortstop.toml").display().to_string();
    let copy = ground.path("copy.json").display().to_string();
    run_json(&[
        "subject", "export", NUMBER, "--to", &copy, "--config", &config,
    ])
    .await;
    let copy = std::fs::read_to_string(copy).unwrap();
    assert!(copy.contains(&app.id) && copy.contains(NUMBER), "{copy}");
    assert!(!copy.contains(&app.secret) && !copy.contains(&kept));
    let basis = "GDPR Art. 17";
    let erased = run_json(&[
        "subject", "erase", NUMBER, "--basis", basis, "--config", &config,
    ])
    .await;
    assert_eq!(erased["factors"], 1, "{erased}");
    let gone = show(&mut api, &app.id, "check", &app.code(1)).await;
    assert_eq!(gone.member("code"), "not-found");
    assert!(is_right(&mut api, &kept, &codes[0]).await);
    assert!(gateway.stop().await.unwrap().success());
    assert_eq!(sealed(&ground).len(), 1);
    let rebuilt = run_json(&["ledger", "rebuild", "--config", &config]).await;
    assert_eq!(rebuilt["differences"], 0, "{rebuilt}");
}
