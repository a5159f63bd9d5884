//! The rows that each write becomes.

use domain::message::{DoneDate, Segment};
use engine::changes::Write;
use engine::rows::{
    ClientRow, IdempotencyRow, InboundRow, KekRow, MessageRow, MessageUpdate, OptOutRow,
    OptOutStanding, PartRow, PumpingRow, SecretRow, UnmatchedRow, VaultRow,
};
use rusqlite::{Statement, params};

use super::{Applied, Applying};
use crate::columns::{integer, state_code, version_code};
use crate::index::fresh::{self, FreshKind};
use crate::rows::{self, STANDS, purposed};

/// The room that a segment's facts usually need in the end, in octets of JSON. Rows are made this wide
/// at once, so that updates do not move them.
const SEGMENT_OCTETS: usize = 110;
/// The width of the facts of all segments is a multiple of this.
const SEGMENTS_STEP: usize = 16;
/// Roughly what the columns of fixed width take in a row, in octets.
pub(super) const FIXED_OCTETS: usize = 100;

impl Applying<'_, '_> {
    /// Makes one write.
    pub(super) fn put(&mut self, write: &Write) -> rusqlite::Result<Applied> {
        let changed = match write {
            Write::Message(row) => self.message(row)?,
            Write::Update(row) => self.update(row)?,
            Write::Inbound(row) => self.inbound(row)?,
            Write::Verification(row) => self.verification(row)?,
            Write::VerificationUpdate(row) => self.verification_update(row)?,
            Write::Factor(row) => self.factor(row)?,
            Write::Kek(row) => self.kek(row)?,
            Write::Rewrap(row) => self.rewrap(row)?,
            Write::Tombstone { owner, purpose } => self.tombstone(*owner, *purpose)?,
            Write::Expire { owner, purpose } => self.expire(*owner, *purpose)?,
            other => {
                self.put_unconditional(other)?;
                1
            }
        };
        Ok(if changed == 0 {
            Applied::Conflict
        } else {
            Applied::Whole
        })
    }

    fn put_unconditional(&mut self, write: &Write) -> rusqlite::Result<()> {
        match write {
            Write::Vault(row) => self.vault(row),
            Write::Secret(row) => self.secret(row),
            Write::OptOut(row) => self.opt_out(row),
            Write::Budget(row) => self.budget(row),
            Write::ForgetBudget(key) => run(&mut self.statements.verifying.forget_budget, *key),
            Write::Client(row) => self.client(row),
            Write::Idempotency(row) => self.idempotency(row),
            Write::Unmatched(row) => self.unmatched(row),
            Write::ForgetUnmatched(key) => run(&mut self.statements.forget_unmatched, *key),
            Write::Pumping(row) => self.pumping(row),
            Write::ForgetPumping { before } => run(&mut self.statements.forget_pumping, *before),
            Write::Webhook(row) => self.webhook(row),
            Write::ForgetWebhook(key) => run(&mut self.statements.telling.forget_webhook, *key),
            Write::Progress(row) => self.progress(row),
            Write::ForgetProgress(name) => self.forget_progress(name),
            Write::Part(row) => self.part(row),
            Write::ForgetPart(key) => self.forget_part(*key),
            Write::ForgetSubject(bearer) => self.forget_subject(*bearer),
            Write::Minimum(index) => {
                self.scratch.prunes = true;
                run(&mut self.statements.minimum, *index)
            }
            Write::Message(_)
            | Write::Update(_)
            | Write::Inbound(_)
            | Write::Verification(_)
            | Write::VerificationUpdate(_)
            | Write::Factor(_)
            | Write::Kek(_)
            | Write::Rewrap(_)
            | Write::Tombstone { .. }
            | Write::Expire { .. } => Ok(()),
        }
    }

    fn message(&mut self, row: &MessageRow) -> rusqlite::Result<usize> {
        let sequence = row.id.sequence();
        let scratch = &mut *self.scratch;
        write_json(&mut scratch.head, &row.head)?;
        write_segments(&mut scratch.segments, &row.segments)?;
        let changed = self.statements.message.execute(params![
            integer(sequence),
            row.id.to_bytes(),
            state_code(row.state),
            version_code(row.version),
            openness(row.state.is_final()),
            integer(row.created.micros()),
            integer(row.expires.micros()),
            integer(row.updated.micros()),
            row.subject,
            text(&scratch.head)?,
            text(&scratch.segments)?,
            integer(scratch.first_entry),
        ])?;
        if changed > 0 {
            fresh::push(
                &mut scratch.fresh,
                FreshKind::Message,
                sequence,
                row.subject,
            );
            scratch.octets += scratch.head.len() + scratch.segments.len() + FIXED_OCTETS;
            self.saw(sequence);
        }
        Ok(changed)
    }

    fn update(&mut self, row: &MessageUpdate) -> rusqlite::Result<usize> {
        let scratch = &mut *self.scratch;
        write_segments(&mut scratch.segments, &row.segments)?;
        scratch.octets += scratch.segments.len() + FIXED_OCTETS;
        let key = integer(row.sequence);
        let expected = version_code(row.version.saturating_sub(1));
        let (state, version) = (state_code(row.state), version_code(row.version));
        let updated = integer(row.updated.micros());
        let segments = text(&scratch.segments)?;
        if !row.state.is_final() {
            let facts = params![key, expected, state, version, updated, segments];
            let changed = self.statements.update_open.execute(facts)?;
            if changed > 0 {
                return Ok(changed);
            }
        }
        let open = openness(row.state.is_final());
        let facts = params![key, expected, state, version, updated, segments, open];
        self.statements.update_moved.execute(facts)
    }

    fn inbound(&mut self, row: &InboundRow) -> rusqlite::Result<usize> {
        let sequence = row.id.sequence();
        let changed = self.statements.inbound.execute(params![
            integer(sequence),
            row.id.to_bytes(),
            row.to.number(),
            integer(row.received.micros()),
            row.keyword,
            row.carrier,
            row.subject,
            integer(self.scratch.first_entry),
        ])?;
        if changed > 0 {
            fresh::push(
                &mut self.scratch.fresh,
                FreshKind::Inbound,
                sequence,
                row.subject,
            );
            self.scratch.octets += FIXED_OCTETS;
            self.saw(sequence);
        }
        Ok(changed)
    }

    fn kek(&mut self, row: &KekRow) -> rusqlite::Result<usize> {
        self.statements
            .kek
            .execute(params![integer(super::kek_key(row)), row.wrapped])
    }

    fn rewrap(&mut self, row: &KekRow) -> rusqlite::Result<usize> {
        self.statements
            .rewrap
            .execute(params![integer(super::kek_key(row)), row.wrapped])
    }

    fn secret(&mut self, row: &SecretRow) -> rusqlite::Result<()> {
        self.statements
            .secret
            .execute(params![row.name, row.wrapped])
            .map(drop)
    }

    fn vault(&mut self, row: &VaultRow) -> rusqlite::Result<()> {
        self.scratch.octets += row.wrapped.len() + row.sealed.len() + 16;
        self.saw(row.owner);
        let key = purposed(row.owner, row.purpose);
        self.statements
            .vault
            .execute(params![key, row.week, row.wrapped, row.sealed])
            .map(drop)
    }

    fn opt_out(&mut self, row: &OptOutRow) -> rusqlite::Result<()> {
        self.saw(row.sequence);
        let facts = params![
            integer(row.sequence),
            row.short_code.number(),
            row.subject,
            if row.standing == OptOutStanding::Out {
                STANDS
            } else {
                0
            },
            row.basis,
            integer(row.at.micros()),
        ];
        self.statements.opt_out.execute(facts).map(drop)
    }

    fn client(&mut self, row: &ClientRow) -> rusqlite::Result<()> {
        self.saw(row.id.sequence());
        write_json(&mut self.scratch.head, row)?;
        let body = text(&self.scratch.head)?;
        self.statements
            .client
            .execute(params![integer(row.id.sequence()), body])
            .map(drop)
    }

    fn idempotency(&mut self, row: &IdempotencyRow) -> rusqlite::Result<()> {
        let sequence = row.message.sequence();
        self.saw(sequence);
        let expires = integer(row.expires.micros());
        let id = row.message.to_bytes();
        let client = row.client.map(domain::id::Id::to_bytes);
        let facts = params![
            integer(sequence),
            id,
            row.key,
            row.fingerprint,
            expires,
            client
        ];
        self.statements.idempotency.execute(facts).map(drop)
    }

    fn unmatched(&mut self, row: &UnmatchedRow) -> rusqlite::Result<()> {
        self.saw(row.sequence);
        let facts = params![
            integer(row.sequence),
            row.carrier.as_str(),
            row.carrier_id.as_str(),
            row.state.as_str(),
            row.error,
            row.subject,
            integer(row.at.micros()),
            row.done.as_ref().map(DoneDate::as_str),
        ];
        self.statements.unmatched.execute(facts).map(drop)
    }

    fn pumping(&mut self, row: &PumpingRow) -> rusqlite::Result<()> {
        self.saw(row.sequence);
        self.scratch.octets += row.sealed.len();
        let facts = params![integer(row.sequence), row.sealed];
        self.statements.pumping.execute(facts).map(drop)
    }

    fn part(&mut self, row: &PartRow) -> rusqlite::Result<()> {
        self.saw(row.sequence);
        let facts = params![
            integer(row.sequence),
            row.to.number(),
            row.carrier.as_str(),
            row.data_coding,
            row.reference,
            rows::width_code(row.width),
            row.total,
            row.ordinal,
            integer(row.at.micros()),
        ];
        self.statements.part.execute(facts).map(drop)
    }

    fn forget_part(&mut self, sequence: u64) -> rusqlite::Result<()> {
        run(&mut self.statements.forget_part, sequence)?;
        let first = sequence << 2;
        let range = params![integer(first), integer(first | 3)];
        self.statements.forget_vault.execute(range).map(drop)
    }

    pub(super) fn saw(&mut self, sequence: u64) {
        self.scratch.last_sequence = self.scratch.last_sequence.max(sequence);
    }
}

fn run(statement: &mut Statement<'_>, key: u64) -> rusqlite::Result<()> {
    statement.execute([integer(key)]).map(drop)
}

/// The column that puts a message into the index of open ones, or keeps it out.
pub(super) const fn openness(is_final: bool) -> Option<i64> {
    if is_final { None } else { Some(1) }
}

pub(super) fn write_json(
    buffer: &mut Vec<u8>,
    value: &impl serde::Serialize,
) -> rusqlite::Result<()> {
    buffer.clear();
    serde_json::to_writer(buffer, value)
        .map_err(|source| rusqlite::Error::ToSqlConversionFailure(Box::new(source)))
}

/// Writes the segments' facts and blanks after them, up to the width that they will need.
fn write_segments(buffer: &mut Vec<u8>, segments: &[Segment]) -> rusqlite::Result<()> {
    write_json(buffer, &segments)?;
    let usual = segments.len() * SEGMENT_OCTETS + 2;
    let width = buffer.len().max(usual).next_multiple_of(SEGMENTS_STEP);
    buffer.resize(width, b' ');
    Ok(())
}

pub(super) fn text(buffer: &[u8]) -> rusqlite::Result<&str> {
    std::str::from_utf8(buffer).map_err(|source| rusqlite::Error::Utf8Error(0, source))
}
