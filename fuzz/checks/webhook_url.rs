//! Any text is read as the URL of a webhook or refused, without panic. What is read is written again as one
//! that means the same, holds nothing that could end a line of a request, and hides no address: whatever
//! the standard library reads as an address is one here, and none of this machine passes.

use core::net::IpAddr;

use domain::webhook::{Host, Target};

pub fn check(octets: &[u8]) {
    let Ok(url) = core::str::from_utf8(octets) else {
        return;
    };
    let Ok(target) = Target::parse(url) else {
        return;
    };
    assert!(url.starts_with("https://") && target.path().starts_with('/'));
    assert!(target.port() > 0);
    let written = target.url();
    assert!(written.bytes().all(|octet| octet.is_ascii_graphic()));
    assert_eq!(Target::parse(&written).as_ref(), Ok(&target));
    match target.host() {
        Host::Name(name) => {
            assert!(name.parse::<IpAddr>().is_err(), "{name} is an address");
            assert_eq!(*name, name.to_ascii_lowercase());
            assert_eq!(target.vet(|_| false), Ok(()));
        }
        Host::Address(address) => {
            assert_eq!(target.vet(|_| true), Ok(()));
            let is_near = address.is_loopback()
                || address.is_unspecified()
                || address.to_canonical().is_loopback();
            assert!(!is_near || target.vet(|_| false).is_err(), "{address}");
        }
    }
}
