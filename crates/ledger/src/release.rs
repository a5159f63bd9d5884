//! Lists of releases: which versions there are, what each mends, and the hash of each binary. A list is
//! the text of a signed note, so that it may come over any road; `docs/releases.md` is the same in
//! prose. Nothing of a list means anything before [`SignedList::open`] has found a known signature.
//!
//! It fetches nothing and remembers nothing: how new the newest list was that the reader has seen, the
//! reader says.

pub mod keys;
pub mod standing;
mod text;
pub mod version;

use crate::leaf::Hash;
use crate::note::key::VerifierKey;
use crate::note::{MAX_NOTE_BYTES, Note, NoteError, VerifyError};

pub use keys::{ReleaseKeyError, read_keys};
pub use standing::{Judgement, Running, StaleList, Standing, judge};
pub use version::ReleaseVersion;

/// A longer file is no list, in bytes.
pub const MAX_LIST_BYTES: usize = MAX_NOTE_BYTES;
/// A list names at most so many releases.
pub const MAX_RELEASES: usize = 512;
/// A release has at most so many fixes, and so many binaries.
pub const MAX_LINES: usize = 64;
/// A text of a fix or a withdrawal is at most this long, in bytes.
pub const MAX_TEXT_BYTES: usize = 300;

/// A list of releases. Versions rise from one release to the next, so none is told twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseList {
    /// Rises by at least one from one list to the next; a reader who has seen a higher one is shown an old list.
    pub number: u64,
    /// When it was made, in microseconds since 1970.
    pub issued: u64,
    /// When it stops to say anything, in microseconds since 1970.
    pub expires: u64,
    /// The releases, oldest version first.
    pub releases: Vec<Release>,
}

/// One release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its version.
    pub version: ReleaseVersion,
    /// The day it was made, `YYYY-MM-DD`.
    pub date: String,
    /// The oldest version that may be replaced by it at once.
    pub upgrade_from: ReleaseVersion,
    /// Why nobody should run it, if it was taken back.
    pub withdrawn: Option<String>,
    /// What it mends, in the order of the list.
    pub fixes: Vec<Fix>,
    /// Its binaries, by target; each target once, in the order of the alphabet.
    pub binaries: Vec<Binary>,
}

/// Something that a release mends and that could be used against whoever runs an older one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// How bad it is.
    pub severity: Severity,
    /// The name of its advisory.
    pub id: String,
    /// What it is, in one line.
    pub text: String,
}

/// The binary of a release for one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binary {
    /// As rustc calls it.
    pub target: String,
    /// SHA-256 of the file.
    pub sha256: Hash,
}

/// How bad a hole is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Hardly of use to anybody.
    Low,
    /// Of use under conditions that are rare.
    Medium,
    /// Of use to whoever can reach the gateway in an ordinary way.
    High,
    /// Everybody should have the fix today.
    Critical,
}

impl Severity {
    const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word in lists.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.word() == word)
    }
}

/// Why a text is no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The first line names another format, or another version of it.
    #[error("the first line is not `{}`", text::TITLE)]
    Title,
    /// A line is not what may stand there; lines are counted from 1.
    #[error("line {line} is not `{expected}`")]
    Line {
        /// Which of them.
        line: usize,
        /// What may stand there.
        expected: &'static str,
    },
    /// Versions do not rise at this line, or a target is named twice or out of order.
    #[error("line {line} is out of order or names something again")]
    Order {
        /// Which of them.
        line: usize,
    },
    /// It expires before it is issued.
    #[error("the list expires before it is issued")]
    Never,
    /// No release at all.
    #[error("the list names no release")]
    Empty,
    /// More than [`MAX_RELEASES`] or [`MAX_LINES`].
    #[error("the list is too long at line {line}")]
    TooMany {
        /// Where it became too many.
        line: usize,
    },
}

/// Why a file is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenListError {
    /// It is no signed note.
    #[error("it is no signed list: {0}")]
    Note(#[from] NoteError),
    /// Nobody known signed it, or what is signed was altered.
    #[error("its signature is not good: {0}")]
    Signature(#[from] VerifyError),
    /// It is well signed and says nothing that is understood.
    #[error("it is signed and not understood: {0}")]
    List(#[from] ListError),
}

/// A list that somebody known has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedList<'k> {
    /// What it says.
    pub list: ReleaseList,
    /// Who signed it, each key once.
    pub signers: Vec<&'k VerifierKey>,
}

impl<'k> SignedList<'k> {
    /// Reads a file: signatures first, then what it says. One signature of a known key is enough, so that
    /// a new key can be taken up before the old one is dropped; a line in the name of a known key that does not
    /// verify voids the file.
    pub fn open(file: &[u8], keys: &'k [VerifierKey]) -> Result<Self, OpenListError> {
        let note = Note::parse(file)?;
        let signers = note.verify(keys)?;
        let list = ReleaseList::parse(note.text())?;
        let signers = signers.into_iter().map(|signer| signer.key).collect();
        Ok(Self { list, signers })
    }
}

#[cfg(test)]
mod tests;
