//! The licences that a dependency may have. The list names those that ask for no more than a
//! notice; every crate of the lock file is held against it, on every platform.

use super::finding::{Check, Finding};
use super::spdx;
use super::workspace::Package;

const WELCOME: [&str; 15] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Packages whose licence is missing, not understood or not welcome.
pub fn unwelcome(packages: &[Package]) -> Vec<Finding> {
    packages.iter().filter_map(fault).collect()
}

fn fault(package: &Package) -> Option<Finding> {
    let is_welcome = |id: &str| WELCOME.contains(&id);
    let says = match &package.license {
        None => format!("{} declares no licence", package.version),
        Some(expression) => match spdx::is_met(expression, &is_welcome) {
            Some(true) => return None,
            Some(false) => format!(
                "{} is under {expression}, not welcome here",
                package.version
            ),
            None => format!(
                "{} has the unreadable licence {expression:?}",
                package.version
            ),
        },
    };
    Some(Finding::new(Check::Licence, &package.name, says))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(licence: Option<&str>) -> usize {
        let package = Package {
            id: "a 1".to_owned(),
            name: "a".to_owned(),
            version: "1".to_owned(),
            license: licence.map(str::to_owned),
            dependencies: Vec::new(),
        };
        unwelcome(&[package]).len()
    }

    #[test]
    fn only_welcome_licences_pass() {
        assert_eq!(findings(Some("MIT OR LGPL-2.1-or-later")), 0);
        assert_eq!(findings(Some("ISC AND (Apache-2.0 OR ISC)")), 0);
        assert_eq!(findings(Some("AGPL-3.0-only")), 1);
        assert_eq!(findings(Some("MIT AND AGPL-3.0-only")), 1);
    }

    #[test]
    fn a_missing_or_unreadable_licence_is_a_finding() {
        assert_eq!(findings(None), 1);
        assert_eq!(findings(Some("see file")), 1);
    }
}
