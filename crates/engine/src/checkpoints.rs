//! Checkpoints: once a second, when there is something new, the root over every durable entry is
//! guarded, signed, shown to the witnesses and published. What is signed is durable before it is
//! signed, and the key never signs two histories.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::time::Timestamp;
use ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use ledger::cosignature;
use ledger::note::Note;
use ledger::note::key::VerifierKey;
use ledger::note::signature::Signature;
use ledger::note::signer::{NoteSigner, SignError};
use ledger::tree::consistency;
use ledger::witness::exchange::{Ahead, Exchange, Next};
use ledger::{Fault, Frontier};
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};

use crate::gateway::Gateway;
use crate::ports::guard::{GuardError, Signed};
use crate::ports::log::{Node, Published};
use crate::ports::store::ReadError;
use crate::ports::{Guard, Log, SecondKey, Witness};
use crate::tree;
use crate::unsigned;
use crate::witnesses::{Missing, Round, Witnesses, is_enough};

/// How often a checkpoint is made when there is something new.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(1);
/// Leaves read at once.
const LEAVES_AT_ONCE: usize = 8_192;

/// A witness and the keys it may sign with.
pub struct Seat {
    /// Its name, for the log.
    pub name: String,
    /// The way to it.
    pub witness: Arc<dyn Witness>,
    /// Its keys.
    pub keys: Vec<VerifierKey>,
}

/// What happens to a checkpoint that too few witnesses cosigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WitnessPolicy {
    /// It is published all the same, and the log says so.
    BestEffort,
    /// It is published only when so many cosigned.
    Required(usize),
}

/// What makes a gateway's ledger a public log.
pub struct LedgerParts {
    /// The ledger.
    pub log: Arc<dyn Log>,
    /// The log's key; its name is the origin.
    pub signer: NoteSigner,
    /// A second key of the log, whose line stands below the first.
    pub second: Option<Arc<dyn SecondKey>>,
    /// Remembers what was signed last.
    pub guard: Arc<dyn Guard>,
    /// Who cosigns.
    pub witnesses: Vec<Seat>,
    /// What if they do not.
    pub policy: WitnessPolicy,
}

/// Why the ledger cannot be signed. Each needs a person: signing on would make two histories.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The ledger cannot be read or published.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The guard says that this is another history than the one signed before.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// A witness has seen more than there is.
    #[error("{name}: {ahead}; the data folder was rolled back, or its key signs elsewhere")]
    Ahead {
        /// Which witness.
        name: String,
        /// What it has seen.
        ahead: Ahead,
    },
    /// The checkpoint published last was signed by another key.
    #[error(
        "the last checkpoint was not signed by this log key: another key would be another log; put back the key \
         that belongs to this folder"
    )]
    OtherKey,
    /// An entry behind the last checkpoint is not what the gateway writes there.
    #[error(
        "{0}; it lies at or behind the last checkpoint, so somebody wrote into the data folder. Nothing was \
         signed or changed: keep a copy of the folder, have `shortstop ledger verify` tell all that is \
         wrong, and restore the newest backup"
    )]
    Behind(Fault),
    /// Entries are gone that no entry says were pruned.
    #[error(
        "the entries below {minimum} are gone, but no `ledger.pruned` entry tells of it, so somebody removed \
         them. Nothing was signed or changed: keep a copy of the folder and restore the newest backup"
    )]
    Unfounded {
        /// The minimum index of the data folder.
        minimum: u64,
    },
    /// A node of the tree is missing.
    #[error("the tree cannot be computed: a node is missing")]
    Tree,
    /// The signature could not be made.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The job that did the work ended badly.
    #[error("the work was cut off")]
    CutOff,
}

/// What came of asking a witness: its lines, or why it did not cosign and what it said.
type Asked = Result<Vec<Signature>, (Missing, String)>;

/// A ledger that is signed.
pub(crate) struct Ledger {
    pub(crate) parts: LedgerParts,
    pub(crate) witnesses: Witnesses,
    /// Whether the guard remembers nothing of a ledger that was signed before.
    pub(crate) is_guard_empty: bool,
    tree: Mutex<Tree>,
}

/// The tree up to the last checkpoint made.
struct Tree {
    frontier: Frontier,
    /// Finished nodes that are not published yet.
    nodes: Vec<Node>,
    published: Option<Published>,
    /// The size each witness cosigned last, by its place.
    cosigned: BTreeMap<usize, u64>,
}

impl Ledger {
    fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The checkpoint published last.
    pub(crate) fn published(&self) -> Option<Published> {
        self.tree().published.clone()
    }

    /// Takes up the tree where the last published checkpoint left it, and makes sure that it is the
    /// one signed before.
    pub(crate) fn open(parts: LedgerParts, now: Timestamp) -> Result<Self, LedgerError> {
        let log = parts.log.as_ref();
        let size = log.size()?;
        let published = log.latest()?.filter(|published| published.size <= size);
        let guarded = parts.guard.last()?;
        if let Some(last) = guarded {
            check_guard(log, size, last)?;
        }
        if let Some(published) = &published {
            check_key(&parts.signer, &published.note)?;
        }
        let signed = published.as_ref().map(|published| published.size);
        let signed = signed.or(guarded.map(|guarded| guarded.size));
        unsigned::check(log, signed.unwrap_or(0), size)?;
        let is_guard_empty = guarded.is_none() && published.is_some();
        let from = published.as_ref().map_or(0, |published| published.size);
        let peaks = tree::peaks(log, from)?.ok_or(LedgerError::Tree)?;
        let frontier = Frontier::resume(from, peaks).ok_or(LedgerError::Tree)?;
        let tree = Tree {
            frontier,
            nodes: Vec::new(),
            published,
            cosigned: BTreeMap::new(),
        };
        let names = parts.witnesses.iter().map(|seat| seat.name.clone());
        Ok(Self {
            witnesses: Witnesses::new(names, now),
            parts,
            is_guard_empty,
            tree: Mutex::new(tree),
        })
    }

    /// Takes in what has become durable, and signs it. `None` when nothing is new.
    fn sign(&self, now: Timestamp) -> Result<Option<SignedCheckpoint>, LedgerError> {
        let mut tree = self.tree();
        let size = self.parts.log.size()?;
        let last = tree
            .published
            .as_ref()
            .map_or(0, |published| published.size);
        while tree.frontier.size() < size {
            let leaves = self
                .parts
                .log
                .leaves(tree.frontier.size(), LEAVES_AT_ONCE)?;
            if leaves.is_empty() {
                break;
            }
            let Tree {
                frontier, nodes, ..
            } = &mut *tree;
            for leaf in leaves {
                frontier.append_with(leaf, |level, index, hash| {
                    if tree::is_stored(level) {
                        nodes.push(Node { level, index, hash });
                    }
                });
            }
        }
        let size = tree.frontier.size();
        if size == 0 || size == last {
            return Ok(None);
        }
        let root = tree.frontier.root();
        self.parts.guard.advance(Signed { size, root })?;
        let origin = self.parts.signer.verifier_key().name();
        let mut signed = Checkpoint::new(origin, size, root).sign(&self.parts.signer)?;
        if let Some(second) = &self.parts.second {
            let (key, seconds) = (second.verifier_key(), now.micros() / 1_000_000);
            let sign = |message: &[u8]| second.sign(message);
            let line = cosignature::ml_dsa_line(key, signed.note().text(), seconds, sign)?;
            signed.add(line);
        }
        Ok(Some(signed))
    }

    /// Publishes a signed checkpoint with the cosignatures that it has.
    fn publish(&self, signed: &SignedCheckpoint) -> Result<(), LedgerError> {
        let mut tree = self.tree();
        let checkpoint = signed.checkpoint();
        let published = Published {
            size: checkpoint.size(),
            root: *checkpoint.root(),
            note: signed.to_string(),
        };
        self.parts.log.publish(&tree.nodes, &published)?;
        tree.nodes.clear();
        tree.published = Some(published);
        Ok(())
    }

    /// Asks every witness at once, so that a silent one delays the others by no more than its own
    /// time limit.
    async fn ask_all(
        self: &Arc<Self>,
        signed: &mut SignedCheckpoint,
    ) -> Result<Vec<Round>, LedgerError> {
        let mut asked = JoinSet::new();
        for place in 0..self.parts.witnesses.len() {
            let (ledger, shown) = (Arc::clone(self), signed.clone());
            asked.spawn(async move { (place, ledger.ask(place, &shown).await) });
        }
        let mut rounds = Vec::new();
        while let Some(answer) = asked.join_next().await {
            let (place, asked) = answer.map_err(|_| LedgerError::CutOff)?;
            let cosigned = asked?.map(|lines| {
                for line in lines {
                    signed.add(line);
                }
            });
            rounds.push(Round { place, cosigned });
        }
        Ok(rounds)
    }

    /// Asks one witness. Gives its lines, or why it did not cosign.
    async fn ask(&self, place: usize, signed: &SignedCheckpoint) -> Result<Asked, LedgerError> {
        let Some(seat) = self.parts.witnesses.get(place) else {
            return Ok(Ok(Vec::new()));
        };
        let ahead = |ahead| LedgerError::Ahead {
            name: seat.name.clone(),
            ahead,
        };
        let remembered = self.tree().cosigned.get(&place).copied().unwrap_or(0);
        let mut exchange =
            Exchange::begin(signed.clone(), seat.keys.clone(), remembered).map_err(ahead)?;
        loop {
            let proof = self.proof(exchange.old(), signed)?;
            let body = exchange.request(proof).to_string();
            let answer = match seat.witness.add_checkpoint(body).await {
                Ok(answer) => answer,
                Err(error) => return Ok(Err((Missing::NoAnswer, error.to_string()))),
            };
            match exchange.answer(answer.status, &answer.body) {
                Next::Again(again) => exchange = again,
                Next::Ahead(far) => return Err(ahead(far)),
                Next::Failed(fault) => return Ok(Err((Missing::NotCosigned, fault.to_string()))),
                Next::Cosigned { lines, .. } => {
                    let size = signed.checkpoint().size();
                    self.tree().cosigned.insert(place, size);
                    return Ok(Ok(lines));
                }
            }
        }
    }

    fn proof(&self, old: u64, signed: &SignedCheckpoint) -> Result<Vec<ledger::Hash>, LedgerError> {
        let size = signed.checkpoint().size();
        if old == 0 || old == size {
            return Ok(Vec::new());
        }
        let proof = tree::with_nodes(self.parts.log.as_ref(), |nodes| {
            consistency::prove(nodes, old, size)
        });
        proof?.map_err(|_| LedgerError::Tree)
    }
}

/// A ledger is signed by one key for ever.
fn check_key(signer: &NoteSigner, note: &str) -> Result<(), LedgerError> {
    let keys = [signer.verifier_key().clone()];
    let note = Note::parse(note.as_bytes()).map_err(|_| LedgerError::OtherKey)?;
    note.verify(&keys)
        .map(drop)
        .map_err(|_| LedgerError::OtherKey)
}

/// A guard that signed something else before stops the gateway.
fn check_guard(log: &dyn Log, size: u64, last: Signed) -> Result<(), LedgerError> {
    if last.size > size {
        return Err(GuardError::RolledBack {
            signed: last.size,
            size,
        }
        .into());
    }
    let peaks = tree::peaks(log, last.size)?.ok_or(LedgerError::Tree)?;
    let then = Frontier::resume(last.size, peaks).ok_or(LedgerError::Tree)?;
    if then.root() != last.root {
        return Err(GuardError::Forked { size: last.size }.into());
    }
    Ok(())
}

impl Gateway {
    /// Makes the ledger a public log. Blocks; call it once, after the start and before serving. An
    /// error means that this folder must not go on: a person has to look.
    pub fn attach_ledger(&self, parts: LedgerParts) -> Result<(), LedgerError> {
        let ledger = Ledger::open(parts, self.now())?;
        // A second call changes nothing: the origin never changes while a gateway runs.
        let _ = self.ledger.set(Arc::new(ledger));
        Ok(())
    }

    /// Makes a checkpoint if there is something new. Gives whether one was published.
    pub async fn make_checkpoint(&self) -> Result<bool, LedgerError> {
        let Some(ledger) = self.ledger.get().map(Arc::clone) else {
            return Ok(false);
        };
        let (signing, now) = (Arc::clone(&ledger), self.now());
        let signed = spawn_blocking(move || signing.sign(now)).await;
        let Some(mut signed) = signed.map_err(|_| LedgerError::CutOff)?? else {
            self.watch_witnesses(&ledger, &[], now);
            return Ok(false);
        };
        let rounds = ledger.ask_all(&mut signed).await?;
        let now = self.now();
        self.watch_witnesses(&ledger, &rounds, now);
        let cosigned = rounds.iter().filter(|round| round.cosigned.is_ok());
        if !is_enough(&ledger, cosigned.count(), now) {
            return Ok(false);
        }
        let publishing = spawn_blocking(move || ledger.publish(&signed));
        publishing.await.map_err(|_| LedgerError::CutOff)??;
        Ok(true)
    }

    /// Makes checkpoints until told to stop, and a last one then. An error means that the key must not
    /// sign any more.
    pub async fn run_checkpoints(
        self: Arc<Self>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), LedgerError> {
        let mut ticks = interval(CHECKPOINT_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let stopping = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => true,
                _ = ticks.tick() => false,
            };
            match self.make_checkpoint().await {
                Ok(_) => {}
                // A store that is away is brought back by the housekeeper.
                Err(LedgerError::Read(error)) => {
                    tracing::warn!(%error, "no checkpoint could be made");
                }
                Err(error) => return Err(error),
            }
            if stopping {
                return Ok(());
            }
        }
    }
}
