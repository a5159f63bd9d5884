//! Signed notes (C2SP signed-note v1.0.0): a text and the lines of those who signed it. What a text
//! means is no matter of this file's, and no text means anything before [`Note::verify`] has said
//! whose signatures it bears.

pub mod key;
pub mod signature;
pub mod signer;

use core::fmt;

use key::VerifierKey;
use signature::Signature;

/// More signatures than this are refused; the specification asks for at least 16.
pub const MAX_SIGNATURES: usize = 64;
/// A longer note is refused, in bytes. A full set of the longest signatures takes a quarter of it.
pub const MAX_NOTE_BYTES: usize = 1 << 20;

/// A text and its signatures, none of them checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// Why bytes are no signed note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Longer than [`MAX_NOTE_BYTES`].
    #[error("the note is too long")]
    TooLong,
    /// Not UTF-8.
    #[error("the note is not UTF-8")]
    Utf8,
    /// A control character other than the line feed.
    #[error("the note holds a control character")]
    Control,
    /// The text does not end with a line feed.
    #[error("the text does not end its last line")]
    TextEnd,
    /// No empty line with signatures behind it.
    #[error("the note has no signatures")]
    NoSignatures,
    /// A line behind the last empty line is no signature; lines are counted from 1.
    #[error("line {line} of the signatures is none")]
    SignatureLine {
        /// Which of them.
        line: usize,
    },
    /// More than [`MAX_SIGNATURES`].
    #[error("the note has too many signatures")]
    TooManySignatures,
}

/// Why a note is not to be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A signature line names a known key and is not by it, so the whole note is void.
    #[error("the signature of {name} does not verify")]
    BadSignature {
        /// The name of the key.
        name: String,
    },
    /// No line is by a known key.
    #[error("no known key signed the note")]
    NoKnownKey,
}

/// A signature that verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified<'k> {
    /// Whose it is.
    pub key: &'k VerifierKey,
    /// When it was made, in POSIX seconds, if it is a cosignature that says so.
    pub timestamp: Option<u64>,
}

impl Note {
    /// A note that nobody signed yet. The text ends with a line feed.
    pub fn unsigned(text: String) -> Result<Self, NoteError> {
        check_text(&text)?;
        let signatures = Vec::new();
        Ok(Self { text, signatures })
    }

    /// Reads a note: the text is all before the last empty line, with its final line feed.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLong);
        }
        let note = core::str::from_utf8(bytes).map_err(|_| NoteError::Utf8)?;
        let at = note.rfind("\n\n").ok_or(NoteError::NoSignatures)?;
        let (text, rest) = note.split_at_checked(at + 1).ok_or(NoteError::Utf8)?;
        check_text(text)?;
        let lines = rest.strip_prefix('\n').unwrap_or_default();
        let signatures = signature_lines(lines)?;
        let text = text.to_owned();
        Ok(Self { text, signatures })
    }

    /// The signed text, with its final line feed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its signatures, in the order of their lines; not checked.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds a signature line, in place of one by the same name and key id.
    pub fn sign(&mut self, signature: Signature) {
        let same = |other: &Signature| {
            other.name() == signature.name() && other.key_id() == signature.key_id()
        };
        match self.signatures.iter_mut().find(|other| same(other)) {
            Some(other) => *other = signature,
            None => self.signatures.push(signature),
        }
    }

    /// The known keys that signed it, each once. Lines by unknown keys are ignored; a line that
    /// names a known key and does not verify voids the note.
    pub fn verify<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<Verified<'k>>, VerifyError> {
        let mut verified: Vec<Verified<'k>> = Vec::new();
        for signature in &self.signatures {
            let mut known = keys
                .iter()
                .filter(|key| key.is_named_by(signature))
                .peekable();
            if known.peek().is_none() {
                continue;
            }
            let found = known.find_map(|key| key.verify(&self.text, signature));
            let found = found.ok_or_else(|| VerifyError::BadSignature {
                name: signature.name().to_string(),
            })?;
            if !verified.iter().any(|other| other.key == found.key) {
                verified.push(found);
            }
        }
        if verified.is_empty() {
            return Err(VerifyError::NoKnownKey);
        }
        Ok(verified)
    }
}

impl fmt::Display for Note {
    /// The note as it is published.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures
            .iter()
            .try_for_each(|line| writeln!(f, "{line}"))
    }
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if text.len() > MAX_NOTE_BYTES {
        return Err(NoteError::TooLong);
    }
    if text.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
        return Err(NoteError::Control);
    }
    if text.ends_with('\n') {
        Ok(())
    } else {
        Err(NoteError::TextEnd)
    }
}

/// Reads lines that each end with a line feed. An answer of a witness has the same form.
pub(crate) fn signature_lines(lines: &str) -> Result<Vec<Signature>, NoteError> {
    let lines = lines.strip_suffix('\n').ok_or(NoteError::NoSignatures)?;
    let mut signatures = Vec::new();
    for (line, text) in (1..).zip(lines.split('\n')) {
        if line > MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        if text.bytes().any(|byte| byte < 0x20) {
            return Err(NoteError::Control);
        }
        signatures.push(Signature::parse(text).ok_or(NoteError::SignatureLine { line })?);
    }
    Ok(signatures)
}

#[cfg(test)]
mod tests;
