//! Counts results from the closing lines of cargo's test runner and of nextest.

use std::fmt;

/// How many tests passed and failed so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    passed: u64,
    failed: u64,
}

impl Tally {
    /// Adds what a closing line reports; any other line adds nothing.
    pub fn read(&mut self, line: &str) {
        let line = line.trim_start();
        if line.starts_with("test result: ") || line.starts_with("Summary [") {
            self.passed += count_before(line, "passed");
            self.failed += count_before(line, "failed");
        }
    }

    /// True when no test was counted.
    pub fn is_empty(&self) -> bool {
        self.passed + self.failed == 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// The number that stands right before `word`, or 0.
fn count_before(line: &str, word: &str) -> u64 {
    let words = line.split_whitespace();
    let pairs = words.clone().zip(words.skip(1));
    let mut counts = pairs.filter(|(_, after)| after.trim_end_matches([',', ';']) == word);
    counts
        .find_map(|(count, _)| count.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(lines: &[&str]) -> String {
        let mut tally = Tally::default();
        for line in lines {
            tally.read(line);
        }
        tally.to_string()
    }

    #[test]
    fn closing_lines_of_both_runners_add_up() {
        let lines = [
            "     Summary [   0.010s] 13/20 tests run: 12 passed (1 slow), 1 failed, 3 skipped",
            "test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; finished in 0.00s",
        ];
        assert_eq!(tally(&lines), "16 passed, 3 failed");
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(
            tally(&["3 passed", "test summary_of_5 passed ... ok"]),
            "0 passed, 0 failed"
        );
        assert!(Tally::default().is_empty());
    }
}
