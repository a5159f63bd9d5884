//! Every bound of a listener, by name. The defaults suit the gateway's own API; the configuration may
//! replace each of them.

use std::time::Duration;

use ipnet::IpNet;

/// The bounds of one listener and of the requests that come over it.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Connections open at once. One more is closed at once and counted. Default 4,096, since each
    /// takes about 40 KiB.
    pub connections_max: usize,
    /// Connections open at once from one address (an IPv6 /64 counts as one). One more is closed at once
    /// and counted. Default 256: far more than the pool of one application.
    pub connections_per_address_max: usize,
    /// TLS handshakes under way from one address. One more is closed at once and counted. Default 128: a
    /// pool may well connect all at once.
    pub handshakes_per_address_max: usize,
    /// How long a TLS handshake may take. Default 10 s.
    pub handshake_timeout: Duration,
    /// How long a request's head may take from its first octet to its last (HTTP/1.1). Default 10 s.
    pub header_timeout: Duration,
    /// Octets of a request's head. Default 16 KiB.
    pub header_bytes_max: usize,
    /// Header lines of a request. Default 100, the count that hyper keeps off the heap.
    pub headers_max: usize,
    /// Requests of the API being answered at once, over all connections and streams; one more is
    /// answered 503 `busy`. Default 8,192: with full bodies 512 MiB, though bodies are read only for
    /// clients with a good key.
    pub requests_max: usize,
    /// Requests of one client being answered at once, over all its connections; one more is answered 503
    /// `busy`. Default 2,048, so that no client takes every place of [`ServerSettings::requests_max`].
    pub client_requests_max: usize,
    /// Batches being answered at once; one more is answered 503 `busy`. Default 32, about 250 MiB when
    /// all of them are full.
    pub batches_max: usize,
    /// Batches of one client being answered at once; one more is answered 503 `busy`. Default 8.
    pub client_batches_max: usize,
    /// Octets of a body on every route but the batch. Default 64 KiB.
    pub body_bytes_max: usize,
    /// Octets of a batch's body. Default 2 MiB.
    pub batch_body_bytes_max: usize,
    /// Messages of a batch. Default 1,000.
    pub batch_messages_max: usize,
    /// How long a body may take from the request's head to its last octet. Default 10 s.
    pub body_timeout: Duration,
    /// Octets a second that a body must come with, after a quarter of [`ServerSettings::body_timeout`].
    /// Default 1,024: the longest message is there in two seconds.
    pub body_bytes_per_second_min: usize,
    /// How long a client may take nothing of an answer, or an answer lie for want of a window. Default 30 s.
    pub write_timeout: Duration,
    /// How long a connection may rest between two requests. Default 75 s, longer than the pools of
    /// most clients keep one, so that it is the client that closes.
    pub idle_timeout: Duration,
    /// How long a request may take from its head to its answer. Default 30 s.
    pub request_timeout: Duration,
    /// HTTP/2 streams open at once on a connection. Default 128.
    pub streams_max: u32,
    /// HTTP/2 streams that a client may reset before they are looked at; one more ends the
    /// connection (CVE-2023-44487). Default 20.
    pub resets_max: usize,
    /// HTTP/2 frames that carry nothing (pings, settings, resets, window updates, heads that are no request) which a
    /// client may send ahead of what requests, answers and time allow it; one more ends the connection. Default 1,000.
    pub control_frames_max: u32,
    /// The networks of proxies whose word on where a request came from is taken. Default none.
    pub trusted_proxies: Vec<IpNet>,
    /// Where applications find the listener, without a slash at its end: what the URLs in answers begin with,
    /// whatever a request says of its host. Default `https://127.0.0.1:8443`.
    pub public_url: String,
    /// How long open requests may take to end when the gateway stops. Default 10 s.
    pub shutdown_timeout: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            connections_max: 4_096,
            connections_per_address_max: 256,
            handshakes_per_address_max: 128,
            handshake_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            header_bytes_max: 16 * 1_024,
            headers_max: 100,
            requests_max: 8_192,
            client_requests_max: 2_048,
            batches_max: 32,
            client_batches_max: 8,
            body_bytes_max: 64 * 1_024,
            batch_body_bytes_max: 2 * 1_024 * 1_024,
            batch_messages_max: 1_000,
            body_timeout: Duration::from_secs(10),
            body_bytes_per_second_min: 1_024,
            write_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            request_timeout: Duration::from_secs(30),
            streams_max: 128,
            resets_max: 20,
            control_frames_max: 1_000,
            trusted_proxies: Vec::new(),
            public_url: "https://127.0.0.1:8443".to_owned(),
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}
