//! What a verification shows while it runs: faults as they are found, and how far it is on a terminal.

use std::io::{IsTerminal as _, Write as _};

use ledger::{Fault, Watcher};
use serde_json::json;

use crate::output::{Format, Output, Tone};

/// Prints faults and progress.
pub struct Progress {
    output: Output,
    terminal: Terminal,
    percent: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Terminal {
    Yes,
    No,
}

impl Progress {
    /// For this output; progress goes to standard error, if that is a terminal.
    pub fn new(output: Output) -> Self {
        let shown = output.format() == Format::Human && std::io::stderr().is_terminal();
        Self {
            output,
            terminal: if shown { Terminal::Yes } else { Terminal::No },
            percent: None,
        }
    }

    /// Wipes the line of progress.
    pub fn clear(&mut self) {
        if self.percent.take().is_some() {
            let _closed = write!(std::io::stderr(), "\r\u{1b}[K");
        }
    }
}

impl Watcher for Progress {
    fn fault(&mut self, fault: Fault) {
        self.clear();
        let kind = fault.kind.to_string();
        self.output.event(
            "fault",
            &json!({"index": fault.index, "kind": kind, "detail": fault.detail}),
        );
        self.output
            .line(self.output.tone(Tone::Bad, fault.to_string()));
    }

    fn progress(&mut self, done: u64, total: u64) {
        let percent = done.saturating_mul(100) / total.max(1);
        if self.terminal == Terminal::No || self.percent == Some(percent) {
            return;
        }
        self.percent = Some(percent);
        let bar = usize::try_from(percent / 5).unwrap_or(20);
        let mut err = std::io::stderr();
        let _closed = write!(
            err,
            "\r[{:<20}] {percent:3} %  {done} of {total} entries",
            "#".repeat(bar)
        )
        .and_then(|()| err.flush());
    }
}
