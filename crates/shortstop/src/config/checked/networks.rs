//! Networks that are so wide that they hardly tell anybody from anybody.

use ipnet::IpNet;

/// The shortest prefix that needs no warning: a whole private network, 10.0.0.0/8.
const IPV4_BITS: u8 = 8;
/// The same of IPv6; those of a firm are /32 or longer, and fc00::/7 is everybody's.
const IPV6_BITS: u8 = 16;

/// Whether a network holds every address of its family.
pub fn is_everybody(network: &IpNet) -> bool {
    network.prefix_len() == 0
}

/// Those that are wider than any firm's, as they are written; `None` when none is.
pub fn wide(networks: &[IpNet]) -> Option<String> {
    let is_wide = |network: &&IpNet| match network {
        IpNet::V4(network) => network.prefix_len() < IPV4_BITS,
        IpNet::V6(network) => network.prefix_len() < IPV6_BITS,
    };
    let wide = networks.iter().filter(is_wide);
    let wide: Vec<String> = wide.map(ToString::to_string).collect();
    (!wide.is_empty()).then(|| wide.join(", "))
}
