//! Puts the ports into a gateway: the embedded store, the system's clock and entropy, the master key, and
//! the links it is handed. No rule is here, only what is plugged where.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine::ports::carrier::{BindId, Submission};
use engine::ports::{Carriers, Keyring as _, Log, Pruning, Workshop};
use engine::rebuild::Judge;
use engine::{Gateway, LedgerError, MasterKey, Parts, SealParts, StartError};
use store::{Embedded, EmbeddedConfig, FileCounts, FileKeyring, FileSeals, OpenError, ReadOnly};

use crate::clock::SystemClock;
use crate::config::Checked;
use crate::entropy::SystemEntropy;
use crate::exit::{Exit, Failure};
use crate::folder::DataFolder;
use crate::key_places::{self, KeyPlace};
use crate::log_key;
use crate::master_key::{self, Origin};
use crate::public_log::{self, PublicLog};

/// A gateway on its open store.
pub struct Opened {
    /// The gateway.
    pub gateway: Arc<Gateway>,
    /// Its ledger, for everybody.
    pub public: Arc<PublicLog>,
    /// Where its keys lie.
    pub keys: Arc<Vec<KeyPlace>>,
    store: Arc<Embedded>,
}

impl Opened {
    /// Where the state of its store is rebuilt, and its ledger pruned.
    pub fn workshop(&self) -> Arc<dyn Pruning> {
        self.store.clone()
    }

    /// Signs and publishes what has happened so far, if anything has. What passes by itself is left for
    /// the next time.
    pub async fn sign(&self) -> Result<(), Failure> {
        match self.gateway.make_checkpoint().await {
            Ok(_) => Ok(()),
            Err(LedgerError::Read(error)) => {
                tracing::warn!(%error, "no checkpoint could be made");
                Ok(())
            }
            Err(error) => Err(public_log::failure(&error)),
        }
    }

    /// Has the ledger sealed, if that is configured, and says so while the first key still lies here.
    pub fn attach_seals(&self, checked: &Checked, folder: &DataFolder) {
        let first = folder.first_seal_key();
        if first.exists() {
            tracing::warn!(path = %first.display(), "{}", key_places::FIRST_SEAL_KEY_WARNING);
        }
        let Some(epoch) = checked.ledger.seal_epoch else {
            return;
        };
        self.gateway.attach_seals(SealParts {
            log: self.store.clone(),
            seals: Arc::new(FileSeals::new(folder.path(), folder.keys())),
            origin: self.public.vkey.name().as_str().to_owned(),
            epoch,
        });
    }

    /// Lets others be told of what happens, and begins to keep it for ESMEs. Blocks.
    pub fn attach_events(&self) {
        self.gateway.attach_events(self.store.clone());
        self.gateway.open_esme_queues();
    }

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
    open_under(checked, folder, carriers, master)
}

/// The same under this master key.
pub fn open_under(
    checked: &Checked,
    folder: &DataFolder,
    carriers: Arc<dyn Carriers>,
    master: MasterKey,
) -> Result<Opened, Failure> {
    let store = open_store(checked, folder.path())?;
    let parts = public_log::parts(checked, folder, store.clone())?;
    let vkey = parts.signer.verifier_key().clone();
    let second = parts.second.as_ref();
    let second = second.map(|second| second.verifier_key().clone());
    let public = PublicLog::new(
        store.clone(),
        (vkey, second),
        (&checked.ledger, folder.seals()),
    );
    let gateway = Parts {
        store: store.clone(),
        carriers,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy::default()),
        master,
        keyring: Arc::new(FileKeyring::new(folder.keys())),
        counts: Arc::new(FileCounts::new(folder.path())),
        node: checked.node.clone(),
        settings: checked.settings.clone(),
    };
    let gateway = Gateway::start_signed(gateway, parts).map_err(|error| {
        store.close();
        match error {
            StartError::Ledger(error) => public_log::failure(&error),
            error => Failure::new(Exit::Unavailable, error),
        }
    })?;
    gateway.attach_events(store.clone());
    Ok(Opened {
        gateway,
        public: Arc::new(public),
        keys: Arc::new(key_places::places(checked, folder)),
        store,
    })
}

/// Opens the data folder's store without a gateway, to read its ledger: no octet of the folder changes.
/// Blocks.
pub fn open_log(checked: &Checked, folder: &DataFolder) -> Result<PublicLog, Failure> {
    let recorded = log_key::read_record(&folder.log_vkey()).map_err(public_log::key_failure)?;
    let Some(vkey) = recorded else {
        let says = "this ledger was never signed; start the gateway once";
        return Err(Failure::unavailable(says));
    };
    let second = log_key::read_record(&folder.log_second_vkey());
    let second = second.map_err(public_log::key_failure)?;
    let store: Arc<dyn Log> = open_to_read(checked, folder.path())?;
    Ok(PublicLog::new(
        store,
        (vkey, second),
        (&checked.ledger, folder.seals()),
    ))
}

/// Opens the data folder's store without a gateway, to rebuild its state: no octet of the folder changes.
/// Blocks.
pub fn open_workshop(
    checked: &Checked,
    folder: &DataFolder,
) -> Result<(Arc<dyn Workshop>, Judge), Failure> {
    if !folder.store().exists() {
        let place = folder.path().display();
        return Err(Failure::unavailable(format!("{place} holds no store")));
    }
    let salts = FileKeyring::new(folder.keys()).read();
    let salts = salts.map_err(|error| Failure::new(Exit::Unavailable, error))?;
    let judge = Judge::new(&master_key(checked, folder)?, salts);
    Ok((open_to_read(checked, folder.path())?, judge))
}

/// Whether any key of a data folder's vault is where it should be: the master key or a salt.
pub fn has_keys(checked: &Checked, folder: &DataFolder) -> bool {
    let master = master_key::place(folder, checked.master_key_file.as_deref());
    let salt = folder.keys().join(FileKeyring::NAME);
    master.exists() || salt.exists()
}

fn open_store(checked: &Checked, folder: &Path) -> Result<Arc<Embedded>, Failure> {
    let store = Embedded::open(store_config(checked, folder));
    store.map(Arc::new).map_err(not_opened)
}

/// Opens the data folder's store to read it: no octet of the folder changes. Blocks.
pub fn open_to_read(checked: &Checked, folder: &Path) -> Result<Arc<ReadOnly>, Failure> {
    let store = ReadOnly::open(store_config(checked, folder));
    store.map(Arc::new).map_err(not_opened)
}

fn store_config(checked: &Checked, folder: &Path) -> EmbeddedConfig {
    let mut config = EmbeddedConfig::new(folder, checked.node.clone());
    config.bounds = bounds(checked);
    config
}

fn not_opened(error: OpenError) -> Failure {
    let exit = match &error {
        OpenError::Damaged { .. } => Exit::CheckFailed,
        _ => Exit::Unavailable,
    };
    Failure::new(exit, error)
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
        catalog_batch_blocks: section.catalog_batch_blocks,
        page_blocks_max: section.page_blocks_max,
        carrier_ids_waiting_max: section.carrier_ids_waiting_max,
        stall_max: Duration::from_secs(section.stall_seconds),
        prune_rows_max: section.prune_rows_max,
        reserve_bytes: section.reserve_mib.saturating_mul(1 << 20),
        low_water_bytes: section.low_water_mib.saturating_mul(1 << 20),
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
