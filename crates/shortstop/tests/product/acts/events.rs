//! What happens without a request: the carrier's side, signals, time, and those who watch.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use ledger::{Kind, VerifierKey};
use rustix::process::Signal;
use shortstop::audit_table::Event;
use shortstop::child::GatewayProcess;
use shortstop::clock::SystemClock;
use shortstop::control::{Request, client};
use shortstop::http_client::Client;
use shortstop::process;
use testkit::witness::{Witness, WitnessSetup};
use tokio::process::Command;

use super::book::{self, Act};
use super::stage::{AWAY, BAD, Busy, MUTE, Stage};
use crate::ground::{BINARY, CODE, Carrier, reaches, until};

const READER: &str = "+447700900123";
const LEAVER: &str = "+447700900999";

/// Nobody in particular, as systems number that user.
const NOBODY: u32 = 65_534;

/// Pages for whoever watches.
pub async fn admin_pages(stage: &mut Stage) {
    for path in ["/healthz", "/readyz", "/metrics"] {
        let reply = stage.ground.admin().get(path).await.unwrap();
        assert!(reply.status.is_success(), "{path}: {}", reply.text);
    }
    let event = Event::AdminPages;
    stage
        .book
        .silent(&format!("event {event:?}"), event.trace());
}

/// Everything that a gateway meets while it runs.
pub async fn drive(stage: &mut Stage, busy: &mut Busy) {
    let first = busy.from;
    let keys = stage.of_system(String::new(), Kind::KeyCreated, 0);
    stage.happened(Event::Keys, keys);
    let stream = Act {
        actor: ("system", "siem".to_owned()),
        ..stage.of_system(String::new(), Kind::LedgerExported, first)
    };
    stage.comes(Event::Stream, stream).await;
    let (bound, id) = (Kind::LinkBound, "sim/0");
    let bound = of_carrier(stage, bound, "sim", Some(id), first);
    stage.comes(Event::Bound, bound).await;
    roads(stage, busy).await;
    handset(stage).await;
    away(stage, busy).await;
    configuration(stage, busy).await;
    denied(stage).await;
    witnesses(stage, first).await;
}

/// An act of a part of the gateway in the life of a message.
fn of_part(stage: &Stage, kind: Kind, part: &str, id: &str, from: usize) -> Act {
    Act {
        actor: ("system", part.to_owned()),
        origin: "",
        outcome: match kind {
            Kind::MessageExpired => "failed",
            Kind::MessageUnknown => "unknown",
            _ => "accepted",
        },
        object: Some(id.to_owned()),
        ..stage.of_system(String::new(), kind, from)
    }
}

/// An act of a carrier over a bind.
fn of_carrier(stage: &Stage, kind: Kind, carrier: &str, id: Option<&str>, from: usize) -> Act {
    Act {
        actor: ("carrier", carrier.to_owned()),
        origin: match kind {
            Kind::LinkBound | Kind::LinkLost => "bind",
            _ => "",
        },
        object: id.map(str::to_owned),
        outcome: match kind {
            Kind::MessageFailed | Kind::LinkLost => "failed",
            Kind::ReceiptUnmatched => "accepted",
            _ => "done",
        },
        ..stage.of_system(String::new(), kind, from)
    }
}

/// A message to each short code but the one whose carrier is away.
async fn roads(stage: &mut Stage, busy: &Busy) {
    let mut api = stage.ground.api(&busy.key).client();
    let (id, from) = goes(stage, &mut api, CODE, "delivered").await;
    for (event, kind) in [
        (Event::Answered, Kind::MessageSubmitted),
        (Event::Receipt, Kind::ReceiptReceived),
    ] {
        let act = of_carrier(stage, kind, "sim", Some(&id), from);
        stage.comes(event, act).await;
    }
    let (id, from) = goes(stage, &mut api, BAD, "failed").await;
    let act = of_carrier(stage, Kind::MessageFailed, "bad", Some(&id), from);
    stage.comes(Event::Answered, act).await;
    let (id, from) = goes(stage, &mut api, MUTE, "unknown").await;
    let act = of_part(stage, Kind::MessageUnknown, "dispatcher", &id, from);
    stage.comes(Event::TimeOver, act).await;
    let act = of_carrier(stage, Kind::ReceiptUnmatched, "mute", None, from);
    stage.comes(Event::Receipt, act).await;
}

/// Sends a message and waits for its end; gives its id, and the next index before it.
async fn goes(stage: &Stage, api: &mut Client, code: &str, end: &str) -> (String, usize) {
    let from = stage.next();
    let id = sent(api, code, "marketing").await;
    reaches(api, &id, end).await;
    (id, from)
}

async fn sent(api: &mut Client, code: &str, class: &str) -> String {
    let body = serde_json::json!({"to": READER, "from": code, "text": "Hello", "class": class});
    let reply = api.post("/v1/messages", &body).await.unwrap();
    assert_eq!(reply.status.as_u16(), 202, "{}", reply.text);
    reply.member("id")
}

/// A handset writes.
async fn handset(stage: &mut Stage) {
    let from = stage.next();
    for (text, kind) in [
        ("Hello", None),
        ("STOP", Some(Kind::OptoutRecorded)),
        ("START", Some(Kind::OptoutRemoved)),
    ] {
        stage.carrier.say(&LEAVER[1..], text).await;
        if let Some(kind) = kind {
            let act = Act {
                actor: ("system", "keyword".to_owned()),
                origin: "",
                ..stage.of_system(String::new(), kind, from)
            };
            stage.comes(Event::Keyword, act).await;
        }
    }
    let act = of_carrier(stage, Kind::MoReceived, "sim", None, from);
    stage.comes(Event::Mobile, act).await;
}

/// Messages wait for a carrier: one until its time is over, one until the carrier is there. It goes again.
async fn away(stage: &mut Stage, busy: &Busy) {
    let mut api = stage.ground.api(&busy.key).client();
    let from = stage.next();
    let short = sent(&mut api, AWAY, "otp").await;
    let long = sent(&mut api, AWAY, "alert").await;
    reaches(&mut api, &short, "expired").await;
    let act = of_part(stage, Kind::MessageExpired, "expiry", &short, from);
    stage.comes(Event::TimeOver, act).await;
    let carrier = Carrier::start_at(&stage.away.to_string(), &[]).await;
    let bound = of_carrier(stage, Kind::LinkBound, "away", Some("away/0"), from);
    stage.comes(Event::Bound, bound).await;
    reaches(&mut api, &long, "delivered").await;
    let act = of_part(stage, Kind::MessageDispatched, "dispatcher", &long, from);
    stage.comes(Event::Dispatched, act).await;
    let from = stage.next();
    drop(carrier);
    let lost = of_carrier(stage, Kind::LinkLost, "away", Some("away/0"), from);
    stage.comes(Event::Lost, lost).await;
}

/// A configuration that is taken, and one that is not.
async fn configuration(stage: &mut Stage, busy: &Busy) {
    let good = stage.ground.more.clone();
    for (more, outcome) in [
        ("[bounds]\nsegments_max = 3\n", "done"),
        ("[bounds]\nsegments_max = 'many'\n", "refused"),
    ] {
        stage.ground.more = format!("{good}{more}");
        stage.ground.configure(stage.carrier.smpp);
        let act = Act {
            outcome,
            ..stage.of_system(String::new(), Kind::ConfigLoaded, stage.next())
        };
        busy.gateway.signal(Signal::HUP).unwrap();
        stage.comes(Event::Configuration, act).await;
    }
    stage.ground.more = good;
    stage.ground.configure(stage.carrier.smpp);
}

/// Another user of the machine finds the socket open, and is turned away by the gateway. Only root can be
/// another user.
async fn denied(stage: &mut Stage) {
    let (event, kind) = (Event::SocketDenied, Kind::AuthFailed);
    if process::own_uid() != 0 {
        eprintln!("this user cannot be another one");
        stage.book.row(&book::of_event(event, kind), event.trace());
        return;
    }
    let program = stage.ground.path("shortstop");
    std::fs::copy(BINARY, &program).unwrap();
    let data = stage.ground.data();
    let doors = [
        stage.ground.path(""),
        data.clone(),
        data.join("control.sock"),
    ];
    for door in &doors {
        open_to(door, 0o777);
    }
    let from = stage.next();
    let mut command = Command::new(program);
    command
        .args(["client", "list", "--data"])
        .arg(&data)
        .uid(NOBODY);
    let output = command.output().await.unwrap();
    assert!(!output.status.success(), "{output:?}");
    open_to(&doors[2], 0o600);
    open_to(&doors[1], 0o700);
    let act = Act {
        actor: ("os_user", process::user_name(NOBODY)),
        outcome: "refused",
        ..stage.of_me(String::new(), kind, from)
    };
    stage.comes(event, act).await;
}

fn open_to(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A witness of this log, in the process of the test.
pub async fn witness(stage: &Stage, address: SocketAddr) -> Witness {
    let vkey = std::fs::read_to_string(stage.ground.data().join("log.vkey")).unwrap();
    let setup = WitnessSetup {
        name: "witness.example/w1".to_owned(),
        seed: [0x63; 32],
        logs: vec![VerifierKey::parse(vkey.trim_end()).unwrap()],
        folder: stage.ground.path("witness"),
        clock: Arc::new(SystemClock),
    };
    Witness::start_at(setup, address).await.unwrap()
}

/// The witness was away from the start; then it is there. It is asked only while there are new entries.
async fn witnesses(stage: &mut Stage, first: usize) {
    let lost = Act {
        outcome: "failed",
        ..stage.of_system(String::new(), Kind::WitnessLost, first)
    };
    busily(stage, &lost).await;
    stage.happened(Event::Witness, lost);
    let from = stage.next();
    let _witness = witness(stage, stage.witness).await;
    let back = stage.of_system(String::new(), Kind::WitnessRegained, from);
    busily(stage, &back).await;
    stage.happened(Event::Witness, back);
}

/// Gives the ledger something to tell until it tells of this.
async fn busily(stage: &Stage, act: &Act) {
    let socket = stage.ground.data().join("control.sock");
    until(&format!("the entry of {act:?}"), async || {
        client::ask(&socket, &Request::ClientList).await.unwrap();
        stage.tells(act).then_some(())
    })
    .await;
}

/// The gateway is killed and starts again.
pub async fn crash(stage: &mut Stage) -> GatewayProcess {
    let mut gateway = stage.start(Kind::LedgerStarted).await;
    gateway.kill().await.unwrap();
    stage.start(Kind::LedgerRecovered).await
}

impl Stage {
    /// Whether the ledger has an entry of this kind and object by now.
    fn tells(&self, act: &Act) -> bool {
        let told = self.entries().split_off(&act.from);
        told.values().any(|entry| act.is_about(entry))
    }

    /// Something happens, and is told before long.
    async fn comes(&mut self, event: Event, act: Act) {
        until(&format!("the entry of {act:?}"), async || {
            let told = self.entries().split_off(&act.from);
            told.values().any(|entry| act.is_about(entry)).then_some(())
        })
        .await;
        self.happened(event, act);
    }
}
