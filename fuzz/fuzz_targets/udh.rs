//! Any octets are read as a user data header without panic, and the payload is their end.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    if let Ok(udh) = domain::text::udh::parse(octets) {
        assert!(octets.ends_with(udh.payload));
    }
});
