//! A small log in memory, published, signed and cosigned as the product does it; and the hands of an
//! attacker: what they can change on disk, and what they can build anew.

use std::collections::BTreeMap;

use ledger::checkpoint::SignedCheckpoint;
use ledger::cosignature::Cosigner;
use ledger::note::signer::NoteSigner;
use ledger::tile::{Content, Tile, bundle, hashes, new_tiles};
use ledger::verify::job::Inline;
use ledger::verify::{Report, Trust, verify};
use ledger::{
    Actor, Checkpoint, Draft, Facts, Fault, FaultKind, Frontier, Hash, KeyName, Kind, NodeName,
    ObjectType, Outcome, Policy, Source, SourceError, Stamp, leaf_hash,
};

pub const ORIGIN: &str = "log.example/ledger";

/// Files by C2SP path.
#[derive(Clone, Default)]
pub struct Files(pub BTreeMap<String, Vec<u8>>);

impl Source for Files {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.0.get(path).cloned())
    }

    fn partial_widths(&self, tile: Tile) -> Result<Vec<u16>, SourceError> {
        let prefix = format!("{}.p/", tile.full());
        let widths = self
            .0
            .keys()
            .filter_map(|path| path.strip_prefix(&prefix)?.parse().ok());
        Ok(widths.collect())
    }
}

pub fn name(text: &str) -> KeyName {
    KeyName::parse(text).unwrap()
}

pub fn log_key(octet: u8) -> NoteSigner {
    NoteSigner::from_seed(name(ORIGIN), &[octet; 32]).unwrap()
}

pub fn witness() -> Cosigner {
    Cosigner::from_seed(name("witness.example/w1"), &[0x63; 32]).unwrap()
}

/// Trusts the log and asks for the witness.
pub fn witnessed() -> Trust {
    let (log, witness) = (log_key(1), witness());
    let text = format!(
        "log {}\nwitness w {}\nquorum w\n",
        log.verifier_key(),
        witness.verifier_key()
    );
    Trust::of(Policy::parse(text.as_bytes()).unwrap())
}

/// Trusts the log alone.
pub fn unwitnessed() -> Trust {
    Trust::of(Policy::of_log(log_key(1).verifier_key().clone()))
}

/// What an entry is to say.
#[derive(Clone, Copy)]
pub struct Say {
    pub node: u8,
    pub epoch: u64,
    pub seq: u64,
    pub time: u64,
    pub word: u64,
}

impl Say {
    /// The usual entries: two nodes in turn, a start of one of them half-way.
    pub fn usual(index: u64) -> Self {
        Self {
            node: u8::try_from(index % 2).unwrap(),
            epoch: 1 + u64::from(index >= 150),
            seq: index / 2,
            time: 1_764_064_800_000_000 + index * 10,
            word: index,
        }
    }

    pub fn entry(self) -> Vec<u8> {
        let node = NodeName::parse(&format!("gw-{}", self.node)).unwrap();
        let message = format!("msg_{:06}", self.word);
        let draft = Draft::of(
            Kind::MessageAccepted,
            Actor::client(&"cli_a"),
            Outcome::Accepted,
        )
        .object(ObjectType::Message, &message)
        .data(Facts::new().put("class", "otp").put("segments", 1_u8));
        draft.build().unwrap().finish(&Stamp {
            node: &node,
            epoch: self.epoch,
            node_seq: self.seq,
            time_micros: self.time,
        })
    }
}

/// An entry that tells of a pruning.
pub fn pruned_entry(index: u64, minimum: u64) -> Vec<u8> {
    let say = Say::usual(index);
    let node = NodeName::parse(&format!("gw-{}", say.node)).unwrap();
    let data = Facts::new()
        .put("entries", 256_u16)
        .put("minimum", minimum)
        .put("snapshot", "ab".repeat(32).as_str());
    let draft = Draft::of(Kind::LedgerPruned, Actor::os_user(&"root"), Outcome::Done).data(data);
    draft.build().unwrap().finish(&Stamp {
        node: &node,
        epoch: say.epoch,
        node_seq: say.seq,
        time_micros: say.time,
    })
}

pub fn usual(size: u64) -> Vec<Vec<u8>> {
    (0..size).map(|index| Say::usual(index).entry()).collect()
}

/// A log as it was published, and the checkpoints that were signed on the way.
#[derive(Clone)]
pub struct Log {
    pub files: Files,
    pub entries: Vec<Vec<u8>>,
    pub signed: Vec<SignedCheckpoint>,
}

/// Publishes the entries with a checkpoint at each of these sizes and at the end.
pub fn publish(entries: Vec<Vec<u8>>, sizes: &[u64]) -> Log {
    publish_by(&log_key(1), entries, sizes)
}

pub fn publish_by(key: &NoteSigner, entries: Vec<Vec<u8>>, sizes: &[u64]) -> Log {
    let end = u64::try_from(entries.len()).unwrap();
    let mut tree = Frontier::new();
    let mut nodes: BTreeMap<(u8, u64), Hash> = BTreeMap::new();
    let (mut files, mut signed) = (Files::default(), Vec::new());
    let mut done = 0;
    for size in sizes
        .iter()
        .copied()
        .filter(|size| *size < end)
        .chain([end])
    {
        for entry in &entries[index(tree.size())..index(size)] {
            tree.append_with(leaf_hash(entry), |level, index, hash| {
                nodes.insert((level, index), hash);
            });
        }
        let node = |level, index| nodes.get(&(level, index)).copied();
        for tile in new_tiles(done, size) {
            let octets = match tile.content() {
                Content::Hashes(_) => hashes(&node, tile).unwrap(),
                Content::Entries => bundle_of(&entries, tile),
            };
            files.0.insert(tile.to_string(), octets);
        }
        done = size;
        let checkpoint = Checkpoint::new(&name(ORIGIN), size, tree.root());
        let mut cosigned = checkpoint.sign(key).unwrap();
        cosigned.add(
            witness()
                .cosign(&checkpoint.text(), 1_764_064_801 + size)
                .unwrap(),
        );
        files
            .0
            .insert("checkpoint".into(), cosigned.to_string().into_bytes());
        signed.push(cosigned);
    }
    Log {
        files,
        entries,
        signed,
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap()
}

fn bundle_of(entries: &[Vec<u8>], tile: Tile) -> Vec<u8> {
    let first = index(tile.index()) * 256;
    let entries = &entries[first..first + usize::from(tile.width())];
    bundle::encode(entries.iter().map(Vec::as_slice)).unwrap()
}

impl Log {
    /// The octets under a path, to be changed.
    pub fn at(&mut self, path: &str) -> &mut Vec<u8> {
        self.files
            .0
            .get_mut(path)
            .unwrap_or_else(|| panic!("no {path}"))
    }

    /// Where an entry begins in the bundle under this path.
    pub fn place(&self, path: &str, entry: usize) -> usize {
        let within = &self.entries[entry / 256 * 256..entry];
        assert!(self.files.0.contains_key(path));
        within.iter().map(|entry| 2 + entry.len()).sum::<usize>() + 2
    }

    pub fn note(&self) -> String {
        String::from_utf8(self.files.0["checkpoint"].clone()).unwrap()
    }

    /// The same files under the checkpoint of another log: everything repaired but the signature.
    pub fn with_checkpoint_of(mut self, other: &Self) -> Self {
        self.files
            .0
            .insert("checkpoint".into(), other.files.0["checkpoint"].clone());
        self
    }

    pub fn without_cosignatures(mut self) -> Self {
        let own = |line: &&str| !line.contains("witness.example");
        let note: String = self
            .note()
            .lines()
            .filter(own)
            .flat_map(|line| [line, "\n"])
            .collect();
        self.files.0.insert("checkpoint".into(), note.into_bytes());
        self
    }
}

/// Verifies and gives what was found.
pub fn found(source: &dyn Source, trust: &Trust) -> (Report, Vec<Fault>) {
    let mut faults = Vec::new();
    let report = verify(source, trust, &Inline, &mut faults);
    assert_eq!(report.faults, u64::try_from(faults.len()).unwrap());
    (report, faults)
}

/// The faults, each kind with its index, without repeats.
pub fn kinds(source: &dyn Source, trust: &Trust) -> Vec<(FaultKind, Option<u64>)> {
    let (_, faults) = found(source, trust);
    let mut kinds: Vec<_> = faults
        .iter()
        .map(|fault| (fault.kind, fault.index))
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}
