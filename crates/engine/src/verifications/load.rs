//! What a start reads of verifications: those that have not ended, and what numbers have used up.

use crate::gateway::Gateway;
use crate::rows::{VaultRow, VerificationRow};
use crate::settings::Settings;
use crate::state::State;
use crate::state::verifications::Live;

impl Gateway {
    /// Takes in a verification that has not ended, and gives its messages their text: it lies here alone.
    /// One whose number or code does not open can only expire, and is left to the store.
    pub(crate) fn load_verification(
        &self,
        state: &mut State,
        settings: &Settings,
        row: &VerificationRow,
        vault: &[VaultRow],
    ) {
        let Some(secret) = self.open_code(row) else {
            return;
        };
        for id in &row.facts.messages {
            if let Some(open) = state.messages.get_mut(&id.sequence()) {
                self.give_body(settings, open, secret.text.reveal());
            }
        }
        let (Some(to), Some(verification)) = (self.number(vault), secret.verification(row)) else {
            return;
        };
        state.verifications.put(Live {
            id: row.id,
            holder: (row.client, row.number),
            to,
            from: row.facts.from,
            messages: row.facts.messages.clone(),
            version: row.version,
            key: secret.key,
            verification,
        });
    }
}
