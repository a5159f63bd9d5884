//! Why a well-framed PDU could not be decoded, and the status that tells its sender so. The stream
//! itself is still in step: the frame was taken whole.

use thiserror::Error;

use crate::status::Status;

/// A frame whose body is not what its command says. It never carries contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("malformed PDU {id:#010x} with sequence number {sequence}: {why}")]
pub struct Malformed {
    /// `command_id`.
    pub id: u32,
    /// `sequence_number`, to be echoed.
    pub sequence: u32,
    /// What is wrong.
    pub why: Why,
}

/// What is wrong with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Why {
    /// The body ends before or inside the field.
    #[error("the body ends in {field}")]
    Truncated {
        /// The field's name in the specification.
        field: &'static str,
    },
    /// The field is longer than its maximum, or its NUL is missing.
    #[error("{field} is longer than its maximum")]
    TooLong {
        /// The field's name in the specification.
        field: &'static str,
    },
    /// Octets are left after the last field.
    #[error("{octets} octets are left after the last field")]
    TrailingOctets {
        /// How many.
        octets: usize,
    },
    /// An optional parameter is cut off, or says that it is longer than the body.
    #[error("an optional parameter reaches past the end of the body")]
    TlvPastEnd,
    /// Both short_message and message_payload hold a text; only one may.
    #[error("short_message and message_payload are both present")]
    TwoPayloads,
    /// A destination of submit_multi is neither a handset nor a list.
    #[error("a destination is neither a handset nor a list")]
    DestinationFlag,
}

impl Why {
    /// The `command_status` that answers it.
    pub const fn status(self) -> Status {
        match self {
            Self::Truncated { .. } | Self::TrailingOctets { .. } => Status::INVALID_COMMAND_LENGTH,
            Self::TooLong { .. } => Status::INVALID_PARAMETER_LENGTH,
            Self::TlvPastEnd => Status::INVALID_OPTIONAL_PART,
            Self::TwoPayloads => Status::OPTION_NOT_ALLOWED,
            Self::DestinationFlag => Status::INVALID_DESTINATION_FLAG,
        }
    }
}
