//! Any octets are read as a receipt without panic, and what is read writes itself as the same octets
//! again.

use ledger::LogProof;

pub fn check(octets: &[u8]) {
    if let Ok(proof) = LogProof::parse(octets) {
        assert_eq!(proof.to_string().as_bytes(), octets);
    }
}
