//! Somebody who is told of events: reads the ledger on as far as there is room, hands out what is due, takes
//! in what became of it, and keeps how far it is. Whoever tells (a webhook's courier, an ESME's bind) decides
//! when something is tried again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use domain::event::EventTypes;
use domain::id::{ClientId, WebhookId};
use domain::sender::ShortCode;
use domain::system_id::SystemId;
use domain::time::Timestamp;
use ledger::{Draft, ObjectType};
use tokio::task::spawn_blocking;

use super::event::{Event, Happening};
use super::pages::Pages;
use super::queue::{DeadLetter, Queue, QueueBounds, Ready, Stored};
use crate::changes::{Changes, Write};
use crate::entries::feed::{self as told_entries, Report};
use crate::gateway::Gateway;
use crate::ports::store::ReadError;
use crate::rows::ProgressRow;

/// How often somebody who was told everything looks for more.
const LOOK: Duration = Duration::from_millis(200);
/// How often progress is kept at most. What was told since may be told again after a crash.
const KEEP: Duration = Duration::from_secs(1);
/// Entries that were looked at and held nothing for it, after which that is kept.
const IDLE_ENTRIES: u64 = 4_096;

/// What was given up, and the event where its entry can still be read.
pub type DeadEvent = (DeadLetter, Option<Arc<Event>>);

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addressee {
    /// A webhook.
    Webhook(WebhookId),
    /// An ESME, by its account.
    Esme(SystemId),
    /// The URLs that came with a client's messages.
    Callbacks(ClientId),
}

impl From<WebhookId> for Addressee {
    fn from(webhook: WebhookId) -> Self {
        Self::Webhook(webhook)
    }
}

impl From<ClientId> for Addressee {
    fn from(client: ClientId) -> Self {
        Self::Callbacks(client)
    }
}

/// What the names of those begin with that are told by the URLs of messages. No id of ours holds a slash.
const CALLBACKS: &str = "callbacks/";

impl Addressee {
    /// The name that its progress is kept under.
    pub fn name(&self) -> String {
        match self {
            Self::Webhook(id) => id.to_string(),
            // No id of ours holds a slash.
            Self::Esme(id) => format!("esme/{id}"),
            Self::Callbacks(client) => format!("{CALLBACKS}{client}"),
        }
    }

    /// The client whose messages' URLs are told under this name, if any are.
    pub(crate) fn callbacks_of(name: &str) -> Option<ClientId> {
        name.strip_prefix(CALLBACKS)?.parse().ok()
    }

    /// The id that the ledger has for it.
    pub(crate) fn object_id(&self) -> String {
        match self {
            Self::Callbacks(client) => client.to_string(),
            Self::Webhook(_) | Self::Esme(_) => self.name(),
        }
    }

    /// What the ledger calls it.
    pub(crate) const fn object(&self) -> ObjectType {
        match self {
            Self::Webhook(_) => ObjectType::Webhook,
            Self::Esme(_) => ObjectType::Esme,
            Self::Callbacks(_) => ObjectType::Client,
        }
    }
}

/// What somebody wants to hear of.
#[derive(Clone, Debug)]
pub struct EventFilter {
    /// The client that is told: its own messages and verifications.
    pub client: ClientId,
    /// Its short codes: what handsets send to them, and who opts out of them.
    pub short_codes: Vec<ShortCode>,
    /// Which events.
    pub events: EventTypes,
}

impl EventFilter {
    /// Whether this is one of them.
    pub fn wants(&self, event: &Event) -> bool {
        let is_own = match (event.client, event.short_code) {
            (_, Some(code)) => self.short_codes.contains(&code),
            (Some(client), None) => client == self.client,
            (None, None) => false,
        };
        is_own && self.events.has(event.event_type)
    }
}

#[derive(Debug)]
struct Inner {
    queue: Queue,
    report: Report,
    /// Events told since the start.
    told: u64,
    /// What waits to be kept beside progress.
    drafts: Vec<Draft>,
    /// As it was kept last.
    kept: Vec<u8>,
    kept_next: u64,
    kept_at: Option<Timestamp>,
    life: Life,
}

/// Whether anything is handed out and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Open,
    /// Not until it is known whether it ends.
    Held,
    /// Never again.
    Over,
}

/// What was taken out of a queue to be kept. It goes back when that fails.
#[derive(Debug)]
pub(crate) struct Taken {
    report: Report,
    drafts: Vec<Draft>,
}

/// One who is told of events.
///
/// Call [`EventQueue::next`] again and again: it hands out what is due, in order within a line, and keeps
/// progress by the way. Each event that it gave has to come back by one of `done`, `later`, `give_back` or
/// `give_up`; until then nothing else of its line is handed out. Call [`EventQueue::close`] at the end.
#[derive(Debug)]
pub struct EventQueue {
    gateway: Weak<Gateway>,
    pages: Arc<Pages>,
    who: Addressee,
    filter: EventFilter,
    inner: Mutex<Inner>,
}

impl EventQueue {
    /// Goes on from what was kept, or begins at the end of the ledger. Blocks.
    pub(crate) fn open(
        gateway: &Arc<Gateway>,
        pages: Arc<Pages>,
        (who, filter): (Addressee, EventFilter),
        bounds: QueueBounds,
    ) -> Result<Self, ReadError> {
        pages.widen(filter.events);
        let kept = gateway.feed.progress_of(&who.name());
        let stored = kept.as_deref().map(Stored::parse);
        // What was kept may have waited for somebody else who had this name.
        let own = |index| own(&pages, &filter, index);
        let queue = match stored {
            Some(Ok(stored)) => Queue::restore(stored, bounds, own)?,
            Some(Err(error)) => {
                tracing::error!(who = who.name(), %error, "events are told from now on");
                Queue::new(pages.size()?, bounds)
            }
            None => Queue::new(pages.size()?, bounds),
        };
        let kept_next = queue.next();
        let inner = Inner {
            queue,
            report: Report::default(),
            told: 0,
            drafts: Vec::new(),
            kept: kept.unwrap_or_default(),
            kept_next,
            kept_at: None,
            life: Life::Open,
        };
        Ok(Self {
            gateway: Arc::downgrade(gateway),
            pages,
            who,
            filter,
            inner: Mutex::new(inner),
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is told.
    pub const fn who(&self) -> &Addressee {
        &self.who
    }

    /// The client that is told.
    pub(crate) const fn client(&self) -> ClientId {
        self.filter.client
    }

    /// The next events to tell, at least one, at most so many. Waits until there is one; may be dropped
    /// and called again. While nothing can be recorded there is none. An error means that the ledger
    /// cannot be read now.
    pub async fn next(self: &Arc<Self>, most: usize) -> Result<Vec<Ready>, ReadError> {
        loop {
            let Some(gateway) = self.gateway.upgrade() else {
                return std::future::pending().await;
            };
            if !gateway.is_open() {
                drop(gateway);
                tokio::time::sleep(LOOK).await;
                continue;
            }
            self.fill().await?;
            let now = gateway.now();
            self.keep_if_due(&gateway, now);
            let ready = self.take(most, now);
            if !ready.is_empty() {
                return Ok(ready);
            }
            drop(gateway);
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What is due of what has been read; see [`EventQueue::next`], which also reads on.
    pub fn take(&self, most: usize, now: Timestamp) -> Vec<Ready> {
        let mut inner = self.inner();
        if inner.life != Life::Open {
            return Vec::new();
        }
        inner.queue.take(most, now)
    }

    /// Reads on while there is room and more.
    pub async fn fill(self: &Arc<Self>) -> Result<(), ReadError> {
        loop {
            let (next, has_room) = {
                let inner = self.inner();
                (inner.queue.next(), inner.queue.has_room())
            };
            if !has_room || self.pages.size()? <= next {
                return Ok(());
            }
            let reader = Arc::clone(self);
            let reading = spawn_blocking(move || reader.read_on(next)).await;
            reading.map_err(|_| ReadError::Failed("the reading ended badly".to_owned()))??;
        }
    }

    fn read_on(&self, from: u64) -> Result<(), ReadError> {
        let read = self.pages.read(from)?;
        let Some(gateway) = self.gateway.upgrade() else {
            return Ok(());
        };
        let now = gateway.now();
        if read.is_torn {
            tracing::error!(
                who = self.who.name(),
                from,
                "entries were pruned before anybody was told of them: the events in them are never told"
            );
        }
        let events = read.events.into_iter();
        let mut inner = self.inner();
        inner.report.is_torn |= read.is_torn;
        let wanted =
            events.filter(|event| self.filter.wants(event) && !self.is_silent(&gateway, event));
        inner.queue.take_in(wanted, read.end, now);
        Ok(())
    }

    /// Whether an ESME is known not to be told of this message.
    fn is_silent(&self, gateway: &Gateway, event: &Event) -> bool {
        match (&self.who, &event.happening) {
            (Addressee::Esme(_), Happening::Message { id, .. }) => gateway.esmes.silent.has(*id),
            _ => false,
        }
    }

    /// One goes out with a number or a text, whatever becomes of it.
    pub(crate) fn opened(&self) {
        self.inner().report.opened += 1;
    }

    /// It was told.
    pub fn done(&self, index: u64) {
        let mut inner = self.inner();
        inner.queue.done(index);
        inner.report.told += 1;
        inner.told += 1;
    }

    /// There was nothing to tell of it.
    pub(crate) fn pass_over(&self, index: u64) {
        self.inner().queue.pass_over(index);
    }

    /// Nothing more is told of this line.
    pub(crate) fn end_line(&self, line: u64) {
        self.inner().queue.end_line(line);
    }

    /// Whether nothing more is told of this line.
    pub(crate) fn is_over(&self, line: u64) -> bool {
        self.inner().queue.is_over(line)
    }

    /// It could not be told, and is tried again at this moment.
    pub fn later(&self, index: u64, due: Timestamp, now: Timestamp) {
        let mut inner = self.inner();
        inner.queue.later(index, due, now);
        inner.report.failed += 1;
    }

    /// It was not tried.
    pub fn give_back(&self, index: u64) {
        self.inner().queue.give_back(index);
    }

    /// It is given up, for this reason.
    pub fn give_up(&self, index: u64, reason: &str, now: Timestamp) {
        let mut inner = self.inner();
        let Some((event, letter)) = inner.queue.give_up(index, reason, now) else {
            return;
        };
        inner.report.failed += 1;
        let draft = told_entries::dead(&self.who, self.filter.client, &event, &letter);
        inner.drafts.push(draft);
    }

    /// Those that were given up, the oldest first, with their events where these can still be read.
    /// Blocks.
    pub fn dead(&self) -> Result<Vec<DeadEvent>, ReadError> {
        let letters: Vec<_> = self.inner().queue.dead().cloned().collect();
        let with_event = |letter: DeadLetter| {
            let event = own(&self.pages, &self.filter, letter.index)?;
            Ok((letter, event))
        };
        letters.into_iter().map(with_event).collect()
    }

    /// Has these, which were given up, wait once more, each until it is given back. Gives what they were.
    pub(crate) fn revive(&self, events: Vec<Arc<Event>>, now: Timestamp) -> Vec<DeadLetter> {
        self.inner().queue.revive(events, now)
    }

    /// These were given up after all.
    pub(crate) fn bury(&self, letters: Vec<DeadLetter>) {
        self.inner().queue.bury(letters);
    }

    /// Whoever is told may go: nothing is handed out or kept until that is known.
    pub(crate) fn hold(&self) {
        self.live(Life::Held);
    }

    /// Whoever is told stays.
    pub(crate) fn resume(&self) {
        self.live(Life::Open);
    }

    /// Whoever is told goes: nothing is handed out or kept any more.
    pub(crate) fn retire(&self) {
        self.live(Life::Over);
    }

    /// Whether it was retired.
    pub(crate) fn is_retired(&self) -> bool {
        self.inner().life == Life::Over
    }

    fn live(&self, life: Life) {
        let mut inner = self.inner();
        if inner.life != Life::Over {
            inner.life = life;
        }
    }

    /// Makes everything that waits due now.
    pub fn hurry(&self, now: Timestamp) {
        self.inner().queue.hurry(now);
    }

    /// Tries in a row that failed, and since when nothing was taken.
    pub fn trouble(&self) -> (u32, Option<Timestamp>) {
        self.inner().queue.trouble()
    }

    /// Events that wait, and events that were given up.
    pub fn counts(&self) -> (usize, usize) {
        let inner = self.inner();
        (inner.queue.waiting(), inner.queue.dead().len())
    }

    /// Events that were told since it was opened.
    pub fn told(&self) -> u64 {
        self.inner().told
    }

    /// Entries that are durable and were not looked at.
    pub fn lag(&self) -> u64 {
        let next = self.inner().queue.next();
        let size = self.pages.size().unwrap_or(next);
        size.saturating_sub(next)
    }

    fn keep_if_due(self: &Arc<Self>, gateway: &Gateway, now: Timestamp) {
        let inner = self.inner();
        let is_soon = inner.kept_at.is_some_and(|at| now.since(at) < KEEP);
        drop(inner);
        if !is_soon {
            self.keep(gateway, now);
        }
    }

    /// Keeps how far it is, if that is more than before and anything can be recorded.
    pub(crate) fn keep(self: &Arc<Self>, gateway: &Gateway, now: Timestamp) {
        if !gateway.is_open() {
            return;
        }
        let Some((changes, taken)) = self.changes(now) else {
            return;
        };
        let queue = Arc::downgrade(self);
        let state = gateway.state();
        gateway.commit(changes.soon(), move |_, result| {
            if let (Err(_), Some(queue)) = (result, queue.upgrade()) {
                queue.put_back(taken);
            }
        });
        drop(state);
    }

    /// What there is to keep.
    fn changes(&self, now: Timestamp) -> Option<(Changes, Taken)> {
        let inner = self.inner();
        let is_idle = inner.report.is_empty() && inner.drafts.is_empty();
        let looked_at = inner.queue.next().saturating_sub(inner.kept_next);
        if is_idle && looked_at < IDLE_ENTRIES && !inner.kept.is_empty() {
            return None;
        }
        if is_idle && inner.queue.store().to_octets() == inner.kept {
            return None;
        }
        self.taken(inner, now)
    }

    /// What there is to keep, and an entry beside it. Put it back when the commit fails.
    pub(crate) fn changes_beside(&self, draft: Draft, now: Timestamp) -> Option<(Changes, Taken)> {
        let (mut changes, taken) = self.taken(self.inner(), now)?;
        changes.entry(draft);
        Some((changes, taken))
    }

    /// Everything that can be kept; it is taken as kept.
    fn taken(&self, mut inner: MutexGuard<'_, Inner>, now: Timestamp) -> Option<(Changes, Taken)> {
        if inner.life != Life::Open {
            return None;
        }
        let octets = inner.queue.store().to_octets();
        let taken = Taken {
            report: std::mem::take(&mut inner.report),
            drafts: std::mem::take(&mut inner.drafts),
        };
        let place = (inner.queue.next(), inner.queue.waiting());
        let entry = told_entries::told(&self.who, self.filter.client, taken.report, place);
        let mut changes = Changes::new(entry, now);
        for draft in &taken.drafts {
            changes.entry(draft.clone());
        }
        let name = self.who.name().into_boxed_str();
        (inner.kept_next, inner.kept_at) = (inner.queue.next(), Some(now));
        inner.kept.clone_from(&octets);
        drop(inner);
        let gateway = self.gateway.upgrade()?;
        gateway.feed.remember(&name, octets.clone());
        changes.write(Write::Progress(ProgressRow { name, octets }));
        Some((changes, taken))
    }

    /// What was to be kept was not: it is kept with what comes next.
    pub(crate) fn put_back(&self, taken: Taken) {
        let mut inner = self.inner();
        inner.report.add(taken.report);
        inner.drafts.splice(0..0, taken.drafts);
        inner.kept.clear();
    }

    /// Keeps what there is to keep. What nobody said anything of is told again when somebody goes on.
    pub fn close(self: &Arc<Self>) {
        if let Some(gateway) = self.gateway.upgrade() {
            let now = gateway.now();
            self.keep(&gateway, now);
        }
        self.inner().queue.give_all_back();
    }
}

/// The event of one entry, if it is wanted.
fn own(pages: &Pages, filter: &EventFilter, index: u64) -> Result<Option<Arc<Event>>, ReadError> {
    let event = pages.event(index)?;
    Ok(event.filter(|event| filter.wants(event)))
}
