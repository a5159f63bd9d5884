//! Framing: exactly `command_length` octets off the front of what was read, and the 16-octet header.
//!
//! It does not look into the body; see [`crate::pdu`]. A frame is a wall: nothing behind it can be
//! read as part of it, and nothing in it can be read as the start of the next one.

use thiserror::Error;

/// Octets of the header: four big-endian `u32` (SMPP 3.4 §3.2).
pub const HEADER_OCTETS: usize = 16;

/// The largest frame accepted by default, in octets. Checked before any memory is taken for it.
pub const FRAME_LIMIT_OCTETS: usize = 64 * 1024;

/// The header of a PDU as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// `command_length`: the whole PDU in octets, header included.
    pub length: u32,
    /// `command_id`: see [`crate::pdu::id`].
    pub id: u32,
    /// `command_status`: 0 in requests.
    pub status: u32,
    /// `sequence_number`: echoed by the response.
    pub sequence: u32,
}

/// One whole PDU, header parsed, body untouched.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The parsed header.
    pub header: Header,
    /// What follows the header, exactly `length - 16` octets.
    pub body: &'a [u8],
}

/// Why the stream cannot be framed any further. The connection must be closed, because there is no
/// way to find the start of the next PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("command_length {length} is outside 16..={limit}")]
pub struct FrameError {
    /// The `command_length` that was read.
    pub length: u32,
    /// The limit it was held against, in octets.
    pub limit: usize,
    /// `command_id` and `sequence_number`, if these octets had already arrived.
    pub read: Option<(u32, u32)>,
}

impl FrameError {
    /// The sequence number to put into a generic_nack: 0 if it could not be read (§3).
    pub fn nack_sequence(&self) -> u32 {
        self.read.map_or(0, |(_, sequence)| sequence)
    }
}

/// Takes the next whole frame off the front of `input`; `Ok(None)` means that more octets are needed.
///
/// The length is judged as soon as its four octets are there, so a peer that talks another protocol
/// is recognised at once. On an error nothing is taken.
pub fn take<'a>(input: &mut &'a [u8], limit: usize) -> Result<Option<Frame<'a>>, FrameError> {
    let Some((length, _)) = input.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes(*length);
    let octets = usize::try_from(length).unwrap_or(usize::MAX);
    if octets < HEADER_OCTETS || octets > limit {
        let read = read_header(input).map(|(header, _)| (header.id, header.sequence));
        return Err(FrameError {
            length,
            limit,
            read,
        });
    }
    let Some((whole, rest)) = input.split_at_checked(octets) else {
        return Ok(None);
    };
    let Some((header, body)) = read_header(whole) else {
        return Ok(None);
    };
    *input = rest;
    Ok(Some(Frame { header, body }))
}

/// Reads the four numbers and hands back what follows them.
fn read_header(input: &[u8]) -> Option<(Header, &[u8])> {
    let (length, rest) = input.split_first_chunk::<4>()?;
    let (id, rest) = rest.split_first_chunk::<4>()?;
    let (status, rest) = rest.split_first_chunk::<4>()?;
    let (sequence, rest) = rest.split_first_chunk::<4>()?;
    let header = Header {
        length: u32::from_be_bytes(*length),
        id: u32::from_be_bytes(*id),
        status: u32::from_be_bytes(*status),
        sequence: u32::from_be_bytes(*sequence),
    };
    Some((header, rest))
}

/// The body may hold a password or a text, so only its size is shown.
impl std::fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame")
            .field("header", &self.header)
            .field("body_octets", &self.body.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    const ENQUIRE: [u8; 16] = [0, 0, 0, 16, 0, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 9];

    #[test]
    fn frame_takes_exactly_its_own_octets() {
        let mut two = ENQUIRE.to_vec();
        two.extend_from_slice(&ENQUIRE);
        let mut input = two.as_slice();
        let frame = take(&mut input, 64).unwrap().unwrap();
        assert_eq!((frame.header.id, frame.header.sequence), (0x15, 9));
        assert!(frame.body.is_empty());
        assert_eq!(input, ENQUIRE);
    }

    #[test]
    fn partial_frame_waits_and_takes_nothing() {
        for cut in 0..ENQUIRE.len() {
            let mut input = &ENQUIRE[..cut];
            assert_eq!(take(&mut input, 64), Ok(None));
            assert_eq!(input.len(), cut);
        }
    }

    #[test]
    fn http_octets_are_refused_after_four_of_them() {
        let error = take(&mut b"GET ".as_slice(), FRAME_LIMIT_OCTETS).unwrap_err();
        assert_eq!((error.length, error.read), (0x4745_5420, None));
        assert_eq!(error.nack_sequence(), 0);
    }

    #[test]
    fn length_below_the_header_or_above_the_limit_is_refused_with_its_sequence() {
        for length in [0_u32, 4, 15, 65, 0x7fff_ffff, u32::MAX] {
            let mut octets = ENQUIRE;
            octets[..4].copy_from_slice(&length.to_be_bytes());
            let error = take(&mut octets.as_slice(), 64).unwrap_err();
            assert_eq!((error.length, error.nack_sequence()), (length, 9));
        }
    }

    proptest! {
        #[test]
        fn any_octets_end_in_frames_that_add_up(octets: Vec<u8>, limit in 0_usize..256, short in any::<bool>()) {
            let mut octets = octets;
            if short && octets.len() > 3 {
                octets[..3].fill(0);
            }
            let mut input = octets.as_slice();
            let mut taken = 0;
            while let Ok(Some(frame)) = take(&mut input, limit) {
                prop_assert!(frame.body.len() + HEADER_OCTETS <= limit);
                taken += frame.body.len() + HEADER_OCTETS;
            }
            prop_assert_eq!(taken + input.len(), octets.len());
        }
    }
}
