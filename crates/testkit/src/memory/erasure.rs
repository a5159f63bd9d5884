//! What a store in memory does for the rights of persons. It has no files, so nothing is left in any;
//! a test may put something in the way of a purge all the same.

use std::pin::Pin;

use engine::ports::Erasure;
use engine::ports::erasure::{Holder, Holders, OldValue, OldValues, PurgeError};
use engine::ports::store::{Page, ReadError, Reading};
use engine::rows::{FactorRow, InboundRow, OptOutRow, SubjectLookup, VaultRow, VerificationRow};

use super::MemoryStore;
use super::image::Image;

impl Erasure for MemoryStore {
    fn inbounds_of(
        &self,
        subject: [u8; 16],
        cursor: Option<u64>,
        limit: u16,
        lookup: SubjectLookup,
    ) -> Reading<'_, Page<(InboundRow, Vec<VaultRow>)>> {
        self.read(|inner| {
            let image = &inner.image;
            image.inbounds_of((subject, lookup), cursor, limit)
        })
    }

    fn opt_outs_of(&self, suppression: [u8; 16]) -> Reading<'_, Vec<(OptOutRow, Vec<VaultRow>)>> {
        self.read(|inner| {
            let rows = inner.image.opt_outs();
            let mine = rows.filter(|row| row.subject == suppression);
            mine.map(|row| (row.clone(), inner.image.vault_of(row.sequence)))
                .collect()
        })
    }

    fn verifications_of(
        &self,
        subject: [u8; 16],
        cursor: Option<u64>,
        limit: u16,
        _: SubjectLookup,
    ) -> Reading<'_, Page<(VerificationRow, Vec<VaultRow>)>> {
        self.read(|inner| {
            let image = &inner.image;
            let below = image.verifications.range(..cursor.unwrap_or(u64::MAX));
            let mine = below.rev().filter(|(_, row)| row.subject == subject);
            let mine = mine.take(usize::from(limit));
            let rows: Vec<_> = mine
                .map(|(sequence, row)| (row.clone(), image.vault_of(*sequence)))
                .collect();
            let is_full = rows.len() == usize::from(limit);
            let next = rows.last().map(|(row, _)| row.id.sequence());
            Page {
                rows,
                next: next.filter(|_| is_full),
            }
        })
    }

    fn factors_of(&self, subject: [u8; 16]) -> Reading<'_, Vec<(FactorRow, Vec<VaultRow>)>> {
        self.read(|inner| {
            let rows = inner.image.factors();
            let mine = rows.filter(|row| row.subject == subject);
            mine.map(|row| (row.clone(), inner.image.vault_of(row.id.sequence())))
                .collect()
        })
    }

    fn old_values(&self, query: OldValues) -> Reading<'_, Page<OldValue>> {
        self.read(|inner| inner.image.old_values(query))
    }

    fn sealed_of(&self, owners: &[u64]) -> Result<Vec<VaultRow>, ReadError> {
        self.lock().read(|inner| {
            let of = |owner: &u64| inner.image.vault_of(*owner);
            owners.iter().flat_map(of).collect()
        })
    }

    fn purge(&self) -> Pin<Box<dyn Future<Output = Result<(), PurgeError>> + Send + '_>> {
        let mut inner = self.lock();
        inner.purges += 1;
        let result = match inner.purge_refused.take() {
            Some(error) => Err(error),
            None => Ok(()),
        };
        Box::pin(std::future::ready(result))
    }
}

impl MemoryStore {
    /// The next purge fails so.
    pub fn refuse_purge(&self, error: PurgeError) {
        self.lock().purge_refused = Some(error);
    }

    /// How often the store was told to clean up.
    pub fn purges(&self) -> u64 {
        self.lock().purges
    }
}

impl Image {
    fn old_values(&self, query: OldValues) -> Page<OldValue> {
        let limit = usize::from(query.limit);
        let mut rows = Vec::new();
        for row in self.vault() {
            let wanted = row.purpose == query.purpose && row.erased_by().is_none();
            if !wanted || row.owner < query.from || row.owner >= query.below {
                continue;
            }
            let Some(holder) = self.holder(row.owner) else {
                continue;
            };
            if (holder == Holder::OptOut) != (query.holders == Holders::OptOuts) {
                continue;
            }
            if rows.len() == limit {
                let next = Some(row.owner);
                return Page { rows, next };
            }
            let owner = row.owner;
            rows.push(OldValue { owner, holder });
        }
        Page { rows, next: None }
    }

    fn holder(&self, owner: u64) -> Option<Holder> {
        if let Some(row) = self.message_row(owner) {
            return Some(Holder::Message(row.state));
        }
        if let Some(row) = self.factors.get(&owner) {
            return Some(Holder::Factor(row.factor.state()));
        }
        if self.inbound.contains_key(&owner) {
            return Some(Holder::Inbound);
        }
        if self.opt_outs.contains_key(&owner) {
            return Some(Holder::OptOut);
        }
        if self.verifications.contains_key(&owner) {
            return Some(Holder::Verification);
        }
        let is_part = self.parts().any(|part| part.sequence == owner);
        (!is_part).then_some(Holder::Entry)
    }
}
