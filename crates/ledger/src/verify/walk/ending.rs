//! The end of the walk: the root against the signed one, old trees against this one, and proofs as
//! outsiders make them.

use super::{Lost, Walk};
use crate::tile::FULL;
use crate::tile::published::Published;
use crate::tree::consistency::TreeHead;
use crate::verify::fault::{Fault, FaultKind};

impl Walk<'_, '_> {
    pub(super) fn judge_root(&mut self) {
        let TreeHead { size, root: signed } = self.head;
        let root = self.root.filter(|_| self.lost == Lost::Nothing);
        if root == Some(signed) {
            for old in core::mem::take(&mut self.contradicted) {
                let detail = format!(
                    "the first {} entries are signed with the root {}, but now the checkpoint of size {size} has others",
                    old.size, old.root
                );
                self.teller.tell(Fault::of(FaultKind::Fork, detail));
            }
            return;
        }
        let detail = root.map_or_else(
            || format!("the root of size {size} cannot be built, since leaves are missing"),
            |root| {
                let place = self.unkept();
                format!(
                    "the entries give the root {root} at size {size}; signed is {signed}{place}"
                )
            },
        );
        self.teller.tell(Fault::of(FaultKind::RootMismatch, detail));
    }

    /// Where the change lies when every kept hash of a full tile agrees with its entries.
    fn unkept(&self) -> String {
        let size = self.head.size;
        let first = size - size % u64::from(FULL);
        if self.teller.faults > 0 || first == size {
            return String::new();
        }
        let last = size - 1;
        format!(
            "; the kept hashes of all full tiles agree, so that one of the entries {first} to {last} was \
             changed with its leaf hash, unless the kept hashes were changed too"
        )
    }

    /// Proofs as outsiders make them, from the published tiles alone. With every tile compared they
    /// can fail only where this verifier is wrong itself.
    pub(super) fn check_proofs(&mut self) {
        let head = self.head;
        if self.teller.faults > 0 || head.size == 0 {
            return;
        }
        let published = Published::new(self.source, head);
        let mut failed = Vec::new();
        for index in [0, head.size / 2, head.size - 1] {
            let proven = published
                .leaf(index)
                .map(|leaf| published.prove_inclusion(index, leaf));
            if let Some(Err(error)) = proven {
                failed.push(Fault::at(index, FaultKind::ProofFails, error.to_string()));
            }
        }
        for old in self.trust.remembered.iter().chain(&self.trust.since) {
            if let Err(error) = published.prove_consistency(*old) {
                failed.push(Fault::at(
                    old.size,
                    FaultKind::ProofFails,
                    error.to_string(),
                ));
            }
        }
        for fault in failed {
            self.teller.tell(fault);
        }
    }
}
