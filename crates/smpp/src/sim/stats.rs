//! What the simulator has counted.

use serde::Serialize;

/// Counts since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Submits taken, answered or not.
    pub submits: u64,
    /// Among them those that came for the first time.
    pub unique: u64,
    /// Among them those that came again: the same sender, number, text and header.
    pub duplicates: u64,
    /// Submits refused on purpose: throttled, failed.
    pub refused: u64,
    /// Submits taken but never answered, on purpose.
    pub silent: u64,
    /// Receipts written to a receiver, repetitions counted.
    pub receipts_sent: u64,
    /// Receipts that a receiver answered with `ESME_ROK`.
    pub receipts_acked: u64,
    /// Receipts dropped because too many were waiting.
    pub receipts_dropped: u64,
    /// Parts of messages from handsets written to a receiver, repetitions counted.
    pub mo_sent: u64,
    /// Parts of messages from handsets that a receiver answered with `ESME_ROK`.
    pub mo_acked: u64,
    /// Receipts and parts that wait for a receiver.
    pub waiting: u64,
    /// Binds accepted.
    pub binds: u64,
}
