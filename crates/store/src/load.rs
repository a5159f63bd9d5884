//! What a starting engine reads: everything that it keeps in memory, kind by kind.

use std::collections::HashMap;

use engine::ports::store::Loaded;
use engine::rows::{
    ClientRow, MessageRow, OptOutStanding, ProgressRow, Purpose, VaultRow, WebhookRow,
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::columns::{integer, json};
use crate::rows;

/// Streams it. Records of idempotency keys come until they are pruned, expired or not: the store has
/// no clock.
pub(crate) fn load(database: &Connection, each: &mut dyn FnMut(Loaded)) -> rusqlite::Result<()> {
    let snapshot = database.unchecked_transaction()?;
    keys(&snapshot, each)?;
    stream(&snapshot, "SELECT body FROM client ORDER BY seq", |row| {
        each(Loaded::Client(Box::new(json::<ClientRow>(row, 0)?)));
        Ok(())
    })?;
    opt_outs(&snapshot, each)?;
    open_messages(&snapshot, each)?;
    open_verifications(&snapshot, each)?;
    stream(&snapshot, &ordered(rows::BUDGET, "budget"), |row| {
        each(Loaded::Budget(Box::new(rows::budget(row)?)));
        Ok(())
    })?;
    let keys = "SELECT id, key, fingerprint, expires, client FROM idempotency ORDER BY message";
    stream(&snapshot, keys, |row| {
        each(Loaded::Idempotency(rows::idempotency(row)?));
        Ok(())
    })?;
    stream(&snapshot, &ordered(rows::UNMATCHED, "unmatched"), |row| {
        each(Loaded::Unmatched(rows::unmatched(row)?));
        Ok(())
    })?;
    stream(&snapshot, &ordered(rows::PUMPING, "pumping"), |row| {
        each(Loaded::Pumping(rows::pumping(row)?));
        Ok(())
    })?;
    stream(&snapshot, "SELECT body FROM webhook ORDER BY seq", |row| {
        each(Loaded::Webhook(Box::new(json::<WebhookRow>(row, 0)?)));
        Ok(())
    })?;
    let progress = "SELECT name, body FROM progress ORDER BY name";
    stream(&snapshot, progress, |row| {
        let (name, octets): (String, _) = (row.get(0)?, row.get(1)?);
        let name = name.into();
        each(Loaded::Progress(ProgressRow { name, octets }));
        Ok(())
    })?;
    stream(&snapshot, &ordered(rows::PART, "part"), |row| {
        let part = rows::part(row)?;
        let sealed = rows::vault_of(&snapshot, part.sequence)?;
        each(Loaded::Part(part, sealed));
        Ok(())
    })
}

/// Streams the newest messages above a sequence, oldest first, each with its sealed number.
pub(crate) fn accepted(
    database: &Connection,
    (after, most): (u64, usize),
    each: &mut dyn FnMut(MessageRow, Option<VaultRow>),
) -> rusqlite::Result<()> {
    let snapshot = database.unchecked_transaction()?;
    let beyond = "SELECT seq FROM message WHERE seq > ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2";
    let beyond: Option<i64> = snapshot
        .query_row(
            beyond,
            params![integer(after), i64::try_from(most).unwrap_or(i64::MAX)],
            |row| row.get(0),
        )
        .optional()?;
    let after = beyond.unwrap_or_else(|| integer(after));
    let columns = rows::MESSAGE;
    let sql = format!("SELECT {columns} FROM message WHERE seq > ?1 ORDER BY seq");
    let mut statement = snapshot.prepare(&sql)?;
    let mut found = statement.query([after])?;
    while let Some(row) = found.next()? {
        let message = rows::message(row)?;
        let number = rows::sealed(&snapshot, message.id.sequence(), Purpose::Number)?;
        each(message, number);
    }
    Ok(())
}

/// What is wrapped by the wrapping key. A backup from before there were secrets has no table of them.
pub(crate) fn keys(database: &Connection, each: &mut dyn FnMut(Loaded)) -> rusqlite::Result<()> {
    if database.table_exists(None, "secret")? {
        let secrets = "SELECT name, wrapped FROM secret ORDER BY name";
        stream(database, secrets, |row| {
            each(Loaded::Secret(rows::secret(row)?));
            Ok(())
        })?;
    }
    let keks = "SELECT row, wrapped FROM kek ORDER BY row";
    stream(database, keks, |row| {
        each(Loaded::Kek(rows::kek(row)?));
        Ok(())
    })
}

fn open_messages(database: &Connection, each: &mut dyn FnMut(Loaded)) -> rusqlite::Result<()> {
    // The entries of the index are in the order of the row keys, so nothing is sorted.
    let sql = format!(
        "SELECT {} FROM message INDEXED BY open_message WHERE open = 1 ORDER BY seq",
        rows::MESSAGE
    );
    stream(database, &sql, |row| {
        let message = rows::message(row)?;
        let sealed = rows::vault_of(database, message.id.sequence())?;
        each(Loaded::Open(Box::new(message), sealed));
        Ok(())
    })
}

fn open_verifications(database: &Connection, each: &mut dyn FnMut(Loaded)) -> rusqlite::Result<()> {
    let sql = format!(
        "SELECT {} FROM verification INDEXED BY open_verification WHERE open = 1 ORDER BY seq",
        rows::VERIFICATION
    );
    stream(database, &sql, |row| {
        let verification = rows::verification(row)?;
        let sealed = rows::vault_of(database, verification.id.sequence())?;
        each(Loaded::Verification(Box::new(verification), sealed));
        Ok(())
    })
}

/// Opt-outs that stand: the latest row of each (short code, subject), unless it is a removal.
fn opt_outs(database: &Connection, each: &mut dyn FnMut(Loaded)) -> rusqlite::Result<()> {
    let sql = ordered(rows::OPT_OUT, "optout");
    let mut latest = HashMap::new();
    stream(database, &sql, |row| {
        let opt_out = rows::opt_out(row)?;
        latest.insert((opt_out.short_code, opt_out.subject), opt_out.sequence);
        Ok(())
    })?;
    stream(database, &sql, |row| {
        let opt_out = rows::opt_out(row)?;
        let last = latest.get(&(opt_out.short_code, opt_out.subject)).copied();
        if last == Some(opt_out.sequence) && opt_out.standing == OptOutStanding::Out {
            each(Loaded::OptOut(opt_out));
        }
        Ok(())
    })
}

fn ordered(columns: &str, table: &str) -> String {
    format!("SELECT {columns} FROM {table} ORDER BY seq")
}

fn stream(
    database: &Connection,
    sql: &str,
    mut each: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = database.prepare(sql)?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        each(row)?;
    }
    Ok(())
}
