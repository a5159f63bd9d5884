//! The certificates in force: those of the listeners, those that are shown to others, and the authorities behind all of
//! them.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use engine::Gateway;
use engine::ports::Clock as _;
use tls::{Speaks, TlsSlot};

use crate::clock::SystemClock;
use crate::config::Checked;
use crate::endings::{self, Diary, ListenerFiles, Row};

/// The certificates in force.
#[derive(Clone)]
pub(super) struct Doors {
    pub(super) https: Arc<TlsSlot>,
    /// Those of the door for ESMEs, when it has any.
    pub(super) esmes: Option<Arc<TlsSlot>>,
    files: Arc<RwLock<Vec<ListenerFiles>>>,
    /// Those that are read at the start alone.
    outgoing: Arc<[Row]>,
    diary: Arc<Mutex<Diary>>,
}

impl Doors {
    /// Of the listeners of a configuration, with the folder of what the gateway makes and obtains.
    pub(super) fn new(
        https: TlsSlot,
        esmes: Option<Arc<TlsSlot>>,
        (checked, tls): (&Checked, &Path),
    ) -> Self {
        Self {
            https: Arc::new(https),
            esmes,
            files: Arc::new(RwLock::new(ListenerFiles::of(checked, tls))),
            outgoing: endings::outgoing(checked).into(),
            diary: Arc::default(),
        }
    }

    /// Everything that the gateway depends on, and when it ends.
    pub(super) fn rows(&self, gateway: &Gateway) -> Vec<Row> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<Row> = files
            .iter()
            .filter_map(|files| self.slot(files.speaks()).map(|slot| (files, slot)))
            .flat_map(|(files, slot)| files.rows(slot.endings()))
            .collect();
        drop(files);
        found.extend(self.outgoing.iter().cloned());
        let esmes = gateway.esme_certificates();
        let esmes = esmes.iter();
        found.extend(esmes.map(|(system_id, life)| Row::of_esme(system_id.as_str(), *life)));
        found
    }

    /// The listeners that show the certificate that the gateway makes itself.
    pub(super) fn made(&self) -> Vec<&TlsSlot> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let made = files.iter().filter(|files| files.is_made());
        made.filter_map(|files| self.slot(files.speaks())).collect()
    }

    /// The configuration was read again: everything is said again.
    pub(super) fn read_again(&self, checked: &Checked, tls: &Path) {
        let files = ListenerFiles::of(checked, tls);
        *self.files.write().unwrap_or_else(PoisonError::into_inner) = files;
        let mut diary = self.diary.lock().unwrap_or_else(PoisonError::into_inner);
        diary.forget();
    }

    /// Says what is new of those that end soon.
    pub(super) fn warn(&self, gateway: &Gateway) {
        let rows = self.rows(gateway);
        let mut diary = self.diary.lock().unwrap_or_else(PoisonError::into_inner);
        endings::warn(&mut diary, &rows, SystemClock.now());
    }

    fn slot(&self, speaks: Speaks) -> Option<&TlsSlot> {
        match speaks {
            Speaks::Http => Some(&self.https),
            Speaks::Smpp => self.esmes.as_deref(),
        }
    }
}
