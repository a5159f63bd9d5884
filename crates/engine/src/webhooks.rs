//! Webhooks: the URLs of clients that are called when something happens to what is theirs. What is told comes
//! from [`crate::feed`]; here are the acts of operators, the payloads, the signatures and the couriers.

mod acts;
mod callback;
mod courier;
mod dead;
mod keys;
mod payload;
mod tell;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use domain::event::{EventType, EventTypes};
use domain::id::{ClientId, WebhookId};
use ipnet::IpNet;
use tokio::sync::Notify;

use crate::feed::{Addressee, EventFilter, EventQueue, FeedError};
use crate::gateway::Gateway;
use crate::metrics::{MetricRow, gauge};
use crate::ports::Webhook;
use crate::rows::{WebhookRow, WebhookStanding};

pub use acts::{NewWebhook, WebhookError};
pub use dead::{DeadView, Replay as WebhookReplay};
pub use keys::WebhookSecret;

/// How webhooks are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSettings {
    /// Webhooks there may be.
    pub webhooks_max: usize,
    /// Calls of one webhook on their way at once.
    pub calls_max: usize,
    /// After so long without success it is not called any more.
    pub give_up: Duration,
    /// Networks that may be called though they are not of the public internet.
    pub permitted: Vec<IpNet>,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            webhooks_max: 100,
            calls_max: 8,
            give_up: Duration::from_hours(5 * 24),
            permitted: Vec::new(),
        }
    }
}

impl WebhookSettings {
    /// Whether this address may be called though it is not of the public internet.
    pub fn permits(&self, address: IpAddr) -> bool {
        self.permitted.iter().any(|net| net.contains(&address))
    }
}

/// Every webhook, and the way to call them.
#[derive(Default)]
pub(crate) struct Webhooks {
    rows: Mutex<BTreeMap<WebhookId, WebhookRow>>,
    caller: OnceLock<Arc<dyn Webhook>>,
    /// Held from reading a webhook to the commit of its change.
    change: tokio::sync::Mutex<()>,
    /// Wakes whoever starts and stops couriers.
    changed: Notify,
}

impl Webhooks {
    /// Those that there are.
    pub(crate) fn rows(&self) -> MutexGuard<'_, BTreeMap<WebhookId, WebhookRow>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One of them.
    fn get(&self, id: WebhookId) -> Option<WebhookRow> {
        self.rows().get(&id).cloned()
    }

    /// What the metrics say of them.
    pub(crate) fn metrics(&self) -> Vec<MetricRow> {
        let rows = self.rows();
        if rows.is_empty() {
            return Vec::new();
        }
        let is_enabled = |row: &&WebhookRow| row.standing == WebhookStanding::Enabled;
        let enabled = rows.values().filter(is_enabled).count();
        let row = |standing: &str, count| {
            let help = "Webhooks, by whether they are called.";
            let labels = vec![("standing", standing.to_owned())];
            gauge("shortstop_webhooks", help, labels, count)
        };
        vec![
            row("enabled", enabled),
            row("disabled", rows.len() - enabled),
        ]
    }
}

impl std::fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Webhooks({})", self.rows().len())
    }
}

impl Gateway {
    /// Has webhooks called this way. The first call counts.
    pub fn attach_webhooks(&self, caller: Arc<dyn Webhook>) {
        let _first = self.webhooks.caller.set(caller);
    }

    /// What somebody who is called is still to be told, from where that stopped before. Blocks.
    fn events_for(
        self: &Arc<Self>,
        who: &Addressee,
        (client, events): (ClientId, EventTypes),
    ) -> Result<Arc<EventQueue>, FeedError> {
        let filter = EventFilter {
            client,
            short_codes: self.short_codes_of(client).unwrap_or_default(),
            events,
        };
        self.open_events(who.clone(), filter)
    }

    /// Whose events somebody who is called is told, and which; `None` when there is nobody such.
    fn told_of(&self, who: &Addressee) -> Option<(ClientId, EventTypes)> {
        match who {
            Addressee::Webhook(id) => {
                let row = self.webhooks.get(*id)?;
                Some((row.client, row.events))
            }
            Addressee::Callbacks(client) => {
                let is_told = self.feed.knows(&who.name());
                is_told.then(|| (*client, steps()))
            }
            Addressee::Esme(_) => None,
        }
    }

    /// Whether a client is there and was not revoked.
    fn is_client(&self, client: ClientId) -> bool {
        let directory = self.directory.read();
        let directory = directory.unwrap_or_else(PoisonError::into_inner);
        directory
            .get(client)
            .is_some_and(|row| row.revoked.is_none())
    }
}

/// What the URL of a message is told. That nobody will tell whether it arrived is no step.
fn steps() -> EventTypes {
    [
        EventType::MessageAccepted,
        EventType::MessageSubmitted,
        EventType::MessageDelivered,
        EventType::MessageFailed,
        EventType::MessageExpired,
        EventType::MessageCancelled,
    ]
    .into_iter()
    .collect()
}
