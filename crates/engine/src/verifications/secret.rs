//! What a verification keeps of its code, and how that is sealed: under a data key of its own, wrapped as
//! those of personal data are, in the verification's row. At its end the row is blanked, and with the key
//! goes every way to the code. One that asks for a factor has no code, and keeps what binds it to its act.

use domain::text::MessageText;
use domain::time::Timestamp;
use domain::verification::binding::BindingDigest;
use domain::verification::state::{Stored, Verification};
use domain::verification::tag::{CodeKey, CodeTag};
use zeroize::Zeroizing;

use crate::gateway::Gateway;
use crate::rows::{Purpose, SealedCode, VaultRow, VerificationRow};

/// Octets of the key, the tag and the binding's digest.
const FIXED: usize = 96;
/// Octets where there is no code: the key and the binding's digest. No secret with a code is as short.
const BOUND_ALONE: usize = 64;

/// What a verification keeps of its code.
pub(crate) struct Secret {
    /// The key under which codes are compared.
    pub(crate) key: CodeKey,
    /// What a right code gives under it; `None` where it asks for a factor.
    pub(crate) tag: Option<CodeTag>,
    /// What the right act gives under it.
    pub(crate) binding: BindingDigest,
    /// The text that carries the code; the code alone where the handset sends it.
    pub(crate) text: Option<MessageText>,
}

impl Secret {
    fn to_octets(&self) -> Zeroizing<Vec<u8>> {
        let text = self.text.as_ref().map_or("", MessageText::reveal);
        let mut octets = Zeroizing::new(Vec::with_capacity(FIXED + text.len()));
        octets.extend_from_slice(self.key.reveal());
        if let Some(tag) = &self.tag {
            octets.extend_from_slice(tag.reveal());
        }
        octets.extend_from_slice(self.binding.reveal());
        octets.extend_from_slice(text.as_bytes());
        octets
    }

    fn from_octets(octets: &[u8]) -> Option<Self> {
        let (key, rest) = octets.split_first_chunk::<32>()?;
        if octets.len() == BOUND_ALONE {
            return Some(Self {
                key: CodeKey::from_bytes(*key),
                tag: None,
                binding: BindingDigest::from_bytes(rest.try_into().ok()?),
                text: None,
            });
        }
        let (tag, rest) = rest.split_first_chunk::<32>()?;
        let (binding, text) = rest.split_first_chunk::<32>()?;
        Some(Self {
            key: CodeKey::from_bytes(*key),
            tag: Some(CodeTag::from_bytes(*tag)),
            binding: BindingDigest::from_bytes(*binding),
            text: Some(MessageText::parse(core::str::from_utf8(text).ok()?).ok()?),
        })
    }

    /// The verification that this secret and these facts are of.
    pub(crate) fn verification(&self, row: &VerificationRow) -> Option<Verification> {
        let facts = &row.facts;
        let stored = Stored {
            channel: facts.channel,
            length: facts.length,
            tag: self.tag,
            binding: self.binding,
            valid_seconds: facts.valid_seconds,
            checks_max: facts.checks_max,
            sends_max: facts.sends_max,
            started: row.created,
            latest: facts.latest,
            checks: facts.checks,
            sends: facts.sends,
            ended: facts.ended,
        };
        Verification::from_stored(&stored).ok()
    }
}

impl Gateway {
    /// Seals a secret for the verification of this sequence. `None` when the keys of this week are not
    /// here.
    pub(super) fn seal_code(
        &self,
        owner: u64,
        secret: &Secret,
        now: Timestamp,
    ) -> Option<SealedCode> {
        let octets = secret.to_octets();
        let entropy = self.entropy.as_ref();
        let sealed = self
            .vault
            .seal(owner, Purpose::Text, &octets, entropy, now)?;
        Some(SealedCode {
            week: sealed.row.week,
            wrapped: sealed.row.wrapped,
            sealed: sealed.row.sealed,
        })
    }

    /// Opens that of a row. `None` when it ended, and when it does not open.
    pub(crate) fn open_code(&self, row: &VerificationRow) -> Option<Secret> {
        let code = row.secret.as_ref()?;
        let sealed = VaultRow {
            owner: row.id.sequence(),
            purpose: Purpose::Text,
            week: code.week,
            wrapped: code.wrapped.clone(),
            sealed: code.sealed.clone(),
        };
        Secret::from_octets(&self.vault.open(&sealed).ok()?)
    }
}
