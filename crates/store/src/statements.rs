//! The statements of the writer, prepared once for the life of its connection.

use rusqlite::{Connection, Statement};

/// Every statement that the writer runs. Parameters are bound in the order of the columns.
pub(crate) struct Statements<'c> {
    pub(crate) begin: Statement<'c>,
    pub(crate) commit: Statement<'c>,
    pub(crate) rollback: Statement<'c>,
    pub(crate) entry: Statement<'c>,
    pub(crate) fresh: Statement<'c>,
    pub(crate) message: Statement<'c>,
    pub(crate) message_version: Statement<'c>,
    /// The message stays open: its entry in the index of open ones is not touched.
    pub(crate) update_open: Statement<'c>,
    /// The message changes whether it is open.
    pub(crate) update_moved: Statement<'c>,
    pub(crate) inbound: Statement<'c>,
    pub(crate) inbound_exists: Statement<'c>,
    pub(crate) vault: Statement<'c>,
    pub(crate) forget_vault: Statement<'c>,
    pub(crate) vault_live: Statement<'c>,
    pub(crate) tombstone: Statement<'c>,
    pub(crate) expire: Statement<'c>,
    /// The subject of a message and the first entry of its commit.
    pub(crate) message_subject: Statement<'c>,
    pub(crate) blank_message: Statement<'c>,
    pub(crate) inbound_subject: Statement<'c>,
    pub(crate) blank_inbound: Statement<'c>,
    pub(crate) blank_unmatched: Statement<'c>,
    /// The record of fresh rows that holds those of a ledger index.
    pub(crate) fresh_holding: Statement<'c>,
    pub(crate) fresh_change: Statement<'c>,
    pub(crate) fresh_delete: Statement<'c>,
    pub(crate) index_owes: Statement<'c>,
    pub(crate) minimum: Statement<'c>,
    pub(crate) kek: Statement<'c>,
    pub(crate) kek_exists: Statement<'c>,
    pub(crate) rewrap: Statement<'c>,
    pub(crate) secret: Statement<'c>,
    pub(crate) opt_out: Statement<'c>,
    pub(crate) verifying: Verifying<'c>,
    pub(crate) factors: Factors<'c>,
    pub(crate) client: Statement<'c>,
    pub(crate) idempotency: Statement<'c>,
    pub(crate) unmatched: Statement<'c>,
    pub(crate) forget_unmatched: Statement<'c>,
    pub(crate) pumping: Statement<'c>,
    pub(crate) forget_pumping: Statement<'c>,
    pub(crate) telling: Telling<'c>,
    pub(crate) part: Statement<'c>,
    pub(crate) forget_part: Statement<'c>,
}

impl<'c> Statements<'c> {
    /// Prepares them all.
    pub(crate) fn prepare(database: &'c Connection) -> rusqlite::Result<Self> {
        let sql = |text: &str| database.prepare(text);
        Ok(Self {
            begin: sql("BEGIN IMMEDIATE")?,
            commit: sql("COMMIT")?,
            rollback: sql("ROLLBACK")?,
            entry: sql("INSERT INTO entry(idx, bytes, leaf) VALUES (?1, ?2, ?3)")?,
            fresh: sql("INSERT INTO fresh(first, rows) VALUES (?1, ?2)")?,
            message: sql(
                "INSERT INTO message(seq, id, state, version, open, created, expires,
                updated, subject, head, segments, entry)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING",
            )?,
            message_version: sql("SELECT version - 1 FROM message WHERE seq = ?1")?,
            update_open: sql("UPDATE message SET state = ?3, version = ?4, updated = ?5,
                segments = ?6 WHERE seq = ?1 AND version = ?2 AND +open = 1")?,
            update_moved: sql("UPDATE message SET state = ?3, version = ?4, updated = ?5,
                segments = ?6, open = ?7 WHERE seq = ?1 AND version = ?2")?,
            inbound: sql(
                "INSERT INTO inbound(seq, id, short_code, received, keyword, carrier,
                subject, entry) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
            )?,
            inbound_exists: sql("SELECT 1 FROM inbound WHERE seq = ?1")?,
            vault: sql("INSERT OR REPLACE INTO vault(row, week, wrapped, sealed)
                VALUES (?1, ?2, ?3, ?4)")?,
            forget_vault: sql("DELETE FROM vault WHERE row BETWEEN ?1 AND ?2")?,
            vault_live: sql("SELECT 1 FROM vault WHERE row = ?1 AND length(wrapped) > 0")?,
            tombstone: sql("UPDATE vault SET week = 0, wrapped = x'', sealed = ?2
                WHERE row = ?1 AND length(wrapped) > 0")?,
            expire: sql("DELETE FROM vault WHERE row = ?1 AND length(wrapped) > 0")?,
            message_subject: sql("SELECT subject, entry FROM message WHERE seq = ?1")?,
            blank_message: sql("UPDATE message SET subject = ?2 WHERE seq = ?1")?,
            inbound_subject: sql("SELECT subject, entry FROM inbound WHERE seq = ?1")?,
            blank_inbound: sql("UPDATE inbound SET subject = ?2 WHERE seq = ?1")?,
            blank_unmatched: sql("UPDATE unmatched SET subject = NULL WHERE seq = ?1")?,
            fresh_holding: sql("SELECT first, rows FROM fresh WHERE first <= ?1
                ORDER BY first DESC LIMIT ?2")?,
            fresh_change: sql("UPDATE fresh SET rows = ?2 WHERE first = ?1")?,
            fresh_delete: sql("DELETE FROM fresh WHERE first = ?1")?,
            index_owes: sql("INSERT OR REPLACE INTO meta(name, value) VALUES ('index_owes', 1)")?,
            minimum: sql("INSERT INTO meta(name, value) VALUES ('minimum', ?1)
                ON CONFLICT DO UPDATE SET value = max(value, excluded.value)")?,
            kek: sql("INSERT INTO kek(row, wrapped) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?,
            kek_exists: sql("SELECT 1 FROM kek WHERE row = ?1")?,
            rewrap: sql("UPDATE kek SET wrapped = ?2 WHERE row = ?1")?,
            secret: sql("INSERT OR REPLACE INTO secret(name, wrapped) VALUES (?1, ?2)")?,
            opt_out: sql(
                "INSERT OR REPLACE INTO optout(seq, short_code, subject, standing, basis,
                at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?,
            verifying: Verifying::prepare(database)?,
            factors: Factors::prepare(database)?,
            client: sql("INSERT OR REPLACE INTO client(seq, body) VALUES (?1, ?2)")?,
            idempotency: sql(
                "INSERT OR REPLACE INTO idempotency(message, id, key, fingerprint,
                expires, client) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?,
            unmatched: sql(
                "INSERT OR REPLACE INTO unmatched(seq, carrier, carrier_id, state,
                error, subject, at, done) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?,
            forget_unmatched: sql("DELETE FROM unmatched WHERE seq = ?1")?,
            pumping: sql("INSERT OR REPLACE INTO pumping(seq, sealed) VALUES (?1, ?2)")?,
            forget_pumping: sql("DELETE FROM pumping WHERE seq < ?1")?,
            telling: Telling::prepare(database)?,
            part: sql(
                "INSERT OR REPLACE INTO part(seq, short_code, carrier, data_coding, reference,
                width, total, ordinal, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?,
            forget_part: sql("DELETE FROM part WHERE seq = ?1")?,
        })
    }
}

/// Those of verifications and budgets.
pub(crate) struct Verifying<'c> {
    pub(crate) verification: Statement<'c>,
    pub(crate) version: Statement<'c>,
    /// The verification goes on.
    pub(crate) moved: Statement<'c>,
    /// It ends, and its code goes.
    pub(crate) ended: Statement<'c>,
    /// The subject, in the columns of that of a message: the entry is not noted.
    pub(crate) subject: Statement<'c>,
    pub(crate) blank: Statement<'c>,
    pub(crate) budget: Statement<'c>,
    pub(crate) forget_budget: Statement<'c>,
}

impl<'c> Verifying<'c> {
    fn prepare(database: &'c Connection) -> rusqlite::Result<Self> {
        let sql = |text: &str| database.prepare(text);
        Ok(Self {
            verification: sql(
                "INSERT INTO verification(seq, id, client, version, open, created, expires,
                subject, number, facts, week, wrapped, sealed)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
                ON CONFLICT DO NOTHING",
            )?,
            version: sql("SELECT version - 1 FROM verification WHERE seq = ?1")?,
            moved: sql("UPDATE verification SET version = ?3, facts = ?4
                WHERE seq = ?1 AND version = ?2")?,
            ended: sql("UPDATE verification SET version = ?3, facts = ?4,
                open = NULL, week = NULL, wrapped = NULL, sealed = NULL
                WHERE seq = ?1 AND version = ?2")?,
            subject: sql("SELECT subject, NULL FROM verification WHERE seq = ?1")?,
            blank: sql("UPDATE verification SET subject = ?2 WHERE seq = ?1")?,
            budget: sql("INSERT INTO budget(seq, client, number, budgets)
                VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET budgets = excluded.budgets")?,
            forget_budget: sql("DELETE FROM budget WHERE seq = ?1")?,
        })
    }
}

/// Those of webhooks, and of how far everybody has been told.
pub(crate) struct Telling<'c> {
    pub(crate) webhook: Statement<'c>,
    pub(crate) forget_webhook: Statement<'c>,
    pub(crate) progress: Statement<'c>,
    pub(crate) forget_progress: Statement<'c>,
}

impl<'c> Telling<'c> {
    fn prepare(database: &'c Connection) -> rusqlite::Result<Self> {
        let sql = |text: &str| database.prepare(text);
        Ok(Self {
            webhook: sql("INSERT OR REPLACE INTO webhook(seq, body) VALUES (?1, ?2)")?,
            forget_webhook: sql("DELETE FROM webhook WHERE seq = ?1")?,
            progress: sql("INSERT OR REPLACE INTO progress(name, body) VALUES (?1, ?2)")?,
            forget_progress: sql("DELETE FROM progress WHERE name = ?1")?,
        })
    }
}

/// Those of factors.
pub(crate) struct Factors<'c> {
    pub(crate) new: Statement<'c>,
    pub(crate) change: Statement<'c>,
    pub(crate) version: Statement<'c>,
    pub(crate) blank: Statement<'c>,
}

impl<'c> Factors<'c> {
    fn prepare(database: &'c Connection) -> rusqlite::Result<Self> {
        let sql = |text: &str| database.prepare(text);
        Ok(Self {
            new: sql(
                "INSERT INTO factor(seq, id, client, version, pending, created, updated,
                subject, factor, week, wrapped, sealed)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING",
            )?,
            change: sql(
                "UPDATE factor SET id = ?2, client = ?3, version = ?4, pending = ?5, created = ?6,
                updated = ?7, subject = ?8, factor = ?9, week = ?10, wrapped = ?11, sealed = ?12
                WHERE seq = ?1 AND version = ?4 - 1",
            )?,
            version: sql("SELECT version FROM factor WHERE seq = ?1")?,
            blank: sql("UPDATE factor SET subject = ?2 WHERE seq = ?1")?,
        })
    }
}
