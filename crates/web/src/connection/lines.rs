//! Heads of HTTP/1.1 as they come, for what the parser takes although two readers may understand it differently
//! (request smuggling): a line that ends without CR, a length twice, a length beside a transfer coding. Such an
//! octet is made one that the parser refuses, so that the client is answered and the connection ends as after
//! any other broken head. Whether a head makes sense otherwise is hyper's affair; bodies are passed over.

/// What spoils a head: no head may hold it (RFC 9110 section 5.5).
const SPOILT: u8 = 0;
/// The longest name that is looked for, with its colon, and the digits of the longest length.
const KEPT: usize = 40;

const LENGTH: &[u8] = b"content-length:";
const CODING: &[u8] = b"transfer-encoding:";

/// Where in a request the next octet stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// In its head, or before it.
    Head,
    /// In a body, of which so many octets are left.
    Body(u64),
    /// In the line with the size of a chunk.
    Size,
    /// In a chunk, of which so many octets are left with the line's end after it.
    Chunk(u64),
    /// After the last chunk.
    Trailer,
    /// Past what was spoilt, where nothing is looked at any more.
    Nowhere,
}

/// How the body of the request is framed, as far as its head has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Nothing,
    Length(u64),
    Coding,
}

/// The lines of one connection.
#[derive(Debug)]
pub(crate) struct Lines {
    at: At,
    framing: Framing,
    /// The beginning of the line, without its end.
    line: [u8; KEPT],
    /// Octets of the line.
    length: usize,
    last: u8,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            at: At::Head,
            framing: Framing::Nothing,
            line: [0; KEPT],
            length: 0,
            last: 0,
        }
    }
}

impl Lines {
    /// Looks at octets as they come, and spoils what must not be taken.
    pub(crate) fn take(&mut self, mut octets: &mut [u8]) {
        while !octets.is_empty() {
            let passed = match self.at {
                At::Nowhere => return,
                At::Body(left) => self.pass(octets.len(), left, At::Body, At::Head),
                At::Chunk(left) => self.pass(octets.len(), left, At::Chunk, At::Size),
                At::Head | At::Size | At::Trailer => self.line(octets),
            };
            octets = octets.get_mut(passed..).unwrap_or_default();
        }
    }

    /// Passes over what is no line.
    fn pass(&mut self, there: usize, left: u64, rest: fn(u64) -> At, then: At) -> usize {
        let passed = there.min(usize::try_from(left).unwrap_or(usize::MAX));
        let left = left.saturating_sub(u64::try_from(passed).unwrap_or(u64::MAX));
        self.at = if left == 0 { then } else { rest(left) };
        passed
    }

    /// Reads as much of a line as there is.
    fn line(&mut self, octets: &mut [u8]) -> usize {
        for (place, octet) in octets.iter_mut().enumerate() {
            if *octet != b'\n' {
                if let Some(kept) = self.line.get_mut(self.length) {
                    *kept = octet.to_ascii_lowercase();
                }
                self.length = self.length.saturating_add(1);
                self.last = *octet;
                continue;
            }
            if self.last != b'\r' || !self.ended() {
                *octet = SPOILT;
                self.at = At::Nowhere;
            }
            (self.length, self.last) = (0, 0);
            return place.saturating_add(1);
        }
        octets.len()
    }

    /// A line has ended well; `false` when the head must not be taken.
    fn ended(&mut self) -> bool {
        let kept = self.line;
        let length = self.length.saturating_sub(1);
        let line = kept.get(..length).unwrap_or(&kept);
        match self.at {
            At::Size => return self.size(line, length),
            At::Trailer if line.is_empty() => *self = Self::default(),
            At::Head if line.is_empty() => self.body(),
            At::Head => return self.field(line, length),
            _ => {}
        }
        true
    }

    /// The line with the size of a chunk, before its extensions.
    fn size(&mut self, line: &[u8], length: usize) -> bool {
        let end = line.iter().position(|octet| *octet == b';');
        if end.is_none() && length > line.len() {
            return false;
        }
        let digits = line.get(..end.unwrap_or(line.len())).unwrap_or_default();
        match number(digits.trim_ascii_end(), 16) {
            Some(0) => self.at = At::Trailer,
            Some(size) => self.at = At::Chunk(size.saturating_add(2)),
            None => return false,
        }
        true
    }

    /// A line of the head that is not its last.
    fn field(&mut self, line: &[u8], length: usize) -> bool {
        let framing = if let Some(value) = line.strip_prefix(LENGTH) {
            let value = (length <= line.len()).then_some(value.trim_ascii());
            value
                .and_then(|value| number(value, 10))
                .map(Framing::Length)
        } else if line.starts_with(CODING) {
            Some(Framing::Coding)
        } else {
            return true;
        };
        match (framing, self.framing) {
            (Some(framing), Framing::Nothing) => self.framing = framing,
            // Several codings are the API's to refuse: it says why.
            (Some(Framing::Coding), Framing::Coding) => {}
            _ => return false,
        }
        true
    }

    /// A head has ended. Empty lines before one are passed over likewise.
    fn body(&mut self) {
        self.at = match self.framing {
            Framing::Nothing | Framing::Length(0) => At::Head,
            Framing::Length(length) => At::Body(length),
            Framing::Coding => At::Size,
        };
        self.framing = Framing::Nothing;
    }
}

fn number(digits: &[u8], radix: u32) -> Option<u64> {
    let is_plain = digits.iter().all(u8::is_ascii_alphanumeric);
    let digits = str::from_utf8(digits).ok().filter(|_| is_plain)?;
    u64::from_str_radix(digits, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of octets that come in pieces of this size.
    fn taken(octets: &str, piece: usize) -> String {
        let mut octets = octets.as_bytes().to_vec();
        let mut lines = Lines::default();
        for part in octets.chunks_mut(piece) {
            lines.take(part);
        }
        String::from_utf8(octets).unwrap()
    }

    #[test]
    fn sound_requests_pass_as_they_are_whatever_their_bodies_hold() {
        let fixed = "\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na\nb\r\n\r\n\0c";
        let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
                       2;a=b\r\n\n\n\r\n0A\r\n0123456\n\r\n\r\n0\r\nX-A: b\r\n\r\n";
        let bare = "GET / HTTP/1.1\r\ncontent-length: 0\r\nX-Content-Length: 7\r\n\r\n";
        let two = "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        let all = [fixed, chunked, bare, two, fixed, bare].concat();
        for piece in [1, 2, 3, 7, 64, 1_000] {
            assert_eq!(taken(&all, piece), all, "{piece}");
        }
    }

    #[test]
    fn what_two_readers_may_read_differently_is_spoilt_where_it_stands() {
        for odd in [
            "GET / HTTP/1.1\n",
            "GET / HTTP/1.1\r\nHost: a\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "\n",
            "POST / HTTP/1.1\r\nContent-Length: 4\r\ncontent-length: 4\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-A: b\n",
            "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n\n\nGET / HTTP/1.1\n",
            "POST / HTTP/1.1\r\nContent-Length: 4, 5\r\n",
            "POST / HTTP/1.1\r\nContent-Length: +4\r\n",
            "POST / HTTP/1.1\r\nContent-Length:                             5\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n00000000000000000000000000000000000000001\r\n",
        ] {
            let spoilt = format!("{}\0", &odd[..odd.len() - 1]);
            for piece in [1, 2, 1_000] {
                assert_eq!(
                    taken(&format!("{odd}\n"), piece),
                    format!("{spoilt}\n"),
                    "{odd:?}"
                );
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn however_octets_are_cut_the_same_becomes_of_them(
            octets in "([a-z :;\\r\\n]|Content-Length: [0-9]|Transfer-Encoding: |\\r\\n){0,60}",
            piece in 1_usize..20,
        ) {
            proptest::prop_assert_eq!(taken(&octets, piece), taken(&octets, octets.len().max(1)));
        }
    }
}
