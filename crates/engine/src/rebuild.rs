//! Rebuilding: the state as the entries of the ledger tell it, and where the store's rows depart from it.
//! The fold follows the rules of the running gateway: segments move by the domain's own state machine,
//! clients change by the engine's own rules. `docs/ledger.md` lists what entries do not tell.

mod clients;
mod compare;
mod complete;
mod difference;
mod factors;
mod fold;
mod handsets;
mod judge;
mod messages;
mod pages;
mod reading;
pub(crate) mod snapshot;
mod state_at;
mod verify_services;

pub use compare::{Compared, compare};
pub use complete::complete;
pub use difference::Difference;
pub(crate) use fold::owner;
pub use fold::{Expired, Fold, Rest, Unfit};
pub use judge::Judge;
pub use state_at::state_at;

use crate::ports::View;
use crate::ports::store::ReadError;
use crate::rows::{Purpose, VaultRow, vault_key};

/// Rows read at once.
const PAGE: usize = 512;

/// The sealed number of an owner, when it is there.
fn number(view: &dyn View, owner: u64) -> Result<Option<VaultRow>, ReadError> {
    let key = vault_key(owner, Purpose::Number);
    let page = view.vault(key.checked_sub(1), 1)?;
    Ok(page.into_iter().find(|row| row.key() == key))
}
