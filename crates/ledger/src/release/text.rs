//! The lines of a list, read and written. There is one spelling of each list: what is read writes itself
//! as the same octets.

use core::fmt::{self, Write as _};

use super::{
    Binary, Fix, ListError, MAX_LINES, MAX_RELEASES, MAX_TEXT_BYTES, Release, ReleaseList,
    ReleaseVersion, Severity,
};
use crate::entry::time;
use crate::leaf::Hash;
use crate::spelling;

/// The first line.
pub(super) const TITLE: &str = "shortstop-releases/v1";

impl ReleaseList {
    /// Reads the text of a note, signed or not yet.
    pub fn parse(text: &str) -> Result<Self, ListError> {
        let mut lines = Lines::new(text);
        if lines.next() != Some(TITLE) {
            return Err(ListError::Title);
        }
        let mut list = Self {
            number: lines.value("number N", spelling::decimal)?,
            issued: lines.value("issued YYYY-MM-DDTHH:MM:SSZ", moment)?,
            expires: lines.value("expires YYYY-MM-DDTHH:MM:SSZ", moment)?,
            releases: Vec::new(),
        };
        if list.expires <= list.issued {
            return Err(ListError::Never);
        }
        while lines.left() {
            let release = release(&mut lines, list.releases.last())?;
            list.releases.push(release);
            if list.releases.len() > MAX_RELEASES {
                return Err(ListError::TooMany { line: lines.at });
            }
        }
        if list.releases.is_empty() {
            return Err(ListError::Empty);
        }
        Ok(list)
    }
}

impl fmt::Display for ReleaseList {
    /// The text that is signed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{TITLE}\nnumber {}", self.number)?;
        writeln!(f, "issued {}", spell(self.issued))?;
        writeln!(f, "expires {}", spell(self.expires))?;
        self.releases.iter().try_for_each(|release| release.fmt(f))
    }
}

impl fmt::Display for Release {
    /// The lines of one release.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "release {}\ndate {}", self.version, self.date)?;
        writeln!(f, "upgrade-from {}", self.upgrade_from)?;
        if let Some(why) = &self.withdrawn {
            writeln!(f, "withdrawn {why}")?;
        }
        for Fix { severity, id, text } in &self.fixes {
            writeln!(f, "fix {} {id} {text}", severity.word())?;
        }
        for Binary { target, sha256 } in &self.binaries {
            writeln!(f, "binary {target} {sha256}")?;
        }
        Ok(())
    }
}

/// The lines of a text that ends each of them; a text that does not has a last line that nothing expects.
struct Lines<'t> {
    rest: &'t str,
    at: usize,
}

impl<'t> Lines<'t> {
    const fn new(text: &'t str) -> Self {
        Self { rest: text, at: 0 }
    }

    const fn left(&self) -> bool {
        !self.rest.is_empty()
    }

    fn next(&mut self) -> Option<&'t str> {
        self.at += 1;
        let (line, rest) = self.rest.split_once('\n')?;
        self.rest = rest;
        Some(line)
    }

    /// The value on the next line, which must begin with the first word of `expected`.
    fn value<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&'t str) -> Option<T>,
    ) -> Result<T, ListError> {
        let line = self.next();
        let value = line.and_then(|line| after(line, word_of(expected)));
        let line = self.at;
        value
            .and_then(read)
            .ok_or(ListError::Line { line, expected })
    }

    /// The values on the next lines that begin with the first word of `expected`; perhaps none.
    fn values<T>(
        &mut self,
        expected: &'static str,
        read: impl Fn(&'t str) -> Option<T>,
    ) -> Result<Vec<T>, ListError> {
        let mut all = Vec::new();
        while after(self.rest, word_of(expected)).is_some() {
            all.push(self.value(expected, &read)?);
            if all.len() > MAX_LINES {
                return Err(ListError::TooMany { line: self.at });
            }
        }
        Ok(all)
    }
}

fn word_of(expected: &str) -> &str {
    expected.split_once(' ').map_or(expected, |(word, _)| word)
}

fn after<'t>(line: &'t str, word: &str) -> Option<&'t str> {
    line.strip_prefix(word)?.strip_prefix(' ')
}

fn release(lines: &mut Lines<'_>, before: Option<&Release>) -> Result<Release, ListError> {
    let version = lines.value("release MAJOR.MINOR.PATCH", ReleaseVersion::parse)?;
    if before.is_some_and(|before| before.version >= version) {
        return Err(ListError::Order { line: lines.at });
    }
    let date = lines.value("date YYYY-MM-DD", date)?;
    let from = lines.value("upgrade-from MAJOR.MINOR.PATCH", ReleaseVersion::parse)?;
    let upgrade_from = Some(from).filter(|from| *from < version);
    let upgrade_from = upgrade_from.ok_or(ListError::Order { line: lines.at })?;
    let mut withdrawn = lines.values("withdrawn WHY", sentence)?.into_iter();
    let why = withdrawn.next();
    if withdrawn.next().is_some() {
        return Err(ListError::Order { line: lines.at });
    }
    let fixes = lines.values("fix low|medium|high|critical ID TEXT", fix)?;
    let mut ids: Vec<&str> = fixes.iter().map(|fix: &Fix| fix.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() < fixes.len() {
        return Err(ListError::Order { line: lines.at });
    }
    let binaries = lines.values("binary TARGET SHA-256", binary)?;
    let pairs = binaries.iter().zip(binaries.iter().skip(1));
    let mut pairs = pairs.map(|(one, next): (&Binary, &Binary)| one.target < next.target);
    if !pairs.all(|rises| rises) {
        return Err(ListError::Order { line: lines.at });
    }
    if binaries.is_empty() {
        let (line, expected) = (lines.at + 1, "binary TARGET SHA-256");
        return Err(ListError::Line { line, expected });
    }
    Ok(Release {
        version,
        date,
        upgrade_from,
        withdrawn: why,
        fixes,
        binaries,
    })
}

fn fix(text: &str) -> Option<Fix> {
    let (severity, rest) = text.split_once(' ')?;
    let (id, text) = rest.split_once(' ')?;
    Some(Fix {
        severity: Severity::parse(severity)?,
        id: name(id)?,
        text: sentence(text)?,
    })
}

fn binary(text: &str) -> Option<Binary> {
    let (target, sha256) = text.split_once(' ')?;
    Some(Binary {
        target: name(target)?,
        sha256: Hash::from_hex(sha256)?,
    })
}

/// A word of letters, digits and signs that need no quotes anywhere.
fn name(text: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_name = !text.is_empty() && text.len() <= MAX_TEXT_BYTES && text.chars().all(fits);
    is_name.then(|| text.to_owned())
}

/// A text for people: it is shown on terminals, so nothing in it may move the cursor.
fn sentence(text: &str) -> Option<String> {
    let is_bare = text.trim() == text && !text.chars().any(char::is_control);
    let is_sentence = !text.is_empty() && text.len() <= MAX_TEXT_BYTES && is_bare;
    is_sentence.then(|| text.to_owned())
}

fn date(text: &str) -> Option<String> {
    time::read(&format!("{text}T00:00:00.000000Z"))?;
    Some(text.to_owned())
}

/// Whole seconds of UTC.
fn moment(text: &str) -> Option<u64> {
    let seconds = text.strip_suffix('Z')?;
    time::read(&format!("{seconds}.000000Z"))
}

fn spell(micros: u64) -> String {
    let mut text = Vec::new();
    time::write(&mut text, micros);
    let text = String::from_utf8(text).unwrap_or_default();
    let mut spelled = text.split('.').next().unwrap_or_default().to_owned();
    let _infallible = spelled.write_char('Z');
    spelled
}
