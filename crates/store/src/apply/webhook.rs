//! The rows of webhooks, and of how far everybody has been told.

use engine::rows::{ProgressRow, WebhookRow};
use rusqlite::params;

use super::Applying;
use super::put::{text, write_json};
use crate::columns::integer;

impl Applying<'_, '_> {
    pub(super) fn webhook(&mut self, row: &WebhookRow) -> rusqlite::Result<()> {
        let mut body = Vec::new();
        write_json(&mut body, row)?;
        self.scratch.octets += body.len();
        self.saw(row.id.sequence());
        let facts = params![integer(row.id.sequence()), text(&body)?];
        self.statements.telling.webhook.execute(facts).map(drop)
    }

    pub(super) fn progress(&mut self, row: &ProgressRow) -> rusqlite::Result<()> {
        self.scratch.octets += row.octets.len();
        let facts = params![&*row.name, row.octets];
        self.statements.telling.progress.execute(facts).map(drop)
    }

    pub(super) fn forget_progress(&mut self, name: &str) -> rusqlite::Result<()> {
        self.statements
            .telling
            .forget_progress
            .execute([name])
            .map(drop)
    }
}
