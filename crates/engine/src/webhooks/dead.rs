//! Events that a webhook did not take: listed, and told once more when an operator says so.

use std::sync::Arc;

use domain::id::WebhookId;
use ledger::{Facts, Kind};

use super::acts::{WebhookError, by};
use crate::feed::{DeadEvent, DeadLetter, Event};
use crate::gateway::Gateway;

/// An event that was given up.
#[derive(Clone, Debug)]
pub struct DeadView {
    /// How often it was tried, when it was given up, and why.
    pub letter: DeadLetter,
    /// The event; `None` when its entry was pruned.
    pub event: Option<Arc<Event>>,
}

/// What is told once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replay {
    /// Everything that was given up.
    All,
    /// The event of this id, `evt_…`.
    One(String),
}

impl Gateway {
    /// What a webhook did not take, the oldest first. It is recorded first.
    pub async fn read_dead(
        self: &Arc<Self>,
        actor: &str,
        id: WebhookId,
    ) -> Result<Vec<DeadView>, WebhookError> {
        let row = self.webhooks.get(id).ok_or(WebhookError::NotFound)?;
        let data = crate::operators::once(self.now());
        let entry = crate::entries::by_os_user(Kind::WebhookRead, actor, data, None);
        if !self.record(entry).await {
            return Err(WebhookError::Unavailable);
        }
        let queue = self.queue_of(&row).await?;
        let dead = dead_of(queue).await?;
        let view = |(letter, event)| DeadView { letter, event };
        Ok(dead.into_iter().map(view).collect())
    }

    /// Tells a webhook once more of what it did not take, once that is recorded. Gives how many events.
    pub async fn replay_dead(
        self: &Arc<Self>,
        actor: &str,
        id: WebhookId,
        what: &Replay,
    ) -> Result<usize, WebhookError> {
        let _turn = self.webhooks.change.lock().await;
        let row = self.webhooks.get(id).ok_or(WebhookError::NotFound)?;
        let queue = self.queue_of(&row).await?;
        let dead = dead_of(Arc::clone(&queue)).await?;
        let is_meant = |event: &Arc<Event>| match what {
            Replay::All => true,
            Replay::One(id) => event.id.to_string() == *id,
        };
        let events = dead.into_iter().filter_map(|(_, event)| event);
        let events: Vec<_> = events.filter(is_meant).collect();
        if events.is_empty() && *what != Replay::All {
            return Err(WebhookError::NotDead);
        }
        let (count, now) = (events.len(), self.now());
        let data = Facts::new().put("events", count);
        let letters = queue.revive(events, now);
        let entry = by(Kind::WebhookReplayed, actor, &row, data);
        let Some((changes, taken)) = queue.changes_beside(entry, now) else {
            queue.bury(letters);
            return Err(WebhookError::Unavailable);
        };
        if !self.commit_durably(changes).await {
            queue.bury(letters);
            queue.put_back(taken);
            return Err(WebhookError::Unavailable);
        }
        for letter in letters {
            queue.give_back(letter.index);
        }
        Ok(count)
    }
}

async fn dead_of(queue: Arc<crate::feed::EventQueue>) -> Result<Vec<DeadEvent>, WebhookError> {
    let reading = tokio::task::spawn_blocking(move || queue.dead()).await;
    let dead = reading.map_err(|_| WebhookError::Unavailable)?;
    dead.map_err(|error| {
        tracing::error!(%error, "events that were given up cannot be read");
        WebhookError::Unavailable
    })
}
