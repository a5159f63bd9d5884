//! What a fuzzer tells about itself on its standard error, and how that reads in one line.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// How a run went.
#[derive(Debug)]
pub struct Told {
    within: Duration,
    executions: u64,
    edges: u64,
    inputs: u64,
    memory_mib: u64,
    is_sound: bool,
    last: VecDeque<String>,
    lines_max: usize,
}

impl Told {
    /// A run of such a length of which nothing is known. Of its last lines so many are kept.
    pub fn new(within: Duration, lines_max: usize) -> Self {
        Self {
            within,
            executions: 0,
            edges: 0,
            inputs: 0,
            memory_mib: 0,
            is_sound: false,
            last: VecDeque::new(),
            lines_max,
        }
    }

    /// Takes in one line.
    pub fn line(&mut self, line: &str) {
        if let Some(edges) = after(line, "cov: ") {
            self.edges = edges;
        }
        if let Some(inputs) = after(line, "corp: ") {
            self.inputs = inputs;
        }
        if let Some(count) = after(line, "stat::number_of_executed_units:") {
            self.executions = count;
        }
        if let Some(mib) = after(line, "stat::peak_rss_mb:") {
            self.memory_mib = mib;
        }
        if self.last.len() == self.lines_max {
            self.last.pop_front();
        }
        self.last.push_back(line.to_owned());
    }

    /// The process ended, with success or without. One that executed nothing has shown nothing.
    pub fn ended(&mut self, success: bool) {
        self.is_sound = success && self.executions > 0 && self.edges > 0;
    }

    /// Whether it ran its whole time and found nothing.
    pub fn is_sound(&self) -> bool {
        self.is_sound
    }

    /// What it said last.
    pub fn last_lines(&self) -> String {
        let lines: Vec<&str> = self.last.iter().map(String::as_str).collect();
        lines.join("\n")
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let finding = if self.is_sound {
            "no finding"
        } else {
            "A FINDING"
        };
        write!(
            f,
            "{finding}; {} executions in {} s, {} edges covered by {} inputs, {} MiB at most",
            self.executions,
            self.within.as_secs(),
            self.edges,
            self.inputs,
            self.memory_mib
        )
    }
}

/// The number that stands right after these words.
fn after(line: &str, words: &str) -> Option<u64> {
    let (_, rest) = line.split_once(words)?;
    let rest = rest.trim_start();
    let end = rest
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[&str], success: bool) -> Told {
        let mut told = Told::new(Duration::from_secs(3), 2);
        for line in lines {
            told.line(line);
        }
        told.ended(success);
        told
    }

    const GOOD: [&str; 4] = [
        "#2\tINITED cov: 3 ft: 3 corp: 1/1b exec/s: 0 rss: 20Mb",
        "#4711\tDONE   cov: 40 ft: 99 corp: 7/70b lim: 4096 exec/s: 1570 rss: 30Mb",
        "stat::number_of_executed_units: 4711",
        "stat::peak_rss_mb:              31",
    ];

    #[test]
    fn a_run_is_told_in_one_line() {
        assert_eq!(
            told(&GOOD, true).to_string(),
            "no finding; 4711 executions in 3 s, 40 edges covered by 7 inputs, 31 MiB at most"
        );
    }

    #[test]
    fn a_crash_and_a_run_that_saw_nothing_are_no_sound_ones() {
        assert!(!told(&GOOD, false).is_sound());
        assert!(!told(&GOOD[..1], true).is_sound());
        let blind = [
            "stat::number_of_executed_units: 9",
            "#9 DONE ft: 1 corp: 1/1b",
        ];
        assert!(!told(&blind, true).is_sound());
        assert_eq!(told(&GOOD, false).last_lines(), GOOD[2..].join("\n"));
    }
}
