//! `[https.acme]`: a certificate of the HTTPS listener from an authority that works by itself (ACME, RFC 8555).

use std::path::PathBuf;

use super::section::section;

section! {
    /// A certificate from an authority that works by itself (ACME), instead of `certificate_file`. The authority looks
    /// at each name over this very listener (TLS-ALPN-01): port 443 of each name must lead to it. Whatever fails, the
    /// gateway serves on with the last good certificate. A change needs a restart.
    pub struct Acme {
        /// The directory of the authority. Without it there is none.
        pub directory: Option<String> = None => "https://acme.example/directory",
        /// The DNS names of the certificate, such as `["sms.firm.example"]`. They must not hold `*`.
        pub names: Vec<String> = Vec::new(),
        /// Where the authority writes to when something is wrong, such as `["mailto:ops@firm.example"]`.
        pub contact: Vec<String> = Vec::new(),
        /// Whether you have read and agree to the terms of the authority; it gives nothing without.
        pub terms_agreed: bool = false,
        /// Authorities in PEM that may sign the directory's own certificate, and nobody else. Without it they are
        /// those that the operating system trusts.
        pub ca_file: Option<PathBuf> = None => "/etc/shortstop/acme-ca.pem",
        /// Your name as a customer of the authority, when it gave you one (external account binding).
        pub external_id: Option<String> = None => "customer-1",
        /// File with the secret that it gave you, in base64url.
        pub external_key_file: Option<PathBuf> = None => "/etc/shortstop/acme.secret",
        /// Seconds until the next try after a failure. They double with each further one, up to six hours.
        pub retry_seconds: u64 = 60,
    }
}
