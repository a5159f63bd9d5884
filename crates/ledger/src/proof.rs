//! Receipts (C2SP tlog-proof v1): that an entry is in a log, in one text that anyone can check
//! offline with a policy. It carries no entry; whoever holds the receipt holds the entry beside it.

use core::fmt;

use crate::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::leaf::{Hash, leaf_hash};
use crate::note::MAX_NOTE_BYTES;
use crate::policy::{Cosigned, Distrust, Policy};
use crate::spelling;
use crate::tree::consistency::TreeHead;
use crate::tree::inclusion::{self, InclusionError, Place};

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// A proof has at most one hash for each bit of the size.
pub const MAX_HASHES: usize = 63;
/// The longest text, in bytes: the longest note and room for the rest.
const MAX_BYTES: usize = 2 * MAX_NOTE_BYTES;

/// A receipt as it was read, not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogProof {
    /// Octets that nothing vouches for.
    pub extra: Option<Vec<u8>>,
    /// The index of the entry.
    pub index: u64,
    /// The inclusion proof, from the leaf's sibling to the root's child.
    pub hashes: Vec<Hash>,
    /// The checkpoint that it leads to.
    pub checkpoint: SignedCheckpoint,
}

/// Why a text is no receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Longer than any receipt.
    #[error("the receipt is too long")]
    TooLong,
    /// Not UTF-8.
    #[error("the receipt is not UTF-8")]
    Utf8,
    /// It does not begin as the format says.
    #[error("the receipt does not begin with its name and version")]
    Header,
    /// The extra line is not canonical base64.
    #[error("the extra line is no base64")]
    Extra,
    /// The index line is missing or no number.
    #[error("the index line is no number")]
    Index,
    /// A line of the proof is no hash, or there are more than 63.
    #[error("line {line} of the proof is no hash")]
    Hash {
        /// Which, counted from 1.
        line: usize,
    },
    /// What follows the empty line is no signed checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

/// What a receipt proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The log.
    pub origin: String,
    /// The index of the entry.
    pub index: u64,
    /// Size and root of the tree that it is in.
    pub head: TreeHead,
    /// Who cosigned that tree and when.
    pub cosigned: Vec<Cosigned>,
}

/// What is wrong with a receipt, or with the entry beside it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    /// The checkpoint is not to be believed.
    #[error("the checkpoint is not trusted: {0}")]
    Checkpoint(#[from] Distrust),
    /// The entry is not at that index of that tree.
    #[error("the entry is not proven: {0}")]
    Inclusion(#[from] InclusionError),
}

impl LogProof {
    /// Reads a receipt.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofError> {
        if bytes.len() > MAX_BYTES {
            return Err(ProofError::TooLong);
        }
        let text = core::str::from_utf8(bytes).map_err(|_| ProofError::Utf8)?;
        let (header, rest) = text.split_once('\n').ok_or(ProofError::Header)?;
        if header != HEADER {
            return Err(ProofError::Header);
        }
        let (extra, rest) = extra_line(rest)?;
        let (line, mut rest) = rest.split_once('\n').ok_or(ProofError::Index)?;
        let index = line.strip_prefix("index ").and_then(spelling::decimal);
        let index = index.ok_or(ProofError::Index)?;
        let mut hashes = Vec::new();
        for line in 1.. {
            let no_hash = ProofError::Hash { line };
            let (text, behind) = rest.split_once('\n').ok_or(no_hash)?;
            rest = behind;
            if text.is_empty() {
                break;
            }
            let hash = spelling::unhash64(text).filter(|_| line <= MAX_HASHES);
            hashes.push(hash.ok_or(no_hash)?);
        }
        let checkpoint = SignedCheckpoint::parse(rest.as_bytes())?;
        Ok(Self {
            extra,
            index,
            hashes,
            checkpoint,
        })
    }

    /// Checks everything: that a trusted log signed the checkpoint, that a quorum cosigned it, and
    /// that these octets are the entry at the index.
    pub fn verify(&self, entry: &[u8], policy: &Policy) -> Result<Proven, ProofFault> {
        let cosigned = policy.judge(&self.checkpoint)?;
        let checkpoint = self.checkpoint.checkpoint();
        let TreeHead { size, root } = checkpoint.head();
        let leaf = leaf_hash(entry);
        let place = Place {
            index: self.index,
            size,
            leaf,
        };
        inclusion::verify(place, &self.hashes, &root)?;
        Ok(Proven {
            origin: checkpoint.origin().to_owned(),
            index: self.index,
            head: checkpoint.head(),
            cosigned,
        })
    }
}

impl fmt::Display for LogProof {
    /// The text of a `.tlog-proof` file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", spelling::base64(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", spelling::hash64(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

fn extra_line(text: &str) -> Result<(Option<Vec<u8>>, &str), ProofError> {
    let Some(rest) = text.strip_prefix("extra ") else {
        return Ok((None, text));
    };
    let (extra, rest) = rest.split_once('\n').ok_or(ProofError::Extra)?;
    let extra = spelling::unbase64(extra).ok_or(ProofError::Extra)?;
    Ok((Some(extra), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::note::key::KeyName;
    use crate::note::signer::NoteSigner;
    use crate::tree::{node_of, root_of};
    use proptest::prelude::{any, prop_assert_eq, proptest};

    fn signer() -> NoteSigner {
        NoteSigner::from_seed(KeyName::parse("log.example").unwrap(), &[1; 32]).unwrap()
    }

    fn policy() -> Policy {
        Policy::of_log(signer().verifier_key().clone())
    }

    fn receipt(index: u64, size: u64) -> LogProof {
        let leaves: Vec<Hash> = (0..size)
            .map(|index| leaf_hash(&index.to_be_bytes()))
            .collect();
        let hashes = inclusion::prove(&|level, index| node_of(&leaves, level, index), index, size);
        let origin = signer().verifier_key().name().clone();
        let checkpoint = Checkpoint::new(&origin, size, root_of(&leaves)).sign(&signer());
        let (hashes, checkpoint) = (hashes.unwrap(), checkpoint.unwrap());
        LogProof {
            extra: None,
            index,
            hashes,
            checkpoint,
        }
    }

    #[test]
    fn a_receipt_survives_its_text_and_proves_its_entry_alone() {
        for size in 1..=40_u64 {
            for index in 0..size {
                let proof = receipt(index, size);
                let again = LogProof::parse(proof.to_string().as_bytes()).unwrap();
                assert_eq!(again, proof);
                let proven = again.verify(&index.to_be_bytes(), &policy()).unwrap();
                assert_eq!((proven.index, proven.head.size), (index, size));
                let other = again.verify(&size.to_be_bytes(), &policy());
                assert!(matches!(other, Err(ProofFault::Inclusion(_))));
            }
        }
    }

    #[test]
    fn extra_octets_are_kept_and_prove_nothing() {
        let extra = Some(b"\0\xff".to_vec());
        let proof = LogProof {
            extra,
            ..receipt(2, 5)
        };
        let again = LogProof::parse(proof.to_string().as_bytes()).unwrap();
        assert_eq!(again, proof);
        assert!(again.verify(&2_u64.to_be_bytes(), &policy()).is_ok());
    }

    #[test]
    fn one_bent_octet_of_a_receipt_never_proves_the_entry() {
        let text = receipt(2, 5).to_string();
        for place in 0..text.len() {
            for bit in 0..8 {
                let mut bent = text.as_bytes().to_vec();
                bent[place] ^= 1 << bit;
                let proof = LogProof::parse(&bent);
                let proven = proof.map(|proof| proof.verify(&2_u64.to_be_bytes(), &policy()));
                assert!(!matches!(proven, Ok(Ok(_))), "bit {bit} of octet {place}");
            }
        }
    }

    #[test]
    fn what_is_no_receipt_is_refused_by_name() {
        let text = receipt(2, 5).to_string();
        let check = |from: &str, to: &str, error: ProofError| {
            assert_eq!(
                LogProof::parse(text.replacen(from, to, 1).as_bytes()),
                Err(error),
                "{to:?}"
            );
        };
        check("@v1", "@v2", ProofError::Header);
        check("index 2", "index 02", ProofError::Index);
        check("index 2", "Index 2", ProofError::Index);
        check("index 2\n", "", ProofError::Index);
        check("index 2", "extra !\nindex 2", ProofError::Extra);
        check("=\n", "\n", ProofError::Hash { line: 1 });
        check("index 2", "index 2\nAAAA", ProofError::Hash { line: 1 });
        let hash = spelling::hash64(&Hash::from_bytes([0; 32]));
        let many = format!(
            "index 2\n{}",
            vec![hash.as_str(); MAX_HASHES + 1].join("\n")
        );
        check(
            "index 2",
            &many,
            ProofError::Hash {
                line: MAX_HASHES + 1,
            },
        );
        assert_eq!(LogProof::parse(b"\xff"), Err(ProofError::Utf8));
        let cut = LogProof::parse(text.split_once("\n\n").unwrap().0.as_bytes());
        assert!(matches!(cut, Err(ProofError::Hash { .. })));
        let unsigned = text.replace("\n\n\u{2014}", "\n\u{2014}");
        let unsigned = LogProof::parse(unsigned.as_bytes());
        assert!(matches!(unsigned, Err(ProofError::Checkpoint(_))));
    }

    proptest! {
        #[test]
        fn reading_never_panics(bytes in any::<Vec<u8>>(), text in "(extra [A-D=]{0,5}\n)?index [0-9]{1,3}\n([A-D=]{0,50}\n){0,3}") {
            let _ = LogProof::parse(&bytes);
            let text = format!("{HEADER}\n{text}");
            if let Ok(proof) = LogProof::parse(text.as_bytes()) {
                prop_assert_eq!(proof.to_string(), text);
            }
        }
    }
}
