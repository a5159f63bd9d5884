//! Puts the ports into a gateway: the embedded store, the system's clock and entropy, the master key, and
//! the links it is handed. No rule is here, only what is plugged where.

use std::sync::Arc;
use std::time::Duration;

use engine::ports::Carriers;
use engine::ports::carrier::{BindId, Submission};
use engine::{Gateway, MasterKey, Parts};
use store::{Embedded, EmbeddedConfig};

use crate::clock::SystemClock;
use crate::config::Checked;
use crate::entropy::SystemEntropy;
use crate::exit::{Exit, Failure};
use crate::folder::DataFolder;
use crate::master_key::{self, Origin};

/// A gateway on its open store.
pub struct Opened {
    /// The gateway.
    pub gateway: Arc<Gateway>,
    store: Arc<Embedded>,
}

impl Opened {
    /// Closes the store; blocks until everything is on disk.
    pub fn close(&self) {
        self.store.close();
    }
}

/// Opens the data folder's store and starts a gateway on it, which is under the folder's lock from then
/// on. Blocks.
pub fn open(
    checked: &Checked,
    folder: &DataFolder,
    carriers: Arc<dyn Carriers>,
) -> Result<Opened, Failure> {
    let master = master_key(checked, folder)?;
    let mut config = EmbeddedConfig::new(folder.path(), checked.node.clone());
    config.bounds = bounds(checked);
    let store = Embedded::open(config).map_err(|error| Failure::new(Exit::Unavailable, error))?;
    let store = Arc::new(store);
    let gateway = Gateway::start(Parts {
        store: store.clone(),
        carriers,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy::default()),
        master,
        node: checked.node.clone(),
        settings: checked.settings.clone(),
    });
    let gateway = gateway.map_err(|error| Failure::new(Exit::Unavailable, error))?;
    Ok(Opened { gateway, store })
}

fn master_key(checked: &Checked, folder: &DataFolder) -> Result<MasterKey, Failure> {
    let configured = checked.master_key_file.as_deref();
    let found = master_key::find(folder, configured)
        .map_err(|error| Failure::new(Exit::Unavailable, error))?;
    if found.origin == Origin::Made {
        tracing::warn!(
            path = %found.path.display(),
            "a new master key was made: back it up now, apart from the data; without it nobody can \
             read the numbers and texts in this folder"
        );
    }
    Ok(found.key)
}

fn bounds(checked: &Checked) -> store::Bounds {
    let section = &checked.store;
    store::Bounds {
        queue_max: section.queue_max,
        group_changes_max: section.group_changes_max,
        group_bytes_max: section.group_bytes_max,
        readers: section.readers,
        reads_waiting_max: section.reads_waiting_max,
        page_scan_max: section.page_scan_max,
        checkpoint_start_bytes: section.checkpoint_start_bytes,
        checkpoint_hard_bytes: section.checkpoint_hard_bytes,
        index_batch_rows: section.index_batch_rows,
        carrier_ids_waiting_max: section.carrier_ids_waiting_max,
        stall_max: Duration::from_secs(section.stall_seconds),
        prune_rows_max: section.prune_rows_max,
    }
}

/// For commands that work on a data folder alone: no bind is ever up, so nothing is ever handed over.
pub fn no_carriers() -> Arc<dyn Carriers> {
    Arc::new(NoCarriers)
}

struct NoCarriers;

impl Carriers for NoCarriers {
    fn submit(&self, bind: &BindId, batch: Vec<Submission>) {
        tracing::error!(
            ?bind,
            segments = batch.len(),
            "segments for a bind that cannot be up"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn defaults_of_the_store_and_of_the_file_are_the_same() {
        let checked = Checked::try_from(&Config::default()).unwrap();
        assert_eq!(
            format!("{:?}", bounds(&checked)),
            format!("{:?}", store::Bounds::default())
        );
    }
}
