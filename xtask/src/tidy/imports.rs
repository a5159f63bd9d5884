//! `use` declarations spelled out: `use std::{fs, io::Read}` becomes `std::fs` and
//! `std::io::Read`, so that a check need not know how imports are grouped.

use super::source::is_identifier;

/// One imported path.
#[derive(Debug, PartialEq, Eq)]
pub struct Import {
    /// Line (from 1) of its `use`.
    pub line: usize,
    /// The path without braces and without a new name.
    pub path: String,
}

/// Every path that `code` (comments and strings blanked) imports.
pub fn imports(code: &str) -> Vec<Import> {
    code.match_indices("use ")
        .flat_map(|(at, word)| declaration(code, at, word.len()))
        .collect()
}

fn declaration(code: &str, at: usize, word: usize) -> Vec<Import> {
    let before = code.get(..at).unwrap_or_default();
    if before.chars().next_back().is_some_and(is_identifier) {
        return Vec::new();
    }
    let line = before.matches('\n').count() + 1;
    let tree = code.get(at + word..).and_then(|rest| rest.split_once(';'));
    let mut paths = Vec::new();
    spell("", tree.map_or("", |(tree, _)| tree), &mut paths);
    paths
        .into_iter()
        .map(|path| Import { line, path })
        .collect()
}

fn spell(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let Some((head, rest)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().trim();
        if !path.is_empty() {
            paths.push(format!("{prefix}{path}"));
        }
        return;
    };
    let inside = rest.rsplit_once('}').map_or(rest, |(inside, _)| inside);
    let prefix = format!("{prefix}{}", head.trim());
    for branch in branches(inside) {
        spell(&prefix, &branch, paths);
    }
}

/// The parts between the commas that stand in no inner braces.
fn branches(inside: &str) -> Vec<String> {
    let mut depth = 0_i32;
    let mut parts = vec![String::new()];
    for c in inside.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(code: &str) -> Vec<String> {
        imports(code)
            .into_iter()
            .map(|import| import.path)
            .collect()
    }

    #[test]
    fn groups_are_spelled_out() {
        let code = "pub use std::{\n    fs::{self, File as F},\n    io::*,\n};\nuse a::b as c;";
        assert_eq!(
            paths(code),
            ["std::fs::self", "std::fs::File", "std::io::*", "a::b"]
        );
    }

    #[test]
    fn a_use_is_a_word_and_has_a_line() {
        assert!(paths("fn reuse (x: i32) {}; because x;").is_empty());
        assert_eq!(
            imports("\n\nuse a;"),
            [Import {
                line: 3,
                path: "a".to_owned()
            }]
        );
    }
}
