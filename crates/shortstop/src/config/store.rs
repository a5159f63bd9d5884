//! `[store]`: how much the store does at once.

use super::section::section;

section! {
    /// How much the store does at once; the defaults suit two cores and one disk. A change needs a restart.
    pub struct Store {
        /// Commits that may wait; one more is refused with `busy`.
        pub queue_max: usize = 16_384,
        /// Commits in one durable transaction.
        pub group_changes_max: usize = 1_024,
        /// Octets of entries and rows from which a transaction takes no further commit.
        pub group_bytes_max: usize = 4_194_304,
        /// Threads that read.
        pub readers: usize = 2,
        /// Reads that may wait; one more fails.
        pub reads_waiting_max: usize = 1_024,
        /// Rows that one page of a list may look at.
        pub page_scan_max: usize = 10_000,
        /// Octets in the write-ahead log from which it is copied into the database, in the background.
        pub checkpoint_start_bytes: u64 = 16_777_216,
        /// Octets in the write-ahead log from which the writer itself stops to empty it.
        pub checkpoint_hard_bytes: u64 = 268_435_456,
        /// New rows after which the index database is brought up to date.
        pub index_batch_rows: usize = 65_536,
        /// Blocks of 256 entries after which the catalogue of the ledger is brought up to date, 1 to 256.
        pub catalog_batch_blocks: usize = 16,
        /// Blocks of 256 entries that one page of a search of the ledger may look at.
        pub page_blocks_max: usize = 64,
        /// Carrier ids that may wait for the index database; receipts for those beyond match nothing.
        pub carrier_ids_waiting_max: usize = 262_144,
        /// Seconds that the disk may take for one commit; after that everything is refused until it is back.
        pub stall_seconds: u64 = 5,
        /// Rows that one round of tidying looks at.
        pub prune_rows_max: usize = 4_096,
        /// MiB kept in a file of the data folder, which is given up when the disk is full, so that this and
        /// what is on its way can still be recorded; 0 keeps none.
        pub reserve_mib: u64 = 64,
        /// MiB left on the data folder's volume below which new messages are refused with `storage-low`,
        /// until there is a quarter more; 0 refuses none before the disk is full.
        pub low_water_mib: u64 = 256,
    }
}
