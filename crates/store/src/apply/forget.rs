//! The writes that destroy: sealed values, and the blind index of a number wherever it is kept.

use engine::rows::{Bearer, NO_SUBJECT, Purpose};
use rusqlite::{OptionalExtension, Row, params};

use super::Applying;
use crate::columns::{integer, octets};
use crate::index::fresh::{self, Fresh, FreshKind, RECORD_OCTETS};
use crate::rows::purposed;

/// What a row says of its number, and the first entry of the commit that wrote it.
type Known = ([u8; 16], Option<i64>);

impl Applying<'_, '_> {
    /// Puts a tombstone in place of a live value. Gives how many there were: 0 or 1.
    pub(super) fn tombstone(&mut self, owner: u64, purpose: Purpose) -> rusqlite::Result<usize> {
        let erased_by = self.scratch.first_entry.to_be_bytes();
        self.statements
            .tombstone
            .execute(params![purposed(owner, purpose), erased_by])
    }

    /// Deletes a live value. Gives how many there were: 0 or 1.
    pub(super) fn expire(&mut self, owner: u64, purpose: Purpose) -> rusqlite::Result<usize> {
        self.statements.expire.execute([purposed(owner, purpose)])
    }

    /// Blanks a blind index in its row and in what the index database has not taken in yet, and has the
    /// index database forget it.
    pub(super) fn forget_subject(&mut self, bearer: Bearer) -> rusqlite::Result<()> {
        let (kind, sequence) = match bearer {
            Bearer::Message(sequence) | Bearer::Verification(sequence) => {
                (FreshKind::Message, sequence)
            }
            Bearer::Inbound(sequence) => (FreshKind::Inbound, sequence),
            Bearer::Unmatched(sequence) => {
                let key = [integer(sequence)];
                return self.statements.blank_unmatched.execute(key).map(drop);
            }
            Bearer::Factor(sequence) => {
                let blank = params![integer(sequence), NO_SUBJECT];
                return self.statements.factors.blank.execute(blank).map(drop);
            }
        };
        let Some((subject, entry)) = self.known(bearer, sequence)? else {
            return Ok(());
        };
        if subject == NO_SUBJECT {
            return Ok(());
        }
        let blank = match bearer {
            Bearer::Inbound(_) => &mut self.statements.blank_inbound,
            Bearer::Verification(_) => &mut self.statements.verifying.blank,
            _ => &mut self.statements.blank_message,
        };
        blank.execute(params![integer(sequence), NO_SUBJECT])?;
        let record = Fresh::of(kind, sequence, subject);
        self.forget_fresh(record, entry)?;
        if self.scratch.forgotten.is_empty() {
            self.statements.index_owes.execute([])?;
        }
        self.scratch.forgotten.push(record);
        Ok(())
    }

    fn known(&mut self, bearer: Bearer, sequence: u64) -> rusqlite::Result<Option<Known>> {
        let statement = match bearer {
            Bearer::Inbound(_) => &mut self.statements.inbound_subject,
            Bearer::Verification(_) => &mut self.statements.verifying.subject,
            _ => &mut self.statements.message_subject,
        };
        let read = |row: &Row<'_>| Ok((octets(row, 0)?, row.get(1)?));
        statement.query_row([integer(sequence)], read).optional()
    }

    /// Takes a record out of the list that holds it. A row from before entries were noted may stand in
    /// any of them.
    fn forget_fresh(&mut self, record: Fresh, entry: Option<i64>) -> rusqlite::Result<()> {
        let (from, lists) = entry.map_or((i64::MAX, i64::MAX), |entry| (entry, 1));
        let mut changed = None;
        {
            let mut found = self.statements.fresh_holding.query([from, lists])?;
            while let Some(row) = found.next()? {
                let records = row.get_ref(1)?.as_blob()?;
                if let Some(rest) = without(records, record) {
                    changed = Some((row.get::<_, i64>(0)?, rest));
                    break;
                }
            }
        }
        match changed {
            None => Ok(()),
            Some((first, rest)) if rest.is_empty() => {
                self.statements.fresh_delete.execute([first]).map(drop)
            }
            Some((first, rest)) => {
                let change = params![first, rest];
                self.statements.fresh_change.execute(change).map(drop)
            }
        }
    }
}

/// The records without one of them; `None` when it is not among them.
fn without(records: &[u8], record: Fresh) -> Option<Vec<u8>> {
    let place = fresh::read(records).position(|found| found == record)?;
    let start = place * RECORD_OCTETS;
    let mut rest = records.to_vec();
    rest.drain(start..start + RECORD_OCTETS);
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_record_is_taken_out_and_the_others_stay_in_order() {
        let mut records = Vec::new();
        for sequence in 1..=3 {
            fresh::push(&mut records, FreshKind::Message, sequence, [7; 16]);
        }
        let second = Fresh::of(FreshKind::Message, 2, [7; 16]);
        let rest = without(&records, second).unwrap();
        let left: Vec<i64> = fresh::read(&rest).map(Fresh::sequence).collect();
        assert_eq!(left, [1, 3]);
        assert_eq!(without(&rest, second), None);
        let inbound = Fresh::of(FreshKind::Inbound, 1, [7; 16]);
        assert_eq!(without(&rest, inbound), None);
    }
}
