//! Structured fields (RFC 8941), as far as signatures and digests of content need them: dictionaries of items and
//! inner lists. Stricter than the standard where it lets the same thing be written twice: no key comes twice, base64
//! is canonical. Decimals are not read.

use core::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Members of a dictionary, items of a list and parameters of each: more than any honest header has.
const MEMBERS_MAX: usize = 64;
/// Digits of an integer (RFC 8941 section 3.3.1).
const DIGITS_MAX: usize = 15;

/// A value without its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bare {
    Integer(i64),
    Text(String),
    Token(String),
    Octets(Vec<u8>),
    Truth(bool),
}

/// Parameters in their order; no name twice.
pub(super) type Parameters = Vec<(String, Bare)>;

/// A value and its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) value: Bare,
    pub(super) parameters: Parameters,
}

/// What a key of a dictionary stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Item(Item),
    List(Vec<Item>, Parameters),
}

/// A dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dictionary(Vec<(String, Member)>);

impl Dictionary {
    /// Reads a whole field; `None` when it is none, or empty.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader(text.trim_matches(' '));
        let mut members: Vec<(String, Member)> = Vec::new();
        loop {
            let key = reader.key()?;
            let is_new = members.iter().all(|(known, _)| *known != key);
            if !is_new || members.len() == MEMBERS_MAX {
                return None;
            }
            members.push((key, reader.member()?));
            reader.skip(" \t");
            if reader.0.is_empty() {
                return Some(Self(members));
            }
            reader.take(',')?;
            reader.skip(" \t");
        }
    }

    /// Its only member; `None` when it has more.
    pub(super) fn one(&self) -> Option<(&str, &Member)> {
        match self.0.as_slice() {
            [(key, member)] => Some((key, member)),
            _ => None,
        }
    }

    /// What a key stands for.
    pub(super) fn get(&self, key: &str) -> Option<&Member> {
        let found = self.0.iter().find(|(known, _)| known == key);
        found.map(|(_, member)| member)
    }
}

/// Canonical base64 with its padding.
pub(super) fn octets(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Parameters as they are signed (RFC 8941 section 4.1.1.2).
pub(super) fn write_parameters(to: &mut String, parameters: &[(String, Bare)]) {
    for (name, value) in parameters {
        // Writing to a string cannot fail.
        let _ = match value {
            Bare::Truth(true) => write!(to, ";{name}"),
            Bare::Truth(false) => write!(to, ";{name}=?0"),
            Bare::Integer(number) => write!(to, ";{name}={number}"),
            Bare::Token(token) => write!(to, ";{name}={token}"),
            Bare::Octets(octets) => write!(to, ";{name}=:{}:", STANDARD.encode(octets)),
            Bare::Text(text) => {
                let text = text.replace('\\', "\\\\").replace('"', "\\\"");
                write!(to, ";{name}=\"{text}\"")
            }
        };
    }
}

/// What is still to be read. It only moves forward.
struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<char> {
        self.0.chars().next()
    }

    fn take(&mut self, wanted: char) -> Option<()> {
        self.0 = self.0.strip_prefix(wanted)?;
        Some(())
    }

    fn skip(&mut self, letters: &str) {
        self.0 = self.0.trim_start_matches(|letter| letters.contains(letter));
    }

    /// As many letters as are of a sort.
    fn run(&mut self, is_one: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(|letter| !is_one(letter));
        let (run, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest;
        run
    }

    fn key(&mut self) -> Option<String> {
        let starts = |letter: char| letter.is_ascii_lowercase() || letter == '*';
        self.peek().filter(|letter| starts(*letter))?;
        let goes_on =
            |letter: char| starts(letter) || letter.is_ascii_digit() || "_-.".contains(letter);
        Some(self.run(goes_on).to_owned())
    }

    fn member(&mut self) -> Option<Member> {
        if self.take('=').is_none() {
            // A key alone is true.
            let value = Bare::Truth(true);
            let parameters = self.parameters()?;
            return Some(Member::Item(Item { value, parameters }));
        }
        if self.take('(').is_none() {
            return self.item().map(Member::Item);
        }
        let mut items = Vec::new();
        loop {
            self.skip(" ");
            if self.take(')').is_some() {
                return Some(Member::List(items, self.parameters()?));
            }
            if items.len() == MEMBERS_MAX {
                return None;
            }
            items.push(self.item()?);
            // Between two items is a space.
            self.peek().filter(|letter| matches!(letter, ' ' | ')'))?;
        }
    }

    fn item(&mut self) -> Option<Item> {
        let value = self.bare()?;
        let parameters = self.parameters()?;
        Some(Item { value, parameters })
    }

    fn parameters(&mut self) -> Option<Parameters> {
        let mut found = Parameters::new();
        while self.take(';').is_some() {
            self.skip(" ");
            let name = self.key()?;
            let value = match self.take('=') {
                Some(()) => self.bare()?,
                None => Bare::Truth(true),
            };
            let is_new = found.iter().all(|(known, _)| *known != name);
            if !is_new || found.len() == MEMBERS_MAX {
                return None;
            }
            found.push((name, value));
        }
        Some(found)
    }

    fn bare(&mut self) -> Option<Bare> {
        match self.peek()? {
            '"' => self.text(),
            ':' => {
                self.take(':')?;
                let written = self.run(|letter| letter != ':');
                self.take(':')?;
                octets(written).map(Bare::Octets)
            }
            '?' => {
                self.take('?')?;
                if self.take('1').is_some() {
                    return Some(Bare::Truth(true));
                }
                self.take('0').map(|()| Bare::Truth(false))
            }
            '-' | '0'..='9' => self.integer(),
            'a'..='z' | 'A'..='Z' | '*' => {
                let token = |letter: char| {
                    letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~:/".contains(letter)
                };
                Some(Bare::Token(self.run(token).to_owned()))
            }
            _ => None,
        }
    }

    fn integer(&mut self) -> Option<Bare> {
        let negative = self.take('-').is_some();
        let digits = self.run(|letter| letter.is_ascii_digit());
        let is_whole = self.peek() != Some('.');
        // One number has one spelling, so that what is signed again is what was signed.
        let is_plain = !digits.starts_with('0') || (digits == "0" && !negative);
        if digits.len() > DIGITS_MAX || !is_whole || !is_plain {
            return None;
        }
        let number: i64 = digits.parse().ok()?;
        Some(Bare::Integer(if negative { -number } else { number }))
    }

    fn text(&mut self) -> Option<Bare> {
        self.take('"')?;
        let mut text = String::new();
        loop {
            let plain =
                |letter: char| matches!(letter, ' '..='~') && letter != '"' && letter != '\\';
            text.push_str(self.run(plain));
            if self.take('"').is_some() {
                return Some(Bare::Text(text));
            }
            self.take('\\')?;
            let escaped = self.peek().filter(|letter| matches!(letter, '"' | '\\'))?;
            self.take(escaped)?;
            text.push(escaped);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_again_is_what_was_read() {
        let text = "a=(\"x\" \"y\");n=-12;t=tok/en;s=\"q\\\"\\\\\";b=:AQI=:;yes;no=?0";
        let read = Dictionary::parse(text).unwrap();
        let (key, Member::List(items, parameters)) = read.one().unwrap() else {
            panic!("{read:?}");
        };
        assert_eq!((key, items.len()), ("a", 2));
        let mut again = "a=(\"x\" \"y\")".to_owned();
        write_parameters(&mut again, parameters);
        assert_eq!(again, text);
    }

    #[test]
    fn what_is_no_dictionary_is_refused() {
        for wrong in [
            "",
            " ",
            "A=1",
            "a=",
            "a=1,",
            "a=1,,b=2",
            "a=1;",
            "a=1.5",
            "a=01",
            "a=-0",
            "a=1 b=2",
            "a=(",
            "a=(\"x\"",
            "a=(\"x\"\"y\")",
            "a=\"x",
            "a=\"\\x\"",
            "a=\"\u{e9}\"",
            "a=:AQI:",
            "a=:AQJ=:",
            "a=:AQI=",
            "a=?2",
            "a=1, a=2",
            "a=1;b;b",
            "a=1234567890123456",
            "a=@1",
            "\u{0}",
            "a=\"\t\"",
        ] {
            assert_eq!(Dictionary::parse(wrong), None, "{wrong:?}");
        }
        for right in [
            "a",
            "a=1,b=2",
            "a=1 ,\tb=2",
            "a=( \"x\"  \"y\" )",
            "*a-_.9=tok",
        ] {
            assert!(Dictionary::parse(right).is_some(), "{right:?}");
        }
    }
}
