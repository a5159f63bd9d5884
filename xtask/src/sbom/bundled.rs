//! Code of others that comes inside a crate: the C libraries. Their holes are told under their own names,
//! so they are listed under them, in the version that their own headers state.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use serde::Deserialize;

use crate::step;

/// A library, the crate that brings it, and the line of a header that states its version.
struct Library {
    name: &'static str,
    licence: &'static str,
    inside: &'static str,
    header: &'static str,
    define: &'static str,
    /// How the header spells a version.
    spelling: Spelling,
}

enum Spelling {
    /// "1.2.3".
    Quoted,
    /// 10203 for 1.2.3.
    Hundreds,
}

const LIBRARIES: [Library; 3] = [
    Library {
        name: "aws-lc",
        licence: "ISC AND (Apache-2.0 OR ISC) AND MIT AND BSD-3-Clause",
        inside: "aws-lc-sys",
        header: "aws-lc/include/openssl/base.h",
        define: "AWSLC_VERSION_NUMBER_STRING",
        spelling: Spelling::Quoted,
    },
    Library {
        name: "mimalloc",
        licence: "MIT",
        inside: "libmimalloc-sys",
        header: "c_src/mimalloc/v3/include/mimalloc.h",
        define: "MI_MALLOC_VERSION",
        spelling: Spelling::Hundreds,
    },
    Library {
        name: "sqlite",
        licence: "blessing",
        inside: "libsqlite3-sys",
        header: "sqlite3/sqlite3.h",
        define: "SQLITE_VERSION",
        spelling: Spelling::Quoted,
    },
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    manifest_path: PathBuf,
}

/// A line a library: `bundled`, name, version, licence, and the crate it is inside of.
pub fn lines() -> anyhow::Result<String> {
    let words = ["metadata", "--format-version", "1", "--locked"];
    let json = step::output_of(step::cargo(&words))?;
    let metadata: Metadata = serde_json::from_slice(&json)?;
    let mut text = String::new();
    for library in &LIBRARIES {
        let Library {
            name,
            licence,
            inside,
            ..
        } = library;
        let mut found = metadata.packages.iter();
        let package = found
            .find(|package| package.name == *inside)
            .with_context(|| format!("{inside} is no dependency any more"))?;
        let version = library.version_in(package)?;
        let inside = format!("{inside}@{}", package.version);
        let _infallible = writeln!(text, "bundled | {name} | {version} | {licence} | {inside}");
    }
    Ok(text)
}

impl Library {
    fn version_in(&self, package: &Package) -> anyhow::Result<String> {
        let path = package.manifest_path.with_file_name(self.header);
        let header = fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        let stated = self.stated(&header);
        stated.with_context(|| format!("{} states no {}", path.display(), self.define))
    }

    fn stated(&self, header: &str) -> Option<String> {
        let defines = header
            .lines()
            .filter_map(|line| line.strip_prefix("#define "));
        let mut stated = defines.filter_map(|line| line.trim().strip_prefix(self.define));
        let stated = stated.find_map(|rest| rest.strip_prefix(' '))?;
        let word = stated.split_whitespace().next()?;
        match self.spelling {
            Spelling::Quoted => Some(word.trim_matches('"').to_owned()),
            Spelling::Hundreds => {
                let number: u32 = word.parse().ok()?;
                let (major, minor) = (number / 10_000, number / 100 % 100);
                Some(format!("{major}.{minor}.{}", number % 100))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_states_its_version_in_either_spelling() {
        let sqlite = &LIBRARIES[2];
        let header =
            "#define SQLITE_VERSION_NUMBER 3054001\n#define SQLITE_VERSION        \"3.54.1\"\n";
        assert_eq!(sqlite.stated(header).as_deref(), Some("3.54.1"));
        let mimalloc = &LIBRARIES[1];
        let header = "#define MI_MALLOC_VERSION 30302   // major\n";
        assert_eq!(mimalloc.stated(header).as_deref(), Some("3.3.2"));
        assert_eq!(mimalloc.stated("#define OTHER 1\n"), None);
    }
}
