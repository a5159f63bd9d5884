//! Names that say nothing about what is inside. They are refused where they would be the whole
//! name or its last word, so `CommonName` of a certificate passes and `KeyManager` does not.

use super::finding::{Check, Finding};
use super::source::{Source, has_word, is_identifier};

const BANNED: [&str; 9] = [
    "common",
    "helper",
    "helpers",
    "manager",
    "managers",
    "misc",
    "util",
    "utils",
    "utilities",
];

/// Keywords after which a module or a type gets its name.
const NAMING: [&str; 6] = ["enum", "mod", "struct", "trait", "type", "union"];

/// Folders and files of a path with a banned name; `mod.rs` is one too.
pub fn of_path(path: &str) -> Vec<Finding> {
    let stem = |part: &str| part.split('.').next().unwrap_or_default().to_lowercase();
    let mut says = Vec::new();
    if path
        .split('/')
        .any(|part| is_banned(&stem(part), ['_', '-']))
    {
        says.push("is named after nothing; name it after what it holds");
    }
    if path == "mod.rs" || path.ends_with("/mod.rs") {
        says.push("should be `foo.rs` beside `foo/`");
    }
    says.into_iter()
        .map(|says| Finding::new(Check::Name, path, says))
        .collect()
}

/// Modules and types of a source with a banned name.
pub fn of_types(source: &Source) -> Vec<Finding> {
    let lines = (1..).zip(source.code.lines());
    let named = lines.flat_map(|(number, line)| {
        NAMING
            .iter()
            .filter_map(move |keyword| name_after(line, keyword).map(|name| (number, name)))
    });
    let banned = named.filter(|(_, name)| is_banned(&snake(name), ['_', '_']));
    banned
        .map(|(number, name)| {
            let says = format!("line {number}: `{name}` says nothing; name what it does");
            Finding::new(Check::Name, source.path, says)
        })
        .collect()
}

fn is_banned(name: &str, separators: [char; 2]) -> bool {
    name.rsplit(separators)
        .next()
        .is_some_and(|last| BANNED.contains(&last))
}

fn name_after<'l>(line: &'l str, keyword: &str) -> Option<&'l str> {
    if !has_word(line, keyword) {
        return None;
    }
    let (_, rest) = line.split_once(&format!("{keyword} "))?;
    let name = rest.trim_start().split(|c| !is_identifier(c)).next()?;
    (!name.is_empty()).then_some(name)
}

/// `KeyManager` becomes `key_manager`.
fn snake(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push('_');
        }
        words.extend(c.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::super::tree::TextFile;
    use super::*;

    fn types(code: &str) -> usize {
        let file = TextFile {
            path: "a.rs".to_owned(),
            text: code.to_owned(),
        };
        of_types(&Source::of(&file).unwrap()).len()
    }

    #[test]
    fn files_and_folders_are_named_after_what_they_hold() {
        for path in [
            "crates/a/src/utils.rs",
            "crates/a/tests/common/x.rs",
            "a/test_helpers.rs",
        ] {
            assert_eq!(of_path(path).len(), 1, "{path}");
        }
        assert!(of_path("crates/a/src/common_name.rs").is_empty());
    }

    #[test]
    fn a_module_is_a_file_beside_its_folder() {
        assert_eq!(of_path("crates/a/src/b/mod.rs").len(), 1);
        assert!(of_path("crates/a/src/b/nomod.rs").is_empty());
    }

    #[test]
    fn types_and_modules_are_named_after_what_they_do() {
        for code in [
            "pub struct KeyManager;",
            "enum Misc {",
            "mod utils {",
            "trait Helper<T> {",
        ] {
            assert_eq!(types(code), 1, "{code}");
        }
        assert_eq!(types("struct CommonName; fn manager() {}"), 0);
    }
}
