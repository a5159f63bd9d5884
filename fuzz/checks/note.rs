//! Any octets are read as a signed note, a checkpoint, a witness's request, a policy and a list of releases without panic,
//! and what is read writes itself as the same octets again.

use ledger::note::Note;
use ledger::note::key::VerifierKey;
use ledger::policy::Policy;
use ledger::witness::AddCheckpoint;
use ledger::{ReleaseList, SignedCheckpoint};

pub fn check(octets: &[u8]) {
    if let Ok(note) = Note::parse(octets) {
        assert_eq!(note.to_string().as_bytes(), octets);
        let vkey = "log.example/ledger+74834815+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
        let _ = VerifierKey::parse(vkey).map(|key| note.verify(&[key]).is_ok());
    }
    if let Ok(signed) = SignedCheckpoint::parse(octets) {
        assert_eq!(signed.checkpoint().text(), signed.note().text());
    }
    if let Ok(request) = AddCheckpoint::parse(octets) {
        assert_eq!(request.to_string().as_bytes(), octets);
    }
    let _ = Policy::parse(octets);
    if let Ok(text) = core::str::from_utf8(octets)
        && let Ok(list) = ReleaseList::parse(text)
    {
        assert_eq!(list.to_string(), text);
    }
}
