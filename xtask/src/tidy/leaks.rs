//! Paths of one developer's machine and hosts of package registries: neither means anything to a
//! reader elsewhere. The patterns are put together from pieces, so that this file passes itself.

use super::finding::{Check, Finding};
use super::tree::TextFile;

const PATTERNS: [&str; 8] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/tmp/", "brief"),
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("npmjs", "."),
    concat!("deb.debian", ".org"),
];

/// Lines of a file that hold one of the patterns.
pub fn of_file(file: &TextFile) -> Vec<Finding> {
    let lines = (1..).zip(file.text.lines());
    let hits = lines.flat_map(|(number, line)| {
        let found = PATTERNS
            .iter()
            .filter(move |pattern| line.contains(**pattern));
        found.map(move |pattern| format!("line {number}: `{pattern}` means nothing elsewhere"))
    });
    hits.map(|says| Finding::new(Check::Leak, &file.path, says))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> usize {
        of_file(&TextFile {
            path: "README.md".to_owned(),
            text: text.to_owned(),
        })
        .len()
    }

    #[test]
    fn every_pattern_is_found() {
        for pattern in PATTERNS {
            assert_eq!(findings(&format!("see\n<{pattern}>\n")), 1, "{pattern}");
        }
    }

    #[test]
    fn ordinary_paths_and_hosts_pass() {
        assert_eq!(findings("see target/work and https://example.com/root"), 0);
    }
}
