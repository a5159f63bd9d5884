//! The command line of `shortstop client`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::class::TrafficClass;
use domain::id::{ClientId, KeyId};
use domain::sender::ShortCode;
use engine::rows::{AuthMode, CertificateName, Thumbprint};

use super::Place;

/// What to do with clients.
#[derive(Clone, Debug, Subcommand)]
pub enum ClientCommand {
    /// Make a client and print its key, this once.
    Add(ClientAddArgs),
    /// List every client and its keys.
    List {
        /// Which gateway.
        #[command(flatten)]
        place: Place,
    },
    /// Revoke a client, or one of its keys, at once.
    Revoke {
        /// The client, `cli_…`.
        client: ClientId,
        /// Only this key, `key_…`.
        #[arg(long, value_name = "KEY")]
        key: Option<KeyId>,
        /// Which gateway.
        #[command(flatten)]
        place: Place,
    },
    /// Change what a client's requests must show, at once.
    Change {
        /// The client, `cli_…`.
        client: ClientId,
        /// What they must show: key, key+mtls or signed.
        #[arg(long, value_name = "WAY")]
        auth: Option<AuthMode>,
        /// A certificate that it may show from now on, in PEM; repeat for more.
        #[arg(long = "certificate", value_name = "FILE")]
        certificates: Vec<PathBuf>,
        /// The SHA-256 of a certificate that it may not show any more; repeat for more.
        #[arg(long = "drop-certificate", value_name = "SHA256")]
        drop: Vec<Thumbprint>,
        /// A name of which its certificate may have one from now on, such as dns:bank.example; repeat for more.
        #[arg(long = "certificate-name", value_name = "NAME")]
        names: Vec<CertificateName>,
        /// A name that its certificate may not have any more; repeat for more.
        #[arg(long = "drop-certificate-name", value_name = "NAME")]
        drop_names: Vec<CertificateName>,
        /// Which gateway.
        #[command(flatten)]
        place: Place,
    },
    /// Print the secret that signs what the URLs of a client's messages are told (status callbacks).
    CallbackSecret {
        /// The client, `cli_…`.
        client: ClientId,
        /// Give it a new one; the one before signs too until the overlap is over.
        #[arg(long)]
        rotate: bool,
        /// How long the old secret still signs, in seconds.
        #[arg(
            long,
            value_name = "SECONDS",
            default_value_t = 86_400,
            requires = "rotate"
        )]
        overlap_seconds: u64,
        /// Which gateway.
        #[command(flatten)]
        place: Place,
    },
    /// Give a client a new key and print it, this once; the old ones end after the overlap.
    Rotate {
        /// The client, `cli_…`.
        client: ClientId,
        /// How long the old keys still work, in seconds.
        #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
        overlap_seconds: u64,
        /// When the new key ends, such as 2027-01-31T00:00:00Z.
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
        /// What sort of key.
        #[command(flatten)]
        key: KeyArgs,
        /// Which gateway.
        #[command(flatten)]
        place: Place,
    },
}

/// Options of `client add`.
#[derive(Clone, Debug, Args)]
pub struct ClientAddArgs {
    /// A name for people, such as the application's.
    pub name: String,
    /// A short code it may use; repeat for more.
    #[arg(long = "short-code", value_name = "DIGITS", required = true)]
    pub short_codes: Vec<ShortCode>,
    /// A class it may send: otp, alert or marketing; repeat for more.
    #[arg(long = "class", value_name = "CLASS", required = true)]
    pub classes: Vec<TrafficClass>,
    /// What it may call: messages:send, messages:read, messages:redact, inbound:read, opt-outs:write,
    /// opt-outs:read, verifications:write, verifications:check, verifications:read, factors:write,
    /// factors:check, factors:read, ledger:read or ledger:search; repeat for more.
    #[arg(long = "scope", value_name = "SCOPE", default_values_t = ["messages:send".to_owned(), "messages:read".to_owned()])]
    pub scopes: Vec<String>,
    /// A network it may come from, such as 10.1.0.0/16; repeat for more. Any without it.
    #[arg(long = "network", value_name = "CIDR")]
    pub networks: Vec<String>,
    /// What its requests must show: key, key+mtls (and a certificate of its connection) or signed.
    #[arg(long, value_name = "WAY", default_value = "key")]
    pub auth: AuthMode,
    /// A certificate that it may show, in PEM; repeat for more. For key+mtls.
    #[arg(long = "certificate", value_name = "FILE")]
    pub certificates: Vec<PathBuf>,
    /// A name of which its certificate may have one: dns:NAME, uri:URI or subject:SUBJECT; repeat for more. For
    /// key+mtls, where https.client_ca_file names who vouches for them.
    #[arg(long = "certificate-name", value_name = "NAME")]
    pub certificate_names: Vec<CertificateName>,
    /// What sort of key.
    #[command(flatten)]
    pub key: KeyArgs,
    /// When its key ends, such as 2027-01-31T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub expires: Option<String>,
    /// Which gateway.
    #[command(flatten)]
    pub place: Place,
}

/// What sort of key a client gets. Without any of these it is an API key, to be shown with each request.
#[derive(Clone, Debug, Default, Args)]
pub struct KeyArgs {
    /// Requests are signed with the private half of this Ed25519 key, or, by an application of Twilio's, of this RSA
    /// key of 2048 to 4096 bits: its public half in PEM, as
    /// `openssl pkey -pubout` writes it.
    #[arg(long, value_name = "FILE", conflicts_with = "hmac")]
    pub public_key: Option<PathBuf>,
    /// Requests are signed with HMAC-SHA-256 under a secret, which is printed this once.
    #[arg(long)]
    pub hmac: bool,
}
