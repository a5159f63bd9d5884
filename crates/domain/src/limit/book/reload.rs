//! Other policies in place of those in force, without losing counts.

use std::collections::BTreeSet;

use super::{Book, Limit};
use crate::limit::counter::Rows;
use crate::limit::policy::{LimitName, Policy, PolicyError};
use crate::time::Timestamp;

/// What became of the limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Those that keep their counts.
    pub kept: Vec<LimitName>,
    /// Those that begin without counts: new, or counting something else than before.
    pub fresh: Vec<LimitName>,
    /// Those that are gone, with their counts.
    pub gone: Vec<LimitName>,
}

impl Book {
    /// Puts other policies in force. A limit keeps its counts when its name and its shape (what it
    /// counts, by which facts, in which window) stay; amounts, mode, classes, overrides and keys may
    /// change. What a key used stays used; when it is more than there is now, all of that.
    pub fn reload(
        &mut self,
        policies: Vec<Policy>,
        now: Timestamp,
    ) -> Result<Reloaded, PolicyError> {
        check_names(&policies)?;
        let now = self.clock.tell(now);
        let mut old = core::mem::take(&mut self.limits);
        let mut told = Reloaded::default();
        for policy in policies {
            let name = policy.name().clone();
            let place = old
                .iter()
                .position(|limit| policy.is_shaped_as(limit.policy()));
            let limit = if let Some(place) = place {
                told.kept.push(name);
                changed(old.swap_remove(place), policy, now)
            } else {
                told.fresh.push(name);
                Limit::new(policy)
            };
            self.limits.push(limit);
        }
        let gone = old.iter().map(|limit| limit.policy().name());
        told.gone = gone
            .filter(|name| !told.fresh.contains(name))
            .cloned()
            .collect();
        self.sort_by_event();
        Ok(told)
    }
}

fn changed(mut old: Limit, policy: Policy, now: Timestamp) -> Limit {
    if policy.counts_as(old.policy()) {
        old.replace_policy(policy);
        return old;
    }
    let mut limit = Limit::new(policy);
    limit.tally = old.tally;
    for counted in old.rows(now, Rows::default()).iter() {
        limit.adopt(counted, old.policy(), now);
    }
    limit
}

/// Every name stands once.
pub(super) fn check_names(policies: &[Policy]) -> Result<(), PolicyError> {
    let mut names = BTreeSet::new();
    match policies.iter().find(|policy| !names.insert(policy.name())) {
        Some(policy) => Err(PolicyError::Twice(policy.name().clone())),
        None => Ok(()),
    }
}
