//! Why a link ended. The text goes to the log and into the ledger, so it never holds contents.

use std::io;

use thiserror::Error;

use super::connect::ConnectError;
use crate::frame::FrameError;
use crate::pdu::{EncodeError, Malformed};
use crate::status::Status;

/// Why a link ended, or could not begin.
#[derive(Debug, Error)]
pub enum Ending {
    /// No connection came about.
    #[error("no connection: {0}")]
    Connect(#[from] ConnectError),
    /// The carrier refused the bind.
    #[error("the carrier refused the bind with {0}")]
    Refused(Status),
    /// The bind cannot be written.
    #[error("the bind cannot be written: {0}")]
    Unwritable(#[from] EncodeError),
    /// The bind was not answered in time.
    #[error("the bind was not answered in time")]
    BindTimeout,
    /// enquire_link was not answered in time.
    #[error("enquire_link was not answered in time")]
    NoSign,
    /// The carrier does not read what is sent.
    #[error("the carrier takes no octets")]
    Stalled,
    /// The carrier said unbind.
    #[error("the carrier unbound")]
    Unbound,
    /// The carrier closed the connection.
    #[error("the carrier closed the connection")]
    Closed,
    /// The connection broke.
    #[error("the connection broke: {}", .0.kind())]
    Broken(#[from] io::Error),
    /// The carrier's octets are no frames.
    #[error("the carrier sent no frame: {0}")]
    Frame(#[from] FrameError),
    /// A PDU of the carrier's is not what its command says.
    #[error("the carrier sent a {0}")]
    Malformed(#[from] Malformed),
    /// It was stopped.
    #[error("the gateway stops")]
    Stopped,
}
