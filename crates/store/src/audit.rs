//! The ledger's side of the store: the ports through which its entries become a public log and are
//! searched.

use engine::ports::catalog::{EntryPage, EntryQuery};
use engine::ports::log::{Node, Published};
use engine::ports::store::ReadError;
use engine::ports::{Catalog, Log};
use ledger::Hash;

use crate::catalog::page;
use crate::embedded::Embedded;
use crate::entries;
use crate::reader::failed;
use crate::shrink;
use crate::tree::TreeError;

impl Log for Embedded {
    fn size(&self) -> Result<u64, ReadError> {
        Ok(self.shared.size())
    }

    fn minimum(&self) -> Result<u64, ReadError> {
        let found = self
            .shared
            .readers
            .with(|database| shrink::minimum(database));
        found.map_err(failed)
    }

    fn leaves(&self, from: u64, most: usize) -> Result<Vec<Hash>, ReadError> {
        entries::leaves(&self.shared, from, most).map_err(failed)
    }

    fn entries(&self, from: u64, most: usize) -> Result<Vec<Vec<u8>>, ReadError> {
        entries::entries(&self.shared, from, most).map_err(failed)
    }

    fn recent(&self, from: u64, most: usize) -> Vec<(u64, Hash)> {
        entries::stamps(&self.shared, from, most)
    }

    fn nodes(&self, level: u8, from: u64, most: usize) -> Result<Vec<Hash>, ReadError> {
        let nodes = self.shared.tree.nodes(&self.shared, level, from, most);
        nodes.map_err(unread)
    }

    fn publish(&self, nodes: &[Node], checkpoint: &Published) -> Result<(), ReadError> {
        let published = self.shared.tree.publish(&self.shared, nodes, checkpoint);
        published.map_err(unread)
    }

    fn latest(&self) -> Result<Option<Published>, ReadError> {
        self.shared.tree.latest(&self.shared).map_err(unread)
    }

    fn entry_of(&self, sequence: u64) -> Result<Option<u64>, ReadError> {
        entries::of_sequence(&self.shared, sequence).map_err(failed)
    }
}

impl Catalog for Embedded {
    fn search(&self, query: &EntryQuery) -> Result<EntryPage, ReadError> {
        page::search(&self.shared, query).map_err(failed)
    }
}

/// The error of a read of the tree.
pub(crate) fn unread(error: TreeError) -> ReadError {
    match error {
        TreeError::Ledger(error) => failed(error),
        error => ReadError::Failed(error.to_string()),
    }
}
