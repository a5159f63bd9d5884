//! `shortstop ledger search`: the entries that pass, page by page up to the limit.

mod csv;
mod table;

use serde_json::{Value, json};

use crate::cli::search::{SearchArgs, SearchFormat};
use crate::commands::gateway_call::Conversation;
use crate::commands::subject;
use crate::control::Request;
use crate::control::message::search::{SearchAsked, SearchPage, SearchRow};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Format, Output, Tone};

/// Rows of one page.
const PAGE_ROWS: u16 = 1_000;

/// Runs the command.
pub fn run(args: &SearchArgs, output: Output) -> Outcome {
    let asked = asked(args)?;
    let mut conversation = Conversation::begin(&args.place)?;
    let printed = print(&mut conversation, asked, args, output);
    conversation.end()?;
    let Printed { count, more } = printed?;
    output.event("ledger-searched", &json!({"count": count, "more": more}));
    if args.format == SearchFormat::Table {
        let says = match (count, more) {
            (0, _) => "No entry passes.".to_owned(),
            (count, false) => format!("{count} entries; there are no more."),
            (count, true) => format!("{count} entries; there may be more: raise --limit."),
        };
        output.line(output.tone(Tone::Faint, says));
    }
    Ok(Exit::Done)
}

fn asked(args: &SearchArgs) -> Result<SearchAsked, Failure> {
    let message = args.message.map(|message| message.to_string());
    Ok(SearchAsked {
        kinds: args.kinds.clone(),
        outcome: args.outcome.clone(),
        client: args.client,
        object: message.or_else(|| args.object.clone()),
        number: args.number.as_ref().map(subject::number).transpose()?,
        since: args.since.clone(),
        until: args.until.clone(),
        cursor: None,
        limit: 0,
        proof: args.proof,
    })
}

/// What was printed, and whether anything is left.
struct Printed {
    count: u64,
    more: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    First,
    Later,
}

fn print(
    conversation: &mut Conversation,
    mut asked: SearchAsked,
    args: &SearchArgs,
    output: Output,
) -> Result<Printed, Failure> {
    let (mut count, mut place) = (0, Page::First);
    loop {
        let left = args.limit - count;
        asked.limit = u16::try_from(left).unwrap_or(PAGE_ROWS).min(PAGE_ROWS);
        let page: SearchPage = conversation.ask(Request::LedgerSearch(asked.clone()))?;
        show(&page.rows, args, output, place);
        place = Page::Later;
        count += u64::try_from(page.rows.len()).unwrap_or(u64::MAX);
        asked.cursor = page.next;
        if asked.cursor.is_none() || count >= args.limit {
            let more = asked.cursor.is_some();
            return Ok(Printed { count, more });
        }
    }
}

fn show(rows: &[SearchRow], args: &SearchArgs, output: Output, place: Page) {
    if place == Page::First && output.format() == Format::Human {
        begin(args, output);
    }
    for row in rows {
        let shown = Shown::of(&row.entry);
        output.event(
            "ledger-entry",
            &json!({"index": row.index, "entry": shown.0, "proof": row.proof}),
        );
        match args.format {
            SearchFormat::Table => {
                output.line(table::line(&shown, row.index));
                if args.proof {
                    let pending = "(no checkpoint covers it yet)";
                    output.line(row.proof.as_deref().unwrap_or(pending));
                }
            }
            SearchFormat::Jsonl => output.line(json_line(row, args)),
            SearchFormat::Csv => {
                let index = row.index.to_string();
                let proof = row.proof.as_deref().unwrap_or_default();
                let cells = csv::cells(&shown, &index).into_iter();
                let cells = cells.chain(args.proof.then_some(proof));
                output.line(format!("{}\r", csv::line(cells)));
            }
        }
    }
}

/// What stands above the first entry.
fn begin(args: &SearchArgs, output: Output) {
    match args.format {
        SearchFormat::Table => output.line(output.tone(Tone::Strong, table::heading())),
        SearchFormat::Jsonl => {}
        SearchFormat::Csv => {
            let columns = csv::COLUMNS.into_iter();
            let columns = columns.chain(args.proof.then_some("proof"));
            output.line(format!("{}\r", csv::line(columns)));
        }
    }
}

/// The entry stands in it octet for octet.
fn json_line(row: &SearchRow, args: &SearchArgs) -> String {
    let SearchRow {
        index,
        entry,
        proof,
    } = row;
    if args.proof {
        format!(
            "{{\"index\":{index},\"entry\":{entry},\"proof\":{}}}",
            json!(proof)
        )
    } else {
        format!("{{\"index\":{index},\"entry\":{entry}}}")
    }
}

/// An entry, read to be shown; null when it cannot be.
struct Shown(Value);

impl Shown {
    fn of(entry: &str) -> Self {
        Self(serde_json::from_str(entry).unwrap_or_default())
    }

    /// The text at a JSON pointer, or nothing.
    fn text(&self, pointer: &str) -> &str {
        let found = self.0.pointer(pointer);
        found.and_then(Value::as_str).unwrap_or_default()
    }
}
