//! Versions of releases: three decimals, compared as numbers. A pre-release is no release.

use core::fmt;

use crate::spelling;

/// MAJOR.MINOR.PATCH of semver.org, each below 2^32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReleaseVersion {
    major: u32,
    minor: u32,
    patch: u32,
}

impl ReleaseVersion {
    /// Reads the one spelling of a version; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split('.');
        let mut next = || {
            let number = words.next().and_then(spelling::decimal)?;
            u32::try_from(number).ok()
        };
        let version = Self {
            major: next()?,
            minor: next()?,
            patch: next()?,
        };
        words.next().is_none().then_some(version)
    }
}

impl fmt::Display for ReleaseVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_three_numbers_in_one_spelling() {
        for text in ["0.1.0", "1.0.0", "10.20.4294967295"] {
            assert_eq!(ReleaseVersion::parse(text).unwrap().to_string(), text);
        }
        for wrong in [
            "",
            "1",
            "1.0",
            "1.0.0.0",
            "01.0.0",
            "1.0.0-rc1",
            "1.0.0+x",
            "v1.0.0",
            "1..0",
            "1.0.",
            "1.0.4294967296",
            "1.0.-1",
            " 1.0.0",
        ] {
            assert_eq!(ReleaseVersion::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn the_tenth_is_newer_than_the_ninth() {
        let parse = |text| ReleaseVersion::parse(text).unwrap();
        assert!(parse("0.10.0") > parse("0.9.9"));
        assert!(parse("1.0.0") > parse("0.99.99"));
    }
}
