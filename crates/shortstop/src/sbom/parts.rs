//! The list that `build.rs` notes: one line a part, `how | name | version | licence | asks for | hash`.

/// The parts of this binary.
#[derive(Debug)]
pub struct Parts {
    /// In the order of the list.
    pub all: Vec<Part>,
    age: Age,
}

/// Whether the list is of the Cargo.lock that the binary was built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    /// It is.
    Fresh,
    /// It is not: parts may be missing.
    Stale,
}

/// One crate or library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// How it gets into the binary.
    pub how: How,
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Its licence, an SPDX expression.
    pub licence: &'static str,
    asks: &'static str,
    hash: &'static str,
}

/// How a part gets into the binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// A crate of this repository.
    Own,
    /// A crate that is linked.
    Linked,
    /// A crate that runs while the binary is built.
    Build,
    /// A C library inside a crate.
    Bundled,
}

/// What `build.rs` writes in place of a hash when Cargo.lock has the crate in another version, and on a line of its
/// own when the list is of another Cargo.lock.
const STALE: &str = "stale";

impl Parts {
    /// Those of this binary; empty when its target has no list.
    pub fn built_in() -> Self {
        Self::parse(include_str!(concat!(env!("OUT_DIR"), "/components.txt")))
    }

    /// Reads lines. One that is none of ours is left out.
    pub fn parse(text: &'static str) -> Self {
        let all: Vec<Part> = text.lines().filter_map(Part::parse).collect();
        let is_stale =
            text.lines().any(|line| line == STALE) || all.iter().any(|part| part.hash == STALE);
        let age = if is_stale { Age::Stale } else { Age::Fresh };
        Self { all, age }
    }

    /// The product itself.
    pub fn root(&self) -> Option<&Part> {
        self.all.iter().find(|part| part.is_root())
    }

    /// Whether Cargo.lock had moved on since the list was written.
    pub fn is_stale(&self) -> bool {
        self.age == Age::Stale
    }
}

impl Part {
    fn parse(line: &'static str) -> Option<Self> {
        let mut words = line.split('|').map(str::trim);
        let mut next = || words.next();
        let how = match next()? {
            "own" => How::Own,
            "linked" => How::Linked,
            "build" => How::Build,
            "bundled" => How::Bundled,
            _ => return None,
        };
        Some(Self {
            how,
            name: next()?,
            version: next()?,
            licence: next()?,
            asks: next()?,
            hash: next()?,
        })
    }

    /// `name@version`, by which others ask for it.
    pub fn reference(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    /// The references of what it asks for; of a library, of the crate that it is inside of.
    pub fn asks(&self) -> impl Iterator<Item = &'static str> {
        self.asks.split_whitespace()
    }

    /// The SHA-256 of its package, where Cargo.lock has one.
    pub fn hash(&self) -> Option<&'static str> {
        Some(self.hash).filter(|hash| !hash.is_empty() && *hash != STALE)
    }

    /// Whether it is the product itself.
    pub fn is_root(&self) -> bool {
        self.how == How::Own && self.name == env!("CARGO_PKG_NAME")
    }
}
