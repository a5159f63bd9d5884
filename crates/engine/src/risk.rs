//! What an application tells of the end user behind a request. It judges nothing.

use std::fmt;
use std::net::IpAddr;

/// What the application knows of the end user behind a request; sealed, never in clear on disk.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RiskHints {
    /// The end user's address.
    pub ip: Option<IpAddr>,
    /// The end user's user agent.
    pub user_agent: Option<Box<str>>,
    /// The end user's device.
    pub device_id: Option<Box<str>>,
}

impl fmt::Debug for RiskHints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RiskHints(masked)")
    }
}

impl RiskHints {
    /// As it is sealed.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let value = serde_json::json!({
            "ip": self.ip.map(|ip| ip.to_string()),
            "user_agent": self.user_agent,
            "device_id": self.device_id,
        });
        value.to_string().into_bytes()
    }
}
