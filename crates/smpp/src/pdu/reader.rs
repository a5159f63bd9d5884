//! A reader over the body of one frame that only moves forward. It never reads past its slice, and
//! what is left over at the end is an error.

use super::malformed::Why;

/// The part of a body that is not read yet.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// One octet.
    pub(super) fn octet(&mut self, field: &'static str) -> Result<u8, Why> {
        let (octet, rest) = self.rest.split_first().ok_or(Why::Truncated { field })?;
        self.rest = rest;
        Ok(*octet)
    }

    /// An octet string of a length that was given before.
    pub(super) fn octets(&mut self, length: usize, field: &'static str) -> Result<&'a [u8], Why> {
        let (octets, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(Why::Truncated { field })?;
        self.rest = rest;
        Ok(octets)
    }

    /// A C-octet string of at most `max` octets, its NUL counted; handed out without the NUL.
    pub(super) fn c_string(&mut self, max: usize, field: &'static str) -> Result<&'a [u8], Why> {
        let Some(end) = self.rest.iter().take(max).position(|octet| *octet == 0) else {
            return Err(if self.rest.len() < max {
                Why::Truncated { field }
            } else {
                Why::TooLong { field }
            });
        };
        let string = self.octets(end, field)?;
        self.octet(field)?;
        Ok(string)
    }

    /// What is left, which stays to be read.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Everything that is left.
    pub(super) fn take_rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// The body must be consumed.
    pub(super) fn finish(self) -> Result<(), Why> {
        match self.rest.len() {
            0 => Ok(()),
            octets => Err(Why::TrailingOctets { octets }),
        }
    }
}
