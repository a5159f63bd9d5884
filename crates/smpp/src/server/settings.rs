//! Every bound of the listener for ESMEs, by name. The configuration may replace each of them.

use std::time::Duration;

use crate::frame::FRAME_LIMIT_OCTETS;

/// The bounds of the listener and of its sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// Our name in the answers to binds, at most 15 characters. Default `shortstop`.
    pub name: String,
    /// Connections open at once, bound or not. One more is closed at once and counted. Default 512.
    pub connections_max: usize,
    /// Connections open at once from one address (an IPv6 /64 counts as one). One more is closed at once
    /// and counted. Default 64: far more than the binds of one application.
    pub connections_per_address_max: usize,
    /// TLS handshakes under way from one address (an IPv6 /64 counts as one). One more connection is closed at
    /// once and counted. Default 32: each costs a signature.
    pub handshakes_per_address_max: usize,
    /// How long a TLS handshake may take. Default 5 s.
    pub handshake_timeout: Duration,
    /// How long a connection may stay without a bind (session_init_timer, SMPP 3.4 §7.2). Default 5 s.
    pub session_init_timeout: Duration,
    /// How long a bind may be silent before it is asked whether it lives. Default 60 s.
    pub idle_timeout: Duration,
    /// How long it may take to answer that, or to read what was written for it. Default 10 s.
    pub response_timeout: Duration,
    /// How long a PDU may take from its first octet to its last. Default 10 s.
    pub pdu_timeout: Duration,
    /// How long the parts of a message wait for the one that is missing. Default 10 s.
    pub parts_timeout: Duration,
    /// Requests of one bind that are not answered; with as many, nothing is read until some are. A submit_multi
    /// is one. Default 128.
    pub window_max: usize,
    /// Deliveries to one bind that are not answered. Default 10, as many ESMEs take.
    pub delivery_window_max: usize,
    /// Octets of a PDU. Default 64 KiB.
    pub frame_octets_max: usize,
    /// Destinations of one submit_multi. Default 100.
    pub destinations_max: u8,
    /// PDUs that cannot be read, in one session; one more ends it. Default 10.
    pub malformed_max: u32,
    /// PDUs a second of one connection that are no work: enquire_link, answers to nothing, and requests that are
    /// refused at once. After as many nothing more is read until the next one's time has come. 1 or more.
    /// Default 200: an ESME asks whether we live once in some seconds, and refusals are bugs of its own.
    pub chatter_per_second_max: u32,
    /// How long requests under way may take when the gateway stops. Default 10 s.
    pub shutdown_timeout: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            name: "shortstop".to_owned(),
            connections_max: 512,
            connections_per_address_max: 64,
            handshakes_per_address_max: 32,
            handshake_timeout: Duration::from_secs(5),
            session_init_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_mins(1),
            response_timeout: Duration::from_secs(10),
            pdu_timeout: Duration::from_secs(10),
            parts_timeout: Duration::from_secs(10),
            window_max: 128,
            delivery_window_max: 10,
            frame_octets_max: FRAME_LIMIT_OCTETS,
            destinations_max: 100,
            malformed_max: 10,
            chatter_per_second_max: 200,
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}
