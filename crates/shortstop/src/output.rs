//! What a command prints on standard output: plain aligned lines for people, or one JSON event a line.
//! Logs are not printed here; they go to standard error.

use std::io::{IsTerminal as _, Write as _};

use serde::Serialize;
use serde_json::json;

use crate::exit::Failure;

/// Who reads the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A person.
    Human,
    /// A program: one JSON object a line.
    Json,
}

/// Prints for one reader.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    format: Format,
    colour: Colour,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Colour {
    On,
    Off,
}

/// How a word stands out on a terminal.
#[derive(Clone, Copy, Debug)]
pub enum Tone {
    /// A heading.
    Strong,
    /// It went well.
    Good,
    /// It did not.
    Bad,
    /// Less important.
    Faint,
}

impl Output {
    /// For this reader; colours only on a terminal.
    pub fn new(format: Format) -> Self {
        let terminal = format == Format::Human && std::io::stdout().is_terminal();
        let colour = if terminal { Colour::On } else { Colour::Off };
        Self { format, colour }
    }

    /// Who reads.
    pub const fn format(self) -> Format {
        self.format
    }

    /// A line for people.
    pub fn line(self, text: impl AsRef<str>) {
        if self.format == Format::Human {
            write(text.as_ref());
        }
    }

    /// An event for programs.
    pub fn event(self, name: &str, fields: &impl Serialize) {
        if self.format == Format::Json {
            write(&event(name, fields));
        }
    }

    /// A document that is the whole answer, whoever reads it.
    pub fn document(self, text: impl AsRef<str>) {
        write(text.as_ref());
    }

    /// A word that stands out, where colours are.
    pub fn tone(self, tone: Tone, text: impl AsRef<str>) -> String {
        let text = text.as_ref();
        if self.colour == Colour::Off {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Strong => "1",
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Faint => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Why a command failed: on standard error for people, as the last event for programs.
    pub fn failure(self, failure: &Failure) {
        let says = format!("{:#}", failure.cause);
        self.event(
            "error",
            &json!({"error": says, "exit": failure.exit.code()}),
        );
        if self.format == Format::Human {
            let _closed = writeln!(std::io::stderr(), "shortstop: {says}");
        }
    }
}

/// The event's name first, then its fields.
#[derive(Serialize)]
struct Event<'a, T> {
    event: &'a str,
    #[serde(flatten)]
    fields: &'a T,
}

fn event(name: &str, fields: &impl Serialize) -> String {
    // What is printed here are structs and maps with text keys, which always have a form.
    serde_json::to_string(&Event {
        event: name,
        fields,
    })
    .unwrap_or_default()
}

/// A reader that went away is no reason to stop.
fn write(line: &str) {
    let mut out = std::io::stdout().lock();
    let _closed = writeln!(out, "{line}").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_holds_its_name_and_its_fields() {
        let event = event("ready", &json!({"https": "x", "admin": null}));
        assert_eq!(event, r#"{"event":"ready","admin":null,"https":"x"}"#);
    }

    #[test]
    fn programs_get_no_colours() {
        assert_eq!(Output::new(Format::Json).tone(Tone::Good, "yes"), "yes");
    }
}
