//! Writes one PDU at the end of a buffer. The length is filled in last; a PDU that cannot be written
//! leaves no octet behind.

use bytes::{BufMut, BytesMut};
use thiserror::Error;

use crate::frame::HEADER_OCTETS;

/// Enough for every PDU without optional parameters, so that one reservation does.
const USUAL_OCTETS: usize = 384;

/// Why a PDU cannot be written. It names the field, never its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// The field is longer than its maximum.
    #[error("{field} is longer than its maximum")]
    TooLong {
        /// The field's name in the specification.
        field: &'static str,
    },
    /// A C-octet string holds a NUL, which would end it early.
    #[error("{field} holds a NUL octet")]
    InnerNul {
        /// The field's name in the specification.
        field: &'static str,
    },
}

/// A PDU being written.
pub(super) struct Writer<'b> {
    out: &'b mut BytesMut,
    start: usize,
}

impl<'b> Writer<'b> {
    /// Writes the header with a length to be filled in.
    pub(super) fn begin(out: &'b mut BytesMut, id: u32, status: u32, sequence: u32) -> Self {
        out.reserve(USUAL_OCTETS);
        let start = out.len();
        let mut header = [0; HEADER_OCTETS];
        let numbers = [0, id, status, sequence].map(u32::to_be_bytes);
        for (place, number) in header.iter_mut().zip(numbers.as_flattened()) {
            *place = *number;
        }
        out.put_slice(&header);
        Self { out, start }
    }

    pub(super) fn octet(&mut self, octet: u8) {
        self.out.put_u8(octet);
    }

    pub(super) fn octets(&mut self, octets: &[u8]) {
        self.out.put_slice(octets);
    }

    /// A C-octet string of at most `max` octets, its NUL counted.
    pub(super) fn c_string(
        &mut self,
        string: &[u8],
        max: usize,
        field: &'static str,
    ) -> Result<(), EncodeError> {
        if string.len() >= max {
            return Err(EncodeError::TooLong { field });
        }
        if string.contains(&0) {
            return Err(EncodeError::InnerNul { field });
        }
        self.out.put_slice(string);
        self.out.put_u8(0);
        Ok(())
    }

    /// Fills in the length.
    pub(super) fn finish(self) -> Result<(), EncodeError> {
        let written = self.out.len().saturating_sub(self.start);
        let place = self
            .out
            .get_mut(self.start..)
            .and_then(<[u8]>::first_chunk_mut::<4>);
        if let (Ok(length), Some(place)) = (u32::try_from(written), place) {
            *place = length.to_be_bytes();
            return Ok(());
        }
        self.abandon();
        Err(EncodeError::TooLong {
            field: "command_length",
        })
    }

    /// Takes back everything of this PDU.
    pub(super) fn abandon(self) {
        self.out.truncate(self.start);
    }
}
