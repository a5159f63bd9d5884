//! Entries as aligned lines for people: index, time, kind, outcome, who, what, reason.

use super::Shown;

/// The names of the columns.
const COLUMNS: [&str; 7] = ["index", "time", "kind", "outcome", "who", "what", "reason"];

/// Characters of each column at least, so that pages look alike.
const WIDTHS: [usize; 7] = [8, 27, 18, 8, 33, 38, 0];

/// The line above the first.
pub fn heading() -> String {
    aligned(&COLUMNS.map(str::to_owned))
}

/// The line of an entry.
pub fn line(shown: &Shown, index: u64) -> String {
    let actor = format!("{} {}", shown.text("/actor/type"), shown.text("/actor/id"));
    let client = shown.text("/client");
    let who = if client.is_empty() || client == shown.text("/actor/id") {
        actor
    } else {
        format!("{actor} for {client}")
    };
    let what = format!(
        "{} {}",
        shown.text("/object/type"),
        shown.text("/object/id")
    );
    let cells = [
        index.to_string(),
        plain(shown.text("/time")),
        plain(shown.text("/kind")),
        plain(shown.text("/outcome")),
        plain(&who),
        plain(what.trim()),
        plain(shown.text("/reason")),
    ];
    aligned(&cells)
}

fn aligned(cells: &[String; 7]) -> String {
    let padded = cells.iter().zip(WIDTHS).enumerate();
    let padded = padded.map(|(place, (cell, width))| match place {
        0 => format!("{cell:>width$}"),
        _ => format!("{cell:<width$}"),
    });
    let line = padded.collect::<Vec<_>>().join("  ");
    line.trim_end().to_owned()
}

/// A text that moves no cursor and sets no title, whoever wrote it.
fn plain(text: &str) -> String {
    let shown = |character: char| {
        if character.is_control() {
            '\u{fffd}'
        } else {
            character
        }
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_one_line_that_commands_no_terminal() {
        let shown = Shown::of(
            r#"{"actor":{"id":"acme","type":"carrier"},"client":"cli_a","kind":"message.failed","object":{"id":"msg_x","type":"message"},"outcome":"failed","reason":"no\n\u001b[2J","time":"2026-11-25T03:00:00.000000Z"}"#,
        );
        let line = line(&shown, 41);
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(
            words,
            [
                "41",
                "2026-11-25T03:00:00.000000Z",
                "message.failed",
                "failed",
                "carrier",
                "acme",
                "for",
                "cli_a",
                "message",
                "msg_x",
                "no\u{fffd}\u{fffd}[2J",
            ]
        );
        assert_eq!(heading().split_whitespace().count(), 7);
    }
}
