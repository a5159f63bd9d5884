//! Many messages over several connections at once. Each goes out under its idempotency key until it is
//! answered, as a careful application does it: a broken connection is tried again, and can never send twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;

use crate::http_client::{Client, Target};

/// Connections at once.
const CONNECTIONS: u32 = 16;

/// An application that waits longer for a restart would give up.
const PATIENCE: Duration = Duration::from_mins(1);

/// What to send.
#[derive(Clone)]
pub struct Load {
    /// The API, with a key.
    pub api: Target,
    /// The short code.
    pub from: String,
    /// Tells this load's texts and keys from any other's.
    pub mark: String,
    /// How many.
    pub count: u32,
}

/// A message that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its id.
    pub id: String,
    /// Its text, which no other message has.
    pub text: String,
}

/// A load that is under way.
pub struct Running {
    tasks: JoinSet<anyhow::Result<Vec<Accepted>>>,
    accepted: Arc<AtomicU32>,
}

impl Load {
    /// Begins to send.
    pub fn start(&self) -> Running {
        let accepted = Arc::new(AtomicU32::new(0));
        let mut tasks = JoinSet::new();
        for lane in 0..CONNECTIONS {
            let (load, accepted) = (self.clone(), Arc::clone(&accepted));
            tasks.spawn(async move { load.lane(lane, &accepted).await });
        }
        Running { tasks, accepted }
    }

    /// Every sixteenth message, over one connection.
    async fn lane(&self, lane: u32, counter: &AtomicU32) -> anyhow::Result<Vec<Accepted>> {
        let mut client = self.api.client();
        let mut accepted = Vec::new();
        let mut number = lane;
        while number < self.count {
            accepted.push(self.one(&mut client, number).await?);
            counter.fetch_add(1, Ordering::Relaxed);
            number += CONNECTIONS;
        }
        Ok(accepted)
    }

    async fn one(&self, client: &mut Client, number: u32) -> anyhow::Result<Accepted> {
        let text = format!("{} {number:06}", self.mark);
        let key = format!("{}-{number}", self.mark.replace(' ', "-"));
        let class = if number.is_multiple_of(2) {
            "alert"
        } else {
            "otp"
        };
        let to = format!("+447700900{:03}", number % 400);
        let body = json!({"to": to, "from": self.from, "text": text, "class": class});
        let trying = async {
            loop {
                match client.post_once("/v1/messages", &key, &body).await {
                    Ok(reply) if reply.status.as_u16() == 202 => return Ok(reply.member("id")),
                    Ok(reply) if may_pass(reply.status.as_u16()) => {}
                    Ok(reply) => anyhow::bail!("a message was refused: {}", reply.text),
                    // The gateway is away; the key makes the next try safe.
                    Err(_) => {}
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let timed = tokio::time::timeout(PATIENCE, trying).await;
        let id = timed.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer within {PATIENCE:?}")))?;
        Ok(Accepted { id, text })
    }
}

/// Busy, away, or the first try is still under way.
const fn may_pass(status: u16) -> bool {
    matches!(status, 409 | 503)
}

impl Running {
    /// How many were accepted so far.
    pub fn accepted(&self) -> u32 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Waits for all.
    pub async fn finish(mut self) -> anyhow::Result<Vec<Accepted>> {
        let mut all = Vec::new();
        while let Some(lane) = self.tasks.join_next().await {
            all.extend(lane??);
        }
        Ok(all)
    }
}
