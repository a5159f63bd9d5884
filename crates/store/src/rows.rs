//! Rows as they are read: the columns of each table in the order of its constant, and the way back to
//! the engine's types.

use domain::carrier_id::CarrierMessageId;
use domain::id::{FactorId, Id, InboundId, MessageId, VerificationId};
use domain::message::{CarrierName, DoneDate, ReceiptState};
use domain::text::segment::ReferenceWidth;
use engine::rows::{
    BudgetRow, FactorRow, IdempotencyRow, InboundRow, KekRow, MessageRow, OptOutRow,
    OptOutStanding, PartRow, PumpingRow, Purpose, SealedCode, SecretRow, UnmatchedRow, VaultRow,
    VerificationRow, vault_key,
};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};

use crate::columns::{
    integer, json, moment, named, natural, octets, out_of_range, short_code, state, unreadable,
};

/// A message and its sealed fields.
pub(crate) type Message = (MessageRow, Vec<VaultRow>);
/// An inbound message and its sealed fields.
pub(crate) type Inbound = (InboundRow, Vec<VaultRow>);

pub(crate) const MESSAGE: &str =
    "seq, id, state, version, created, expires, updated, subject, head, segments";
pub(crate) const INBOUND: &str = "seq, id, short_code, received, keyword, carrier, subject";
pub(crate) const PART: &str =
    "seq, short_code, carrier, data_coding, reference, width, total, ordinal, at";
pub(crate) const UNMATCHED: &str = "seq, carrier, carrier_id, state, error, subject, at, done";
pub(crate) const PUMPING: &str = "seq, sealed";
pub(crate) const VAULT: &str = "row, week, wrapped, sealed";
pub(crate) const FACTOR: &str =
    "seq, id, client, version, created, updated, subject, factor, week, wrapped, sealed";
pub(crate) const OPT_OUT: &str = "seq, short_code, subject, standing, basis, at";
pub(crate) const VERIFICATION: &str =
    "seq, id, client, version, created, expires, subject, number, facts, week, wrapped, sealed";
pub(crate) const BUDGET: &str = "seq, client, number, budgets";

/// Reads the columns of [`MESSAGE`].
pub(crate) fn message(row: &Row<'_>) -> rusqlite::Result<MessageRow> {
    named("the message at sequence", row, |row| {
        let version: u32 = natural(row, 3)?;
        Ok(MessageRow {
            id: id(row, 1)?,
            state: state(row, 2)?,
            version: version.saturating_sub(1),
            created: moment(row, 4)?,
            expires: moment(row, 5)?,
            updated: moment(row, 6)?,
            subject: octets(row, 7)?,
            head: json(row, 8)?,
            segments: json(row, 9)?,
        })
    })
}

/// Reads the columns of [`INBOUND`].
pub(crate) fn inbound(row: &Row<'_>) -> rusqlite::Result<InboundRow> {
    named("the inbound message at sequence", row, |row| {
        Ok(InboundRow {
            id: id(row, 1)?,
            to: short_code(row, 2)?,
            received: moment(row, 3)?,
            keyword: row.get(4)?,
            carrier: row.get(5)?,
            subject: octets(row, 6)?,
        })
    })
}

/// Reads the columns of [`PART`].
pub(crate) fn part(row: &Row<'_>) -> rusqlite::Result<PartRow> {
    named("the part at sequence", row, |row| {
        Ok(PartRow {
            sequence: natural(row, 0)?,
            to: short_code(row, 1)?,
            carrier: carrier(row, 2)?,
            data_coding: natural(row, 3)?,
            reference: natural(row, 4)?,
            width: width(row, 5)?,
            total: natural(row, 6)?,
            ordinal: natural(row, 7)?,
            at: moment(row, 8)?,
        })
    })
}

/// Reads the columns of [`UNMATCHED`].
pub(crate) fn unmatched(row: &Row<'_>) -> rusqlite::Result<UnmatchedRow> {
    named("the unmatched receipt at sequence", row, |row| {
        let id = row.get_ref(2)?.as_str()?;
        let has_subject = !matches!(row.get_ref(5)?, rusqlite::types::ValueRef::Null);
        Ok(UnmatchedRow {
            sequence: natural(row, 0)?,
            carrier: carrier(row, 1)?,
            carrier_id: CarrierMessageId::parse(id.as_bytes())
                .map_err(|_| unreadable(2, "holds a message id that is none".into()))?,
            state: receipt_state(row, 3)?,
            error: row.get(4)?,
            subject: has_subject.then(|| octets(row, 5)).transpose()?,
            at: moment(row, 6)?,
            done: done_date(row, 7)?,
        })
    })
}

fn done_date(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<DoneDate>> {
    let text: Option<String> = row.get(column)?;
    let read = |text: String| {
        DoneDate::parse(text.as_bytes())
            .ok_or_else(|| unreadable(column, "holds a date that is none".into()))
    };
    text.map(read).transpose()
}

/// Reads the columns of [`PUMPING`].
pub(crate) fn pumping(row: &Row<'_>) -> rusqlite::Result<PumpingRow> {
    named("the record of the pumping guard at sequence", row, |row| {
        Ok(PumpingRow {
            sequence: natural(row, 0)?,
            sealed: row.get(1)?,
        })
    })
}

/// Reads the columns of [`OPT_OUT`].
pub(crate) fn opt_out(row: &Row<'_>) -> rusqlite::Result<OptOutRow> {
    named("the opt-out at sequence", row, |row| {
        let standing: i64 = row.get(3)?;
        Ok(OptOutRow {
            sequence: natural(row, 0)?,
            short_code: short_code(row, 1)?,
            subject: octets(row, 2)?,
            standing: if standing == STANDS {
                OptOutStanding::Out
            } else {
                OptOutStanding::Removed
            },
            basis: row.get(4)?,
            at: moment(row, 5)?,
        })
    })
}

/// Reads the columns of [`FACTOR`].
pub(crate) fn factor(row: &Row<'_>) -> rusqlite::Result<FactorRow> {
    named("the factor at sequence", row, |row| {
        let is_removed = matches!(row.get_ref(9)?, rusqlite::types::ValueRef::Null);
        let secret = || {
            Ok::<_, rusqlite::Error>(VaultRow {
                owner: natural(row, 0)?,
                purpose: Purpose::Text,
                week: natural(row, 8)?,
                wrapped: row.get(9)?,
                sealed: row.get(10)?,
            })
        };
        Ok(FactorRow {
            id: id(row, 1)?,
            client: id(row, 2)?,
            version: natural(row, 3)?,
            created: moment(row, 4)?,
            updated: moment(row, 5)?,
            subject: octets(row, 6)?,
            factor: json(row, 7)?,
            secret: (!is_removed).then(secret).transpose()?,
        })
    })
}

/// One factor with the sealed reference of its user.
pub(crate) fn whole_factor(
    database: &Connection,
    id: FactorId,
) -> rusqlite::Result<Option<(FactorRow, Vec<VaultRow>)>> {
    let sql = by_sequence(FACTOR, "factor");
    let found = database
        .prepare_cached(&sql)?
        .query_row([integer(id.sequence())], factor)
        .optional()?;
    let found = found.filter(|row| row.id == id);
    found
        .map(|row| Ok((row, vault_of(database, id.sequence())?)))
        .transpose()
}

/// The column of an opt-out that stands; its removal is 0.
pub(crate) const STANDS: i64 = 1;

/// Reads the columns of [`VERIFICATION`].
pub(crate) fn verification(row: &Row<'_>) -> rusqlite::Result<VerificationRow> {
    named("the verification at sequence", row, |row| {
        let version: u32 = natural(row, 3)?;
        let week: Option<u32> = row.get(9)?;
        let secret = |week| -> rusqlite::Result<SealedCode> {
            Ok(SealedCode {
                week,
                wrapped: row.get(10)?,
                sealed: row.get(11)?,
            })
        };
        Ok(VerificationRow {
            id: id(row, 1)?,
            client: id(row, 2)?,
            version: version.saturating_sub(1),
            created: moment(row, 4)?,
            expires: moment(row, 5)?,
            subject: octets(row, 6)?,
            number: octets(row, 7)?,
            facts: json(row, 8)?,
            secret: week.map(secret).transpose()?,
        })
    })
}

/// Reads the columns of [`BUDGET`].
pub(crate) fn budget(row: &Row<'_>) -> rusqlite::Result<BudgetRow> {
    named("the budgets at sequence", row, |row| {
        Ok(BudgetRow {
            sequence: natural(row, 0)?,
            client: id(row, 1)?,
            number: octets(row, 2)?,
            budgets: json(row, 3)?,
        })
    })
}

/// One verification.
pub(crate) fn verification_of(
    database: &Connection,
    id: VerificationId,
) -> rusqlite::Result<Option<VerificationRow>> {
    let sql = by_sequence(VERIFICATION, "verification");
    let found = database
        .prepare_cached(&sql)?
        .query_row([integer(id.sequence())], verification)
        .optional()?;
    Ok(found.filter(|row| row.id == id))
}

/// Reads `row, wrapped` of a key-encryption key.
pub(crate) fn kek(row: &Row<'_>) -> rusqlite::Result<KekRow> {
    named("the key at row", row, |row| {
        let key: u64 = natural(row, 0)?;
        let (week, purpose) = week_and_purpose(key)?;
        Ok(KekRow {
            purpose,
            week,
            wrapped: row.get(1)?,
        })
    })
}

/// Reads `name, wrapped` of a secret.
pub(crate) fn secret(row: &Row<'_>) -> rusqlite::Result<SecretRow> {
    Ok(SecretRow {
        name: row.get::<_, String>(0)?.into(),
        wrapped: row.get(1)?,
    })
}

/// Reads `id, key, fingerprint, expires, client` of an idempotency record.
pub(crate) fn idempotency(row: &Row<'_>) -> rusqlite::Result<IdempotencyRow> {
    let has_client = row.get_ref(4)? != ValueRef::Null;
    Ok(IdempotencyRow {
        message: id(row, 0)?,
        client: has_client.then(|| id(row, 4)).transpose()?,
        key: octets(row, 1)?,
        fingerprint: octets(row, 2)?,
        expires: moment(row, 3)?,
    })
}

/// The sealed fields of one owner, in the order of their purposes.
pub(crate) fn vault_of(database: &Connection, owner: u64) -> rusqlite::Result<Vec<VaultRow>> {
    let mut statement = database.prepare_cached(
        "SELECT row, week, wrapped, sealed FROM vault WHERE row BETWEEN ?1 AND ?2 ORDER BY row",
    )?;
    let first = owner << 2;
    let found = statement.query_map([integer(first), integer(first | 3)], vault)?;
    found.collect()
}

/// One sealed row of an owner.
pub(crate) fn sealed(
    database: &Connection,
    owner: u64,
    purpose: Purpose,
) -> rusqlite::Result<Option<VaultRow>> {
    let mut statement =
        database.prepare_cached("SELECT row, week, wrapped, sealed FROM vault WHERE row = ?1")?;
    let key = vault_key(owner, purpose);
    statement.query_row([integer(key)], vault).optional()
}

/// Reads the columns of [`VAULT`].
pub(crate) fn vault(row: &Row<'_>) -> rusqlite::Result<VaultRow> {
    named("the sealed value at row", row, |row| {
        let key: u64 = natural(row, 0)?;
        Ok(VaultRow {
            owner: key >> 2,
            purpose: purpose(key)?,
            week: natural(row, 1)?,
            wrapped: row.get(2)?,
            sealed: row.get(3)?,
        })
    })
}

/// A message by the sequence of its id.
pub(crate) fn message_at(
    database: &Connection,
    sequence: u64,
) -> rusqlite::Result<Option<MessageRow>> {
    let sql = by_sequence(MESSAGE, "message");
    database
        .prepare_cached(&sql)?
        .query_row([integer(sequence)], message)
        .optional()
}

/// An inbound message by the sequence of its id.
pub(crate) fn inbound_at(
    database: &Connection,
    sequence: u64,
) -> rusqlite::Result<Option<InboundRow>> {
    let sql = by_sequence(INBOUND, "inbound");
    database
        .prepare_cached(&sql)?
        .query_row([integer(sequence)], inbound)
        .optional()
}

/// One message with its sealed fields.
pub(crate) fn whole_message(
    database: &Connection,
    id: MessageId,
) -> rusqlite::Result<Option<Message>> {
    let found = message_at(database, id.sequence())?.filter(|row| row.id == id);
    found
        .map(|row| Ok((row, vault_of(database, id.sequence())?)))
        .transpose()
}

/// One inbound message with its sealed fields.
pub(crate) fn whole_inbound(
    database: &Connection,
    id: InboundId,
) -> rusqlite::Result<Option<Inbound>> {
    let found = inbound_at(database, id.sequence())?.filter(|row| row.id == id);
    found
        .map(|row| Ok((row, vault_of(database, id.sequence())?)))
        .transpose()
}

/// The key of a vault row or key-encryption key: a number and the two bits of a purpose.
pub(crate) fn purposed(number: u64, purpose: Purpose) -> i64 {
    integer((number << 2) | u64::from(purpose.code()))
}

/// The column of a reference's width: its bits.
pub(crate) const fn width_code(width: ReferenceWidth) -> i64 {
    match width {
        ReferenceWidth::Eight => 8,
        ReferenceWidth::Sixteen => 16,
    }
}

fn width(row: &Row<'_>, column: usize) -> rusqlite::Result<ReferenceWidth> {
    let code: i64 = row.get(column)?;
    let known = [ReferenceWidth::Eight, ReferenceWidth::Sixteen];
    let found = known.into_iter().find(|width| width_code(*width) == code);
    found.ok_or_else(|| out_of_range(row, column, code))
}

fn by_sequence(columns: &str, table: &str) -> String {
    format!("SELECT {columns} FROM {table} WHERE seq = ?1")
}

fn week_and_purpose(key: u64) -> rusqlite::Result<(u32, Purpose)> {
    let week = u32::try_from(key >> 2);
    let week = week.map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, integer(key)))?;
    Ok((week, purpose(key)?))
}

/// The purpose in the row key of a sealed row or key-encryption key.
pub(crate) fn purpose(key: u64) -> rusqlite::Result<Purpose> {
    let code = u8::try_from(key & 3).unwrap_or(0);
    Purpose::from_code(code).ok_or(rusqlite::Error::IntegralValueOutOfRange(0, integer(key)))
}

fn id<K>(row: &Row<'_>, column: usize) -> rusqlite::Result<Id<K>> {
    let bytes = octets(row, column)?;
    Id::from_bytes(bytes).ok_or_else(|| unreadable(column, "holds an id that is no UUIDv7".into()))
}

fn carrier(row: &Row<'_>, column: usize) -> rusqlite::Result<CarrierName> {
    Ok(CarrierName::new(row.get_ref(column)?.as_str()?))
}

fn receipt_state(row: &Row<'_>, column: usize) -> rusqlite::Result<ReceiptState> {
    let word = row.get_ref(column)?.as_str()?;
    ReceiptState::from_word(word)
        .ok_or_else(|| unreadable(column, "holds a state of a receipt that is none".into()))
}
