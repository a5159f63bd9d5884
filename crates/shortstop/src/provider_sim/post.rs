//! What the simulated provider posts: what became of messages, and what handsets write, signed as Twilio signs. It
//! posts to this machine alone.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use domain::twilio::signature;
use hyper::Uri;
use smpp::sim::ReceiptSwitch;

use super::{ProviderSim, lock};
use crate::http_client::Target;

/// How often a post is tried that is not taken, a second apart.
const TRIES: u32 = 5;
/// Error: the handset cannot be reached.
const UNREACHABLE: &str = "30003";

/// The message that something is told about.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) sid: String,
    pub(super) from: String,
    pub(super) to: String,
}

impl ProviderSim {
    /// Tells what becomes of a message when its time has come.
    pub(super) fn tell_later(&self, url: String, told: Told) {
        let receipts = &self.0.plan.behaviour.receipts;
        if receipts.switch == ReceiptSwitch::Off {
            return;
        }
        let Ok(place) = Arc::clone(&self.0.posts).try_acquire_owned() else {
            return self.count(|counts| counts.posts_dropped += 1);
        };
        let mut chance = lock(&self.0.chance);
        let delay = receipts.delay.draw(&mut chance);
        let word = if chance.chance(receipts.undelivered_rate) {
            "undelivered"
        } else {
            "delivered"
        };
        let times = if chance.chance(receipts.duplicate_rate) {
            2
        } else {
            1
        };
        drop(chance);
        let sim = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            for _ in 0..times {
                sim.tell(&url, &told, word).await;
            }
            drop(place);
        });
    }

    async fn tell(&self, url: &str, told: &Told, word: &str) {
        let mut fields = vec![
            ("AccountSid", self.0.plan.account.as_str()),
            ("From", &told.from),
            ("MessageSid", &told.sid),
            ("MessageStatus", word),
            ("To", &told.to),
        ];
        if word == "undelivered" {
            fields.push(("ErrorCode", UNREACHABLE));
        }
        for _ in 0..TRIES {
            self.count(|counts| counts.receipts_sent += 1);
            match self.post(url, &fields).await {
                Ok(()) => return self.count(|counts| counts.receipts_acked += 1),
                Err(error) => tracing::warn!(%error, "simulator: a receipt was not taken"),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Brings a message from a handset: from whom, to which short code, and its text.
    pub(super) async fn bring(
        &self,
        url: &str,
        (from, to, text): (&str, &str, &str),
    ) -> anyhow::Result<()> {
        let sid = self.sid_of_handset();
        let fields = [
            ("AccountSid", self.0.plan.account.as_str()),
            ("Body", text),
            ("From", from),
            ("MessageSid", &sid),
            ("To", to),
        ];
        self.post(url, &fields).await?;
        self.count(|counts| counts.mo_acked += 1);
        Ok(())
    }

    fn sid_of_handset(&self) -> String {
        let mut counts = lock(&self.0.counts);
        counts.mo_sent += 1;
        let started = self.0.plan.started.micros();
        format!("SM{:016x}{:016x}", started ^ u64::MAX, counts.mo_sent)
    }

    async fn post(&self, url: &str, fields: &[(&str, &str)]) -> anyhow::Result<()> {
        let (target, path) = self.target(url)?;
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let owned: Vec<_> = fields.iter().map(own).collect();
        let shown = signature(self.0.plan.secret.reveal(), url, &owned);
        let target = target.with_header("x-twilio-signature", &shown);
        let reply = target.client().post_form(&path, fields).await?;
        anyhow::ensure!(reply.status.is_success(), "the answer is {}", reply.status);
        Ok(())
    }

    fn target(&self, url: &str) -> anyhow::Result<(Target, String)> {
        let uri: Uri = url.parse().context("it is told to post to no URL")?;
        let host = uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let address = match host.parse::<IpAddr>() {
            Ok(address) => address,
            Err(_) if host == "localhost" => Ipv4Addr::LOCALHOST.into(),
            Err(_) => anyhow::bail!("the simulator posts to 127.0.0.1, ::1 and localhost alone"),
        };
        anyhow::ensure!(
            address.is_loopback(),
            "the simulator posts to this machine alone"
        );
        anyhow::ensure!(
            uri.scheme_str() == Some("https"),
            "it posts to https URLs alone"
        );
        let authority = self.0.plan.authority.as_deref();
        let authority = authority.context("say whom to believe: give --gateway-ca")?;
        let authority = std::fs::read(authority)
            .with_context(|| format!("{} cannot be read", authority.display()))?;
        let address = SocketAddr::new(address, uri.port_u16().unwrap_or(443));
        let path = uri.path().to_owned();
        Ok((Target::https(address, &authority)?, path))
    }
}
