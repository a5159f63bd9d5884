//! A store in memory that keeps the contract of the port and lets a test decide when something becomes
//! durable, when it is answered, when it fails and when the process dies.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use domain::carrier_id::CarrierMessageId;
use domain::id::{FactorId, InboundId, MessageId, VerificationId};
use domain::message::CarrierName;
use domain::time::Timestamp;
use engine::changes::Changes;
use engine::ports::Store;
use engine::ports::erasure::PurgeError;
use engine::ports::storage::{Failure, Level, Room};
use engine::ports::store::{
    CarrierIdRow, CommitError, Committed, Done, LedgerHead, Loaded, Page, ReadError, Reading,
};
use engine::rows::{
    FactorRow, InboundFilter, InboundRow, MessageFilter, MessageRow, VaultRow, VerificationRow,
};
use ledger::NodeName;

mod catalog;
mod erasure;
mod image;
mod image_load;
mod image_search;
mod log;
mod shelf;
mod view;

pub use image::{Image, Logged};
pub use shelf::MemoryShelf;

type Answer = (Done, Result<Committed, CommitError>);

/// A commit that waits.
enum Waiting {
    Commit(Changes, Done),
    Refused(CommitError, Done),
}

/// What fails next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Well,
    /// The next commit fails.
    Failing,
    /// Nothing is taken until it is reopened.
    Poisoned,
    /// The process is gone: nothing is taken, nothing answered.
    Dead,
}

struct Inner {
    image: Image,
    waiting: VecDeque<Waiting>,
    answers: VecDeque<Answer>,
    health: Health,
    queue_max: usize,
    refuse_next: Option<CommitError>,
    reopens_to_fail: u32,
    reads_to_fail: u32,
    carrier_ids: Vec<CarrierIdRow>,
    purges: u64,
    purge_refused: Option<PurgeError>,
    inline: u32,
    on_load: Option<Box<dyn FnOnce() + Send>>,
    room: Option<Room>,
    failure: Failure,
}

/// The store. Commits wait until [`MemoryStore::sync`], unless it was opened with
/// [`MemoryStore::immediate`].
pub struct MemoryStore {
    inner: Arc<Mutex<Inner>>,
    arrived: Arc<Condvar>,
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryStore")
    }
}

impl MemoryStore {
    /// An empty store whose commits wait for [`MemoryStore::sync`].
    pub fn new() -> Self {
        Self::open(Image::new(&node()))
    }

    /// Opens a durable image: that of an earlier store, or a new one. Begins its next epoch.
    pub fn open(mut image: Image) -> Self {
        image.begin_epoch();
        let inner = Inner {
            image,
            waiting: VecDeque::new(),
            answers: VecDeque::new(),
            health: Health::Well,
            queue_max: usize::MAX,
            refuse_next: None,
            reopens_to_fail: 0,
            reads_to_fail: 0,
            carrier_ids: Vec::new(),
            purges: 0,
            purge_refused: None,
            inline: 0,
            on_load: None,
            room: None,
            failure: Failure::IoError,
        };
        Self {
            inner: Arc::new(Mutex::new(inner)),
            arrived: Arc::default(),
        }
    }

    /// An empty store that makes each commit durable and answers it at once, from a thread of its own.
    pub fn immediate() -> Self {
        Self::open_immediate(Image::new(&node()))
    }

    /// Opens an image as [`MemoryStore::immediate`] does.
    pub fn open_immediate(image: Image) -> Self {
        let store = Self::open(image);
        let (inner, arrived) = (Arc::downgrade(&store.inner), Arc::clone(&store.arrived));
        std::thread::spawn(move || {
            while let Some(inner) = inner.upgrade() {
                let mut held = inner.lock().unwrap();
                if held.waiting.is_empty() && held.answers.is_empty() {
                    // A bounded wait, so that the thread ends soon after its store.
                    let wait = std::time::Duration::from_millis(50);
                    held = arrived.wait_timeout(held, wait).unwrap().0;
                }
                held.persist(usize::MAX);
                let answers = std::mem::take(&mut held.answers);
                drop(held);
                give(answers);
            }
        });
        store
    }

    /// Commits inside `act` are durable and answered before they return: for a start and a reopening,
    /// which block. Nothing in it may commit while it holds what its callback needs.
    pub fn inline<T>(&self, act: impl FnOnce() -> T) -> T {
        self.lock().inline += 1;
        let value = act();
        self.lock().inline -= 1;
        value
    }

    /// Makes everything that waits durable and answers it. Gives how many commits were answered.
    pub fn sync(&self) -> usize {
        self.persist(usize::MAX);
        self.answer(usize::MAX)
    }

    /// Makes at most `most` waiting commits durable, in order, without answering them yet.
    pub fn persist(&self, most: usize) {
        self.lock().persist(most);
    }

    /// Answers at most `most` commits whose fate is known, in order.
    pub fn answer(&self, most: usize) -> usize {
        let mut inner = self.lock();
        let count = most.min(inner.answers.len());
        let answers: VecDeque<Answer> = inner.answers.drain(..count).collect();
        drop(inner);
        give(answers);
        count
    }

    /// Whether the next commit will be taken.
    pub fn is_well(&self) -> bool {
        let inner = self.lock();
        inner.health == Health::Well && inner.refuse_next.is_none()
    }

    /// How many commits wait to become durable.
    pub fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// How many commits have a fate that nobody has been told yet.
    pub fn unanswered(&self) -> usize {
        self.lock().answers.len()
    }

    /// The next commit fails, and so does everything after it until the store is reopened.
    pub fn fail_next(&self) {
        let mut inner = self.lock();
        if inner.health == Health::Well {
            inner.health = Health::Failing;
        }
    }

    /// The next commit is answered with this, and those after it are taken.
    pub fn refuse_next(&self, error: CommitError) {
        self.lock().refuse_next = Some(error);
    }

    /// Fails at once: what waits is answered `Poisoned`, and so is everything until it is reopened.
    pub fn poison(&self) {
        let mut inner = self.lock();
        inner.poison();
        drop(inner);
        self.arrived.notify_all();
    }

    /// What it says of the room on its volume: so many MiB, above a mark of 256 or below it.
    pub fn set_room(&self, free_mib: u64, level: Level) {
        self.lock().room = Some(Room {
            free_bytes: free_mib << 20,
            low_water_bytes: 256 << 20,
            level,
        });
    }

    /// Why it takes nothing when it fails.
    pub fn set_failure(&self, failure: Failure) {
        self.lock().failure = failure;
    }

    /// The next reopenings fail.
    pub fn fail_reopens(&self, count: u32) {
        self.lock().reopens_to_fail = count;
    }

    /// The next reads, `load` among them, fail.
    pub fn fail_reads(&self, count: u32) {
        self.lock().reads_to_fail = count;
    }

    /// How many commits may wait; one more is answered `Busy`.
    pub fn set_queue_max(&self, queue_max: usize) {
        self.lock().queue_max = queue_max;
    }

    /// Something that happens while the next `load` is under way.
    pub fn during_next_load(&self, act: impl FnOnce() + Send + 'static) {
        self.lock().on_load = Some(Box::new(act));
    }

    /// The process dies: what is not durable is lost, no callback is ever called, and this store takes
    /// nothing more. Gives what a new store finds.
    pub fn crash(&self) -> Image {
        let mut inner = self.lock();
        inner.health = Health::Dead;
        let lost = std::mem::take(&mut inner.waiting);
        let unanswered = std::mem::take(&mut inner.answers);
        let image = inner.image.clone();
        drop(inner);
        // Callbacks of a dead process never run; dropping them may still drop futures.
        drop((lost, unanswered));
        image
    }

    /// Loses every row of the index by number, as when somebody deletes them from its file.
    pub fn empty_index(&self) {
        self.lock().image.is_index_empty = true;
    }

    /// Has a row say that the commit which accepted it begins with another entry.
    pub fn mislead(&self, sequence: u64, entry: u64) {
        self.lock().image.accepted.insert(sequence, entry);
    }

    /// What is durable now.
    pub fn image(&self) -> Image {
        self.lock().image.clone()
    }

    /// Looks at what is durable without copying it.
    pub fn with_image<T>(&self, look: impl FnOnce(&Image) -> T) -> T {
        look(&self.lock().image)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    fn read<'a, T: Send + 'a>(&self, look: impl FnOnce(&Inner) -> T) -> Reading<'a, T> {
        let result = self.lock().read(look);
        Box::pin(std::future::ready(result))
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

/// The node that test stores write as.
pub fn node() -> NodeName {
    NodeName::parse("test").unwrap()
}

fn give(answers: VecDeque<Answer>) {
    for (done, result) in answers {
        done(result);
    }
}

impl Inner {
    fn persist(&mut self, most: usize) {
        if self.health == Health::Failing && !self.waiting.is_empty() {
            self.poison();
        }
        for _ in 0..most.min(self.waiting.len()) {
            let answer = match self.waiting.pop_front() {
                Some(Waiting::Commit(changes, done)) => (done, self.image.commit(&changes)),
                Some(Waiting::Refused(error, done)) => (done, Err(error)),
                None => return,
            };
            self.answers.push_back(answer);
        }
    }

    fn poison(&mut self) {
        if self.health == Health::Dead {
            return;
        }
        self.health = Health::Poisoned;
        for waiting in self.waiting.drain(..) {
            let answer = match waiting {
                Waiting::Commit(_, done) => (done, Err(CommitError::Poisoned)),
                Waiting::Refused(error, done) => (done, Err(error)),
            };
            self.answers.push_back(answer);
        }
    }

    fn read<T>(&mut self, look: impl FnOnce(&Self) -> T) -> Result<T, ReadError> {
        if self.reads_to_fail > 0 {
            self.reads_to_fail -= 1;
            return Err(ReadError::Failed("a test made this read fail".to_owned()));
        }
        Ok(look(self))
    }
}

impl Store for MemoryStore {
    fn commit(&self, changes: Changes, done: Done) {
        let mut inner = self.lock();
        let refused = inner.refuse_next.take();
        let waiting = match inner.health {
            Health::Dead => return,
            _ if refused.is_some() => Waiting::Refused(refused.unwrap_or(CommitError::Busy), done),
            Health::Poisoned => Waiting::Refused(CommitError::Poisoned, done),
            _ if inner.waiting.len() >= inner.queue_max => {
                Waiting::Refused(CommitError::Busy, done)
            }
            _ => Waiting::Commit(changes, done),
        };
        inner.waiting.push_back(waiting);
        let is_inline = inner.inline > 0;
        drop(inner);
        if is_inline {
            self.sync();
        }
        self.arrived.notify_all();
    }

    fn commits_max(&self) -> usize {
        self.lock().queue_max
    }

    fn load(&self, each: &mut dyn FnMut(Loaded)) -> Result<(), ReadError> {
        let rows = self.lock().read(|inner| inner.image.load())?;
        let act = self.lock().on_load.take();
        if let Some(act) = act {
            act();
        }
        rows.into_iter().for_each(each);
        Ok(())
    }

    fn accepted(
        &self,
        after: u64,
        most: usize,
        each: &mut dyn FnMut(MessageRow, Option<VaultRow>),
    ) -> Result<(), ReadError> {
        let rows = self
            .lock()
            .read(|inner| inner.image.accepted(after, most))?;
        for (row, number) in rows {
            each(row, number);
        }
        Ok(())
    }

    fn head(&self) -> Result<LedgerHead, ReadError> {
        self.lock().read(|inner| inner.image.head())
    }

    fn is_available(&self) -> bool {
        matches!(self.lock().health, Health::Well | Health::Failing)
    }

    fn failure(&self) -> Option<Failure> {
        let inner = self.lock();
        (inner.health == Health::Poisoned).then_some(inner.failure)
    }

    fn room(&self) -> Option<Room> {
        self.lock().room
    }

    fn reopen(&self) -> Result<(), ReadError> {
        let mut inner = self.lock();
        if inner.health == Health::Dead || inner.reopens_to_fail > 0 {
            inner.reopens_to_fail = inner.reopens_to_fail.saturating_sub(1);
            return Err(ReadError::Failed(
                "a test made this reopening fail".to_owned(),
            ));
        }
        inner.health = Health::Well;
        // The answers to what failed come before anything that is taken from now on.
        let answers = std::mem::take(&mut inner.answers);
        let waiting = std::mem::take(&mut inner.waiting);
        drop(inner);
        give(answers);
        for waiting in waiting {
            match waiting {
                Waiting::Commit(_, done) => done(Err(CommitError::Poisoned)),
                Waiting::Refused(error, done) => done(Err(error)),
            }
        }
        Ok(())
    }

    fn message(&self, id: MessageId) -> Reading<'_, Option<(MessageRow, Vec<VaultRow>)>> {
        self.read(|inner| inner.image.message(id))
    }

    fn messages_of(
        &self,
        ids: Vec<MessageId>,
    ) -> Reading<'_, Vec<Option<(MessageRow, Vec<VaultRow>)>>> {
        self.read(|inner| ids.iter().map(|id| inner.image.message(*id)).collect())
    }

    fn messages(&self, filter: MessageFilter) -> Reading<'_, Page<(MessageRow, Vec<VaultRow>)>> {
        self.read(|inner| inner.image.find_messages(&filter))
    }

    fn unsettled(
        &self,
        after: u64,
        before: u64,
        most: u16,
    ) -> Reading<'_, Vec<(MessageRow, Vec<VaultRow>)>> {
        self.read(|inner| inner.image.unsettled(after, before, most))
    }

    fn inbound(&self, id: InboundId) -> Reading<'_, Option<(InboundRow, Vec<VaultRow>)>> {
        self.read(|inner| inner.image.inbound(id))
    }

    fn inbounds(&self, filter: InboundFilter) -> Reading<'_, Page<(InboundRow, Vec<VaultRow>)>> {
        self.read(|inner| inner.image.find_inbounds(&filter))
    }

    fn verification(&self, id: VerificationId) -> Reading<'_, Option<VerificationRow>> {
        self.read(|inner| {
            let found = inner.image.verifications.get(&id.sequence());
            found.filter(|row| row.id == id).cloned()
        })
    }

    fn factor(&self, id: FactorId) -> Reading<'_, Option<(FactorRow, Vec<VaultRow>)>> {
        self.read(|inner| inner.image.factor(id))
    }

    fn pending_factors(&self, before: u64, most: u16) -> Reading<'_, Vec<FactorRow>> {
        self.read(|inner| inner.image.pending_factors(before, most))
    }

    fn index_carrier_ids(&self, rows: Vec<CarrierIdRow>) {
        self.lock().carrier_ids.extend(rows);
    }

    fn by_carrier_id(
        &self,
        carrier: &CarrierName,
        id: &CarrierMessageId,
    ) -> Reading<'_, Vec<(MessageRow, u8)>> {
        self.read(|inner| inner.image.by_carrier_id(&inner.carrier_ids, carrier, id))
    }

    fn prune(&self, now: Timestamp, unmatched_before: Timestamp) {
        let mut inner = self.lock();
        if matches!(inner.health, Health::Well | Health::Failing) {
            inner.image.prune(now, unmatched_before);
        }
    }

    fn backup(&self, to: PathBuf) -> Reading<'_, ()> {
        // There is no folder to copy; a file shows that it was asked for.
        let written = std::fs::write(to, b"backup of a store in memory");
        let result = written.map_err(|error| ReadError::Unwritten(error.to_string()));
        Box::pin(std::future::ready(result))
    }
}
