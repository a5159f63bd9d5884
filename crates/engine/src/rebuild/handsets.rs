//! What comes from handsets: their messages, and opt-outs however they came.

use domain::id::OptOutId;
use domain::time::Timestamp;
use ledger::{Entry, Kind};

use super::fold::{Fold, Unfit, object};
use super::reading::Reading;
use crate::ports::shelf::Told;
use crate::rows::{InboundRow, OptOutRow, OptOutStanding};

impl Fold<'_> {
    /// A whole message came. Parts are about nothing yet.
    pub(super) fn received(&mut self, entry: &Entry<'_>, now: Timestamp) -> Result<(), Unfit> {
        if entry.object.is_none() {
            return Ok(());
        }
        let row = inbound(entry, now).ok_or(Unfit::Form)?;
        Ok(self.shelf.put(Told::Inbound(Box::new(row)))?)
    }

    /// Somebody opted out, or took it back.
    pub(super) fn consented(&mut self, entry: &Entry<'_>, now: Timestamp) -> Result<(), Unfit> {
        let row = opt_out(entry, now).ok_or(Unfit::Form)?;
        Ok(self.shelf.put(Told::OptOut(row))?)
    }
}

fn inbound(entry: &Entry<'_>, now: Timestamp) -> Option<InboundRow> {
    let facts = Reading::of(entry);
    Some(InboundRow {
        id: object(entry)?,
        to: facts.parsed("short_code")?,
        received: now,
        keyword: facts.text("keyword").map(Into::into),
        carrier: entry.actor.id.as_ref().into(),
        subject: [0; 16],
    })
}

fn opt_out(entry: &Entry<'_>, now: Timestamp) -> Option<OptOutRow> {
    let facts = Reading::of(entry);
    let id: OptOutId = object(entry)?;
    Some(OptOutRow {
        sequence: id.sequence(),
        short_code: facts.parsed("short_code")?,
        subject: [0; 16],
        standing: if entry.kind == Kind::OptoutRecorded {
            OptOutStanding::Out
        } else {
            OptOutStanding::Removed
        },
        basis: facts.text("basis")?.into(),
        at: now,
    })
}
