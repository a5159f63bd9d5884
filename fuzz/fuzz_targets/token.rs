//! The rule is in the file of the same name below `checks`.
#![no_main]

#[path = "../checks/token.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| check::check(octets));
