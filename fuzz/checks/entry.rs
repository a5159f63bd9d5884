//! Any octets are read as an entry without panic, and the quick look at them says what the full
//! reader says.

use ledger::Entry;
use ledger::entry::skim::{Skimmed, skim};

pub fn check(octets: &[u8]) {
    let (quick, full) = (skim(octets), Entry::parse(octets));
    assert_eq!(quick, full.map(Skimmed::from));
}
