//! What is kept of the guard: one record for each thing that it counts, and now and then the whole, which
//! stands for all before it. A record names a number, so each is sealed under a key of its own.

use std::time::Duration;

use aws_lc_rs::aead::NONCE_LEN;
use domain::id::ClientId;
use domain::msisdn::Msisdn;
use domain::time::Timestamp;
use domain::verification::pumping::{Ask, Prefix, Snapshot};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::block::StandingBlock;
use crate::keys::BlindKeys;
use crate::ports::Entropy;
use crate::rows::PumpingRow;
use crate::vault;

/// Random octets that make the key of a row its own.
const SALT_LENGTH: usize = 16;

/// One record.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Record {
    /// A code was sent.
    Sent {
        /// To whom, and for whom.
        who: Whose,
        /// When.
        at: Timestamp,
    },
    /// A verification succeeded.
    Verified {
        /// Of whom, and for whom.
        who: Whose,
        /// When.
        at: Timestamp,
    },
    /// A block began.
    Blocked {
        /// It.
        block: Box<StandingBlock>,
        /// When.
        at: Timestamp,
    },
    /// The end of a block was told.
    Over {
        /// Whose.
        prefix: Prefix,
    },
    /// Somebody ended a block.
    Released {
        /// Whose.
        prefix: Prefix,
    },
    /// Everything so far.
    Whole {
        /// What the guard knows.
        guard: Box<Snapshot>,
        /// The blocks whose end is not told yet.
        standing: Vec<StandingBlock>,
        /// How far its time is ahead of the steady clock.
        #[serde(default)]
        ahead: Duration,
    },
}

/// A client and a number. `Debug` masks the number.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Whose {
    client: ClientId,
    number: u64,
}

impl Whose {
    const fn of(ask: Ask) -> Self {
        Self {
            client: ask.client,
            number: ask.to.reveal(),
        }
    }

    /// As the guard takes it; `None` for what is no number any more.
    pub(super) fn ask(self) -> Option<Ask> {
        let to = Msisdn::from_digits(self.number).ok()?;
        let client = self.client;
        Some(Ask { client, to })
    }
}

impl std::fmt::Debug for Whose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Whose({}, masked)", self.client)
    }
}

impl Record {
    pub(crate) const fn sent(ask: Ask, at: Timestamp) -> Self {
        let who = Whose::of(ask);
        Self::Sent { who, at }
    }

    pub(crate) const fn verified(ask: Ask, at: Timestamp) -> Self {
        let who = Whose::of(ask);
        Self::Verified { who, at }
    }

    pub(crate) fn blocked(block: &StandingBlock, at: Timestamp) -> Self {
        let block = Box::new(block.clone());
        Self::Blocked { block, at }
    }

    pub(crate) const fn over(prefix: Prefix) -> Self {
        Self::Over { prefix }
    }

    pub(crate) const fn released(prefix: Prefix) -> Self {
        Self::Released { prefix }
    }

    /// When it was made, where it says so.
    pub(crate) const fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Sent { at, .. } | Self::Verified { at, .. } | Self::Blocked { at, .. } => {
                Some(*at)
            }
            Self::Over { .. } | Self::Released { .. } | Self::Whole { .. } => None,
        }
    }
}

/// Seals a record under a key of its own, which is derived from that of the guard and random octets.
pub(crate) fn seal(
    keys: &BlindKeys,
    sequence: u64,
    record: &Record,
    entropy: &dyn Entropy,
) -> Option<PumpingRow> {
    let plain = Zeroizing::new(serde_json::to_vec(record).ok()?);
    let mut salt = [0; SALT_LENGTH];
    entropy.fill(&mut salt);
    let key = vault::aead_key(keys.pumping(&salt).as_ref())?;
    // The key seals nothing else.
    let sealed = vault::seal(&key, [0; NONCE_LEN], &sequence.to_be_bytes(), &plain)?;
    let mut octets = salt.to_vec();
    octets.extend_from_slice(&sealed);
    Some(PumpingRow {
        sequence,
        sealed: octets,
    })
}

/// Opens a record; `None` when it is not what was sealed.
pub(crate) fn open(keys: &BlindKeys, row: &PumpingRow) -> Option<Record> {
    let (salt, sealed) = row.sealed.split_at_checked(SALT_LENGTH)?;
    let key = vault::aead_key(keys.pumping(salt).as_ref())?;
    let plain = vault::open(&key, &row.sequence.to_be_bytes(), sealed).ok()?;
    serde_json::from_slice(&plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{BlindRoot, MasterKey};

    struct Chance;

    impl Entropy for Chance {
        fn fill(&self, octets: &mut [u8]) {
            octets.fill(0x5a);
        }
    }

    fn keys(octet: u8) -> BlindKeys {
        BlindKeys::new(&BlindRoot::of(&MasterKey::from_bytes([octet; 32])))
    }

    #[test]
    fn a_record_opens_in_its_place_and_shows_no_number() {
        let ask = Ask {
            client: ClientId::new(1, 1),
            to: Msisdn::from_digits(447_700_900_123).unwrap(),
        };
        let record = Record::sent(ask, Timestamp::from_seconds(1));
        assert!(!format!("{record:?}").contains("900123"));
        let row = seal(&keys(7), 9, &record, &Chance).unwrap();
        let text = String::from_utf8_lossy(&row.sealed).into_owned();
        assert!(!text.contains("447700900123"));
        assert!(matches!(open(&keys(7), &row), Some(Record::Sent { .. })));
        assert!(open(&keys(8), &row).is_none());
        let moved = PumpingRow {
            sequence: 10,
            ..row
        };
        assert!(open(&keys(7), &moved).is_none());
    }
}
