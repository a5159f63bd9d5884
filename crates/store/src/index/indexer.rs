//! The thread that keeps the index up to date, and builds it when it is missing or wrong.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use super::carrier::CarrierRecord;
use super::file::{self, Batch, Mark, Settled};
use super::fresh::{self, Fresh, FreshKind};
use super::{Health, Owed, Task};
use crate::columns::{integer, natural, octets};
use crate::connect::{self, Role};
use crate::embedded::Shared;
use crate::queue::Job;
use crate::rows;
use domain::message::SegmentState;
use engine::rows::NO_SUBJECT;

/// Why the index is not up to date.
#[derive(Debug, thiserror::Error)]
enum IndexError {
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    #[error(transparent)]
    File(#[from] std::io::Error),
    #[error(
        "the index belongs to another ledger, is older than what was trimmed, or holds what was erased"
    )]
    Stranger,
}

/// The thread's work.
pub(crate) fn run(shared: &Arc<Shared>) {
    let mut writer = start(shared);
    loop {
        let task = shared.index.wait();
        let result = match (task, writer.as_mut()) {
            (Task::Merge | Task::Stop, Some(writer)) => merge(shared, writer),
            (Task::Stop, None) => Ok(()),
            (Task::Purge, _) => purge(shared, &mut writer),
            (Task::Rebuild, _) | (Task::Merge, None) => {
                drop(writer.take());
                rebuild(shared).map(|built| writer = Some(built))
            }
        };
        if let Err(error) = result {
            report(shared, &error);
        }
        if task == Task::Stop {
            shared.index.pool.close();
            // Whoever waits for a purge sees that the reply is dropped.
            drop(shared.index.take_purges());
            return;
        }
    }
}

/// Opens the index that is there, or builds it.
fn start(shared: &Shared) -> Option<Connection> {
    if let Err(error) = shared.folder.remove_new_index() {
        report(shared, &error.into());
    }
    let opened = open_existing(shared).or_else(|error| {
        tracing::info!(reason = %error, "building the index");
        rebuild(shared)
    });
    opened.map_err(|error| report(shared, &error)).ok()
}

/// Writes the file anew without what it had to forget, and tells those who wait for it.
fn purge(shared: &Shared, writer: &mut Option<Connection>) -> Result<(), IndexError> {
    let waiting = shared.index.take_purges();
    let result = write_anew(shared, writer);
    let told = result.as_ref().map_err(ToString::to_string);
    for reply in waiting {
        // Whoever asked may have gone away.
        let _ = reply.send(told.clone().copied());
    }
    result
}

fn write_anew(shared: &Shared, writer: &mut Option<Connection>) -> Result<(), IndexError> {
    let Some(mut index) = writer.take() else {
        return rebuild(shared).map(|built| *writer = Some(built));
    };
    if let Err(error) = merge(shared, &mut index) {
        *writer = Some(index);
        return Err(error);
    }
    if shared.index.owed() == Owed::Nothing {
        *writer = Some(index);
        return Ok(());
    }
    if let Err(error) = copy_anew(shared, &index) {
        *writer = Some(index);
        return Err(error);
    }
    // Until the new file is open, lists look at the rows themselves.
    shared.index.set_health(Health::Building);
    shared.index.pool.close();
    drop(index);
    shared.folder.take_new_index()?;
    let durability = shared.config.durability;
    let index = connect::open(&shared.folder.index(), Role::IndexWriter, durability)?;
    shared.index.pool.open();
    shared.index.set_health(Health::Ready);
    shared.index.written_anew();
    *writer = Some(index);
    Ok(())
}

/// A copy has the rows and nothing else: no free page, no stale octet, no log.
fn copy_anew(shared: &Shared, index: &Connection) -> Result<(), IndexError> {
    let file = shared.folder.prepare_new_index()?;
    let path = shared.folder.new_index();
    index.execute("VACUUM INTO ?1", [path.to_string_lossy()])?;
    Ok(file.sync_all()?)
}

fn report(shared: &Shared, error: &IndexError) {
    // While the store is closed or has failed, its index is not to blame.
    if shared.is_available() {
        tracing::warn!(reason = %error, "the index is not up to date; searching without it");
        shared.index.pool.close();
        shared.index.set_health(Health::Building);
    }
}

fn open_existing(shared: &Shared) -> Result<Connection, IndexError> {
    let durability = shared.config.durability;
    let index = connect::open(&shared.folder.index(), Role::IndexWriter, durability)?;
    let mark = file::mark(&index)?.ok_or(IndexError::Stranger)?;
    let fits = shared.readers.with(|main| {
        let trimmed = trimmed(main)?;
        Ok(mark.size >= trimmed && mark.leaf == leaf_before(main, mark.size)? && !owes(main)?)
    })?;
    if !fits {
        return Err(IndexError::Stranger);
    }
    shared.index.pool.open();
    shared.index.set_health(Health::Ready);
    Ok(index)
}

/// Builds the index from the rows themselves, then from the fresh records of what came meanwhile.
fn rebuild(shared: &Shared) -> Result<Connection, IndexError> {
    shared.index.set_health(Health::Building);
    shared.index.pool.close();
    shared.folder.remove_index()?;
    shared.folder.prepare_index()?;
    let durability = shared.config.durability;
    let mut index = connect::open(&shared.folder.index(), Role::IndexWriter, durability)?;
    file::create(&index)?;
    let mark = shared.readers.with(|main| mark_at(main, None))?;
    build_messages(shared, &mut index)?;
    build_table(shared, &mut index, ("inbound", FreshKind::Inbound))?;
    build_table(shared, &mut index, ("verification", FreshKind::Message))?;
    file::merge(
        &mut index,
        Batch {
            rows: &mut [],
            carrier_ids: &mut [],
            mark: Some(mark),
        },
    )?;
    shared.index.pool.open();
    shared.index.set_health(Health::Ready);
    merge(shared, &mut index)?;
    shared.index.written_anew();
    Ok(index)
}

/// Whether the file may hold what was erased: the process ended before it was written anew.
fn owes(main: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM meta WHERE name = 'index_owes'";
    let found = main.query_row(sql, [], |_| Ok(())).optional()?;
    Ok(found.is_some())
}

fn build_messages(shared: &Shared, index: &mut Connection) -> Result<(), IndexError> {
    let mut after = -1;
    loop {
        let (mut rows, mut carrier_ids) = (Vec::new(), Vec::new());
        let before = after;
        let sql = format!(
            "SELECT {} FROM message WHERE seq > ?1 ORDER BY seq LIMIT ?2",
            rows::MESSAGE
        );
        shared.readers.with(|main| {
            let mut statement = main.prepare(&sql)?;
            let mut found = statement.query([after, limit(shared.index.batch_rows)])?;
            while let Some(row) = found.next()? {
                let message = rows::message(row)?;
                let sequence = message.id.sequence();
                after = integer(sequence);
                if message.subject != NO_SUBJECT {
                    rows.push(Fresh::of(FreshKind::Message, sequence, message.subject));
                }
                carrier_ids.extend(awaiting_receipts(&message));
            }
            Ok(())
        })?;
        if after == before {
            return Ok(());
        }
        let batch = Batch {
            rows: &mut rows,
            carrier_ids: &mut carrier_ids,
            mark: None,
        };
        file::merge(index, batch)?;
        file::settle(index)?;
    }
}

/// The carrier ids of a message whose receipts may still come.
fn awaiting_receipts(
    message: &engine::rows::MessageRow,
) -> impl Iterator<Item = CarrierRecord> + use<'_> {
    (0_u8..)
        .zip(&message.segments)
        .filter_map(|(segment, facts)| {
            let is_settled = !matches!(
                facts.state(),
                SegmentState::Submitted | SegmentState::Unknown
            );
            let (carrier, id) = (facts.carrier()?, facts.carrier_id()?);
            let key = super::carrier::carrier_key(carrier, id);
            (!is_settled).then_some(CarrierRecord {
                key,
                message: message.id.sequence(),
                segment,
            })
        })
}

/// Takes in the rows of a table that have nothing but a subject to find.
fn build_table(
    shared: &Shared,
    index: &mut Connection,
    (table, kind): (&str, FreshKind),
) -> Result<(), IndexError> {
    let mut after = -1;
    let sql = format!("SELECT seq, subject FROM {table} WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    loop {
        let mut rows = Vec::new();
        let before = after;
        shared.readers.with(|main| {
            let mut statement = main.prepare(&sql)?;
            let mut found = statement.query([after, limit(shared.index.batch_rows)])?;
            while let Some(row) = found.next()? {
                let sequence = natural(row, 0)?;
                after = integer(sequence);
                let subject = octets(row, 1)?;
                if subject != NO_SUBJECT {
                    rows.push(Fresh::of(kind, sequence, subject));
                }
            }
            Ok(())
        })?;
        if after == before {
            return Ok(());
        }
        file::merge(
            index,
            Batch {
                rows: &mut rows,
                carrier_ids: &mut [],
                mark: None,
            },
        )?;
        file::settle(index)?;
    }
}

/// Takes in what is fresh, and the carrier ids that wait. What the file then holds durably is trimmed
/// from the main database.
fn merge(shared: &Shared, index: &mut Connection) -> Result<(), IndexError> {
    merge_fresh(shared, index)?;
    // What was read above before it was blanked is in the file by now.
    let forgotten = shared.index.begin_forget();
    if !forgotten.is_empty() {
        file::forget(index, &forgotten)?;
        shared.index.end_forget(forgotten.len());
    }
    Ok(())
}

fn merge_fresh(shared: &Shared, index: &mut Connection) -> Result<(), IndexError> {
    loop {
        let from = file::mark(index)?.ok_or(IndexError::Stranger)?;
        let (mut rows, mark) = shared
            .readers
            .with(|main| fresh_rows(main, from.size, shared.index.batch_rows))?;
        let mut carrier_ids = shared.index.begin_merge();
        if mark == from && carrier_ids.is_empty() {
            return Ok(());
        }
        let batch = Batch {
            rows: &mut rows,
            carrier_ids: &mut carrier_ids,
            mark: Some(mark),
        };
        file::merge(index, batch)?;
        shared.index.end_merge();
        if file::settle(index)? == Settled::Wholly {
            shared.queue.push(Job::Indexed(mark.size));
        }
        if rows.len() < shared.index.batch_rows {
            return Ok(());
        }
    }
}

/// Whole fresh records from a ledger index on, until there are enough, and the mark after them.
fn fresh_rows(
    main: &mut Connection,
    from: u64,
    enough: usize,
) -> rusqlite::Result<(Vec<Fresh>, Mark)> {
    let snapshot = main.transaction()?;
    let mut rows = Vec::new();
    let mut stopped_at = None;
    {
        let mut statement = snapshot
            .prepare_cached("SELECT first, rows FROM fresh WHERE first >= ?1 ORDER BY first")?;
        let mut found = statement.query([integer(from)])?;
        while let Some(row) = found.next()? {
            if rows.len() >= enough {
                stopped_at = Some(natural(row, 0)?);
                break;
            }
            rows.extend(fresh::read(row.get_ref(1)?.as_blob()?));
        }
    }
    let mark = mark_at(&snapshot, stopped_at)?;
    Ok((rows, mark))
}

/// The mark at a size of the ledger, or at its end.
fn mark_at(main: &Connection, size: Option<u64>) -> rusqlite::Result<Mark> {
    let size = match size {
        Some(size) => size,
        None => main.query_row("SELECT ifnull(max(idx) + 1, 0) FROM entry", [], |row| {
            natural(row, 0)
        })?,
    };
    Ok(Mark {
        size,
        leaf: leaf_before(main, size)?,
    })
}

fn leaf_before(main: &Connection, size: u64) -> rusqlite::Result<Option<ledger::Hash>> {
    let Some(last) = size.checked_sub(1) else {
        return Ok(None);
    };
    let sql = "SELECT leaf FROM entry WHERE idx = ?1";
    let leaf = main
        .query_row(sql, [integer(last)], |row| octets::<32>(row, 0))
        .optional()?;
    Ok(leaf.map(ledger::Hash::from_bytes))
}

/// Up to which ledger index fresh records were deleted.
pub(super) fn trimmed(main: &Connection) -> rusqlite::Result<u64> {
    let mut statement = main.prepare_cached("SELECT value FROM meta WHERE name = 'trimmed'")?;
    let found = statement.query_row([], |row| natural(row, 0)).optional()?;
    Ok(found.unwrap_or(0))
}

fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
