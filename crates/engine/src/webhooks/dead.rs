//! Events that a webhook did not take: listed, and told once more when an operator says so.

use std::sync::Arc;

use ledger::{Actor, Draft, Facts, Kind, OriginType, Outcome};

use super::acts::WebhookError;
use crate::batch::sound;
use crate::feed::{Addressee, DeadEvent, DeadLetter, Event, EventQueue};
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
    /// What a webhook, or the URLs of a client's messages, did not take, the oldest first. It is recorded first.
    pub async fn read_dead(
        self: &Arc<Self>,
        actor: &str,
        who: impl Into<Addressee>,
    ) -> Result<Vec<DeadView>, WebhookError> {
        let who = who.into();
        self.told_of(&who).ok_or(WebhookError::NotFound)?;
        let data = crate::operators::once(self.now());
        let entry = crate::entries::by_os_user(Kind::WebhookRead, actor, data, None);
        if !self.record(entry).await {
            return Err(WebhookError::Unavailable);
        }
        let queue = self.queue_to(&who).await?;
        let dead = dead_of(queue).await?;
        let view = |(letter, event)| DeadView { letter, event };
        Ok(dead.into_iter().map(view).collect())
    }

    /// Tells it once more of what it did not take, once that is recorded. Gives how many events.
    pub async fn replay_dead(
        self: &Arc<Self>,
        actor: &str,
        who: impl Into<Addressee>,
        what: &Replay,
    ) -> Result<usize, WebhookError> {
        let _turn = self.webhooks.change.lock().await;
        let who = who.into();
        let queue = self.queue_to(&who).await?;
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
        let entry = replayed(actor, &queue, data);
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

fn replayed(actor: &str, queue: &EventQueue, data: Facts) -> Draft {
    let (who, client) = (queue.who(), queue.client());
    let id = who.object_id();
    let builder = Draft::of(Kind::WebhookReplayed, Actor::os_user(&actor), Outcome::Done)
        .client(&client)
        .object(who.object(), &id)
        .data(data);
    sound(builder.origin(OriginType::Socket, &"control").build())
}

async fn dead_of(queue: Arc<EventQueue>) -> Result<Vec<DeadEvent>, WebhookError> {
    let reading = tokio::task::spawn_blocking(move || queue.dead()).await;
    let dead = reading.map_err(|_| WebhookError::Unavailable)?;
    dead.map_err(|error| {
        tracing::error!(%error, "events that were given up cannot be read");
        WebhookError::Unavailable
    })
}
