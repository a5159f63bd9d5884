//! A Rust source with its comments and strings blanked out, so that a check looks at code alone.
//! It is a small lexer and no parser: it knows where text stops being code, nothing else.

use std::str::Chars;

use super::tree::TextFile;

/// One `.rs` file as the checks see it.
#[derive(Debug)]
pub struct Source<'t> {
    /// Path from the root.
    pub path: &'t str,
    /// The file as it is.
    pub text: &'t str,
    /// The same lines, with comments and the insides of strings replaced by spaces.
    pub code: String,
    /// First line (from 1) that is compiled for tests only, if any.
    tests_from: Option<usize>,
}

impl<'t> Source<'t> {
    /// `None` for a file that is not Rust.
    pub fn of(file: &'t TextFile) -> Option<Self> {
        file.path.strip_suffix(".rs")?;
        let code = lex(&file.text).code;
        let all_tests = file.path.contains("/tests/") || file.path.ends_with("/tests.rs");
        let tests_from = if all_tests {
            Some(1)
        } else {
            test_module(&code)
        };
        Some(Self {
            path: &file.path,
            text: &file.text,
            code,
            tests_from,
        })
    }

    /// True when the line (from 1) is compiled for tests only.
    pub fn is_test(&self, line: usize) -> bool {
        self.tests_from.is_some_and(|first| line >= first)
    }

    /// The lines (from 1) of the code that hold `word` as a word of its own.
    pub fn lines_with(&self, word: &str) -> Vec<usize> {
        let lines = (1..).zip(self.code.lines());
        lines
            .filter(|(_, line)| has_word(line, word))
            .map(|(number, _)| number)
            .collect()
    }
}

/// True when `line` holds `word` with no identifier running on before or after it.
pub fn has_word(line: &str, word: &str) -> bool {
    let runs_on = |a: Option<char>, b: Option<char>| {
        a.is_some_and(is_identifier) && b.is_some_and(is_identifier)
    };
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|s| s.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|s| s.chars().next());
        !runs_on(before, word.chars().next()) && !runs_on(word.chars().next_back(), after)
    })
}

/// True for a character that can stand inside an identifier.
pub fn is_identifier(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The line of the `#[cfg(test)]` that stands before a module; by the order of a file it is last.
fn test_module(code: &str) -> Option<usize> {
    let mut lines = (1..).zip(code.lines().map(str::trim));
    while let Some((number, line)) = lines.next() {
        if line.starts_with("#[cfg(test)]") {
            let next = lines
                .by_ref()
                .map(|(_, l)| l)
                .find(|l| !l.is_empty() && !l.starts_with('#'));
            if next.is_some_and(|line| has_word(line, "mod")) {
                return Some(number);
            }
        }
    }
    None
}

/// A source taken apart.
pub struct Lexed {
    /// The text with comments and the insides of strings as spaces.
    pub code: String,
    /// The insides of the strings, escapes left out.
    pub strings: Vec<String>,
}

/// Takes a source apart. Text that is no valid Rust gives some answer, never a panic.
pub fn lex(text: &str) -> Lexed {
    let mut lexer = Lexer {
        rest: text.chars(),
        code: String::new(),
        strings: Vec::new(),
    };
    while let Some(c) = lexer.rest.next() {
        lexer.take(c);
    }
    Lexed {
        code: lexer.code,
        strings: lexer.strings,
    }
}

struct Lexer<'t> {
    rest: Chars<'t>,
    code: String,
    strings: Vec<String>,
}

impl Lexer<'_> {
    fn take(&mut self, c: char) {
        match (c, self.peek()) {
            ('/', Some('/')) => self.line_comment(),
            ('/', Some('*')) => self.block_comment(),
            ('"', _) => self.string(),
            ('\'', _) => self.quote(),
            _ => self.code.push(c),
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn blank(&mut self, c: char) {
        self.code.push(if c == '\n' { '\n' } else { ' ' });
    }

    fn line_comment(&mut self) {
        self.blank('/');
        while self.peek().is_some_and(|c| c != '\n') {
            self.rest.next();
            self.blank(' ');
        }
    }

    fn block_comment(&mut self) {
        self.blank('/');
        let mut depth = 0_usize;
        while let Some(c) = self.rest.next() {
            self.blank(c);
            match (c, self.peek()) {
                ('/', Some('*')) => depth += 1,
                ('*', Some('/')) if depth == 0 => {
                    self.rest.next();
                    return self.blank('/');
                }
                ('*', Some('/')) => depth -= 1,
                _ => {}
            }
        }
    }

    fn string(&mut self) {
        let hashes = self.raw_hashes();
        let mut value = String::new();
        self.code.push('"');
        while let Some(c) = self.rest.next() {
            match (c, hashes) {
                ('"', None) => break,
                ('"', Some(count)) if self.hashes_follow(count) => break,
                ('\\', None) => self.blank_escape(),
                _ => {
                    self.blank(c);
                    value.push(c);
                }
            }
        }
        self.code.push('"');
        self.strings.push(value);
    }

    fn blank_escape(&mut self) {
        self.blank(' ');
        if let Some(escaped) = self.rest.next() {
            self.blank(escaped);
        }
    }

    /// How many `#` the raw string that opens here has; `None` for an ordinary string.
    fn raw_hashes(&self) -> Option<usize> {
        let start = self.code.trim_end_matches('#');
        let before = start.strip_suffix('r')?.chars().next_back();
        let raw = before.is_none_or(|c| !is_identifier(c) || matches!(c, 'b' | 'c'));
        raw.then(|| self.code.len() - start.len())
    }

    fn hashes_follow(&self, count: usize) -> bool {
        self.rest
            .clone()
            .take_while(|c| *c == '#')
            .take(count)
            .count()
            == count
    }

    /// A character literal, or else the start of a lifetime.
    fn quote(&mut self) {
        self.code.push('\'');
        let mut ahead = self.rest.clone();
        let first = ahead.next();
        if first == Some('\\') {
            self.rest.next();
            self.blank_escape();
        } else if first.is_none() || ahead.next() != Some('\'') {
            return;
        } else {
            self.rest.next();
            self.blank(' ');
        }
        while let Some(c) = self.rest.next() {
            if c == '\'' {
                return self.code.push(c);
            }
            self.blank(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        lex(text).code
    }

    #[test]
    fn comments_and_strings_are_no_code() {
        assert!(!code("a // sleep(1)\nb").contains("sleep"));
        assert!(!code("a /* x /* sleep( */ y */ b").contains("sleep"));
        assert!(!code(r#"let a = "sleep(\" sleep("; b"#).contains("sleep"));
        assert!(!code("let a = r#\"x \" sleep(\"#; b").contains("sleep"));
    }

    #[test]
    fn what_follows_a_comment_a_string_or_a_quote_is_code_again() {
        let texts = [
            "/* x */ sleep(1)",
            "/* x /* y */ z */ sleep(1)",
            "\"x\\\\\" sleep(1)",
            "br#\"x\"# sleep(1)",
            "'\"' sleep(1)",
            "'\\'' sleep(1)",
            "'\\u{22}' sleep(1)",
            "&'a str sleep(1)",
        ];
        for text in texts {
            assert!(
                code(text).ends_with(" sleep(1)"),
                "{text} became {}",
                code(text)
            );
        }
    }

    #[test]
    fn lines_keep_their_numbers() {
        let text = "/*\n\n*/ \"a\nb\" // c\nsleep";
        assert_eq!(code(text).lines().count(), text.lines().count());
    }

    #[test]
    fn strings_are_kept_apart() {
        assert_eq!(
            lex("f(\"bad_sender\", r\"no_route\")").strings,
            ["bad_sender", "no_route"]
        );
    }

    #[test]
    fn a_word_stands_by_itself() {
        assert!(has_word("std::fs::read()", "std::fs"));
        assert!(!has_word("std::fsync()", "std::fs"));
        assert!(!has_word("nothing_sleep(1)", "sleep("));
    }

    #[test]
    fn test_lines_begin_at_the_test_module_and_nowhere_else() {
        let text = "#[cfg(test)]\nuse a;\nfn f() {}\n#[cfg(test)]\n#[expect(x)]\nmod tests {\n}\n";
        let file = TextFile {
            path: "a.rs".to_owned(),
            text: text.to_owned(),
        };
        let source = Source::of(&file).unwrap();
        assert!(!source.is_test(3));
        assert!(source.is_test(4));
    }
}
