//! submit_multi and its response (SMPP 3.4 §4.5): one message to several handsets.

use super::address::Address;
use super::malformed::Why;
use super::reader::Reader;
use super::short_message::ShortMessage;
use super::writer::{EncodeError, Writer};

/// The most octets of a message id, NUL counted.
const MESSAGE_ID_MAX: usize = 65;

/// The most octets of a list's name, NUL counted.
const LIST_MAX: usize = 21;

/// `dest_flag`: a handset.
const HANDSET: u8 = 1;
/// `dest_flag`: a distribution list.
const LIST: u8 = 2;

/// One of those whom it is to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination<'a> {
    /// A handset.
    Handset(Address<'a>),
    /// A distribution list of the SMSC, by name.
    List(&'a [u8]),
}

impl<'a> Destination<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Why> {
        match reader.octet("dest_flag")? {
            HANDSET => Address::read(reader, "destination_addr").map(Self::Handset),
            LIST => reader.c_string(LIST_MAX, "dl_name").map(Self::List),
            _ => Err(Why::DestinationFlag),
        }
    }
}

/// Those whom it is to, as they came: checked once, and read one by one.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Destinations<'a> {
    count: u8,
    octets: &'a [u8],
}

impl<'a> Destinations<'a> {
    /// How many there are: 0 to 255, of which SMPP allows 254.
    pub const fn count(&self) -> u8 {
        self.count
    }

    /// Every one in its order.
    pub fn iter(&self) -> impl Iterator<Item = Destination<'a>> + use<'a> {
        let mut reader = Reader::new(self.octets);
        std::iter::from_fn(move || Destination::read(&mut reader).ok())
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self, Why> {
        let count = reader.octet("number_of_dests")?;
        let whole = reader.rest();
        for _ in 0..count {
            Destination::read(reader)?;
        }
        let taken = whole.len().saturating_sub(reader.rest().len());
        Ok(Self {
            count,
            octets: whole.get(..taken).unwrap_or_default(),
        })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.octet(self.count);
        writer.octets(self.octets);
    }
}

/// They are numbers of persons, so only their count is shown.
impl std::fmt::Debug for Destinations<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} destinations", self.count)
    }
}

/// The body of submit_multi.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Multi<'a> {
    /// Whom it is to.
    pub destinations: Destinations<'a>,
    /// Everything else; its destination is empty.
    pub message: ShortMessage<'a>,
}

impl<'a> Multi<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Why> {
        let service_type = reader.c_string(6, "service_type")?;
        let source = Address::read(reader, "source_addr")?;
        let destinations = Destinations::read(reader)?;
        let message = ShortMessage {
            service_type,
            source,
            ..ShortMessage::read_behind_addresses(reader)?
        };
        Ok(Self {
            destinations,
            message,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.c_string(self.message.service_type, 6, "service_type")?;
        self.message.source.write(writer, "source_addr")?;
        self.destinations.write(writer);
        self.message.write_behind_addresses(writer)
    }
}

/// The body of submit_multi_resp.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct MultiResponse<'a> {
    /// At most 64 octets; `None` when the body is absent, as in a refusal of the whole.
    pub message_id: Option<&'a [u8]>,
    /// How many were not taken, and each with its status, as [`MultiResponse::push`] writes them.
    unsuccessful: (u8, &'a [u8]),
}

impl<'a> MultiResponse<'a> {
    /// A response with those that were not taken, at most 255.
    pub const fn new(message_id: &'a [u8], (count, octets): (u8, &'a [u8])) -> Self {
        Self {
            message_id: Some(message_id),
            unsuccessful: (count, octets),
        }
    }

    /// Appends one that was not taken, with its status.
    pub fn push(out: &mut Vec<u8>, address: &Address<'_>, status: u32) {
        out.extend([address.ton, address.npi]);
        out.extend_from_slice(address.reveal());
        out.push(0);
        out.extend_from_slice(&status.to_be_bytes());
    }

    /// How many were not taken.
    pub const fn unsuccessful(&self) -> u8 {
        self.unsuccessful.0
    }

    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Why> {
        if reader.is_empty() {
            return Ok(Self::default());
        }
        let message_id = reader.c_string(MESSAGE_ID_MAX, "message_id")?;
        let count = reader.octet("no_unsuccess")?;
        let whole = reader.rest();
        for _ in 0..count {
            Address::read(reader, "unsuccess_sme")?;
            reader.octets(4, "error_status_code")?;
        }
        let taken = whole.len().saturating_sub(reader.rest().len());
        let octets = whole.get(..taken).unwrap_or_default();
        Ok(Self::new(message_id, (count, octets)))
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        let Some(message_id) = self.message_id else {
            return Ok(());
        };
        let (count, octets) = self.unsuccessful;
        writer.c_string(message_id, MESSAGE_ID_MAX, "message_id")?;
        writer.octet(count);
        writer.octets(octets);
        Ok(())
    }
}

/// They are numbers of persons, so only their count is shown.
impl std::fmt::Debug for MultiResponse<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MultiResponse({} not taken)", self.unsuccessful.0)
    }
}
