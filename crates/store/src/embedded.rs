//! The store as the engine sees it: what is shared by its threads, how they start and end, and the
//! port itself.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use domain::carrier_id::CarrierMessageId;
use domain::id::{FactorId, InboundId, MessageId, VerificationId};
use domain::message::CarrierName;
use domain::time::Timestamp;
use engine::changes::Changes;
use engine::ports::Store;
use engine::ports::storage::{Failure, Room};
use engine::ports::store::{
    CarrierIdRow, CommitError, Done, LedgerHead, Loaded, Page, ReadError, Reading,
};
use engine::rows::{
    FactorRow, InboundFilter, InboundRow, MessageFilter, MessageRow, VaultRow, VerificationRow,
};

use crate::catalog::{EntryCatalog, cataloguer};
use crate::checkpoint::{self, Checkpoint};
use crate::config::{Bounds, EmbeddedConfig};
use crate::connect::{Pool, Role};
use crate::folder::DataFolder;
use crate::group::Signature;
use crate::index::carrier::CarrierRecord;
use crate::index::{Index, indexer};
use crate::open::{self, OpenError};
use crate::queue::{Job, Queue};
use crate::reader::{self, Reads, failed, reading};
use crate::recent::Recent;
use crate::space::{self, Space};
use crate::tree::Tree;
use crate::watch::{self, Watch};
use crate::writer::Writer;
use crate::{backup, load, rows, search};

/// What the threads of one store share.
pub(crate) struct Shared {
    pub(crate) config: EmbeddedConfig,
    pub(crate) folder: DataFolder,
    pub(crate) queue: Queue,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) keeper: Pool,
    pub(crate) readers: Pool,
    pub(crate) reads: Reads,
    pub(crate) recent: Recent,
    pub(crate) index: Index,
    pub(crate) catalog: EntryCatalog,
    pub(crate) watch: Watch,
    pub(crate) tree: Tree,
    pub(crate) space: Space,
    failure: Mutex<Option<Failure>>,
    head: Mutex<LedgerHead>,
    is_available: AtomicBool,
}

impl Shared {
    fn new(config: EmbeddedConfig, folder: DataFolder, space: Space, head: LedgerHead) -> Self {
        let pool = |path, role| Pool::new(path, role, config.durability);
        let index = Index::new(pool(folder.index(), Role::IndexReader), &config.bounds);
        let catalog = pool(folder.catalog(), Role::IndexReader);
        let catalog = EntryCatalog::new(catalog, &config.bounds);
        Self {
            queue: Queue::new(config.bounds.queue_max),
            checkpoint: Checkpoint::new(&config.bounds),
            keeper: pool(folder.database(), Role::Keeper),
            readers: pool(folder.database(), Role::Reader),
            reads: Reads::new(config.bounds.reads_waiting_max),
            recent: Recent::default(),
            index,
            catalog,
            watch: Watch::new(config.bounds.stall_max),
            tree: Tree::default(),
            space,
            failure: Mutex::new(None),
            head: Mutex::new(head),
            is_available: AtomicBool::new(true),
            config,
            folder,
        }
    }

    /// What those share who only read: the database is opened so that nothing changes, the rest not at all.
    pub(crate) fn to_read(config: EmbeddedConfig, folder: DataFolder, head: LedgerHead) -> Self {
        let space = Space::new(folder.path(), &config.bounds);
        let readers = Pool::new(folder.database(), Role::Auditor, config.durability);
        readers.open();
        Self {
            readers,
            tree: Tree::in_memory(),
            ..Self::new(config, folder, space, head)
        }
    }

    pub(crate) fn is_available(&self) -> bool {
        self.is_available.load(Ordering::Acquire)
    }

    /// Takes commits again.
    pub(crate) fn set_available(&self) {
        *self.failure() = None;
        self.is_available.store(true, Ordering::Release);
    }

    /// Takes nothing from now on. The first word of why counts; a full disk gives the reserve up.
    pub(crate) fn fail(&self, failure: Failure) {
        let failure = match failure {
            Failure::IoError if self.space.is_exhausted() => Failure::DiskFull,
            failure => failure,
        };
        self.failure().get_or_insert(failure);
        self.is_available.store(false, Ordering::Release);
        if failure == Failure::DiskFull {
            self.space.release();
        }
    }

    /// Takes nothing from now on, since it is told so.
    pub(crate) fn set_away(&self) {
        self.is_available.store(false, Ordering::Release);
    }

    fn failure(&self) -> MutexGuard<'_, Option<Failure>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the head after a commit.
    pub(crate) fn publish(&self, size: u64, last_sequence: u64) {
        let mut head = self.head();
        head.size = size;
        head.last_sequence = last_sequence;
    }

    /// How many entries are durable. A reader of the database may see more while the last of them are
    /// being taken back.
    pub(crate) fn size(&self) -> u64 {
        self.head().size
    }

    pub(crate) fn open_pools(&self) {
        self.readers.open();
        self.keeper.open();
    }

    pub(crate) fn close_pools(&self) {
        self.recent.clear();
        self.readers.close();
        self.keeper.close();
    }

    fn head(&self) -> MutexGuard<'_, LedgerHead> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The embedded store. Dropping it closes it.
pub struct Embedded {
    pub(crate) shared: Arc<Shared>,
    threads: Mutex<Threads>,
}

#[derive(Default)]
struct Threads {
    writer: Option<JoinHandle<()>>,
    /// Ends after the writer, which it watches to the end.
    watch: Option<JoinHandle<()>>,
    others: Vec<JoinHandle<()>>,
}

impl Embedded {
    /// Opens the store of a data folder, or makes it, and begins an epoch. The folder is locked until
    /// the store is closed.
    pub fn open(config: EmbeddedConfig) -> Result<Self, OpenError> {
        let readers = config.bounds.readers;
        if !(1..=Bounds::READERS_MAX).contains(&readers) {
            return Err(OpenError::Readers(readers));
        }
        let folder = DataFolder::claim(&config.folder)?;
        let space = Space::new(folder.path(), &config.bounds);
        let begun = match open::begin(&folder, &config) {
            Err(error) if error.is_disk_full() => {
                space.release();
                open::begin(&folder, &config)
            }
            begun => begun,
        };
        let (session, found, head) = begun?;
        space.look();
        let signature = Signature {
            node: config.node.clone(),
            epoch: head.epoch,
        };
        let shared = Arc::new(Shared::new(config, folder, space, head));
        shared.open_pools();
        let store = Self {
            shared: Arc::clone(&shared),
            threads: Mutex::default(),
        };
        let writer = Writer::new(Arc::clone(&shared), signature, found.tail);
        store.threads().writer =
            Some(spawn("store-writer", move || writer.run(session)).map_err(OpenError::Thread)?);
        let watch = store.spawn("store-watch", watch::run)?;
        store.threads().watch = Some(watch);
        let mut others = vec![
            store.spawn("store-keeper", checkpoint::run)?,
            store.spawn("store-index", indexer::run)?,
            store.spawn("store-catalog", cataloguer::run)?,
            store.spawn("store-space", space::run)?,
        ];
        for _ in 0..readers {
            others.push(store.spawn("store-reader", reader::run)?);
        }
        store.threads().others = others;
        Ok(store)
    }

    /// Commits and answers what waits, copies the log into the database and closes everything. Commits
    /// that come later are answered `Poisoned`.
    pub fn close(&self) {
        let shared = &self.shared;
        shared.index.stop();
        shared.catalog.stop();
        shared.reads.stop();
        shared.checkpoint.stop();
        shared.space.stop();
        let Threads {
            writer,
            others,
            watch,
        } = std::mem::take(&mut *self.threads());
        others.into_iter().for_each(join);
        shared.queue.shut();
        writer.into_iter().for_each(join);
        shared.watch.stop();
        watch.into_iter().for_each(join);
        shared.tree.close();
    }

    /// Waits until every full block of the ledger is catalogued, as far as the ledger goes now. For
    /// measuring and for tests: a search sees every entry at any time.
    pub fn wait_for_catalog(&self) {
        self.shared.catalog.wait_for(self.shared.size());
    }

    fn spawn(&self, name: &str, work: fn(&Arc<Shared>)) -> Result<JoinHandle<()>, OpenError> {
        let shared = Arc::clone(&self.shared);
        spawn(name, move || work(&shared)).map_err(OpenError::Thread)
    }

    fn threads(&self) -> MutexGuard<'_, Threads> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    Builder::new().name(name.to_owned()).spawn(work)
}

/// Waits for a thread to end, unless it is this one: whoever drops the store last may do so in an answer
/// that the store gives. Then the thread ends by itself, and the folder is free once it has.
fn join(thread: JoinHandle<()>) {
    if thread.thread().id() != std::thread::current().id() {
        // A thread that panicked has said so itself.
        let _ = thread.join();
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Embedded({})", self.shared.config.folder.display())
    }
}

impl Store for Embedded {
    fn commit(&self, changes: Changes, done: Done) {
        if let Err(done) = self.shared.queue.commit(changes, done) {
            // Only after `close`: there is no writer left to answer.
            done(Err(CommitError::Poisoned));
        }
    }

    fn commits_max(&self) -> usize {
        self.shared.config.bounds.queue_max
    }

    fn load(&self, each: &mut dyn FnMut(Loaded)) -> Result<(), ReadError> {
        self.shared
            .readers
            .with(|database| load::load(database, each))
            .map_err(failed)
    }

    fn accepted(
        &self,
        after: u64,
        most: usize,
        each: &mut dyn FnMut(MessageRow, Option<VaultRow>),
    ) -> Result<(), ReadError> {
        self.shared
            .readers
            .with(|database| load::accepted(database, (after, most), each))
            .map_err(failed)
    }

    fn head(&self) -> Result<LedgerHead, ReadError> {
        Ok(*self.shared.head())
    }

    fn is_available(&self) -> bool {
        self.shared.is_available()
    }

    fn failure(&self) -> Option<Failure> {
        *self.shared.failure()
    }

    fn room(&self) -> Option<Room> {
        Some(self.shared.space.room())
    }

    fn reopen(&self) -> Result<(), ReadError> {
        let (reply, answer) = sync_channel(1);
        self.shared.queue.push(Job::Reopen(reply));
        // The reply is dropped when the writer is gone.
        answer
            .recv()
            .unwrap_or_else(|_| Err(ReadError::Failed("the store is closed".to_owned())))
    }

    fn message(&self, id: MessageId) -> Reading<'_, Option<(MessageRow, Vec<VaultRow>)>> {
        reading(&self.shared, move |_, database| {
            rows::whole_message(database, id)
        })
    }

    fn messages_of(
        &self,
        ids: Vec<MessageId>,
    ) -> Reading<'_, Vec<Option<(MessageRow, Vec<VaultRow>)>>> {
        reading(&self.shared, move |_, database| {
            // One look at the store for all, which costs most of a read.
            let snapshot = database.transaction()?;
            ids.into_iter()
                .map(|id| rows::whole_message(&snapshot, id))
                .collect()
        })
    }

    fn messages(&self, filter: MessageFilter) -> Reading<'_, Page<(MessageRow, Vec<VaultRow>)>> {
        reading(&self.shared, move |shared, database| {
            search::messages(shared, database, &filter)
        })
    }

    fn unsettled(
        &self,
        after: u64,
        before: u64,
        most: u16,
    ) -> Reading<'_, Vec<(MessageRow, Vec<VaultRow>)>> {
        reading(&self.shared, move |_, database| {
            search::unsettled(database, after..before, most)
        })
    }

    fn inbound(&self, id: InboundId) -> Reading<'_, Option<(InboundRow, Vec<VaultRow>)>> {
        reading(&self.shared, move |_, database| {
            rows::whole_inbound(database, id)
        })
    }

    fn inbounds(&self, filter: InboundFilter) -> Reading<'_, Page<(InboundRow, Vec<VaultRow>)>> {
        reading(&self.shared, move |shared, database| {
            search::inbounds(shared, database, &filter)
        })
    }

    fn verification(&self, id: VerificationId) -> Reading<'_, Option<VerificationRow>> {
        reading(&self.shared, move |_, database| {
            rows::verification_of(database, id)
        })
    }

    fn factor(&self, id: FactorId) -> Reading<'_, Option<(FactorRow, Vec<VaultRow>)>> {
        reading(&self.shared, move |_, database| {
            let snapshot = database.transaction()?;
            rows::whole_factor(&snapshot, id)
        })
    }

    fn pending_factors(&self, before: u64, most: u16) -> Reading<'_, Vec<FactorRow>> {
        reading(&self.shared, move |_, database| {
            search::pending_factors(database, before, most)
        })
    }

    fn index_carrier_ids(&self, rows: Vec<CarrierIdRow>) {
        self.shared
            .index
            .take_carrier_ids(rows.iter().map(CarrierRecord::of).collect());
    }

    fn by_carrier_id(
        &self,
        carrier: &CarrierName,
        id: &CarrierMessageId,
    ) -> Reading<'_, Vec<(MessageRow, u8)>> {
        let (carrier, id) = (carrier.clone(), id.clone());
        reading(&self.shared, move |shared, database| {
            search::by_carrier_id(shared, database, &carrier, &id)
        })
    }

    fn prune(&self, now: Timestamp, unmatched_before: Timestamp) {
        self.shared.queue.push(Job::Prune {
            now,
            unmatched_before,
        });
    }

    fn backup(&self, to: PathBuf) -> Reading<'_, ()> {
        backup::start(&self.shared, to)
    }
}
