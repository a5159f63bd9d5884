//! The shape of one source file: its length, its opening words, its imports, and nothing left
//! unfinished, switched off or waiting. How long a function may be is clippy's to say.

use super::finding::{Check, Finding};
use super::imports;
use super::source::Source;

/// Lines of a source file; one more fails.
const LINES_MAX: usize = 600;

/// Words that mark code as unfinished, or a test as switched off.
const UNFINISHED: [&str; 4] = ["todo!(", "unimplemented!(", "#[ignore]", "#[ignore ="];

/// Every rule that one source file can break by itself.
pub fn of_source(source: &Source) -> Vec<Finding> {
    [
        length(source),
        opening(source),
        unfinished(source),
        sleeps(source),
        globs(source),
    ]
    .concat()
}

fn length(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().count();
    let says = format!("has {lines} lines, {LINES_MAX} are the most; divide it by what it does");
    let finding = (lines > LINES_MAX).then(|| Finding::new(Check::Size, source.path, says));
    finding.into_iter().collect()
}

fn opening(source: &Source) -> Vec<Finding> {
    if source.text.starts_with("//!") {
        return Vec::new();
    }
    let says = "does not open with `//!`: what it is, and what it is not";
    vec![Finding::new(Check::Opening, source.path, says)]
}

fn unfinished(source: &Source) -> Vec<Finding> {
    let hits = UNFINISHED.iter().flat_map(|word| {
        source
            .lines_with(word)
            .into_iter()
            .map(move |line| format!("line {line}: `{word}`"))
    });
    hits.map(|says| Finding::new(Check::Unfinished, source.path, says))
        .collect()
}

fn sleeps(source: &Source) -> Vec<Finding> {
    let lines = source
        .lines_with("sleep(")
        .into_iter()
        .filter(|line| source.is_test(*line));
    let says = |line| format!("line {line}: a test waits for what it expects, never for the clock");
    lines
        .map(|line| Finding::new(Check::Sleep, source.path, says(line)))
        .collect()
}

fn globs(source: &Source) -> Vec<Finding> {
    let all = imports::imports(&source.code).into_iter();
    let globs = all.filter(|import| import.path == "*" || import.path.ends_with("::*"));
    let forbidden =
        globs.filter(|import| !(import.path == "super::*" && source.is_test(import.line)));
    forbidden
        .map(|import| {
            let says = format!(
                "line {}: `use {}`; name what is used",
                import.line, import.path
            );
            Finding::new(Check::Glob, source.path, says)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::TextFile;
    use super::*;

    fn checks_of(path: &str, text: &str) -> Vec<Check> {
        let file = TextFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let findings = of_source(&Source::of(&file).unwrap());
        findings.into_iter().map(|finding| finding.check).collect()
    }

    #[test]
    fn a_file_of_six_hundred_lines_passes_and_one_more_fails() {
        let lines = |count| "//! A file.\n".repeat(count);
        assert!(checks_of("a.rs", &lines(600)).is_empty());
        assert_eq!(checks_of("a.rs", &lines(601)), [Check::Size]);
    }

    #[test]
    fn a_file_opens_with_its_documentation() {
        assert_eq!(checks_of("a.rs", "use b;\n//! late\n"), [Check::Opening]);
    }

    #[test]
    fn unfinished_code_and_switched_off_tests_are_found() {
        for line in [
            "todo!()",
            "unimplemented!(\"x\")",
            "#[ignore]",
            "#[ignore = \"slow\"]",
        ] {
            assert_eq!(
                checks_of("a.rs", &format!("//! A.\n{line}")),
                [Check::Unfinished],
                "{line}"
            );
        }
    }

    #[test]
    fn tests_never_sleep_and_the_product_may_wait() {
        let waits = "//! A.\nasync fn f() { tokio::time::sleep(x).await }\n";
        assert!(checks_of("crates/a/src/a.rs", waits).is_empty());
        assert_eq!(checks_of("crates/a/tests/a.rs", waits), [Check::Sleep]);
        let inside = format!("//! A.\n#[cfg(test)]\nmod tests {{\n{waits}}}\n");
        assert_eq!(checks_of("crates/a/src/a.rs", &inside), [Check::Sleep]);
    }

    #[test]
    fn globs_stand_in_test_modules_only() {
        assert_eq!(checks_of("a.rs", "//! A.\nuse super::*;"), [Check::Glob]);
        assert_eq!(
            checks_of("a.rs", "//! A.\npub use b::{c, d::*};"),
            [Check::Glob]
        );
        let test = "//! A.\n#[cfg(test)]\nmod tests {\n    use super::*;\n}\n";
        assert!(checks_of("a.rs", test).is_empty());
    }
}
