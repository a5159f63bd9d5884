//! Whom to believe (C2SP tlog-policy): the keys of logs and witnesses, and how many witnesses it
//! takes. Judges a signed checkpoint; fetches nothing, the URLs are for whoever does.

mod text;

use crate::checkpoint::SignedCheckpoint;
use crate::note::VerifyError;
use crate::note::key::VerifierKey;

pub use text::{PolicyError, PolicyFault};

/// A trusted log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Its key; the name is its origin.
    pub key: VerifierKey,
    /// Where it is, if the policy says.
    pub url: Option<String>,
}

/// A known witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Its name in the policy, which may be any octets but white space.
    pub name: Vec<u8>,
    /// Its key.
    pub key: VerifierKey,
    /// Where it is, if the policy says.
    pub url: Option<String>,
}

/// A policy as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<Log>,
    witnesses: Vec<Witness>,
    /// In the order of definition: members come before their group.
    groups: Vec<Group>,
    quorum: Quorum,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    name: Vec<u8>,
    needed: usize,
    members: Vec<Member>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quorum {
    None,
    Of(Member),
}

/// A witness that cosigned a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// Its key.
    pub key: VerifierKey,
    /// When it cosigned, in POSIX seconds.
    pub at: u64,
}

/// Why a checkpoint is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// It speaks of another log.
    #[error("origin {found:?} is not trusted; trusted are {trusted:?}")]
    Origin {
        /// What it says.
        found: String,
        /// The origins of trusted logs.
        trusted: Vec<String>,
    },
    /// No trusted key of the log signed it.
    #[error("signed by the untrusted keys {found:?}; trusted are {trusted:?}")]
    UntrustedKey {
        /// The keys that its lines name, as `name+id`.
        found: Vec<String>,
        /// The trusted keys of that log, as vkeys.
        trusted: Vec<String>,
    },
    /// A line of a known key does not verify, so the text or the line was changed.
    #[error("the signature of {name} does not verify")]
    BadSignature {
        /// The name of the key.
        name: String,
    },
    /// The log signed it, but not enough witnesses did.
    #[error("the quorum is not met; cosigned by {cosigned:?}")]
    Quorum {
        /// The names of the witnesses that did.
        cosigned: Vec<String>,
    },
}

impl Policy {
    /// Reads a policy file.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        text::parse(bytes)
    }

    /// The policy that trusts one log and asks for no witness.
    pub fn of_log(key: VerifierKey) -> Self {
        Self {
            logs: vec![Log { key, url: None }],
            witnesses: Vec::new(),
            groups: Vec::new(),
            quorum: Quorum::None,
        }
    }

    /// The trusted logs.
    pub fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// The known witnesses.
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    /// Whether any witness is needed at all.
    pub fn needs_witness(&self) -> bool {
        self.quorum != Quorum::None
    }

    /// Whether these witnesses are enough; `cosigned` tells it of each by its key.
    pub fn is_met(&self, cosigned: impl Fn(&VerifierKey) -> bool) -> bool {
        let by_witness: Vec<bool> = self
            .witnesses
            .iter()
            .map(|witness| cosigned(&witness.key))
            .collect();
        let mut by_group: Vec<bool> = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            let members = group.members.iter();
            let met = members.filter(|member| member.is_met(&by_witness, &by_group));
            by_group.push(met.count() >= group.needed);
        }
        match self.quorum {
            Quorum::None => true,
            Quorum::Of(member) => member.is_met(&by_witness, &by_group),
        }
    }

    /// Who cosigned, if a trusted log signed and no known line is bad; the quorum is not asked. For
    /// old checkpoints that somebody kept, and for a log that wants to see its own.
    pub fn signed_by_log(&self, signed: &SignedCheckpoint) -> Result<Vec<Cosigned>, Distrust> {
        let origin = signed.checkpoint().origin();
        let logs: Vec<&VerifierKey> = self
            .logs
            .iter()
            .map(|log| &log.key)
            .filter(|key| key.name().as_str() == origin)
            .collect();
        if logs.is_empty() {
            let trusted = self
                .logs
                .iter()
                .map(|log| log.key.name().to_string())
                .collect();
            return Err(Distrust::Origin {
                found: origin.to_owned(),
                trusted,
            });
        }
        let witnesses = self.witnesses.iter().map(|witness| &witness.key);
        let known: Vec<VerifierKey> = logs.iter().copied().chain(witnesses).cloned().collect();
        let untrusted = || untrusted(signed, &logs);
        let verified = signed.note().verify(&known).map_err(|error| match error {
            VerifyError::BadSignature { name } => Distrust::BadSignature { name },
            VerifyError::NoKnownKey => untrusted(),
        })?;
        if !verified.iter().any(|one| logs.contains(&one.key)) {
            return Err(untrusted());
        }
        let cosigned = verified.iter().filter(|one| !logs.contains(&one.key));
        let cosigned = cosigned.filter_map(|one| {
            let key = one.key.clone();
            one.timestamp.map(|at| Cosigned { key, at })
        });
        Ok(cosigned.collect())
    }

    /// Who cosigned a checkpoint that is not to be believed as a whole, if the log's own line is good.
    /// Only for going on to look for more faults.
    pub(crate) fn with_log_line_only(&self, signed: &SignedCheckpoint) -> Option<Vec<Cosigned>> {
        let origin = signed.checkpoint().origin();
        let logs = self.logs.iter().map(|log| &log.key);
        let logs: Vec<VerifierKey> = logs
            .filter(|key| key.name().as_str() == origin)
            .cloned()
            .collect();
        signed.note().verify(&logs).ok()?;
        let alone = |witness: &Witness| {
            let verified = signed
                .note()
                .verify(core::slice::from_ref(&witness.key))
                .ok()?;
            let at = verified.first()?.timestamp?;
            Some(Cosigned {
                key: witness.key.clone(),
                at,
            })
        };
        Some(self.witnesses.iter().filter_map(alone).collect())
    }

    /// Judges a checkpoint: signed by a trusted log and cosigned by a quorum. Gives who cosigned.
    pub fn judge(&self, signed: &SignedCheckpoint) -> Result<Vec<Cosigned>, Distrust> {
        let cosigned = self.signed_by_log(signed)?;
        let by = |key: &VerifierKey| cosigned.iter().any(|one| one.key == *key);
        if self.is_met(by) {
            return Ok(cosigned);
        }
        let cosigned = cosigned
            .iter()
            .map(|one| one.key.name().to_string())
            .collect();
        Err(Distrust::Quorum { cosigned })
    }
}

impl Member {
    fn is_met(self, by_witness: &[bool], by_group: &[bool]) -> bool {
        let (list, place) = match self {
            Self::Witness(place) => (by_witness, place),
            Self::Group(place) => (by_group, place),
        };
        list.get(place).copied().unwrap_or(false)
    }
}

fn untrusted(signed: &SignedCheckpoint, logs: &[&VerifierKey]) -> Distrust {
    let lines = signed.note().signatures().iter();
    let found = lines
        .map(|line| format!("{}+{:08x}", line.name(), line.key_id()))
        .collect();
    let trusted = logs.iter().map(ToString::to_string).collect();
    Distrust::UntrustedKey { found, trusted }
}

#[cfg(test)]
mod tests;
