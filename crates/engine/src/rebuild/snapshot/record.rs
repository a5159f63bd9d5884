//! One line of a snapshot.

use domain::time::Timestamp;
use ledger::Commitment;
use serde::{Deserialize, Serialize};

use crate::ports::shelf;
use crate::ports::shelf::Promise;
use crate::rebuild::Rest;
use crate::rows::{ClientRow, FactorRow, InboundRow, MessageRow, OptOutRow, Purpose};

/// A line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Record {
    /// What is beside the shelf; the first line.
    Rest(Rest),
    /// A message to a handset.
    Message(Box<MessageRow>),
    /// A message from a handset.
    Inbound(Box<InboundRow>),
    /// An opt-out or its removal.
    OptOut(OptOutRow),
    /// A factor.
    Factor(Box<FactorRow>),
    /// A client.
    Client(Box<ClientRow>),
    /// A value that an entry commits to.
    Promise {
        /// The sequence of the id it belongs to.
        owner: u64,
        /// What it is for.
        purpose: Purpose,
        /// The index of the entry.
        index: u64,
        /// Its time.
        at: Timestamp,
        /// The commitment.
        commitment: [u8; 32],
    },
    /// Nothing more; the last line.
    End,
}

/// What a line tells.
pub(super) enum Told {
    /// A row.
    Row(shelf::Told),
    /// What is beside the shelf.
    Rest(Rest),
    /// That it is whole.
    End,
}

impl Record {
    /// A promise as a line.
    pub(super) const fn of(promise: &Promise) -> Self {
        Self::Promise {
            owner: promise.owner,
            purpose: promise.purpose,
            index: promise.index,
            at: promise.at,
            commitment: *promise.commitment.as_bytes(),
        }
    }

    /// What it tells.
    pub(super) fn told(self) -> Told {
        Told::Row(match self {
            Self::Rest(rest) => return Told::Rest(rest),
            Self::End => return Told::End,
            Self::Message(row) => shelf::Told::Message(row),
            Self::Inbound(row) => shelf::Told::Inbound(row),
            Self::OptOut(row) => shelf::Told::OptOut(row),
            Self::Factor(row) => shelf::Told::Factor(row),
            Self::Client(row) => shelf::Told::Client(row),
            Self::Promise {
                owner,
                purpose,
                index,
                at,
                commitment,
            } => shelf::Told::Promise(Promise {
                owner,
                purpose,
                index,
                at,
                commitment: Commitment::from_bytes(commitment),
            }),
        })
    }
}
