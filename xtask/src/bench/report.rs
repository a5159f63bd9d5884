//! What a scenario found: a table for people on the terminal, and JSON lines in a file.

use std::fs::{File, OpenOptions};
use std::io::Write;

use serde_json::{Map, Value, json};

use crate::step::root;

/// Which way a figure should go.
#[derive(Clone, Copy)]
pub enum Aim {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
    /// For scale only.
    None,
}

impl Aim {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtLeast(aim) => value >= aim,
            Self::AtMost(aim) => value <= aim,
            Self::None => true,
        }
    }

    fn words(self) -> String {
        match self {
            Self::AtLeast(aim) => format!("aim ≥ {aim}"),
            Self::AtMost(aim) => format!("aim ≤ {aim}"),
            Self::None => String::new(),
        }
    }
}

/// Collects figures and prints them as they come.
pub struct Report {
    lines: File,
    missed: Vec<String>,
}

impl Report {
    /// Opens the file of JSON lines and writes the machine down.
    pub fn open(machine: &str) -> anyhow::Result<Self> {
        let path = root().join("target/bench.jsonl");
        let lines = OpenOptions::new().create(true).append(true).open(path)?;
        let mut report = Self {
            lines,
            missed: Vec::new(),
        };
        println!("{machine}\n");
        report.line(&json!({ "machine": machine }))?;
        Ok(report)
    }

    fn line(&mut self, value: &Value) -> anyhow::Result<()> {
        Ok(writeln!(self.lines, "{value}")?)
    }

    /// One figure of a scenario.
    pub fn figure(
        &mut self,
        scenario: &str,
        name: &str,
        value: f64,
        aim: Aim,
    ) -> anyhow::Result<()> {
        let verdict = match aim {
            Aim::None => "",
            _ if aim.holds(value) => "ok",
            _ => "BEHIND",
        };
        println!(
            "{scenario:<22} {name:<34} {value:>12.1}   {:<14} {verdict}",
            aim.words()
        );
        if !aim.holds(value) {
            self.missed
                .push(format!("{scenario}: {name} is {value:.1}, {}", aim.words()));
        }
        let mut line = Map::new();
        line.insert("scenario".to_owned(), json!(scenario));
        line.insert("figure".to_owned(), json!(name));
        line.insert("value".to_owned(), json!(value));
        line.insert("aim".to_owned(), json!(aim.words()));
        self.line(&Value::Object(line))
    }

    /// Ends the report; an error names the figures that are behind their aims.
    pub fn close(self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.missed.is_empty(),
            "behind their aims:\n  {}",
            self.missed.join("\n  ")
        );
        Ok(())
    }
}
