//! What an embedded store is told when it is opened: where it lies, whose it is, and its bounds.

use std::path::PathBuf;
use std::time::Duration;

use ledger::NodeName;

/// How to open an embedded store.
#[derive(Clone, Debug)]
pub struct EmbeddedConfig {
    /// The data folder; made (0700) when it is missing.
    pub folder: PathBuf,
    /// The node that writes; a folder belongs to one node for ever.
    pub node: NodeName,
    /// The bounds of queues, groups, files and pages.
    pub bounds: Bounds,
    /// Whether a commit waits for the disk.
    pub durability: Durability,
}

impl EmbeddedConfig {
    /// Synced, with the default bounds.
    pub fn new(folder: impl Into<PathBuf>, node: NodeName) -> Self {
        Self {
            folder: folder.into(),
            node,
            bounds: Bounds::default(),
            durability: Durability::default(),
        }
    }
}

/// Whether a commit waits until the disk has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// It does (`synchronous=FULL`): nothing that was acknowledged is lost when the power goes.
    #[default]
    Synced,
    /// It does not (`synchronous=OFF`). For measuring what the sync costs and for showing that the
    /// power-loss test can fail; never for traffic.
    UnsyncedLosesAcknowledgedData,
}

/// Every bound of the store, each with a default that suits two cores and one disk.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Commits that may wait; one more is answered `Busy`.
    pub queue_max: usize,
    /// Commits in one durable transaction.
    pub group_changes_max: usize,
    /// Octets of entries and rows in one durable transaction, beyond which it takes no further commit.
    pub group_bytes_max: usize,
    /// Threads that read, 1 to 64 ([`Bounds::READERS_MAX`]).
    pub readers: usize,
    /// Reads that may wait; one more fails.
    pub reads_waiting_max: usize,
    /// Rows that one page of a list may look at.
    pub page_scan_max: usize,
    /// Octets in the write-ahead log from which it is copied into the database, in the background.
    pub checkpoint_start_bytes: u64,
    /// Octets in the write-ahead log from which the writer itself stops to empty it.
    pub checkpoint_hard_bytes: u64,
    /// New rows after which the index database is brought up to date.
    pub index_batch_rows: usize,
    /// Blocks of 256 entries after which the catalogue of the ledger is brought up to date, 1 to 256.
    pub catalog_batch_blocks: usize,
    /// Blocks of 256 entries that one page of a search of the ledger may look at.
    pub page_blocks_max: usize,
    /// Carrier ids that may wait for the index database; beyond it the oldest are dropped, and receipts
    /// for them will match nothing.
    pub carrier_ids_waiting_max: usize,
    /// How long the disk may take for one commit. After it the store has failed: everything is answered
    /// `Poisoned` at once, and what the disk brings later is taken back.
    pub stall_max: Duration,
    /// Rows that one call of `prune` looks at.
    pub prune_rows_max: usize,
    /// Octets kept in a file of the data folder, to be given up when the disk is full so that this can
    /// still be recorded; 0 keeps none.
    pub reserve_bytes: u64,
    /// Octets left on the volume below which the room is low; 0 never says so before the disk is full.
    pub low_water_bytes: u64,
}

impl Bounds {
    /// The most threads that may read: each holds a connection, and more than a disk serves at once gain
    /// nothing.
    pub const READERS_MAX: usize = 64;
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            queue_max: 16_384,
            group_changes_max: 1_024,
            group_bytes_max: 4 << 20,
            readers: 2,
            reads_waiting_max: 1_024,
            page_scan_max: 10_000,
            checkpoint_start_bytes: 16 << 20,
            checkpoint_hard_bytes: 256 << 20,
            index_batch_rows: 65_536,
            catalog_batch_blocks: 16,
            page_blocks_max: 64,
            carrier_ids_waiting_max: 262_144,
            stall_max: Duration::from_secs(5),
            prune_rows_max: 4_096,
            reserve_bytes: 64 << 20,
            low_water_bytes: 256 << 20,
        }
    }
}
