//! `[admin]`: the listener for monitoring, which never changes anything.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::section::section;

/// From where the listener for monitoring may be reached. The second one is spelled so that nobody
/// sets it by accident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exposure {
    /// From this machine alone.
    #[default]
    LoopbackOnly,
    /// From any address, in clear and without a password.
    DangerAnyAddressInClear,
}

section! {
    /// The listener for monitoring: `/healthz`, `/readyz` and `/metrics`, without a password, so it is
    /// for this machine alone. A change needs a restart.
    pub struct Admin {
        /// Address and port. 9464 is the usual port of exporters.
        pub listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 9464)),
        /// `loopback-only`; or `danger-any-address-in-clear` behind a network of your own.
        pub exposure: Exposure = Exposure::LoopbackOnly,
    }
}
