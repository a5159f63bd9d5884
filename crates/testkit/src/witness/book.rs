//! What a witness remembers, and its answers. One request at a time: review, cosign, store, answer.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use engine::ports::Clock;
use ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use ledger::cosignature::Cosigner;
use ledger::note::Note;
use ledger::note::key::{KeyName, VerifierKey};
use ledger::tree::consistency::TreeHead;
use ledger::witness::review::{KnownLog, Review, review};
use ledger::witness::{AddCheckpoint, SIZE_TYPE, monitoring_path};

use super::WitnessSetup;

/// The media type of everything but a size.
const TEXT: &str = "text/plain; charset=utf-8";

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) kind: &'static str,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn text(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            kind: TEXT,
            body: body.into(),
        }
    }
}

/// A log that the witness knows.
#[derive(Debug)]
struct Log {
    keys: Vec<VerifierKey>,
    /// With the log's signature and the cosignature.
    last: Option<SignedCheckpoint>,
}

impl Log {
    fn head(&self) -> Option<TreeHead> {
        self.last.as_ref().map(|last| last.checkpoint().head())
    }
}

/// The memory of a witness.
pub(super) struct Book {
    cosigner: Cosigner,
    folder: PathBuf,
    clock: Arc<dyn Clock>,
    logs: Mutex<BTreeMap<String, Log>>,
}

impl std::fmt::Debug for Book {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Book({:?})", self.cosigner)
    }
}

impl Book {
    /// Reads what was cosigned before. What cannot be read, or is not its own, is an error: a witness
    /// that forgot would cosign a fork.
    pub(super) fn open(setup: WitnessSetup) -> io::Result<Self> {
        let name = KeyName::parse(&setup.name).map_err(invalid)?;
        let cosigner = Cosigner::from_seed(name, &setup.seed).map_err(invalid)?;
        let mut logs = BTreeMap::new();
        for key in setup.logs {
            let origin = key.name().to_string();
            let log = logs.entry(origin).or_insert_with(|| Log {
                keys: Vec::new(),
                last: None,
            });
            log.keys.push(key);
        }
        for (origin, log) in &mut logs {
            log.last = remembered(&setup.folder, origin, cosigner.verifier_key())?;
        }
        Ok(Self {
            cosigner,
            folder: setup.folder,
            clock: setup.clock,
            logs: Mutex::new(logs),
        })
    }

    pub(super) fn key(&self) -> &VerifierKey {
        self.cosigner.verifier_key()
    }

    pub(super) fn last(&self, origin: &str) -> Option<TreeHead> {
        self.logs.lock().unwrap().get(origin)?.head()
    }

    /// `POST add-checkpoint`. Blocks.
    pub(super) fn add_checkpoint(&self, body: &[u8]) -> Answer {
        let mut logs = self.logs.lock().unwrap();
        let known = |origin: &str| {
            let log = logs.get(origin)?;
            let (keys, last) = (log.keys.clone(), log.head());
            Some(KnownLog { keys, last })
        };
        let reviewed = review(body, known);
        let status = reviewed.status();
        match reviewed {
            Review::Conflict { size } => Answer {
                kind: SIZE_TYPE,
                ..Answer::text(status, format!("{size}\n"))
            },
            Review::Refuse(refusal) => Answer::text(status, format!("{refusal}\n")),
            Review::Cosign { checkpoint, text } => {
                let log = logs.get_mut(checkpoint.origin()).unwrap();
                match self.cosigned(body, &checkpoint, &text) {
                    Ok((cosigned, line)) => {
                        log.last = Some(cosigned);
                        Answer::text(status, line)
                    }
                    Err(error) => Answer::text(500, format!("nothing can be stored: {error}\n")),
                }
            }
        }
    }

    /// Stores a checkpoint with the log's signature and a cosignature; gives both.
    fn cosigned(
        &self,
        body: &[u8],
        checkpoint: &Checkpoint,
        text: &str,
    ) -> io::Result<(SignedCheckpoint, String)> {
        let line = self
            .cosigner
            .cosign(text, self.clock.now().seconds())
            .map_err(invalid)?;
        let mut signed = AddCheckpoint::parse(body).map_err(invalid)?.checkpoint;
        signed.add(line.clone());
        let path = self.folder.join(monitoring_path(checkpoint.origin()));
        store(&path, signed.to_string().as_bytes())?;
        Ok((signed, format!("{line}\n")))
    }

    /// `GET <hex>/checkpoint`.
    pub(super) fn latest(&self, path: &str) -> Option<String> {
        let logs = self.logs.lock().unwrap();
        let (_, log) = logs
            .iter()
            .find(|(origin, _)| monitoring_path(origin) == path)?;
        Some(log.last.as_ref()?.to_string())
    }
}

fn remembered(
    folder: &Path,
    origin: &str,
    key: &VerifierKey,
) -> io::Result<Option<SignedCheckpoint>> {
    let bytes = match fs::read(folder.join(monitoring_path(origin))) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let signed = SignedCheckpoint::parse(&bytes).map_err(invalid)?;
    let note: &Note = signed.note();
    note.verify(std::slice::from_ref(key)).map_err(invalid)?;
    if signed.checkpoint().origin() != origin {
        return Err(invalid("a checkpoint of another log"));
    }
    Ok(Some(signed))
}

/// Replaces a file; it and its name are on disk when this returns.
fn store(path: &Path, octets: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap();
    fs::create_dir_all(folder)?;
    let fresh = path.with_extension("new");
    let mut file = File::create(&fresh)?;
    file.write_all(octets)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    File::open(folder)?.sync_all()?;
    // The folder itself may be new.
    File::open(folder.parent().unwrap())?.sync_all()
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
