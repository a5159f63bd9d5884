//! Checks of `https.trusted_proxies`: whoever is in it can be counted as anybody.

use ipnet::IpNet;

use super::super::Problems;
use super::networks;

/// Refuses everybody: no limit by address would hold anybody.
pub fn check(proxies: &[IpNet], problems: &mut Problems) {
    for (place, net) in proxies.iter().enumerate() {
        if networks::is_everybody(net) {
            let says = format!(
                "{net} is everybody, who could then be counted as anybody else; name the networks of your \
                 proxies"
            );
            problems.add(format!("https.trusted_proxies[{place}]"), says);
        }
    }
}

/// What is said loudly of wide networks.
pub fn warning(proxies: &[IpNet]) -> Option<String> {
    networks::wide(proxies).map(|wide| {
        format!(
            "https.trusted_proxies holds {wide}: everybody there can be counted as anybody else by what they \
             write into X-Forwarded-For; name the proxies alone"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nets(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn everybody_is_no_proxy() {
        for text in ["0.0.0.0/0", "::/0", "198.51.100.7/0"] {
            let mut problems = Problems::default();
            check(&nets(&["10.0.0.5/32", text]), &mut problems);
            let keys: Vec<_> = problems.list().iter().map(|found| &found.key).collect();
            assert_eq!(keys, ["https.trusted_proxies[1]"], "{text}");
        }
    }

    #[test]
    fn a_wide_network_is_said_loudly_and_a_private_one_is_not() {
        let usual = ["10.0.0.0/8", "192.168.0.0/16", "fd00::/16", "2001:db8::/32"];
        assert_eq!(warning(&nets(&usual)), None);
        for text in ["8.0.0.0/7", "0.0.0.0/1", "fc00::/7", "2000::/3"] {
            let says = warning(&nets(&["10.0.0.0/8", text])).unwrap();
            assert!(says.contains(text) && !says.contains("10.0.0.0"), "{says}");
        }
    }
}
