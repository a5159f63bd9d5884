//! The rights of persons, on the disk: finds what is kept of a number or is past its time, and leaves no
//! octet of what was destroyed in any file.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use domain::verification::factor::Factor;
use engine::ports::Erasure;
use engine::ports::erasure::{Holder, Holders, OldValue, OldValues, PurgeError};
use engine::ports::store::{Page, ReadError, Reading};
use engine::rows::{FactorRow, InboundRow, OptOutRow, SubjectLookup, VaultRow, VerificationRow};
use rusqlite::{Connection, OptionalExtension};
use tokio::sync::oneshot;

use crate::checkpoint::{self, Emptied};
use crate::columns::{integer, json, natural, state};
use crate::embedded::{Embedded, Shared};
use crate::queue::Job;
use crate::reader::{failed, reading};
use crate::{rows, search};

/// How often the log is tried to be emptied while somebody reads it: some five seconds in all.
const TRIES_MAX: usize = 50;

/// More rows than one owner has: a page gets on.
const LOOKS_LEAST: usize = 8;

impl Erasure for Embedded {
    fn inbounds_of(
        &self,
        subject: [u8; 16],
        cursor: Option<u64>,
        limit: u16,
        lookup: SubjectLookup,
    ) -> Reading<'_, Page<(InboundRow, Vec<VaultRow>)>> {
        reading(&self.shared, move |shared, database| {
            search::inbounds_of(shared, database, (subject, lookup), (cursor, limit))
        })
    }

    fn opt_outs_of(&self, suppression: [u8; 16]) -> Reading<'_, Vec<(OptOutRow, Vec<VaultRow>)>> {
        reading(&self.shared, move |_, database| {
            opt_outs_of(database, suppression)
        })
    }

    fn verifications_of(
        &self,
        subject: [u8; 16],
        cursor: Option<u64>,
        limit: u16,
        lookup: SubjectLookup,
    ) -> Reading<'_, Page<(VerificationRow, Vec<VaultRow>)>> {
        reading(&self.shared, move |shared, database| {
            search::verifications_of(shared, database, (subject, lookup), (cursor, limit))
        })
    }

    fn factors_of(&self, subject: [u8; 16]) -> Reading<'_, Vec<(FactorRow, Vec<VaultRow>)>> {
        reading(&self.shared, move |_, database| {
            factors_of(database, subject)
        })
    }

    fn old_values(&self, query: OldValues) -> Reading<'_, Page<OldValue>> {
        reading(&self.shared, move |shared, database| {
            let looks = shared.config.bounds.page_scan_max;
            old_values(database, query, looks)
        })
    }

    fn sealed_of(&self, owners: &[u64]) -> Result<Vec<VaultRow>, ReadError> {
        let read = |database: &mut Connection| {
            let snapshot = database.transaction()?;
            let mut sealed = Vec::new();
            for owner in owners {
                sealed.extend(rows::vault_of(&snapshot, *owner)?);
            }
            Ok(sealed)
        };
        self.shared.readers.with(read).map_err(failed)
    }

    fn purge(&self) -> Pin<Box<dyn Future<Output = Result<(), PurgeError>> + Send + '_>> {
        let (answer, answered) = oneshot::channel();
        let shared = Arc::clone(&self.shared);
        let work = move || {
            // Whoever asked may have gone away.
            let _ = answer.send(purge(&shared));
        };
        let spawned = std::thread::Builder::new()
            .name("store-purge".to_owned())
            .spawn(work);
        let cut_off = || PurgeError::Failed("the purge was given up".to_owned());
        Box::pin(async move {
            spawned.map_err(|error| PurgeError::Failed(error.to_string()))?;
            answered.await.unwrap_or_else(|_| Err(cut_off()))
        })
    }
}

fn purge(shared: &Shared) -> Result<(), PurgeError> {
    let closed = |_| PurgeError::Failed("the store is closed".to_owned());
    let (reply, replied) = sync_channel(1);
    shared.index.purge(reply);
    replied
        .recv()
        .map_err(closed)?
        .map_err(PurgeError::Failed)?;
    for _ in 0..TRIES_MAX {
        // Most of it is copied while commits go on; the writer then has little left to do.
        let copied = shared.keeper.with(|database| checkpoint::copy(database));
        copied.map_err(failed)?;
        let (reply, replied) = sync_channel(1);
        shared.queue.push(Job::Purge(reply));
        if replied.recv().map_err(closed)? == Emptied::Wholly {
            return Ok(());
        }
    }
    Err(PurgeError::InTheWay(
        "a backup or another long read still needs the write-ahead log",
    ))
}

fn opt_outs_of(
    database: &mut Connection,
    suppression: [u8; 16],
) -> rusqlite::Result<Vec<(OptOutRow, Vec<VaultRow>)>> {
    let snapshot = database.transaction()?;
    let sql = format!(
        "SELECT {} FROM optout WHERE subject = ?1 ORDER BY seq",
        rows::OPT_OUT
    );
    let mut statement = snapshot.prepare_cached(&sql)?;
    let found = statement.query_map([suppression], rows::opt_out)?;
    let mut opt_outs = Vec::new();
    for row in found {
        let row = row?;
        let sealed = rows::vault_of(&snapshot, row.sequence)?;
        opt_outs.push((row, sealed));
    }
    Ok(opt_outs)
}

fn factors_of(
    database: &mut Connection,
    subject: [u8; 16],
) -> rusqlite::Result<Vec<(FactorRow, Vec<VaultRow>)>> {
    let snapshot = database.transaction()?;
    let sql = format!(
        "SELECT {} FROM factor WHERE subject = ?1 ORDER BY seq",
        rows::FACTOR
    );
    let mut statement = snapshot.prepare_cached(&sql)?;
    let found = statement.query_map([subject], rows::factor)?;
    let mut factors = Vec::new();
    for row in found {
        let row = row?;
        let sealed = rows::vault_of(&snapshot, row.id.sequence())?;
        factors.push((row, sealed));
    }
    Ok(factors)
}

/// Looks at a bounded number of vault rows, in the order of their owners.
fn old_values(
    database: &mut Connection,
    query: OldValues,
    looks: usize,
) -> rusqlite::Result<Page<OldValue>> {
    let snapshot = database.transaction()?;
    let mut statement = snapshot.prepare_cached(
        "SELECT row, length(wrapped) FROM vault WHERE row >= ?1 AND row < ?2 ORDER BY row",
    )?;
    let range = [integer(query.from << 2), integer(query.below << 2)];
    let mut found = statement.query(range)?;
    let (mut rows, mut looked) = (Vec::new(), 0);
    while let Some(row) = found.next()? {
        let (key, live): (u64, u64) = (natural(row, 0)?, natural(row, 1)?);
        let owner = key >> 2;
        if rows.len() >= usize::from(query.limit) || looked >= looks.max(LOOKS_LEAST) {
            let is_given = rows
                .last()
                .is_some_and(|last: &OldValue| last.owner == owner);
            let next = Some(owner + u64::from(is_given));
            return Ok(Page { rows, next });
        }
        looked += 1;
        if key & 3 != u64::from(query.purpose.code()) || live == 0 {
            continue;
        }
        let holder = holder(&snapshot, owner)?;
        let fits =
            |holder: &Holder| (*holder == Holder::OptOut) == (query.holders == Holders::OptOuts);
        rows.extend(holder.filter(fits).map(|holder| OldValue { owner, holder }));
    }
    Ok(Page { rows, next: None })
}

/// Who owns a sealed value; a part of a long message owns its own for a while and is nobody here.
fn holder(database: &Connection, owner: u64) -> rusqlite::Result<Option<Holder>> {
    let key = [integer(owner)];
    let message = database
        .prepare_cached("SELECT state FROM message WHERE seq = ?1")?
        .query_row(key, |row| state(row, 0))
        .optional()?;
    if let Some(state) = message {
        return Ok(Some(Holder::Message(state)));
    }
    let factor = database
        .prepare_cached("SELECT factor FROM factor WHERE seq = ?1")?
        .query_row(key, |row| json::<Factor>(row, 0))
        .optional()?;
    if let Some(factor) = factor {
        return Ok(Some(Holder::Factor(factor.state())));
    }
    let is_in = |sql: &str| -> rusqlite::Result<bool> { database.prepare_cached(sql)?.exists(key) };
    if is_in("SELECT 1 FROM inbound WHERE seq = ?1")? {
        return Ok(Some(Holder::Inbound));
    }
    if is_in("SELECT 1 FROM optout WHERE seq = ?1")? {
        return Ok(Some(Holder::OptOut));
    }
    if is_in("SELECT 1 FROM verification WHERE seq = ?1")? {
        return Ok(Some(Holder::Verification));
    }
    let is_part = is_in("SELECT 1 FROM part WHERE seq = ?1")?;
    Ok((!is_part).then_some(Holder::Entry))
}
