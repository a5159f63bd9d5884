//! The row of a factor: put at its first version, and changed where it stands one below.

use domain::verification::factor::FactorState;
use engine::rows::FactorRow;
use rusqlite::{ToSql, params};

use super::Applying;
use super::put::{FIXED_OCTETS, text, write_json};
use crate::columns::integer;

impl Applying<'_, '_> {
    /// Makes the write. Gives how many rows there were to make it in: 0 or 1.
    pub(super) fn factor(&mut self, row: &FactorRow) -> rusqlite::Result<usize> {
        if row.version == 1 {
            return self.new_factor(row);
        }
        self.with_columns(row, |applying, columns| {
            applying.statements.factors.change.execute(columns)
        })
    }

    /// Puts a factor that is not there, whatever its version.
    pub(super) fn new_factor(&mut self, row: &FactorRow) -> rusqlite::Result<usize> {
        self.with_columns(row, |applying, columns| {
            applying.statements.factors.new.execute(columns)
        })
    }

    fn with_columns(
        &mut self,
        row: &FactorRow,
        run: impl FnOnce(&mut Self, &[&dyn ToSql]) -> rusqlite::Result<usize>,
    ) -> rusqlite::Result<usize> {
        let mut buffer = Vec::new();
        write_json(&mut buffer, &row.factor)?;
        let secret = row.secret.as_ref();
        let octets = secret.map_or(0, |row| row.wrapped.len() + row.sealed.len());
        let pending = (row.factor.state() == FactorState::Pending).then_some(1_i64);
        let changed = run(
            self,
            params![
                integer(row.id.sequence()),
                row.id.to_bytes(),
                row.client.to_bytes(),
                row.version,
                pending,
                integer(row.created.micros()),
                integer(row.updated.micros()),
                row.subject,
                text(&buffer)?,
                secret.map(|row| row.week),
                secret.map(|row| &row.wrapped),
                secret.map(|row| &row.sealed),
            ],
        )?;
        if changed > 0 {
            self.scratch.octets += buffer.len() + octets + FIXED_OCTETS;
            self.saw(row.id.sequence());
        }
        Ok(changed)
    }
}
