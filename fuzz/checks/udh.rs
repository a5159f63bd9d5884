//! Any octets are read as a user data header without panic, the payload is their end, and a place in
//! a long message is one that a header can be written for.

use domain::text::udh;

pub fn check(octets: &[u8]) {
    let Ok(read) = udh::parse(octets) else {
        return;
    };
    assert!(octets.ends_with(read.payload));
    if let Some(place) = read.concatenation {
        let header = place.header();
        let again = udh::parse(header.as_octets()).expect("what was written can be read");
        assert_eq!(again.concatenation, Some(place));
    }
}
