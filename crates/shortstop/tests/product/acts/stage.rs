//! The gateway whose life is played: its carriers, witness and collector, and how to do something in it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use clap::Parser as _;
use domain::id::ClientId;
use engine::rows::AuthMode;
use ledger::Kind;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use shortstop::audit_table::{Event, Trace, of_command, of_request};
use shortstop::child::GatewayProcess;
use shortstop::cli::Cli;
use shortstop::control::{Answer, KeyAsked, NewClientAsked, Request, client};
use shortstop::process;
use testkit::SyslogReceiver;

use super::book::{self, Act, Book, Shown};
use super::carriers::SECRET;
use crate::ground::{CODE, Carrier, Ground, free_address, run, run_json, until};
use crate::ledger::word;
use crate::provider::{self, keep_secret};
use crate::prune;

/// Requests of a client in an hour: more than any act needs but the one that is refused.
pub const REQUESTS: usize = 400;

/// A short code whose carrier is away until it is started.
pub const AWAY: &str = "54320";
/// One whose carrier refuses everything.
pub const BAD: &str = "54321";
/// One whose carrier takes everything and never answers.
pub const MUTE: &str = "54322";

/// Entries of another time, which can be pruned.
const PAST: [(u64, u64); 2] = [(500, 3), (400, 4)];

/// Where everything happens.
pub struct Stage {
    /// Its folders and addresses.
    pub ground: Ground,
    /// What happened.
    pub book: Book,
    /// The good carrier.
    pub carrier: Carrier,
    /// Where the carrier that is away will be.
    pub away: SocketAddr,
    /// Where the witness will be.
    pub witness: SocketAddr,
    /// The login name of whoever runs this.
    pub me: String,
    /// Where entries are told.
    pub collector: SyslogReceiver,
    /// One that refuses, and one that never answers.
    others: Vec<Carrier>,
}

/// A gateway that runs with everything.
pub struct Busy {
    /// The next index before it started.
    pub from: usize,
    /// The process.
    pub gateway: GatewayProcess,
    /// A client that may do everything, for what has to be so before something else can.
    pub client: String,
    /// Its key.
    pub key: String,
}

impl Stage {
    /// A folder with a past, and carriers; nothing runs yet.
    pub async fn new() -> Self {
        let carrier = Carrier::start(&[]).await;
        let bad = Carrier::start(&["--failure-rate", "1"]).await;
        let mute = Carrier::start(&["--silence-rate", "1"]).await;
        let mut ground = Ground::new();
        // Applications of Twilio's name no short code for a code.
        let code = format!("short_code = '{CODE}'\n");
        ground.verifications.push_str(&code);
        ground.configure(carrier.smpp);
        prune::grow_old(&ground.data(), &PAST);
        Self {
            ground,
            book: Book::default(),
            carrier,
            away: free_address(),
            witness: free_address(),
            me: process::user_name(process::own_uid()),
            collector: SyslogReceiver::start(None).await,
            others: vec![bad, mute],
        }
    }

    /// The configuration file.
    pub fn config(&self) -> String {
        self.ground.path("shortstop.toml").display().to_string()
    }

    /// The next index of the ledger.
    pub fn next(&self) -> usize {
        let last = self.entries().last_key_value().map(|(index, _)| *index);
        last.map_or(0, |index| index + 1)
    }

    /// Every entry that has its bytes.
    pub fn entries(&self) -> BTreeMap<usize, Value> {
        entries(&self.ground.data())
    }

    /// Starts the gateway, which is an act.
    pub async fn start(&mut self, kind: Kind) -> GatewayProcess {
        let from = self.next();
        let gateway = self.ground.start().await;
        let config = self.config();
        let trace = trace_of(&["serve", "--config", &config]);
        let mut act = self.of_system("command serve".to_owned(), kind, from);
        act.until = Some(self.next());
        self.book.row("command serve", trace);
        self.book.act(act, trace.kinds());
        let (event, other) = match kind {
            Kind::LedgerRecovered => (Event::StartAfterCrash, None),
            _ => (Event::Start, Some(Event::Configuration)),
        };
        self.happened(event, self.of_system(String::new(), kind, from));
        if let Some(other) = other {
            self.happened(
                other,
                self.of_system(String::new(), Kind::ConfigLoaded, from),
            );
        }
        gateway
    }

    /// Stops it in good order, which is one too, and looks for the entries of all that was done.
    pub async fn stop(&mut self, gateway: GatewayProcess) {
        let act = self.of_system(String::new(), Kind::LedgerStopped, self.next());
        self.happened(Event::Stop, act);
        assert!(gateway.stop().await.unwrap().success());
        self.book.find(&entries(&self.ground.data()));
    }

    /// An act of the gateway itself.
    #[expect(
        clippy::unused_self,
        reason = "acts are made in one way, whoever they are of"
    )]
    pub fn of_system(&self, row: String, kind: Kind, from: usize) -> Act {
        Act {
            row,
            kind,
            actor: ("system", "gateway".to_owned()),
            origin: "process",
            outcome: "done",
            object: None,
            shown: Shown::Alone,
            from,
            until: None,
        }
    }

    /// An act of whoever runs this.
    pub fn of_me(&self, row: String, kind: Kind, from: usize) -> Act {
        let actor = ("os_user", self.me.clone());
        let origin = "socket";
        Act {
            actor,
            origin,
            ..self.of_system(row, kind, from)
        }
    }

    /// Something happens.
    pub fn happened(&mut self, event: Event, act: Act) {
        let row = book::of_event(event, act.kind);
        self.book.row(&row, event.trace());
        self.book.act(Act { row, ..act }, event.trace().kinds());
    }

    /// Asks over the socket, and gives the result. An entry of its own is there before the answer.
    pub async fn ask(&mut self, request: Request) -> Value {
        let (row, trace) = (book::request(&request), of_request(&request));
        let from = self.next();
        let socket = self.ground.data().join("control.sock");
        let answer = client::ask(&socket, &request).await.unwrap();
        let Some(Answer::Done { result }) = answer else {
            panic!("{row}: {answer:?}")
        };
        self.book.row(&row, trace);
        if let Trace::Entry([kind]) = trace {
            let until = Some(self.next());
            let act = Act {
                until,
                ..self.of_me(row, *kind, from)
            };
            self.book.act(act, trace.kinds());
        }
        result
    }

    /// Runs a command to its good end, and gives its last event. What it leaves is one of these kinds.
    pub async fn command(&mut self, words: &[&str], kind: Kind) -> Value {
        let from = self.next();
        let said = run_json(words).await;
        let row = book::command(words);
        let until = Some(self.next());
        let act = Act {
            until,
            ..self.of_me(row.clone(), kind, from)
        };
        let trace = trace_of(words);
        let parts = [kind];
        let kinds = match trace {
            Trace::Parts(_) => &parts[..],
            trace => trace.kinds(),
        };
        self.book.act(act, kinds);
        self.book.row(&row, trace);
        said
    }

    /// Runs a command that leaves nothing.
    pub async fn silent(&mut self, words: &[&str]) {
        let output = run(words).await;
        assert!(output.status.success(), "{words:?}: {output:?}");
        self.book.row(&book::command(words), trace_of(words));
    }

    /// Makes a client with one scope, or with these; gives its id and key.
    pub async fn client(&mut self, scopes: &[&str]) -> (String, String) {
        let asked = NewClientAsked {
            name: "tester".to_owned(),
            scopes: scopes.iter().map(ToString::to_string).collect(),
            short_codes: [CODE, AWAY, BAD, MUTE]
                .map(|code| code.parse().unwrap())
                .into(),
            classes: domain::class::TrafficClass::ALL.to_vec(),
            networks: Vec::new(),
            expires: None,
            auth: AuthMode::Key,
            certificates: Vec::new(),
            certificate_names: Vec::new(),
            key: KeyAsked::Bearer,
        };
        let made = self.ask(Request::ClientAdd(asked)).await;
        let id = word(&made, "/client/id").to_owned();
        let _: ClientId = id.parse().unwrap();
        self.book.happened_to(&id);
        (id, word(&made, "/client/api_key").to_owned())
    }

    /// A gateway with nothing to do, and everything that leaves nothing.
    pub async fn quiet(&mut self) {
        // The past has no end in good order.
        let gateway = self.start(Kind::LedgerRecovered).await;
        until("the bind", async || {
            let bound = self.entries();
            let mut bound = bound.values().map(|entry| word(entry, "/kind"));
            bound.any(|kind| kind == "link.bound").then_some(())
        })
        .await;
        let from = self.next();
        super::routes::public(self).await;
        super::events::admin_pages(self).await;
        super::commands::silent(self).await;
        self.ask(Request::KeysStatus).await;
        self.ask(Request::VerificationsStats).await;
        self.stop(gateway).await;
        let told = self.entries().split_off(&from);
        let by_itself = ["key.created", "link.lost", "ledger.stopped"];
        for entry in told.values() {
            assert!(by_itself.contains(&word(entry, "/kind")), "{entry}");
        }
    }

    /// A gateway with everything.
    pub async fn busy(&mut self) -> Busy {
        let vkey = super::events::witness(self, self.witness)
            .await
            .vkey()
            .to_string();
        "reconnect_seconds_max = 1\n".clone_into(&mut self.ground.carrier);
        self.ground.more = self.more(&vkey);
        self.ground.configure(self.carrier.smpp);
        let from = self.next();
        let gateway = self.start(Kind::LedgerStarted).await;
        let all = engine::Scope::ALL.map(engine::Scope::as_str);
        let (client, key) = self.client(&all).await;
        Busy {
            from,
            gateway,
            client,
            key,
        }
    }

    fn more(&self, vkey: &str) -> String {
        let places = [
            ("away", AWAY, self.away, ""),
            ("bad", BAD, self.others[0].smpp, "queue_full_tries_max = 1"),
            ("mute", MUTE, self.others[1].smpp, "response_seconds = 1"),
        ];
        let carrier = |(name, code, address, more)| {
            format!(
                "[[short_code]]\nnumber = '{code}'\ncarriers = ['{name}']\n\
                 [[carrier]]\nname = '{name}'\naddress = '{address}'\nsystem_id = 'tester'\n\
                 password_file = 'password'\ntransport = 'plaintext-loopback'\n\
                 reconnect_seconds_max = 1\n{more}\n"
            )
        };
        let carriers: String = places.map(carrier).concat();
        keep_secret(&self.ground, SECRET);
        let provider = provider::section("http://127.0.0.1:1");
        let carriers = format!("{carriers}{provider}");
        let (witness, collector) = (self.witness, self.collector.address());
        format!(
            "{carriers}[[witness]]\nname = 'w1'\nurl = 'http://{witness}'\nvkey = '{vkey}'\n\
             [[siem]]\nname = 'soc'\naddress = '{collector}'\ntransport = 'plaintext-loopback'\n\
             [messages]\nvalidity_otp_seconds = 2\n\
             [[limit]]\nname = 'requests'\nevent = 'request'\nalgorithm = 'quota'\n\
             amount = {REQUESTS}\nwindow_seconds = 3600\n"
        )
    }
}

/// What a command line leaves.
pub fn trace_of(words: &[&str]) -> Trace {
    let words = [&["shortstop"], words].concat();
    let cli = Cli::try_parse_from(words).unwrap();
    of_command(&cli.command.unwrap())
}

/// Every entry of a data folder that has its bytes, by its index.
pub fn entries(data: &Path) -> BTreeMap<usize, Value> {
    let path = data.join("shortstop.sqlite");
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = connection.prepare("SELECT idx, bytes FROM entry").unwrap();
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
    });
    let rows = rows.unwrap().map(|row| {
        let (index, bytes) = row.unwrap();
        (
            usize::try_from(index).unwrap(),
            serde_json::from_slice(&bytes).unwrap(),
        )
    });
    rows.collect()
}
