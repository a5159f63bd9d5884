//! The end of verifications whose time is over: the key of the code goes, whether or not anybody asks.

use domain::time::Timestamp;
use domain::verification::state::State as Standing;

use super::entries::{self, By};
use crate::batch::Batch;
use crate::changes::Write;
use crate::gateway::Gateway;

/// Verifications that end in one commit.
const EXPIRE_BATCH: usize = 500;

impl Gateway {
    /// Ends verifications whose codes are past their end. Gives how many. One that somebody is at work on
    /// is left for the next round.
    pub(crate) fn expire_verifications(&self, now: Timestamp) -> usize {
        let mut batch = Batch::new(now);
        let (mut ended, mut held) = (Vec::new(), Vec::new());
        let state = self.state();
        if self.is_halted() {
            return 0;
        }
        for live in state.verifications.due(now, EXPIRE_BATCH) {
            let Some(expired) = live.verification.expired(now) else {
                continue;
            };
            let Some(free) = self.number_locks.try_hold(&live.holder) else {
                continue;
            };
            let (next, update) = live.moved(expired);
            batch.entry(entries::ended(By::Expiry, &next, Standing::Expired));
            batch.write(Write::VerificationUpdate(Box::new(update)));
            ended.push(next);
            held.push(free);
        }
        let count = ended.len();
        if let Some(changes) = batch.finish() {
            self.commit(changes, move |gateway, result| {
                if result.is_ok() {
                    let mut state = gateway.state();
                    for live in ended {
                        state.count_end(Standing::Expired);
                        state.verifications.put(live);
                    }
                }
                drop(held);
            });
        }
        count
    }
}
