//! A witness in a process of its own, for tests over real sockets and real crashes:
//! `witness --state FOLDER --log VKEY [--log VKEY]… [--name NAME] [--seed HEX] [--listen ADDRESS]`.
//! It writes one JSON line when it is ready, and ends when it is killed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a tool for tests may end with a panic"
)]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use domain::time::Timestamp;
use engine::ports::Clock;
use ledger::note::key::VerifierKey;
use testkit::{Witness, WitnessSetup};

/// The clock of the machine.
struct WallClock;

impl Clock for WallClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one reading of the clock in this process"
    )]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_seconds(since.as_secs())
    }

    /// Nothing here is limited.
    fn uptime(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }
}

/// What the command line says.
struct Arguments {
    setup: WitnessSetup,
    listen: SocketAddr,
}

fn arguments(words: impl Iterator<Item = String>) -> Arguments {
    let mut setup = WitnessSetup {
        name: "witness.example/w1".to_owned(),
        seed: [0x63; 32],
        logs: Vec::new(),
        folder: PathBuf::new(),
        clock: Arc::new(WallClock),
    };
    let mut listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut words = words;
    while let Some(option) = words.next() {
        let value = words
            .next()
            .unwrap_or_else(|| panic!("{option} needs a value"));
        match option.as_str() {
            "--state" => setup.folder = PathBuf::from(value),
            "--log" => setup
                .logs
                .push(VerifierKey::parse(&value).expect("--log is a vkey")),
            "--name" => setup.name = value,
            "--seed" => setup.seed = seed(&value),
            "--listen" => listen = value.parse().expect("--listen is an address and a port"),
            _ => panic!("{option} is no option"),
        }
    }
    assert!(!setup.folder.as_os_str().is_empty(), "--state is missing");
    Arguments { setup, listen }
}

fn seed(hex: &str) -> [u8; 32] {
    assert_eq!(hex.len(), 64, "--seed is 64 hex digits");
    let octet = |place: usize| u8::from_str_radix(hex.get(place..place + 2).unwrap(), 16);
    let octets: Result<Vec<u8>, _> = (0..64).step_by(2).map(octet).collect();
    octets.expect("--seed is hex").try_into().unwrap()
}

#[tokio::main]
async fn main() {
    let Arguments { setup, listen } = arguments(std::env::args().skip(1));
    let witness = match Witness::start_at(setup, listen).await {
        Ok(witness) => witness,
        Err(error) => {
            eprintln!("witness: {error}");
            std::process::exit(1);
        }
    };
    let (url, vkey) = (witness.url(), witness.vkey());
    // Names of keys may hold what JSON escapes; those of tests do not.
    println!(r#"{{"event":"ready","url":"{url}","vkey":"{vkey}"}}"#);
    std::future::pending::<()>().await;
}
