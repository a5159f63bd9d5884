//! The completeness rule on a store: each commitment of the ledger against the vault. It opens values
//! with the gateway's own keys and tells nothing of them.

use ledger::Entry;
use ledger::completeness::{Completeness, Opening, Reach};
use ledger::verify::fault::Fault;

use crate::ports::View;
use crate::ports::store::ReadError;
use crate::rebuild::Judge;
use crate::rows::{Purpose, VaultRow, vault_key};

/// Entries read at once.
const PAGE: u64 = 512;

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpeningsChecked {
    /// Entries looked at.
    pub entries: u64,
    /// Commitments among them.
    pub commitments: u64,
    /// Faults told.
    pub faults: u64,
}

/// Holds every commitment of one moment of a store against its vault, from the last entry to the first;
/// faults are told as they are found. Entries that cannot be read as such are left to the verifier of the
/// log.
pub fn check_openings(
    view: &dyn View,
    judge: &Judge,
    tell: &mut dyn FnMut(Fault),
) -> Result<OpeningsChecked, ReadError> {
    let mut walk = Walk {
        view,
        judge,
        rule: Completeness::new(),
        checked: OpeningsChecked::default(),
        reach: if view.minimum() == 0 {
            Reach::Whole
        } else {
            Reach::Part
        },
    };
    let mut end = view.size();
    while end > view.minimum() {
        let first = end.saturating_sub(PAGE).max(view.minimum());
        for fault in walk.page(first, end)? {
            walk.checked.faults += 1;
            tell(fault);
        }
        end = first;
    }
    let Walk {
        rule,
        mut checked,
        reach,
        ..
    } = walk;
    for fault in rule.finish(reach) {
        checked.faults += 1;
        tell(fault);
    }
    Ok(checked)
}

struct Walk<'w> {
    view: &'w dyn View,
    judge: &'w Judge,
    rule: Completeness,
    checked: OpeningsChecked,
    reach: Reach,
}

impl Walk<'_> {
    /// The entries of a page, the last one first.
    fn page(&mut self, first: u64, end: u64) -> Result<Vec<Fault>, ReadError> {
        let most = usize::try_from(end - first).unwrap_or(usize::MAX);
        let entries = self.view.entries(first, most)?;
        let mut faults = Vec::new();
        let indexed: Vec<(u64, Vec<u8>)> = (first..).zip(entries).collect();
        for (index, octets) in indexed.into_iter().rev() {
            match Entry::parse(&octets) {
                Ok(entry) => faults.extend(self.entry(index, &entry)?),
                Err(_) => self.reach = Reach::Part,
            }
        }
        Ok(faults)
    }

    fn entry(&mut self, index: u64, entry: &Entry<'_>) -> Result<Vec<Fault>, ReadError> {
        self.checked.entries += 1;
        self.checked.commitments += u64::try_from(entry.private.len()).unwrap_or(u64::MAX);
        let owner = crate::rebuild::owner(entry);
        let sealed = match owner {
            Some(owner) if !entry.private.is_empty() => self.sealed(owner)?,
            _ => Vec::new(),
        };
        let judge = self.judge;
        let made = owner.map(|owner| (owner >> 12) * 1_000);
        let open = |field: &str| {
            let row = sealed.iter().find(|row| row.purpose.as_str() == field);
            row.map_or(Opening::Absent, |row| judge.opening(row))
        };
        Ok(self.rule.entry(index, entry, made, open))
    }

    fn sealed(&self, owner: u64) -> Result<Vec<VaultRow>, ReadError> {
        let first = vault_key(owner, Purpose::Number);
        let page = self.view.vault(first.checked_sub(1), Purpose::ALL.len())?;
        Ok(page.into_iter().filter(|row| row.owner == owner).collect())
    }
}
