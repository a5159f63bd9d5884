//! A gateway with its carrier and the attackers: clients with keys, connections from many addresses, and
//! the handsets' inbox.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{bail, ensure};
use serde_json::{Value, json};
use tokio_rustls::TlsConnector;

use super::Scale;
use super::wire::{Answer, Wire};
use crate::bench::gateway::{Process, Wishes, Yard};
use crate::bench::load::{Target, connector};
use crate::step::root;

/// A carrier that takes whatever comes, so that only the protections hold anything back.
const WIDE: Wishes = Wishes {
    mps: 100_000,
    binds: 1,
    window: 1_000,
};
/// What a client of an attacker may do.
const OPTIONS: [&str; 6] = [
    "--scope",
    "messages:send",
    "--scope",
    "verifications:write",
    "--scope",
    "verifications:check",
];
/// Nothing takes longer to reach a handset.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether the gateway protects.
#[derive(Clone, Copy)]
pub enum Protections {
    /// As it comes out of the box.
    On,
    /// Every limit and the guard against pumping only record.
    Off,
}

/// The limits out of the box that these attacks meet.
const LIMITS: [&str; 7] = [
    "recipient-otp-10-minutes",
    "recipient-otp-hour",
    "recipient-otp-day",
    "recipient-hour",
    "client-rate",
    "source-logins",
    "network-logins",
];

/// Everything that an attack needs.
pub struct World {
    yard: Yard,
    _carrier: Process,
    gateway: Option<Process>,
    more: String,
    clients: Vec<Target>,
    connector: Option<TlsConnector>,
}

impl World {
    /// Starts a carrier and a gateway without clients.
    pub fn start(name: &str, scale: Scale, protections: Protections) -> anyhow::Result<Self> {
        let yard = Yard::of(build(scale), name)?;
        let carrier = yard.carrier(&["--receipt-milliseconds", "0", "--inbox-max", "100000"])?;
        let more = configuration(protections);
        let gateway = yard.gateway_with(WIDE, &more)?;
        Ok(Self {
            yard,
            _carrier: carrier,
            gateway: Some(gateway),
            more,
            clients: Vec::new(),
            connector: None,
        })
    }

    /// Ends the gateway as a crash would, and starts it again. What was on its way has arrived before: a
    /// message whose answer got lost is sent again, and must not look like one that slipped through.
    pub async fn crash(&mut self) -> anyhow::Result<()> {
        let arrived = u64::try_from(self.yard.inbox()?.len())?;
        let until = tokio::time::Instant::now() + PATIENCE;
        while self
            .yard
            .metric("shortstop_messages_settled_total", "delivered")?
            < arrived
        {
            ensure!(tokio::time::Instant::now() < until, "a receipt is missing");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if let Some(gateway) = self.gateway.take() {
            gateway.kill();
        }
        self.gateway = Some(self.yard.gateway_with(WIDE, &self.more)?);
        Ok(())
    }

    /// Makes clients until there are so many.
    pub fn clients(&mut self, count: usize) -> anyhow::Result<()> {
        while self.clients.len() < count {
            let name = format!("attacker-{}", self.clients.len());
            self.clients
                .push(self.yard.client_with(&name, "otp", &OPTIONS)?);
        }
        if let (None, Some(first)) = (&self.connector, self.clients.first()) {
            self.connector = Some(connector(first)?);
        }
        Ok(())
    }

    /// One of the clients.
    pub fn client(&self, place: usize) -> anyhow::Result<&Target> {
        match self.clients.get(place % self.clients.len().max(1)) {
            Some(client) => Ok(client),
            None => bail!("there are no clients"),
        }
    }

    /// A connection from the `place`-th of 16 million loopback addresses.
    pub async fn connect(&self, place: usize) -> anyhow::Result<Wire> {
        let Some(connector) = &self.connector else {
            bail!("there are no clients");
        };
        Wire::open(connector, self.client(0)?, address(place)?).await
    }

    /// Hands a code in, as a message of a client.
    pub async fn message(
        &self,
        wire: &mut Wire,
        client: usize,
        to: &str,
    ) -> anyhow::Result<Answer> {
        let client = self.client(client)?;
        let body = json!({
            "to": to,
            "from": client.short_code,
            "class": "otp",
            "text": "Your Example code is 493817. Do not share it with anyone.",
        });
        wire.post("/v1/messages", &client.key, "", &body).await
    }

    /// Asks for a code, as a verification of a client.
    pub async fn verification(
        &self,
        wire: &mut Wire,
        client: usize,
        to: &str,
    ) -> anyhow::Result<Answer> {
        let client = self.client(client)?;
        let body = json!({
            "to": to,
            "from": client.short_code,
            "channel": "sms",
            "purpose": "sign-in",
        });
        wire.post("/v1/verifications", &client.key, "", &body).await
    }

    /// Does something with a verification: `check`, `resend` or `cancel`.
    pub async fn act(
        &self,
        wire: &mut Wire,
        client: usize,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<Answer> {
        let path = format!("/v1/verifications/{path}");
        let key = &self.client(client)?.key;
        wire.post(&path, key, "", body).await
    }

    /// What the handsets have, once `accepted` messages are there.
    pub async fn inbox(&self, accepted: usize) -> anyhow::Result<Vec<Value>> {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let inbox = self.yard.inbox()?;
            if inbox.len() >= accepted || tokio::time::Instant::now() > until {
                return Ok(inbox);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends everything and removes the folder.
    pub fn end(mut self) -> anyhow::Result<()> {
        drop(self.gateway.take());
        self.yard.clear()
    }
}

fn address(place: usize) -> anyhow::Result<Ipv4Addr> {
    let [_, high, middle, low] = u32::try_from(place + 1)?.to_be_bytes();
    Ok(Ipv4Addr::new(127, high.wrapping_add(1), middle, low))
}

fn build(scale: Scale) -> PathBuf {
    let profile = match scale {
        Scale::Full => "release",
        Scale::Quick => "debug",
    };
    root().join("target").join(profile).join("shortstop")
}

fn configuration(protections: Protections) -> String {
    let limits = match protections {
        Protections::On => String::new(),
        Protections::Off => {
            let limits =
                LIMITS.map(|name| format!("[[limit]]\nname = \"{name}\"\nmode = \"record\"\n"));
            limits.concat() + "[pumping]\nmode = \"record\"\n"
        }
    };
    format!("[verifications]\nbrand = \"Example\"\n[countries]\nenabled = [\"GB\"]\n{limits}")
}
