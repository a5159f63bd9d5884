//! What a starting engine reads from an image: each kind complete and in sequential order.

use engine::ports::store::Loaded;
use engine::rows::{Purpose, VaultRow};

use super::image::Image;

impl Image {
    pub(super) fn load(&self) -> Vec<Loaded> {
        let mut rows: Vec<Loaded> = Vec::new();
        rows.extend(self.secrets.values().cloned().map(Loaded::Secret));
        rows.extend(self.keks.values().cloned().map(Loaded::Kek));
        let clients = self.clients.values().cloned();
        rows.extend(clients.map(|row| Loaded::Client(Box::new(row))));
        rows.extend(self.standing_opt_outs().into_iter().map(Loaded::OptOut));
        let open = self.messages.values().filter(|row| !row.state.is_final());
        rows.extend(open.map(|row| {
            let sealed = self.vault_of(row.id.sequence());
            Loaded::Open(Box::new(row.clone()), sealed)
        }));
        let open = self.verifications.values();
        let open = open.filter(|row| row.facts.ended.is_none());
        rows.extend(open.map(|row| {
            let sealed = self.vault_of(row.id.sequence());
            Loaded::Verification(Box::new(row.clone()), sealed)
        }));
        let budgets = self.budgets.values().cloned();
        rows.extend(budgets.map(|row| Loaded::Budget(Box::new(row))));
        rows.extend(self.idempotency.values().cloned().map(Loaded::Idempotency));
        rows.extend(self.unmatched.values().cloned().map(Loaded::Unmatched));
        rows.extend(self.pumping.values().cloned().map(Loaded::Pumping));
        let webhooks = self.webhooks.values().cloned();
        rows.extend(webhooks.map(|row| Loaded::Webhook(Box::new(row))));
        rows.extend(self.progress.values().cloned().map(Loaded::Progress));
        let part =
            |row: &engine::rows::PartRow| Loaded::Part(row.clone(), self.vault_of(row.sequence));
        rows.extend(self.parts.values().map(part));
        rows
    }

    /// The sealed rows of one owner.
    pub fn vault_of(&self, owner: u64) -> Vec<VaultRow> {
        let rows = self
            .vault
            .range((owner, Purpose::Number)..=(owner, Purpose::Consent));
        rows.map(|(_, row)| row.clone()).collect()
    }
}
