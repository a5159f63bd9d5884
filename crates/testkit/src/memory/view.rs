//! A moment of a store in memory, and the workshop that lends it.

use std::path::Path;

use engine::ports::store::ReadError;
use engine::ports::workshop::Work;
use engine::ports::{Pruning, View, Workshop};
use engine::rows::{
    ClientRow, FactorRow, InboundRow, KekRow, MessageRow, OptOutRow, Purpose, SecretRow, VaultRow,
};
use ledger::Hash;

use super::MemoryStore;
use super::image::Image;
use super::shelf::{MemoryShelf, page};

impl View for Image {
    fn minimum(&self) -> u64 {
        self.minimum
    }

    fn snapshot(&self, part: u32) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(self.snapshots.get(&(self.minimum, part)).cloned())
    }

    fn size(&self) -> u64 {
        u64::try_from(self.entries().len()).unwrap()
    }

    fn entries(&self, from: u64, most: usize) -> Result<Vec<Vec<u8>>, ReadError> {
        let from = usize::try_from(from).unwrap();
        let found = Self::entries(self).iter().skip(from).take(most);
        Ok(found.map(|entry| entry.bytes.clone()).collect())
    }

    fn leaves(&self, from: u64, most: usize) -> Result<Vec<Hash>, ReadError> {
        let from = usize::try_from(from).unwrap();
        let found = Self::entries(self).iter().skip(from).take(most);
        Ok(found.map(|entry| entry.leaf).collect())
    }

    fn messages(&self, after: Option<u64>, most: usize) -> Result<Vec<MessageRow>, ReadError> {
        Ok(page(&self.messages, after, most))
    }

    fn inbounds(&self, after: Option<u64>, most: usize) -> Result<Vec<InboundRow>, ReadError> {
        Ok(page(&self.inbound, after, most))
    }

    fn entry_of(&self, sequence: u64) -> Result<Option<u64>, ReadError> {
        Ok(self.accepted.get(&sequence).copied())
    }

    fn opt_outs(&self, after: Option<u64>, most: usize) -> Result<Vec<OptOutRow>, ReadError> {
        Ok(page(&self.opt_outs, after, most))
    }

    fn factors(&self, after: Option<u64>, most: usize) -> Result<Vec<FactorRow>, ReadError> {
        Ok(page(&self.factors, after, most))
    }

    fn vault(&self, after: Option<u64>, most: usize) -> Result<Vec<VaultRow>, ReadError> {
        let from = after.map_or(0, |after| after + 1);
        let purpose = Purpose::ALL[usize::try_from(from & 3).unwrap()];
        let rows = self.vault.range((from >> 2, purpose)..).take(most);
        Ok(rows.map(|(_, row)| row.clone()).collect())
    }

    fn clients(&self) -> Result<Vec<ClientRow>, ReadError> {
        Ok(self.clients.values().cloned().collect())
    }

    fn secrets(&self) -> Result<Vec<SecretRow>, ReadError> {
        Ok(self.secrets.values().cloned().collect())
    }

    fn keks(&self) -> Result<Vec<KekRow>, ReadError> {
        Ok(self.keks.values().cloned().collect())
    }

    fn parts(&self) -> Result<Vec<u64>, ReadError> {
        Ok(self.parts.keys().copied().collect())
    }
}

impl Pruning for MemoryStore {
    fn keep_part(&self, minimum: u64, part: u32, sealed: Vec<u8>) -> Result<(), ReadError> {
        let mut inner = self.lock();
        inner.read(|_| ())?;
        let image = &mut inner.image;
        if part == 0 {
            let in_force = image.minimum;
            image
                .snapshots
                .retain(|(minimum, _), _| *minimum == in_force);
        }
        image.snapshots.insert((minimum, part), sealed);
        Ok(())
    }

    fn drop_some(&self) -> Result<u64, ReadError> {
        let mut inner = self.lock();
        inner.read(|_| ())?;
        Ok(inner.image.drop_tile())
    }
}

impl Workshop for MemoryStore {
    fn with_view(&self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let image = self.lock().read(|inner| inner.image.clone())?;
        work(&image, &mut MemoryShelf::default())
    }

    fn write_copy(&self, to: &Path, work: &mut Work<'_>) -> Result<(), ReadError> {
        self.with_view(work)?;
        // There is no folder to copy; a file shows that it was asked for.
        let written = std::fs::write(to, b"copy of a store in memory");
        written.map_err(|error| ReadError::Unwritten(error.to_string()))
    }
}
