//! What a check reports: which rule, about what, and what is wrong there.

use std::fmt;

use serde::Deserialize;

/// The name of a rule, as `xtask/tidy.toml` and the output spell it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// One workspace crate imports another that the table of rooms does not grant it.
    Edge,
    /// The longest chain of workspace crates is too long.
    Chain,
    /// A pure crate reaches for the outside world.
    Pure,
    /// A source file is too long.
    Size,
    /// A file, module or type has a name that says nothing.
    Name,
    /// A source file does not open with its own documentation.
    Opening,
    /// Unfinished code, or a test that is switched off.
    Unfinished,
    /// A test waits for the clock.
    Sleep,
    /// An import by `*`.
    Glob,
    /// The list of what is built in is not what cargo builds in.
    Sbom,
    /// Dependencies, their rows and the workspace's list disagree.
    Dependency,
    /// A problem code has no section for the reader.
    Problem,
    /// A page names a test that is not there.
    Shown,
    /// A path of one machine, or the host of one package registry.
    Leak,
    /// The feature with a race in it could be turned on.
    Racy,
    /// An exception of `xtask/tidy.toml` without use or without reason.
    Exception,
}

/// One broken rule. The subject is a path or a crate's name: exceptions are granted by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub check: Check,
    /// Path from the root, or name of the crate.
    pub subject: String,
    /// What is wrong, and what would be right.
    pub says: String,
}

impl Finding {
    /// Puts a finding together.
    pub fn new(check: Check, subject: &str, says: impl Into<String>) -> Self {
        Self {
            check,
            subject: subject.to_owned(),
            says: says.into(),
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.check, self.subject, self.says)
    }
}
