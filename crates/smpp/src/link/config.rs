//! What one bind needs to know: where, as whom, how safe, and how patient.

use std::time::Duration;

use engine::ports::carrier::{BindId, Direction};
use thiserror::Error;

use super::backoff::Backoff;
use super::password::Password;
use super::tls::TlsOptions;

/// One bind of one carrier.
#[derive(Debug, Clone)]
pub struct LinkConfig {
    /// Which one it is.
    pub bind: BindId,
    /// Where it connects to.
    pub endpoint: Endpoint,
    /// How the connection is protected.
    pub security: Security,
    /// Transmitter, receiver or transceiver.
    pub direction: Direction,
    /// `system_id`, 1 to 15 characters.
    pub system_id: String,
    /// `password`, at most 8 characters.
    pub password: Password,
    /// `system_type`, at most 12 characters; mostly empty.
    pub system_type: String,
    /// `service_type` of every submit, at most 5 characters; mostly empty.
    pub service_type: String,
    /// Types and plans of the addresses in submits.
    pub addressing: Addressing,
    /// Unanswered submits at most; what comes on top is handed back unsent.
    pub window_max: usize,
    /// Unanswered deliveries at most; what comes on top is answered with a temporary error.
    pub deliveries_max: usize,
    /// Octets of text in unanswered deliveries at most; what comes on top is answered likewise.
    pub deliveries_octets_max: usize,
    /// The largest PDU taken, in octets.
    pub frame_limit_octets: usize,
    /// How patient it is.
    pub timers: Timers,
    /// How it comes back.
    pub backoff: Backoff,
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// A name or an address.
    pub host: String,
    /// A port; secure SMPP has 3550, plain SMPP 2775.
    pub port: u16,
}

/// How the connection to a carrier is protected.
#[derive(Debug, Clone)]
pub enum Security {
    /// TLS 1.2 or newer; certificate and host name are verified.
    Tls(TlsOptions),
    /// Plain TCP, and only to an address of this very machine.
    PlainLoopback,
    /// Plain TCP to anywhere: everybody on the way can read and change every message and the
    /// password. The setting that chooses it is called `i-accept-clear-text-on-the-wire`.
    ClearTextOnTheWire,
}

/// Types of number and numbering plans (SMPP 3.4 §5.2.5, §5.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addressing {
    /// Of the short code: 3 (network specific) or 6 (abbreviated), as the carrier says.
    pub source_ton: u8,
    /// Of the short code: 0.
    pub source_npi: u8,
    /// Of the handset: 1 (international).
    pub destination_ton: u8,
    /// Of the handset: 1 (E.164).
    pub destination_npi: u8,
}

impl Default for Addressing {
    fn default() -> Self {
        Self {
            source_ton: 3,
            source_npi: 0,
            destination_ton: 1,
            destination_npi: 1,
        }
    }
}

/// How long each thing may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// TCP connect and TLS handshake.
    pub connect: Duration,
    /// The answer to the bind.
    pub bind: Duration,
    /// The answer to any other request. A submit without one counts as silence; the link is lost
    /// when enquire_link has none, or when the peer takes no octets for so long.
    pub response: Duration,
    /// A link is asked whether it lives after so long without any PDU.
    pub enquire: Duration,
}

impl Default for Timers {
    /// What carriers in the field expect (SMPP 3.4 §7.2).
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            bind: Duration::from_secs(10),
            response: Duration::from_secs(10),
            enquire: Duration::from_secs(30),
        }
    }
}

/// Why a configuration cannot work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SettingError {
    /// Longer than its field in the bind.
    #[error("{key} has more than {max} characters")]
    TooLong {
        /// The setting.
        key: &'static str,
        /// Its maximum.
        max: usize,
    },
    /// A character that the field cannot hold.
    #[error("{key} has a character outside ASCII, or a control character")]
    NotPrintable {
        /// The setting.
        key: &'static str,
    },
    /// A bound or a time of zero.
    #[error("{key} is zero")]
    Zero {
        /// The setting.
        key: &'static str,
    },
    /// Empty where something must be.
    #[error("{key} is empty")]
    Empty {
        /// The setting.
        key: &'static str,
    },
}

impl LinkConfig {
    /// A bind with everything usual: a transceiver, window 10, SMPP's usual patience.
    pub fn new(
        bind: BindId,
        endpoint: Endpoint,
        security: Security,
        system_id: String,
        password: Password,
    ) -> Self {
        Self {
            bind,
            endpoint,
            security,
            direction: Direction::Both,
            system_id,
            password,
            system_type: String::new(),
            service_type: String::new(),
            addressing: Addressing::default(),
            window_max: 10,
            deliveries_max: 5_000,
            deliveries_octets_max: 4 * 1024 * 1024,
            frame_limit_octets: crate::frame::FRAME_LIMIT_OCTETS,
            timers: Timers::default(),
            backoff: Backoff::default(),
        }
    }

    /// Whether every value is in its range. [`super::Links::new`] asks this too.
    pub fn check(&self) -> Result<(), SettingError> {
        if self.system_id.is_empty() {
            return Err(SettingError::Empty { key: "system_id" });
        }
        if self.endpoint.host.is_empty() {
            return Err(SettingError::Empty { key: "host" });
        }
        for (key, text, max) in [
            ("system_id", self.system_id.as_str(), 15),
            ("password", self.password.reveal(), 8),
            ("system_type", self.system_type.as_str(), 12),
            ("service_type", self.service_type.as_str(), 5),
        ] {
            check_text(key, text, max)?;
        }
        let times = [
            self.timers.connect,
            self.timers.bind,
            self.timers.response,
            self.timers.enquire,
        ];
        if times.iter().any(Duration::is_zero) {
            return Err(SettingError::Zero { key: "timers" });
        }
        match () {
            () if self.window_max == 0 => Err(SettingError::Zero { key: "window_max" }),
            () if self.deliveries_max == 0 => Err(SettingError::Zero {
                key: "deliveries_max",
            }),
            () if self.backoff.min.is_zero() => Err(SettingError::Zero { key: "backoff" }),
            () => Ok(()),
        }
    }
}

fn check_text(key: &'static str, text: &str, max: usize) -> Result<(), SettingError> {
    if text.len() > max {
        return Err(SettingError::TooLong { key, max });
    }
    if !text.bytes().all(|octet| matches!(octet, b' '..=b'~')) {
        return Err(SettingError::NotPrintable { key });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::message::CarrierName;

    fn config() -> LinkConfig {
        let bind = BindId {
            carrier: CarrierName::new("primary"),
            index: 0,
        };
        let endpoint = Endpoint {
            host: "localhost".to_owned(),
            port: 2775,
        };
        let password = Password::new("secret12".to_owned());
        LinkConfig::new(
            bind,
            endpoint,
            Security::PlainLoopback,
            "esme1".to_owned(),
            password,
        )
    }

    #[test]
    fn a_password_of_nine_characters_is_refused_before_any_bind() {
        let config = LinkConfig {
            password: Password::new("secret123".to_owned()),
            ..config()
        };
        assert_eq!(
            config.check(),
            Err(SettingError::TooLong {
                key: "password",
                max: 8
            })
        );
    }

    #[test]
    fn each_value_is_checked() {
        assert_eq!(config().check(), Ok(()));
        let wrong = LinkConfig {
            system_id: "esmé".to_owned(),
            ..config()
        };
        assert_eq!(
            wrong.check(),
            Err(SettingError::NotPrintable { key: "system_id" })
        );
        let wrong = LinkConfig {
            window_max: 0,
            ..config()
        };
        assert_eq!(wrong.check(), Err(SettingError::Zero { key: "window_max" }));
        let wrong = LinkConfig {
            system_id: String::new(),
            ..config()
        };
        assert_eq!(wrong.check(), Err(SettingError::Empty { key: "system_id" }));
    }

    #[test]
    fn debug_does_not_show_the_password() {
        assert!(!format!("{:?}", config()).contains("secret12"));
    }
}
