//! Any octets are read as an entry without panic, and the quick look at them says what the full
//! reader says.

use ledger::Entry;
use ledger::entry::skim::skim;

pub fn check(octets: &[u8]) {
    let (quick, full) = (skim(octets), Entry::parse(octets));
    assert_eq!(quick.is_ok(), full.is_ok());
    if let (Ok(quick), Ok(full)) = (quick, full) {
        assert_eq!((quick.kind, quick.node), (full.kind, full.node));
        assert_eq!((quick.epoch, quick.node_seq), (full.epoch, full.node_seq));
        assert_eq!(quick.time_micros, full.time_micros);
    }
}
