//! What a start reads of verifications: those that have not ended, and what numbers have used up.

use crate::gateway::Gateway;
use crate::rows::{VaultRow, VerificationRow};
use crate::settings::Settings;
use crate::state::State;
use crate::state::verifications::{Live, Means};

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
            if let (Some(open), Some(text)) = (state.messages.get_mut(&id.sequence()), &secret.text)
            {
                self.give_body(settings, open, text.reveal());
            }
        }
        let means = self.means_of(row, vault);
        let (Some(means), Some(verification)) = (means, secret.verification(row)) else {
            return;
        };
        state.verifications.put(Live {
            id: row.id,
            holder: (row.client, row.number),
            means,
            service: row.facts.service,
            messages: row.facts.messages.clone(),
            version: row.version,
            key: secret.key,
            verification,
        });
    }

    fn means_of(&self, row: &VerificationRow, vault: &[VaultRow]) -> Option<Means> {
        if let Some(factor) = row.facts.factor {
            return Some(Means::Factor(factor));
        }
        let (to, from) = self.number(vault).zip(row.facts.from)?;
        Some(Means::Handset { to, from })
    }
}
