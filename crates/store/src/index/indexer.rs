//! The thread that keeps the index up to date, and builds it when it is missing or wrong.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use super::carrier::CarrierRecord;
use super::file::{self, Batch, Mark, Settled};
use super::fresh::{self, Fresh, FreshKind};
use super::{Health, Task};
use crate::columns::{integer, natural, octets};
use crate::connect::{self, Role};
use crate::embedded::Shared;
use crate::queue::Job;
use crate::rows;
use domain::message::SegmentState;

/// Why the index is not up to date.
#[derive(Debug, thiserror::Error)]
enum IndexError {
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    #[error(transparent)]
    File(#[from] std::io::Error),
    #[error("the index belongs to another ledger, or is older than what was trimmed")]
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
            return;
        }
    }
}

/// Opens the index that is there, or builds it.
fn start(shared: &Shared) -> Option<Connection> {
    let opened = open_existing(shared).or_else(|error| {
        tracing::info!(reason = %error, "building the index");
        rebuild(shared)
    });
    opened.map_err(|error| report(shared, &error)).ok()
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
        Ok(mark.size >= trimmed && mark.leaf == leaf_before(main, mark.size)?)
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
    build_inbounds(shared, &mut index)?;
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
    Ok(index)
}

fn build_messages(shared: &Shared, index: &mut Connection) -> Result<(), IndexError> {
    let mut after = -1;
    loop {
        let (mut rows, mut carrier_ids) = (Vec::new(), Vec::new());
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
                rows.push(Fresh::of(FreshKind::Message, sequence, message.subject));
                carrier_ids.extend(awaiting_receipts(&message));
            }
            Ok(())
        })?;
        if rows.is_empty() {
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

fn build_inbounds(shared: &Shared, index: &mut Connection) -> Result<(), IndexError> {
    let mut after = -1;
    loop {
        let mut rows = Vec::new();
        shared.readers.with(|main| {
            let mut statement = main
                .prepare("SELECT seq, subject FROM inbound WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
            let mut found = statement.query([after, limit(shared.index.batch_rows)])?;
            while let Some(row) = found.next()? {
                let sequence = natural(row, 0)?;
                after = integer(sequence);
                rows.push(Fresh::of(FreshKind::Inbound, sequence, octets(row, 1)?));
            }
            Ok(())
        })?;
        if rows.is_empty() {
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
