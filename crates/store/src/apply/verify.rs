//! The rows of verifications and budgets.

use engine::rows::{BudgetRow, VerificationFacts, VerificationRow, VerificationUpdate};
use rusqlite::params;

use super::Applying;
use super::put::{FIXED_OCTETS, openness, text, write_json};
use crate::columns::{integer, version_code};
use crate::index::fresh::{self, FreshKind};

/// The width of the facts is a multiple of this, so that a count that grows does not move the row.
const FACTS_STEP: usize = 32;

impl Applying<'_, '_> {
    pub(super) fn verification(&mut self, row: &VerificationRow) -> rusqlite::Result<usize> {
        let sequence = row.id.sequence();
        write_facts(&mut self.scratch.head, &row.facts)?;
        let code = row.secret.as_ref();
        let changed = self.statements.verifying.verification.execute(params![
            integer(sequence),
            row.id.to_bytes(),
            row.client.to_bytes(),
            version_code(row.version),
            openness(row.facts.ended.is_some()),
            integer(row.created.micros()),
            integer(row.expires.micros()),
            row.subject,
            row.number,
            text(&self.scratch.head)?,
            code.map(|code| code.week),
            code.map(|code| &code.wrapped),
            code.map(|code| &code.sealed),
        ])?;
        if changed > 0 {
            let sealed = code.map_or(0, |code| code.wrapped.len() + code.sealed.len());
            let fresh = &mut self.scratch.fresh;
            fresh::push(fresh, FreshKind::Message, sequence, row.subject);
            self.scratch.octets += self.scratch.head.len() + sealed + FIXED_OCTETS;
            self.saw(sequence);
        }
        Ok(changed)
    }

    pub(super) fn verification_update(
        &mut self,
        row: &VerificationUpdate,
    ) -> rusqlite::Result<usize> {
        write_facts(&mut self.scratch.head, &row.facts)?;
        self.scratch.octets += self.scratch.head.len() + FIXED_OCTETS;
        let statement = match row.facts.ended {
            None => &mut self.statements.verifying.moved,
            Some(_) => &mut self.statements.verifying.ended,
        };
        statement.execute(params![
            integer(row.sequence),
            version_code(row.version.saturating_sub(1)),
            version_code(row.version),
            text(&self.scratch.head)?,
        ])
    }

    pub(super) fn budget(&mut self, row: &BudgetRow) -> rusqlite::Result<()> {
        self.saw(row.sequence);
        write_json(&mut self.scratch.head, &row.budgets)?;
        self.scratch.octets += self.scratch.head.len() + FIXED_OCTETS;
        let facts = params![
            integer(row.sequence),
            row.client.to_bytes(),
            row.number,
            text(&self.scratch.head)?,
        ];
        self.statements.verifying.budget.execute(facts).map(drop)
    }
}

/// Writes the facts, and blanks after them.
fn write_facts(buffer: &mut Vec<u8>, facts: &VerificationFacts) -> rusqlite::Result<()> {
    write_json(buffer, facts)?;
    let width = buffer.len().next_multiple_of(FACTS_STEP);
    buffer.resize(width, b' ');
    Ok(())
}
