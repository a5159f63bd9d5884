//! A shelf for a rebuilding, in memory.

use std::collections::BTreeMap;

use engine::ports::Shelf;
use engine::ports::shelf::{Promise, Told};
use engine::ports::store::ReadError;
use engine::rows::{ClientRow, FactorRow, InboundRow, MessageRow, OptOutRow};

/// Rebuilt rows.
#[derive(Clone, Debug, Default)]
pub struct MemoryShelf {
    messages: BTreeMap<u64, MessageRow>,
    inbounds: BTreeMap<u64, InboundRow>,
    opt_outs: BTreeMap<u64, OptOutRow>,
    factors: BTreeMap<u64, FactorRow>,
    promises: BTreeMap<u64, Promise>,
    clients: BTreeMap<u64, ClientRow>,
}

impl Shelf for MemoryShelf {
    fn put(&mut self, row: Told) -> Result<(), ReadError> {
        match row {
            Told::Message(row) => drop(self.messages.insert(row.id.sequence(), *row)),
            Told::Inbound(row) => drop(self.inbounds.insert(row.id.sequence(), *row)),
            Told::OptOut(row) => drop(self.opt_outs.insert(row.sequence, row)),
            Told::Factor(row) => drop(self.factors.insert(row.id.sequence(), *row)),
            Told::Client(row) => drop(self.clients.insert(row.id.sequence(), *row)),
            Told::Promise(promise) => drop(self.promises.insert(promise.key(), promise)),
        }
        Ok(())
    }

    fn message(&self, sequence: u64) -> Result<Option<MessageRow>, ReadError> {
        Ok(self.messages.get(&sequence).cloned())
    }

    fn messages(&self, after: Option<u64>, most: usize) -> Result<Vec<MessageRow>, ReadError> {
        Ok(page(&self.messages, after, most))
    }

    fn inbounds(&self, after: Option<u64>, most: usize) -> Result<Vec<InboundRow>, ReadError> {
        Ok(page(&self.inbounds, after, most))
    }

    fn opt_outs(&self, after: Option<u64>, most: usize) -> Result<Vec<OptOutRow>, ReadError> {
        Ok(page(&self.opt_outs, after, most))
    }

    fn factor(&self, sequence: u64) -> Result<Option<FactorRow>, ReadError> {
        Ok(self.factors.get(&sequence).cloned())
    }

    fn factors(&self, after: Option<u64>, most: usize) -> Result<Vec<FactorRow>, ReadError> {
        Ok(page(&self.factors, after, most))
    }

    fn promises(&self, after: Option<u64>, most: usize) -> Result<Vec<Promise>, ReadError> {
        Ok(page(&self.promises, after, most))
    }

    fn clients(&self) -> Result<Vec<ClientRow>, ReadError> {
        Ok(self.clients.values().cloned().collect())
    }
}

/// The rows behind a key.
pub(super) fn page<T: Clone>(rows: &BTreeMap<u64, T>, after: Option<u64>, most: usize) -> Vec<T> {
    let from = after.map_or(0, |after| after + 1);
    let rows = rows.range(from..).take(most);
    rows.map(|(_, row)| row.clone()).collect()
}
