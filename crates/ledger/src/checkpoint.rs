//! Checkpoints (C2SP tlog-checkpoint v1.0.0): which log, how large, which root. The text of a signed
//! note; who signed it is the note's matter, and whom to believe the policy's.

use crate::leaf::Hash;
use crate::note::key::KeyName;
use crate::note::signer::{NoteSigner, SignError};
use crate::note::{Note, NoteError};
use crate::spelling;
use crate::tree::consistency::TreeHead;

/// What a checkpoint says. Ours never have extension lines; those of others are kept, unread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    head: TreeHead,
    extensions: Vec<String>,
}

/// Why a text is no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It is no signed note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Fewer than three lines, an empty line, or no line feed at the end.
    #[error("the checkpoint has not its three lines")]
    Lines,
    /// The second line is no decimal below 2^63 without leading zeros.
    #[error("the size of the checkpoint is no number")]
    Size,
    /// The third line is not the base64 of 32 octets.
    #[error("the root of the checkpoint is no hash")]
    Root,
}

impl Checkpoint {
    /// The checkpoint of a log of ours; `size` is below 2^63.
    pub fn new(origin: &KeyName, size: u64, root: Hash) -> Self {
        Self {
            origin: origin.as_str().to_owned(),
            head: TreeHead { size, root },
            extensions: Vec::new(),
        }
    }

    /// Reads the text of a note.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let lines = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?;
        let mut lines = lines.split('\n');
        let mut next = || lines.next().filter(|line| !line.is_empty());
        let origin = next().ok_or(CheckpointError::Lines)?.to_owned();
        let size = next().ok_or(CheckpointError::Lines)?;
        let root = next().ok_or(CheckpointError::Lines)?;
        let size = spelling::decimal(size).ok_or(CheckpointError::Size)?;
        let root = spelling::unhash64(root).ok_or(CheckpointError::Root)?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(CheckpointError::Lines);
        }
        let head = TreeHead { size, root };
        Ok(Self {
            origin,
            head,
            extensions,
        })
    }

    /// The unique name of the log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many entries the log had.
    pub const fn size(&self) -> u64 {
        self.head.size
    }

    /// The root of the tree over them.
    pub const fn root(&self) -> &Hash {
        &self.head.root
    }

    /// Size and root.
    pub const fn head(&self) -> TreeHead {
        self.head
    }

    /// Lines behind the third, which nobody audits.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// The text that is signed.
    pub fn text(&self) -> String {
        let root = spelling::hash64(self.root());
        let mut text = format!("{}\n{}\n{root}\n", self.origin, self.size());
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// The checkpoint as a note that the log signed. Whether it may be signed at all (no rollback,
    /// no fork, everything below it durable) the caller has made sure.
    pub fn sign(&self, signer: &NoteSigner) -> Result<SignedCheckpoint, SignError> {
        let text = self.text();
        let signature = signer.sign(&text)?;
        let mut note = Note::unsigned(text).map_err(|_| SignError::NoCheckpoint)?;
        note.sign(signature);
        let checkpoint = self.clone();
        Ok(SignedCheckpoint { checkpoint, note })
    }
}

/// A note whose text is a checkpoint. That it has signatures says nothing about whose they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

impl SignedCheckpoint {
    /// Reads a note and its text.
    pub fn parse(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let note = Note::parse(bytes)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        Ok(Self { checkpoint, note })
    }

    /// What it says.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note.
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// Adds a cosignature, in place of one by the same key. The caller has verified it: one bad line
    /// of a known witness voids the whole note.
    pub fn add(&mut self, cosignature: crate::note::signature::Signature) {
        self.note.sign(cosignature);
    }
}

impl core::fmt::Display for SignedCheckpoint {
    /// The note as it is published.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.note.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaf::empty_root;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    fn text() -> String {
        let origin = KeyName::parse("log.example").unwrap();
        Checkpoint::new(&origin, 0, empty_root()).text()
    }

    #[test]
    fn an_empty_log_has_its_known_text() {
        let expected = "log.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
        assert_eq!(text(), expected);
        assert_eq!(
            Checkpoint::parse(expected).unwrap().head().root,
            empty_root()
        );
    }

    #[test]
    fn extension_lines_of_others_are_kept() {
        let text = text() + "one\n\u{e9}\u{2014}\n";
        let checkpoint = Checkpoint::parse(&text).unwrap();
        assert_eq!(checkpoint.extensions(), ["one", "\u{e9}\u{2014}"]);
        assert_eq!(checkpoint.text(), text);
    }

    #[test]
    fn every_departure_is_refused() {
        let check = |from: &str, to: &str, error: CheckpointError| {
            assert_eq!(
                Checkpoint::parse(&text().replacen(from, to, 1)),
                Err(error),
                "{from}"
            );
        };
        check("log.example\n", "", CheckpointError::Lines);
        check("log.example", "", CheckpointError::Lines);
        check("\n0\n", "\n00\n", CheckpointError::Size);
        check("\n0\n", "\n-0\n", CheckpointError::Size);
        check("\n0\n", "\n9223372036854775808\n", CheckpointError::Size);
        check("uFU=\n", "uFU=", CheckpointError::Lines);
        check("uFU=", "uFU", CheckpointError::Root);
        check("uFU=", "uFV=", CheckpointError::Root);
        check("uFU=\n", "uFU=\n\n", CheckpointError::Lines);
        assert_eq!(Checkpoint::parse("a\n0\n"), Err(CheckpointError::Lines));
        assert_eq!(Checkpoint::parse(""), Err(CheckpointError::Lines));
    }

    proptest! {
        #[test]
        fn what_is_read_writes_itself_again(text in "[a\n0-9=+ ]{0,80}|[a-z]{1,5}\n[0-9]{1,3}\n[A-Za-z]{42}[AEIM]=\n([a-z]{1,3}\n){0,3}") {
            if let Ok(checkpoint) = Checkpoint::parse(&text) {
                prop_assert_eq!(checkpoint.text(), text);
            }
        }

        #[test]
        fn reading_a_signed_checkpoint_never_panics(bytes in any::<Vec<u8>>()) {
            let _ = SignedCheckpoint::parse(&bytes);
        }
    }
}
