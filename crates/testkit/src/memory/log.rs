//! The ledger's side of a store in memory. Nodes are never kept: they are computed whenever they are
//! asked for.

use engine::ports::Log;
use engine::ports::log::{Node, Published};
use engine::ports::store::ReadError;
use ledger::{Frontier, Hash};

use super::image::{Image, Logged};
use super::{Health, MemoryStore};

impl Log for MemoryStore {
    fn size(&self) -> Result<u64, ReadError> {
        self.lock().read(|inner| inner.image.head().size)
    }

    fn minimum(&self) -> Result<u64, ReadError> {
        self.lock().read(|inner| inner.image.minimum)
    }

    fn leaves(&self, from: u64, most: usize) -> Result<Vec<Hash>, ReadError> {
        self.lock().read(|inner| {
            let found = page(&inner.image, from, most);
            found.map(|entry| entry.leaf).collect()
        })
    }

    fn entries(&self, from: u64, most: usize) -> Result<Vec<Vec<u8>>, ReadError> {
        let found: Vec<Vec<u8>> = self.lock().read(|inner| {
            let found = page(&inner.image, from, most);
            found.map(|entry| entry.bytes.clone()).collect()
        })?;
        let is_whole = found.iter().all(|bytes| !bytes.is_empty());
        is_whole
            .then_some(found)
            .ok_or_else(|| refused("an entry was pruned"))
    }

    fn nodes(&self, level: u8, from: u64, most: usize) -> Result<Vec<Hash>, ReadError> {
        check_level(level)?;
        self.lock()
            .read(|inner| nodes(&inner.image, level, from, most))
    }

    fn publish(&self, given: &[Node], checkpoint: &Published) -> Result<(), ReadError> {
        let mut inner = self.lock();
        inner.read(|_| ())?;
        if inner.health == Health::Dead {
            return Err(refused("the process is gone"));
        }
        may_publish(&inner.image, given, checkpoint)?;
        inner.image.published = Some(checkpoint.clone());
        Ok(())
    }

    fn latest(&self) -> Result<Option<Published>, ReadError> {
        self.lock().read(|inner| inner.image.published.clone())
    }

    fn entry_of(&self, sequence: u64) -> Result<Option<u64>, ReadError> {
        self.lock()
            .read(|inner| inner.image.accepted.get(&sequence).copied())
    }
}

fn page(image: &Image, from: u64, most: usize) -> impl Iterator<Item = &Logged> {
    let from = usize::try_from(from).unwrap();
    image.entries().iter().skip(from).take(most)
}

fn nodes(image: &Image, level: u8, from: u64, most: usize) -> Vec<Hash> {
    let Some(leaves) = 1_usize.checked_shl(u32::from(level)) else {
        return Vec::new();
    };
    let subtrees = image.entries().chunks_exact(leaves);
    let wanted = subtrees.skip(usize::try_from(from).unwrap()).take(most);
    wanted.map(root_of).collect()
}

fn root_of(entries: &[Logged]) -> Hash {
    let mut frontier = Frontier::new();
    for entry in entries {
        frontier.append(entry.leaf);
    }
    frontier.root()
}

fn may_publish(image: &Image, given: &[Node], next: &Published) -> Result<(), ReadError> {
    let last = image.published.as_ref();
    if next.size > image.head().size || last.is_some_and(|last| last.size > next.size) {
        return Err(refused(
            "the size is beyond the ledger, or smaller than before",
        ));
    }
    if last.is_some_and(|last| last.size == next.size && last.root != next.root) {
        return Err(refused("another root was published for this size"));
    }
    for node in given {
        check_level(node.level)?;
        let is_below = node.index < next.size >> node.level;
        if !is_below || nodes(image, node.level, node.index, 1) != [node.hash] {
            return Err(refused("a node is not one of this tree"));
        }
    }
    Ok(())
}

fn check_level(level: u8) -> Result<(), ReadError> {
    if (8..=56).contains(&level) && level.is_multiple_of(8) {
        Ok(())
    } else {
        Err(refused("no nodes are kept at this level"))
    }
}

fn refused(reason: &str) -> ReadError {
    ReadError::Failed(reason.to_owned())
}
