//! What users of the machine read over the control socket, and who was turned away there: each has its
//! entry, as every act of theirs has.

use domain::time::Timestamp;
use ledger::{Facts, Kind, Outcome, UtcMicros};

use crate::clients::ClientError;
use crate::coalesce::Who;
use crate::entries;
use crate::gateway::Gateway;
use crate::rows::ClientRow;

/// Why somebody was turned away at the socket.
const OTHER_USER: &str = "other-user";

impl Gateway {
    /// Every client, for a user of the machine. It is recorded first.
    pub async fn read_clients(&self, actor: &str) -> Result<Vec<ClientRow>, ClientError> {
        let data = once(self.now());
        let entry = entries::by_os_user(Kind::ClientRead, actor, data, None);
        if !self.record(entry).await {
            return Err(ClientError::Unavailable);
        }
        Ok(self.clients())
    }

    /// Counts a read of the ledger by a user of the machine.
    pub fn ledger_was_read(&self, actor: &str) {
        self.count_user(actor, Kind::LedgerRead, Outcome::Done, "");
    }

    /// Counts somebody who may not command this gateway.
    pub fn user_was_denied(&self, user: &str) {
        self.count_user(user, Kind::AuthFailed, Outcome::Refused, OTHER_USER);
    }

    fn count_user(&self, user: &str, kind: Kind, outcome: Outcome, reason: &'static str) {
        let now = self.now();
        let who = Who::OsUser(user.into());
        let mut state = self.state();
        state.coalescer.count(kind, outcome, who, reason, now);
    }

    /// Records that a configuration was read and not taken: why, in one word, and which of its settings
    /// differ from those in force, as far as it could be read.
    pub fn config_refused(&self, reason: &str, changed_keys: Vec<String>) {
        let entry = entries::config_refused(reason, changed_keys);
        let now = self.now();
        let _state = self.state();
        self.commit(crate::changes::Changes::new(entry, now), |_, _| {});
    }
}

/// The facts of a counted entry about one event.
pub(crate) fn once(now: Timestamp) -> Facts {
    let moment = || UtcMicros(now.micros());
    Facts::new()
        .put("count", 1_u64)
        .put("first", moment())
        .put("last", moment())
}
