//! The store of a data folder that is only read: for those who examine one. No octet of a file changes,
//! no file is made, no epoch begins and no thread runs. What the folder does not hold, such as nodes of
//! the tree that were not computed yet, is computed in memory.

use std::path::Path;

use engine::ports::catalog::{EntryPage, EntryQuery};
use engine::ports::log::{Node, Published};
use engine::ports::store::ReadError;
use engine::ports::workshop::Work;
use engine::ports::{Catalog, Log, Workshop};
use ledger::Hash;

use crate::audit::unread;
use crate::catalog::page;
use crate::config::EmbeddedConfig;
use crate::embedded::Shared;
use crate::folder::DataFolder;
use crate::open::{self, OpenError};
use crate::reader::failed;
use crate::{entries, rebuild, shrink};

/// A store that is only read.
pub struct ReadOnly {
    shared: Shared,
}

impl ReadOnly {
    /// Opens the store of a data folder, which must be there, as this program writes it. Until it is
    /// dropped the folder's lock is shared with others who only read, where there is one: a copy may have
    /// none.
    pub fn open(config: EmbeddedConfig) -> Result<Self, OpenError> {
        let folder = DataFolder::look_at(&config.folder)?;
        folder.find_database()?;
        let head = open::look(&folder, &config)?;
        Ok(Self {
            shared: Shared::to_read(config, folder, head),
        })
    }
}

impl std::fmt::Debug for ReadOnly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReadOnly({})", self.shared.config.folder.display())
    }
}

impl Log for ReadOnly {
    fn size(&self) -> Result<u64, ReadError> {
        Ok(self.shared.size())
    }

    fn minimum(&self) -> Result<u64, ReadError> {
        let found = self.shared.readers.with(|it| shrink::minimum(it));
        found.map_err(failed)
    }

    fn leaves(&self, from: u64, most: usize) -> Result<Vec<Hash>, ReadError> {
        entries::leaves(&self.shared, from, most).map_err(failed)
    }

    fn entries(&self, from: u64, most: usize) -> Result<Vec<Vec<u8>>, ReadError> {
        entries::entries(&self.shared, from, most).map_err(failed)
    }

    fn nodes(&self, level: u8, from: u64, most: usize) -> Result<Vec<Hash>, ReadError> {
        let nodes = self.shared.tree.nodes(&self.shared, level, from, most);
        nodes.map_err(unread)
    }

    fn publish(&self, _: &[Node], _: &Published) -> Result<(), ReadError> {
        let says = "the store is only read: nothing can be published";
        Err(ReadError::Failed(says.to_owned()))
    }

    fn latest(&self) -> Result<Option<Published>, ReadError> {
        self.shared.tree.latest(&self.shared).map_err(unread)
    }

    fn entry_of(&self, sequence: u64) -> Result<Option<u64>, ReadError> {
        entries::of_sequence(&self.shared, sequence).map_err(failed)
    }
}

/// It looks at the ledger itself: the catalogue is left closed.
impl Catalog for ReadOnly {
    fn search(&self, query: &EntryQuery) -> Result<EntryPage, ReadError> {
        page::search(&self.shared, query).map_err(failed)
    }
}

impl Workshop for ReadOnly {
    fn with_view(&self, work: &mut Work<'_>) -> Result<(), ReadError> {
        rebuild::with_view(&self.shared, work)
    }

    fn write_copy(&self, to: &Path, work: &mut Work<'_>) -> Result<(), ReadError> {
        rebuild::write_copy(&self.shared, to, work)
    }
}
