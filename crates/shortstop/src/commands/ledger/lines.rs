//! Entries one a line, on standard output or in a file for its owner alone. A file is never overwritten;
//! one that an export began is gone on with behind its last whole line.

mod tail;

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use ledger::siem::{Format, Placed, Producer};

use crate::cli::Place;
use crate::commands::gateway_call::Conversation;
use crate::control::message::{LinesAsked, LinesBegun, LinesRead};
use crate::control::{LineFormat, Request};
use crate::exit::Failure;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// As what.
    pub format: LineFormat,
    /// From this index or time on.
    pub since: Option<String>,
    /// Up to this one.
    pub until: Option<String>,
}

/// What was written.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// The index of the first entry.
    pub first: u64,
    /// How many.
    pub count: u64,
}

/// Writes to standard output.
pub fn to_stdout(place: &Place, wanted: Wanted) -> Result<Written, Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = write(place, wanted, 0, &mut out)?;
    out.flush()?;
    Ok(written)
}

/// Writes a new file.
pub fn to_file(place: &Place, wanted: Wanted, path: &Path) -> Result<Written, Failure> {
    let name = path.display();
    let opened = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path);
    let file = opened.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::usage(format!(
            "{name} is there already and is not overwritten; name another file, or give --resume to \
             go on with it"
        )),
        _ => Failure::unavailable(format!("{name} cannot be written: {error}")),
    })?;
    to_opened(place, wanted, 0, file).map_err(|failure| with_hint(failure, path))
}

/// Goes on with a file.
pub fn resume(place: &Place, wanted: Wanted, path: &Path) -> Result<Written, Failure> {
    let name = path.display();
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(|error| Failure::usage(format!("{name} cannot be gone on with: {error}")))?;
    let next = tail::next_index(&mut file, wanted.format)
        .with_context(|| format!("{name} cannot be gone on with"))?;
    to_opened(place, wanted, next, file).map_err(|failure| with_hint(failure, path))
}

fn to_opened(place: &Place, wanted: Wanted, at_least: u64, file: File) -> Result<Written, Failure> {
    let mut out = BufWriter::new(file);
    let written = write(place, wanted, at_least, &mut out)?;
    out.flush()?;
    out.get_ref().sync_all()?;
    Ok(written)
}

fn with_hint(failure: Failure, path: &Path) -> Failure {
    let is_kept = path.metadata().is_ok_and(|file| file.len() > 0);
    if !is_kept {
        return failure;
    }
    let says = format!(
        "{} is not whole; run the same command again with --resume",
        path.display()
    );
    Failure::new(failure.exit, failure.cause.context(says))
}

/// Writes from `at_least` on, and ends the conversation in either case.
fn write(
    place: &Place,
    wanted: Wanted,
    at_least: u64,
    out: &mut impl Write,
) -> Result<Written, Failure> {
    let mut conversation = Conversation::begin(place)?;
    let written = converse(&mut conversation, wanted, at_least, out);
    conversation.end()?;
    written
}

fn converse(
    conversation: &mut Conversation,
    wanted: Wanted,
    at_least: u64,
    out: &mut impl Write,
) -> Result<Written, Failure> {
    let format = wanted.format;
    let begun: LinesBegun = conversation.ask(Request::LedgerLines(LinesAsked {
        format,
        since: wanted.since,
        until: wanted.until,
        at_least,
    }))?;
    let producer = Producer {
        log: begun.log,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let end = begun.first.saturating_add(begun.count);
    let mut from = begun.first;
    while from < end {
        let ticket = begun.ticket;
        let page: LinesRead = conversation.ask(Request::LedgerLinesRead { ticket, from })?;
        if page.entries.is_empty() {
            let says = format!("entry {from} is not there any more; nothing follows");
            return Err(Failure::unavailable(says));
        }
        for entry in page.entries {
            out.write_all(&line(from, entry.as_bytes(), format, &producer)?)?;
            from += 1;
        }
    }
    let (first, count) = (begun.first, begun.count);
    Ok(Written { first, count })
}

fn line(
    index: u64,
    octets: &[u8],
    format: LineFormat,
    producer: &Producer,
) -> Result<Vec<u8>, Failure> {
    let placed = Placed::parse(index, octets).map_err(|error| {
        Failure::unavailable(format!(
            "entry {index} cannot be read ({error}); run `shortstop ledger verify`"
        ))
    })?;
    let mut line = match format {
        LineFormat::Ocsf => placed.render(Format::Ocsf, producer),
        LineFormat::Cef => placed.render(Format::Cef, producer),
        LineFormat::Jsonl => placed.json_line(),
    };
    line.push(b'\n');
    Ok(line)
}
