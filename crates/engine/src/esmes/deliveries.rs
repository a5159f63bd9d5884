//! What an ESME is told: what handsets sent to its short codes, and how its messages ended. It comes from the
//! events of the ledger, so that it waits while the ESME is away, is told at least once, and of one message in
//! order. What it says is opened only when somebody is there to take it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::event::{EventType, EventTypes};
use domain::id::{ClientId, InboundId, MessageId};
use domain::message::MessageState;
use domain::msisdn::Msisdn;
use domain::sender::ShortCode;
use domain::system_id::SystemId;
use domain::time::Timestamp;
use tokio::task::spawn_blocking;

use super::{BoundEsme, EsmeReceipts};
use crate::client::Scope;
use crate::feed::{Addressee, Event, EventFilter, EventQueue, FeedError, Happening, Ready};
use crate::gateway::Gateway;
use crate::ports::store::ReadError;
use crate::queries::InboundText;
use crate::rows::{MessageRow, Purpose, VaultRow};
use crate::settings::{EsmeAccount, EsmeInbound};

/// When to look again after the ledger or the store could not be read.
const UNREAD_PAUSE: Duration = Duration::from_secs(1);

/// So many events are looked at together, once none of the first was for the ESME: a client that sends over
/// HTTPS too has many that are not.
const LOOKS_MAX: usize = 64;

/// A message with its sealed fields.
type Message = (MessageRow, Vec<VaultRow>);

/// What an ESME refused is tried again after so long; doubles with each further try.
const RETRY: Duration = Duration::from_secs(5);

/// But no longer than this.
const RETRY_MAX: Duration = Duration::from_mins(15);

/// What was refused so often is given up: about four hours after the first try.
const TRIES_MAX: u8 = 24;

/// The queues of accounts, open since their accounts were read.
#[derive(Debug, Default)]
pub(super) struct Queues(Mutex<HashMap<SystemId, (ClientId, Arc<EventQueue>)>>);

/// What an ESME is told in one delivery.
pub enum EsmeContent {
    /// A handset wrote.
    Mobile {
        /// The handset.
        from: Msisdn,
        /// The short code.
        to: ShortCode,
        /// The text, whole.
        text: InboundText,
    },
    /// A message ended.
    Receipt {
        /// Its id.
        id: MessageId,
        /// How.
        state: MessageState,
        /// The carrier's status or the network's error number, when it failed.
        error: Option<u32>,
        /// The handset; `None` once erased.
        to: Option<Msisdn>,
        /// The short code.
        from: ShortCode,
        /// When it was accepted.
        accepted: Timestamp,
        /// When it ended.
        ended: Timestamp,
    },
}

impl EsmeContent {
    /// Whether a number or a text is in it.
    const fn is_opened(&self) -> bool {
        match self {
            Self::Mobile { .. } => true,
            Self::Receipt { to, .. } => to.is_some(),
        }
    }
}

/// It may be a number and a text, so only its sort is shown.
impl fmt::Debug for EsmeContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mobile { .. } => "Mobile",
            Self::Receipt { .. } => "Receipt",
        })
    }
}

/// One delivery, on its way to an ESME. Dropped before it is answered, it is told again.
#[derive(Debug)]
pub struct EsmeDelivery {
    /// What it says.
    pub content: EsmeContent,
    turn: Turn,
}

impl EsmeDelivery {
    /// The ESME has taken it.
    pub fn taken(mut self) {
        self.turn.settled = true;
        self.turn.queue.done(self.turn.index);
    }

    /// The ESME has refused it, or not answered: it is tried again later, and given up in the end.
    pub fn refused(mut self) {
        self.turn.settled = true;
        let now = self.turn.gateway.now();
        let (index, attempt) = (self.turn.index, self.turn.attempt);
        if attempt >= TRIES_MAX {
            return self.turn.queue.give_up(index, "refused", now);
        }
        let doubled = RETRY.saturating_mul(1_u32 << u32::from(attempt.saturating_sub(1)).min(10));
        let due = now.saturating_add(doubled.min(RETRY_MAX));
        self.turn.queue.later(index, due, now);
    }
}

/// An event that is out of its queue until it is settled.
#[derive(Debug)]
struct Turn {
    gateway: Arc<Gateway>,
    queue: Arc<EventQueue>,
    index: u64,
    attempt: u8,
    settled: bool,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.settled {
            self.queue.give_back(self.index);
        }
    }
}

/// The deliveries of one account. Several binds may take from them at once.
#[derive(Clone, Debug)]
pub struct EsmeDeliveries {
    gateway: Arc<Gateway>,
    queue: Arc<EventQueue>,
    system_id: SystemId,
}

impl BoundEsme {
    /// What its account is to be told; `None` when this gateway tells nobody anything.
    pub async fn deliveries(&self) -> Option<EsmeDeliveries> {
        let (gateway, system_id) = (Arc::clone(&self.gateway), self.system_id.clone());
        let opening = spawn_blocking(move || gateway.esme_queue(&system_id)).await;
        // The account may act for another client by now.
        let queue = opening.ok()??;
        (queue.client() == self.client).then(|| EsmeDeliveries {
            gateway: Arc::clone(&self.gateway),
            queue,
            system_id: self.system_id.clone(),
        })
    }
}

impl EsmeDeliveries {
    /// The next deliveries, at least one and at most so many. Waits until there is one.
    pub async fn next(&self, most: usize) -> Vec<EsmeDelivery> {
        let mut looks = most;
        loop {
            let Ok(ready) = self.queue.next(looks).await else {
                tokio::time::sleep(UNREAD_PAUSE).await;
                continue;
            };
            let turns: Vec<_> = ready.into_iter().map(|ready| self.turn(ready)).collect();
            match self.sift(turns, most).await {
                Ok(found) if found.is_empty() => looks = LOOKS_MAX.max(most),
                Ok(found) => return found,
                Err(_) => tokio::time::sleep(UNREAD_PAUSE).await,
            }
        }
    }

    /// Those of these that this account is told, at most so many. What it is not told is done with; the rest
    /// goes back. An error, when nothing was found, means that something cannot be read now.
    async fn sift(
        &self,
        turns: Vec<(Turn, Arc<Event>)>,
        most: usize,
    ) -> Result<Vec<EsmeDelivery>, ReadError> {
        let mut messages = self.messages(&turns).await?.into_iter();
        let (mut found, mut failure) = (Vec::new(), None);
        for (mut turn, event) in turns {
            let message = match event.happening {
                Happening::Message { .. } => messages.next().flatten(),
                _ => None,
            };
            if found.len() >= most {
                break;
            }
            match self.content(&event, message).await {
                Ok(Some(content)) => {
                    if content.is_opened() {
                        self.queue.opened();
                    }
                    found.push(EsmeDelivery { content, turn });
                }
                Ok(None) => {
                    turn.settled = true;
                    self.queue.pass_over(turn.index);
                }
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }

    /// The messages of these events, each in its place among those that are about one.
    async fn messages(
        &self,
        turns: &[(Turn, Arc<Event>)],
    ) -> Result<Vec<Option<Message>>, ReadError> {
        let ids = turns.iter().filter_map(|(_, event)| match event.happening {
            Happening::Message { id, .. } => Some(id),
            _ => None,
        });
        let ids: Vec<_> = ids.collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.gateway.store.messages_of(ids).await
    }

    fn turn(&self, ready: Ready) -> (Turn, Arc<Event>) {
        let turn = Turn {
            gateway: Arc::clone(&self.gateway),
            queue: Arc::clone(&self.queue),
            index: ready.event.index,
            attempt: ready.attempt,
            settled: false,
        };
        (turn, ready.event)
    }

    /// What an event says to this account; `None` when it is none of its own, or gone.
    async fn content(
        &self,
        event: &Event,
        message: Option<Message>,
    ) -> Result<Option<EsmeContent>, ReadError> {
        match event.happening {
            Happening::Message { state, error, .. } => {
                Ok(message.and_then(|message| self.receipt(message, (state, error), event.at)))
            }
            Happening::Inbound { id, .. } => self.mobile(id).await,
            Happening::OptOut { .. } | Happening::Verification { .. } => Ok(None),
        }
    }

    fn receipt(
        &self,
        (row, vault): Message,
        (state, error): (MessageState, Option<u32>),
        ended: Timestamp,
    ) -> Option<EsmeContent> {
        let origin = row.head.esme.as_ref();
        let asked = origin
            .filter(|esme| esme.system_id == self.system_id)
            .map_or(EsmeReceipts::None, |esme| esme.receipts);
        let wanted = match asked {
            EsmeReceipts::None => false,
            EsmeReceipts::All => true,
            EsmeReceipts::Failures => state != MessageState::Delivered,
        };
        wanted.then(|| EsmeContent::Receipt {
            id: row.id,
            state,
            error,
            to: self.gateway.number(&vault),
            from: row.head.from,
            accepted: row.created,
            ended,
        })
    }

    async fn mobile(&self, id: InboundId) -> Result<Option<EsmeContent>, ReadError> {
        let settings = self.gateway.settings();
        let account = settings.esmes.accounts.get(&self.system_id);
        let wants = |account: &EsmeAccount| {
            account.client == self.queue.client()
                && account.inbound == EsmeInbound::All
                && self.gateway.may_read_inbound(account.client)
        };
        if !account.is_some_and(|account| wants(account)) {
            return Ok(None);
        }
        let found = self.gateway.store.inbound(id).await?;
        let Some((row, vault)) = found.filter(|(row, _)| row.id == id) else {
            return Ok(None);
        };
        // What is erased or expired is told to nobody any more.
        let from = self.gateway.number(&vault);
        let text = self.gateway.opened(&vault, Purpose::Text);
        Ok(from.zip(text).map(|(from, text)| EsmeContent::Mobile {
            from,
            to: row.to,
            text: InboundText::new(text),
        }))
    }
}

impl Gateway {
    /// Begins to keep, for each account of the settings, what it is to be told, and ends it for those that are
    /// gone. Call it at the start, once events can be read, and after each change of the settings. Blocks.
    pub fn open_esme_queues(self: &Arc<Self>) {
        let settings = self.settings();
        let accounts = &settings.esmes.accounts;
        let gone: Vec<_> = {
            let mut queues = self.esme_queues();
            let is_there = |id: &SystemId, client| {
                let account = accounts.get(id);
                account.is_some_and(|account| account.client == client)
            };
            queues
                .extract_if(|id, (client, _)| !is_there(id, *client))
                .collect()
        };
        for (_, (_, queue)) in gone {
            queue.close();
            // Somebody may be bound under it still.
            queue.retire();
        }
        for system_id in accounts.keys() {
            self.esme_queue(system_id);
        }
    }

    /// Keeps how far every ESME has been told.
    pub fn close_esme_queues(&self) {
        let queues: Vec<_> = self.esme_queues().drain().collect();
        for (_, (_, queue)) in queues {
            queue.close();
        }
    }

    /// The queue of an account, opened if it is not. `None` when it cannot be, or there is no such account.
    fn esme_queue(self: &Arc<Self>, system_id: &SystemId) -> Option<Arc<EventQueue>> {
        let settings = self.settings();
        let client = settings.esmes.accounts.get(system_id)?.client;
        let mut queues = self.esme_queues();
        if let Some((told, queue)) = queues.get(system_id)
            && *told == client
        {
            return Some(Arc::clone(queue));
        }
        let filter = EventFilter {
            client,
            short_codes: self.short_codes_of(client)?,
            events: told_of(),
        };
        let opened = self.open_events(Addressee::Esme(system_id.clone()), filter);
        let queue = match opened {
            Ok(queue) => queue,
            Err(FeedError::Absent) => return None,
            Err(error) => {
                tracing::error!(%system_id, %error, "what an ESME is to be told cannot be read");
                return None;
            }
        };
        // From now on it is told everything, also what happens before it first binds.
        queue.keep(self, self.now());
        queues.insert(system_id.clone(), (client, Arc::clone(&queue)));
        Some(queue)
    }

    fn may_read_inbound(&self, client: ClientId) -> bool {
        let directory = self
            .directory
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let scope = Scope::InboundRead.as_str();
        let row = directory.get(client).filter(|row| row.revoked.is_none());
        row.is_some_and(|row| row.scopes.iter().any(|granted| granted == scope))
    }

    /// The short codes of a client; `None` when there is no such client.
    pub(crate) fn short_codes_of(&self, client: ClientId) -> Option<Vec<ShortCode>> {
        let directory = self
            .directory
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        Some(directory.get(client)?.short_codes.clone())
    }

    fn esme_queues(
        &self,
    ) -> std::sync::MutexGuard<'_, HashMap<SystemId, (ClientId, Arc<EventQueue>)>> {
        let queues = self.esmes.queues.0.lock();
        queues.unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an ESME can be told at all.
fn told_of() -> EventTypes {
    [
        EventType::MessageDelivered,
        EventType::MessageFailed,
        EventType::MessageExpired,
        EventType::MessageCancelled,
        EventType::MessageUnknown,
        EventType::InboundReceived,
    ]
    .into_iter()
    .collect()
}
