//! What operators do with webhooks: add, list, enable, disable, give new secrets and remove them. Each act
//! has its entry, durable before it counts; no secret, and of the URL only the host, is in any.

use std::sync::Arc;
use std::time::Duration;

use domain::event::EventTypes;
use domain::id::{ClientId, WebhookId};
use domain::time::Timestamp;
use domain::webhook::{Target, TargetError};
use ledger::{Actor, Draft, Facts, Kind, ObjectType, OriginType, Outcome, UtcMicros};

use super::keys::{Keys, WebhookSecret};
use crate::batch::sound;
use crate::changes::{Changes, Write};
use crate::feed::Addressee;
use crate::gateway::Gateway;
use crate::rows::{
    Included, ProgressRow, SealedSecret, WebhookDown, WebhookRow, WebhookStanding, WebhookUrl,
};

/// A webhook to be.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// The client that is told.
    pub client: ClientId,
    /// Where it is called.
    pub url: String,
    /// What it is told of; at least one.
    pub events: EventTypes,
    /// What of a person it is told.
    pub include: Included,
}

/// Why nothing is done with a webhook.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// There is no such webhook.
    #[error("there is no such webhook; `shortstop webhook list` shows them")]
    NotFound,
    /// There is no such client, or it was revoked.
    #[error("there is no such client, or it was revoked; `shortstop client list` shows them")]
    Client,
    /// The URL may not be called.
    #[error("the URL {0}")]
    Url(#[from] TargetError),
    /// It would be told of nothing.
    #[error(
        "name an event, such as message.delivered, or a family: message, inbound, optout, verification"
    )]
    NoEvents,
    /// There are as many as there may be.
    #[error(
        "there are {0} webhooks, as many as webhooks.webhooks_max says; remove one, or raise that"
    )]
    Full(usize),
    /// It stands so already.
    #[error("it is {0} already")]
    Already(&'static str),
    /// There is no such event among those that were given up.
    #[error(
        "no such event was given up; `shortstop webhook dead` shows those that can be told again"
    )]
    NotDead,
    /// Nothing can be recorded or read now.
    #[error("nothing can be recorded or read now; see the gateway's log")]
    Unavailable,
}

/// Secrets that sign at once: the newest, and the one before it until its time is over.
const SECRETS_MAX: usize = 2;

impl Gateway {
    /// Adds a webhook for a client, and gives its secret, this once. It is told of what happens from now on.
    pub async fn add_webhook(
        &self,
        actor: &str,
        new: NewWebhook,
    ) -> Result<(WebhookRow, WebhookSecret), WebhookError> {
        let _turn = self.webhooks.change.lock().await;
        let target = self.check(&new)?;
        let now = self.now();
        let keys = Keys::draw(&*self.entropy);
        let row = WebhookRow {
            id: self.ids.id(&*self.entropy, now),
            client: new.client,
            url: WebhookUrl::new(target.url()),
            events: new.events,
            include: new.include,
            standing: WebhookStanding::Enabled,
            secrets: vec![self.seal_keys(&keys, now)?],
            created: now,
        };
        let data = Facts::new()
            .put("events", row.events.words())
            .put("host", target.authority())
            .put("include", row.include.as_str());
        let mut changes = Changes::new(by(Kind::WebhookAdded, actor, &row, data), now);
        let progress = self.feed.beginning(self.settings().events);
        let (_, progress) = progress.map_err(|_| WebhookError::Unavailable)?;
        let name = row.id.to_string().into_boxed_str();
        self.feed.remember(&name, progress.clone());
        changes.write(Write::Progress(ProgressRow {
            name,
            octets: progress,
        }));
        self.put_webhook(changes, row.clone()).await?;
        Ok((row, keys.secret()))
    }

    fn check(&self, new: &NewWebhook) -> Result<Target, WebhookError> {
        let settings = self.settings();
        let target = Target::parse(&new.url)?;
        target.vet(|address| settings.webhooks.permits(address))?;
        if new.events.is_empty() {
            return Err(WebhookError::NoEvents);
        }
        if !self.is_client(new.client) {
            return Err(WebhookError::Client);
        }
        let most = settings.webhooks.webhooks_max;
        if self.webhooks.rows().len() >= most {
            return Err(WebhookError::Full(most));
        }
        Ok(target)
    }

    fn seal_keys(&self, keys: &Keys, now: Timestamp) -> Result<SealedSecret, WebhookError> {
        self.ensure_keys(now);
        let sequence = self.ids.sequence(now);
        let purpose = SealedSecret::PURPOSE;
        let sealed = self
            .vault
            .seal(sequence, purpose, keys.octets(), &*self.entropy, now);
        let row = sealed.ok_or(WebhookError::Unavailable)?.row;
        Ok(SealedSecret {
            sequence,
            week: row.week,
            wrapped: row.wrapped,
            sealed: row.sealed,
            public: keys.public().ok_or(WebhookError::Unavailable)?,
            created: now,
            ends: None,
        })
    }

    /// Every webhook, for a user of the machine. It is recorded first.
    pub async fn read_webhooks(&self, actor: &str) -> Result<Vec<WebhookRow>, WebhookError> {
        let now = self.now();
        let moment = || UtcMicros(now.micros());
        let data = Facts::new()
            .put("count", 1_u64)
            .put("first", moment())
            .put("last", moment());
        let entry = crate::entries::by_os_user(Kind::WebhookRead, actor, data, None);
        if !self.record(entry).await {
            return Err(WebhookError::Unavailable);
        }
        Ok(self.webhooks.rows().values().cloned().collect())
    }

    /// Gives a webhook new secrets; the ones before sign too until `overlap` is over.
    pub async fn rotate_webhook(
        &self,
        actor: &str,
        id: WebhookId,
        overlap: Duration,
    ) -> Result<(WebhookRow, WebhookSecret), WebhookError> {
        let _turn = self.webhooks.change.lock().await;
        let now = self.now();
        let mut row = self.webhooks.get(id).ok_or(WebhookError::NotFound)?;
        let ends = now.saturating_add(overlap);
        let keys = Keys::draw(&*self.entropy);
        row.rotate(self.seal_keys(&keys, now)?, ends);
        let data = Facts::new().put("ends", UtcMicros(ends.micros()));
        let changes = Changes::new(by(Kind::WebhookRotated, actor, &row, data), now);
        self.put_webhook(changes, row.clone()).await?;
        // The oldest one is gone, and its octets go too.
        self.purge_soon();
        Ok((row, keys.secret()))
    }

    /// Stops calling a webhook. What happens meanwhile is told when it is called again.
    pub async fn disable_webhook(
        &self,
        actor: &str,
        id: WebhookId,
    ) -> Result<WebhookRow, WebhookError> {
        let _turn = self.webhooks.change.lock().await;
        let now = self.now();
        let mut row = self.webhooks.get(id).ok_or(WebhookError::NotFound)?;
        if row.standing != WebhookStanding::Enabled {
            return Err(WebhookError::Already("disabled"));
        }
        row.standing = WebhookStanding::Disabled(WebhookDown::Asked, now);
        let kind = Kind::WebhookDisabled;
        let draft = builder(kind, Actor::os_user(&actor), &row, Facts::new());
        let draft = draft.origin(OriginType::Socket, &"control");
        let draft = sound(draft.reason(WebhookDown::Asked.as_str()).build());
        self.put_webhook(Changes::new(draft, now), row.clone())
            .await?;
        Ok(row)
    }

    /// Calls a webhook again; what waits is told at once.
    pub async fn enable_webhook(
        self: &Arc<Self>,
        actor: &str,
        id: WebhookId,
    ) -> Result<WebhookRow, WebhookError> {
        let _turn = self.webhooks.change.lock().await;
        let now = self.now();
        let mut row = self.webhooks.get(id).ok_or(WebhookError::NotFound)?;
        if row.standing == WebhookStanding::Enabled {
            return Err(WebhookError::Already("enabled"));
        }
        row.standing = WebhookStanding::Enabled;
        let draft = by(Kind::WebhookEnabled, actor, &row, Facts::new());
        let queue = self.queue_to(&id.into()).await?;
        queue.hurry(now);
        let changes = queue.changes_beside(draft, now);
        let (changes, taken) = changes.ok_or(WebhookError::Unavailable)?;
        let put = self.put_webhook(changes, row.clone()).await;
        if put.is_err() {
            queue.put_back(taken);
        }
        put.map(|()| row)
    }

    /// What somebody who is called is still to be told.
    pub(super) async fn queue_to(
        self: &Arc<Self>,
        who: &Addressee,
    ) -> Result<Arc<crate::feed::EventQueue>, WebhookError> {
        let told = self.told_of(who).ok_or(WebhookError::NotFound)?;
        let (gateway, who) = (Arc::clone(self), who.clone());
        let opening = tokio::task::spawn_blocking(move || gateway.events_for(&who, told)).await;
        let opened = opening.map_err(|_| WebhookError::Unavailable)?;
        opened.map_err(|error| {
            tracing::error!(%error, "events of a webhook cannot be read");
            WebhookError::Unavailable
        })
    }

    /// The gateway itself stops calling a webhook.
    pub(super) async fn take_webhook_down(&self, id: WebhookId, why: WebhookDown) {
        let _turn = self.webhooks.change.lock().await;
        let now = self.now();
        let Some(mut row) = self.webhooks.get(id) else {
            return;
        };
        if row.standing != WebhookStanding::Enabled {
            return;
        }
        row.standing = WebhookStanding::Disabled(why, now);
        let actor = Actor::system(&"events");
        let draft = builder(Kind::WebhookDisabled, actor, &row, Facts::new());
        let draft = draft.origin(OriginType::Process, &"self");
        let draft = sound(draft.reason(why.as_str()).build());
        tracing::warn!(webhook = %id, reason = why.as_str(), "a webhook is not called any more; `shortstop webhook enable` calls it again");
        // Where it cannot be recorded, the next failure leads here again.
        let _unrecorded = self.put_webhook(Changes::new(draft, now), row).await;
    }

    /// Removes a webhook, and destroys its secrets. What it was still to be told is told to nobody.
    pub async fn remove_webhook(
        self: &Arc<Self>,
        actor: &str,
        id: WebhookId,
    ) -> Result<(), WebhookError> {
        let _turn = self.webhooks.change.lock().await;
        let now = self.now();
        let row = self.webhooks.get(id).ok_or(WebhookError::NotFound)?;
        let draft = by(Kind::WebhookRemoved, actor, &row, Facts::new());
        let mut changes = Changes::new(draft, now);
        let name = id.to_string().into_boxed_str();
        // From now on nothing is kept for it that could outlive it.
        let queue = self.feed.queue(&name);
        if let Some(queue) = &queue {
            queue.hold();
        }
        changes.write(Write::ForgetWebhook(id.sequence()));
        changes.write(Write::ForgetProgress(name.clone()));
        if !self.commit_durably(changes).await {
            if let Some(queue) = &queue {
                queue.resume();
            }
            return Err(WebhookError::Unavailable);
        }
        if let Some(queue) = &queue {
            queue.retire();
        }
        self.webhooks.rows().remove(&id);
        self.feed.forget(&name);
        self.webhooks.changed.notify_one();
        self.purge_soon();
        Ok(())
    }

    async fn put_webhook(&self, mut changes: Changes, row: WebhookRow) -> Result<(), WebhookError> {
        changes.write(Write::Webhook(Box::new(row.clone())));
        if !self.commit_durably(changes).await {
            return Err(WebhookError::Unavailable);
        }
        self.webhooks.rows().insert(row.id, row);
        self.webhooks.changed.notify_one();
        Ok(())
    }

    /// The public keys that a webhook's signatures are checked with at this moment, the newest last.
    pub fn signing_keys(&self, row: &WebhookRow) -> Vec<String> {
        let now = self.now();
        let signing = row.secrets.iter().filter(|secret| secret.signs(now));
        signing.map(|secret| secret.public.clone()).collect()
    }

    /// The keys that sign at this moment, the newest first.
    pub(super) fn keys_of(&self, row: &WebhookRow, now: Timestamp) -> Vec<Keys> {
        let mut keys = Vec::new();
        for secret in row.secrets.iter().rev() {
            if !secret.signs(now) {
                continue;
            }
            match self.vault.open(&secret.row()) {
                Ok(octets) => keys.extend(Keys::from_octets(&octets)),
                Err(error) => {
                    tracing::error!(%error, webhook = %row.id, "the secret of a webhook does not open");
                }
            }
        }
        keys
    }
}

impl WebhookRow {
    /// Takes in a new secret; the one before it signs until `ends`, older ones no more.
    fn rotate(&mut self, secret: SealedSecret, ends: Timestamp) {
        if let Some(last) = self.secrets.last_mut() {
            last.ends = Some(ends);
        }
        self.secrets.push(secret);
        let beyond = self.secrets.len().saturating_sub(SECRETS_MAX);
        self.secrets.drain(..beyond);
    }
}

fn builder<'a>(
    kind: Kind,
    actor: Actor<'a>,
    row: &'a WebhookRow,
    data: Facts,
) -> ledger::DraftBuilder<'a> {
    Draft::of(kind, actor, Outcome::Done)
        .client(&row.client)
        .object(ObjectType::Webhook, &row.id)
        .data(data)
}

/// An act of a user of the machine.
pub(super) fn by(kind: Kind, actor: &str, row: &WebhookRow, data: Facts) -> Draft {
    let builder = builder(kind, Actor::os_user(&actor), row, data);
    sound(builder.origin(OriginType::Socket, &"control").build())
}
