//! One line of a stream, from its opening to its end: batches of entries go out in order, and the bookmark
//! follows what has arrived.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ledger::siem::{Placed, syslog};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::{Stream, StreamError};
use crate::gateway::Gateway;
use crate::ports::stream::{Arrival, Line};

/// How often a stream that has told everything looks for more.
const LOOK: Duration = Duration::from_millis(200);
/// How often the bookmark is written at most.
const KEEP: Duration = Duration::from_secs(1);
/// Batches whose arrival is followed one by one; beyond that several are taken together.
const MARKS_MAX: usize = 256;

/// Entries as they are sent.
struct Batch {
    octets: Vec<u8>,
    /// The index behind the last one.
    end: u64,
}

/// What was sent over one line and may not have arrived.
#[derive(Debug, Default)]
struct Marks {
    octets: u64,
    /// How many octets had been sent when the entries below an index had.
    marks: VecDeque<(u64, u64)>,
}

impl Marks {
    fn sent(&mut self, octets: usize, end: u64) {
        let octets = u64::try_from(octets).unwrap_or(u64::MAX);
        self.octets = self.octets.saturating_add(octets);
        if self.marks.len() >= MARKS_MAX {
            self.marks.pop_back();
        }
        self.marks.push_back((self.octets, end));
    }

    /// The index behind what has arrived, if that is more than before.
    fn arrived(&mut self, octets: u64) -> Option<u64> {
        let mut end = None;
        while let Some((_, index)) = self.marks.pop_front_if(|(sent, _)| *sent <= octets) {
            end = Some(index);
        }
        end
    }
}

impl Stream {
    /// Goes over one line until it breaks, or until it is told to stop and nothing is left.
    pub(super) async fn session(
        self: &Arc<Self>,
        gateway: &Gateway,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), StreamError> {
        let first = self.arrived.load(Ordering::Relaxed);
        // Before a line is made and recorded: it would have nothing to say.
        if first < self.parts.log.minimum()? {
            return Err(StreamError::Pruned(first));
        }
        self.next.store(first, Ordering::Relaxed);
        let mut line = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
            line = self.parts.collector.connect() => line?,
        };
        let format = self.parts.format.as_str();
        gateway
            .begin_stream(&self.parts.name, format, first)
            .await?;
        self.is_up.store(true, Ordering::Relaxed);
        self.tell_recovery(first);
        let told = self.tell(line.as_mut(), stop).await;
        if told.is_ok() && line.close().await == Arrival::Everything {
            let next = self.next.load(Ordering::Relaxed);
            self.arrived.store(next, Ordering::Relaxed);
        }
        self.keep().await;
        told
    }

    async fn tell(
        self: &Arc<Self>,
        line: &mut dyn Line,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), StreamError> {
        let mut marks = Marks::default();
        let mut kept = Instant::now();
        loop {
            // Read before the entries: what was committed before the stop is told.
            let is_stopped = *stop.borrow() || stop.has_changed().is_err();
            let from = self.next.load(Ordering::Relaxed);
            let batch = self.batch(from).await?;
            if batch.end > from {
                let octets = batch.octets.len();
                line.send(batch.octets).await?;
                marks.sent(octets, batch.end);
                self.next.store(batch.end, Ordering::Relaxed);
                self.sent.fetch_add(batch.end - from, Ordering::Relaxed);
            } else if is_stopped {
                return Ok(());
            } else {
                tokio::select! {
                    biased;
                    broken = line.ended() => return Err(broken.into()),
                    _ = stop.wait_for(|stop| *stop) => {}
                    () = tokio::time::sleep(LOOK) => {}
                }
            }
            if let Some(end) = marks.arrived(line.arrived()) {
                self.arrived.store(end, Ordering::Relaxed);
            }
            if kept.elapsed() >= KEEP {
                self.keep().await;
                kept = Instant::now();
            }
        }
    }

    /// Reads what is next, and writes it as it will be sent.
    async fn batch(self: &Arc<Self>, from: u64) -> Result<Batch, StreamError> {
        let stream = Arc::clone(self);
        let reading = spawn_blocking(move || stream.read(from)).await;
        reading.map_err(|_| StreamError::CutOff)?
    }

    fn read(&self, from: u64) -> Result<Batch, StreamError> {
        let (log, limits) = (&self.parts.log, self.parts.limits);
        let mut batch = Batch {
            octets: Vec::new(),
            end: from,
        };
        if log.size()? <= from {
            return Ok(batch);
        }
        let entries = log.entries(from, limits.batch_entries)?;
        for entry in entries {
            let placed = Placed::parse(batch.end, &entry);
            let placed = placed.map_err(|_| StreamError::Entry(batch.end))?;
            let frame = syslog::frame(&placed, self.parts.format, &self.parts.producer);
            batch.octets.extend_from_slice(&frame);
            batch.end += 1;
            if batch.octets.len() >= limits.batch_octets {
                break;
            }
        }
        Ok(batch)
    }

    /// Writes the bookmark if it is behind. One that cannot be written only makes more be told twice.
    async fn keep(self: &Arc<Self>) {
        let arrived = self.arrived.load(Ordering::Relaxed);
        if self.kept.load(Ordering::Relaxed) == arrived {
            return;
        }
        let bookmark = Arc::clone(&self.parts.bookmark);
        let keeping = spawn_blocking(move || bookmark.keep(arrived)).await;
        match keeping {
            Ok(Ok(())) => self.kept.store(arrived, Ordering::Relaxed),
            Ok(Err(error)) => tracing::warn!(stream = self.parts.name, %error, "a stream goes on"),
            Err(error) => tracing::error!(%error, "a background job ended badly"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrived_in_part_has_not_arrived() {
        let mut marks = Marks::default();
        marks.sent(10, 3);
        marks.sent(10, 5);
        assert_eq!(marks.arrived(9), None);
        assert_eq!(marks.arrived(10), Some(3));
        assert_eq!(marks.arrived(19), None);
        assert_eq!(marks.arrived(20), Some(5));
        assert_eq!(marks.arrived(20), None);
    }

    #[test]
    fn a_line_that_is_not_confirmed_takes_bounded_memory_and_says_too_little() {
        let mut marks = Marks::default();
        for end in 1..=1_000 {
            marks.sent(1, end);
        }
        assert_eq!(marks.marks.len(), MARKS_MAX);
        assert_eq!(marks.arrived(999), Some(255));
        assert_eq!(marks.arrived(1_000), Some(1_000));
    }
}
