//! A short run of octets kept in place, so that numbers are written and kept without memory of their
//! own.

use std::fmt;

/// At most `N` octets (`N` ≤ 255); what is longer is cut.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Inline<const N: usize> {
    length: u8,
    octets: [u8; N],
}

impl<const N: usize> Inline<N> {
    pub(crate) fn new(octets: &[u8]) -> Self {
        let mut inline = Self {
            length: 0,
            octets: [0; N],
        };
        inline.push(octets);
        inline
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        self.octets
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }

    fn push(&mut self, octets: &[u8]) {
        let free = self.octets.iter_mut().skip(usize::from(self.length));
        for (place, octet) in free.zip(octets) {
            *place = *octet;
            self.length = self.length.saturating_add(1);
        }
    }
}

impl<const N: usize> fmt::Write for Inline<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

/// It may be a number or a text, so only its length is shown.
impl<const N: usize> fmt::Debug for Inline<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} octets", self.length)
    }
}
