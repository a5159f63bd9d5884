//! The snapshot before a minimum index: everything that the pruned entries told, as lines of JSON in
//! sealed parts. The hash of the parts is in the entry that tells of the pruning.

mod record;

use aws_lc_rs::digest;

use super::PAGE;
use super::fold::Rest;
use super::judge::Judge;
use crate::ports::store::ReadError;
use crate::ports::{Entropy, Shelf, View};
use record::Record;

/// Octets of a part before it is sealed: no more than this and one record.
const PART_OCTETS: usize = 1 << 20;

/// Takes one sealed part.
pub(crate) type Keep<'k> = &'k mut dyn FnMut(u32, Vec<u8>) -> Result<(), ReadError>;

/// Writes what is on a shelf, and beside it, as the snapshot before `minimum`. Gives its hash in hex.
pub(crate) fn write(
    (shelf, rest): (&dyn Shelf, &Rest),
    minimum: u64,
    (judge, entropy): (&Judge, &dyn Entropy),
    keep: Keep<'_>,
) -> Result<String, ReadError> {
    let mut writer = Writer {
        minimum,
        judge,
        entropy,
        keep,
        part: 0,
        lines: Vec::new(),
        hash: digest::Context::new(&digest::SHA256),
    };
    writer.put(&Record::Rest(rest.clone()))?;
    for row in shelf.clients()? {
        writer.put(&Record::Client(Box::new(row)))?;
    }
    let mut after = None;
    while let Some(last) = writer.messages(shelf, after)? {
        after = Some(last);
    }
    after = None;
    while let Some(last) = writer.inbounds(shelf, after)? {
        after = Some(last);
    }
    after = None;
    while let Some(last) = writer.opt_outs(shelf, after)? {
        after = Some(last);
    }
    after = None;
    while let Some(last) = writer.factors(shelf, after)? {
        after = Some(last);
    }
    after = None;
    while let Some(last) = writer.promises(shelf, after)? {
        after = Some(last);
    }
    writer.finish()
}

struct Writer<'w> {
    minimum: u64,
    judge: &'w Judge,
    entropy: &'w dyn Entropy,
    keep: Keep<'w>,
    part: u32,
    lines: Vec<u8>,
    hash: digest::Context,
}

impl Writer<'_> {
    fn messages(
        &mut self,
        rebuilt: &dyn Shelf,
        after: Option<u64>,
    ) -> Result<Option<u64>, ReadError> {
        let page = rebuilt.messages(after, PAGE)?;
        let last = page.last().map(|row| row.id.sequence());
        for row in page {
            self.put(&Record::Message(Box::new(row)))?;
        }
        Ok(last)
    }

    fn inbounds(
        &mut self,
        rebuilt: &dyn Shelf,
        after: Option<u64>,
    ) -> Result<Option<u64>, ReadError> {
        let page = rebuilt.inbounds(after, PAGE)?;
        let last = page.last().map(|row| row.id.sequence());
        for row in page {
            self.put(&Record::Inbound(Box::new(row)))?;
        }
        Ok(last)
    }

    fn opt_outs(
        &mut self,
        rebuilt: &dyn Shelf,
        after: Option<u64>,
    ) -> Result<Option<u64>, ReadError> {
        let page = rebuilt.opt_outs(after, PAGE)?;
        let last = page.last().map(|row| row.sequence);
        for row in page {
            self.put(&Record::OptOut(row))?;
        }
        Ok(last)
    }

    fn factors(
        &mut self,
        rebuilt: &dyn Shelf,
        after: Option<u64>,
    ) -> Result<Option<u64>, ReadError> {
        let page = rebuilt.factors(after, PAGE)?;
        let last = page.last().map(|row| row.id.sequence());
        for row in page {
            self.put(&Record::Factor(Box::new(row)))?;
        }
        Ok(last)
    }

    fn promises(
        &mut self,
        rebuilt: &dyn Shelf,
        after: Option<u64>,
    ) -> Result<Option<u64>, ReadError> {
        let page = rebuilt.promises(after, PAGE)?;
        let last = page.last().map(crate::ports::shelf::Promise::key);
        for promise in page {
            self.put(&Record::of(&promise))?;
        }
        Ok(last)
    }

    fn put(&mut self, record: &Record) -> Result<(), ReadError> {
        let written = serde_json::to_writer(&mut self.lines, record);
        written.map_err(|error| ReadError::Failed(error.to_string()))?;
        self.lines.push(b'\n');
        if self.lines.len() >= PART_OCTETS {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ReadError> {
        let place = (self.minimum, self.part);
        let sealed = self.judge.seal_part(place, &self.lines, self.entropy);
        let sealed = sealed.ok_or_else(|| failed("the snapshot cannot be sealed"))?;
        self.hash.update(&sealed);
        (self.keep)(self.part, sealed)?;
        self.part += 1;
        self.lines.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<String, ReadError> {
        self.put(&Record::End)?;
        if !self.lines.is_empty() {
            self.flush()?;
        }
        Ok(hex(self.hash.finish().as_ref()))
    }
}

/// What a snapshot gave.
#[derive(Debug)]
pub(super) struct Read {
    /// What was beside the shelf.
    pub(super) rest: Rest,
    /// The hash of the sealed parts, in hex.
    pub(super) hash: String,
    /// Whether it is whole.
    pub(super) ending: Ending,
}

/// How a snapshot ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// With its last line.
    Whole,
    /// Before it, or it is not there at all.
    Cut,
}

/// Puts the snapshot of a view on a shelf.
pub(super) fn read(
    view: &dyn View,
    shelf: &mut dyn Shelf,
    judge: &Judge,
) -> Result<Read, ReadError> {
    let mut hash = digest::Context::new(&digest::SHA256);
    let mut rest = Rest::default();
    let (mut part, mut ending) = (0, Ending::Cut);
    while let Some(sealed) = view.snapshot(part)? {
        hash.update(&sealed);
        let lines = judge.open_part((view.minimum(), part), &sealed);
        let lines = lines.ok_or_else(|| failed("a part of the snapshot does not open"))?;
        for line in lines.split(|octet| *octet == b'\n') {
            if line.is_empty() {
                continue;
            }
            let record: Record = serde_json::from_slice(line)
                .map_err(|_| failed("a part of the snapshot cannot be read"))?;
            match record.told() {
                record::Told::Row(row) => shelf.put(row)?,
                record::Told::Rest(found) => rest = found,
                record::Told::End => ending = Ending::Whole,
            }
        }
        part += 1;
    }
    Ok(Read {
        rest,
        hash: hex(hash.finish().as_ref()),
        ending,
    })
}

fn failed(says: &str) -> ReadError {
    ReadError::Failed(says.to_owned())
}

fn hex(octets: &[u8]) -> String {
    let digits = octets.iter().flat_map(|octet| [octet >> 4, octet & 0xf]);
    digits
        .map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0'))
        .collect()
}
