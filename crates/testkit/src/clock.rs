//! A clock that stands until it is moved, either way, and counts how often it is read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::time::Timestamp;
use engine::ports::Clock;

/// The clock of a test.
#[derive(Debug)]
pub struct ManualClock {
    micros: AtomicU64,
    uptime: AtomicU64,
    readings: AtomicU64,
}

impl ManualClock {
    /// Stands at 2025-11-25T10:00:00Z.
    pub const START: Timestamp = Timestamp::from_seconds(1_764_064_800);

    /// Stands at [`ManualClock::START`].
    pub const fn new() -> Self {
        Self {
            micros: AtomicU64::new(Self::START.micros()),
            uptime: AtomicU64::new(0),
            readings: AtomicU64::new(0),
        }
    }

    /// What it shows, without counting as a reading.
    pub fn peek(&self) -> Timestamp {
        Timestamp::from_micros(self.micros.load(Ordering::SeqCst))
    }

    /// Sets it. No time goes by.
    pub fn set(&self, now: Timestamp) {
        self.micros.store(now.micros(), Ordering::SeqCst);
    }

    /// Lets time go by.
    pub fn advance(&self, by: Duration) {
        self.set(self.peek().saturating_add(by));
        let micros = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.uptime.fetch_add(micros, Ordering::SeqCst);
    }

    /// Sets it back.
    pub fn set_back(&self, by: Duration) {
        self.set(self.peek().saturating_sub(by));
    }

    /// How often the gateway has read it.
    pub fn readings(&self) -> u64 {
        self.readings.load(Ordering::SeqCst)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.readings.fetch_add(1, Ordering::SeqCst);
        self.peek()
    }

    fn uptime(&self) -> Duration {
        Duration::from_micros(self.uptime.load(Ordering::SeqCst))
    }
}
