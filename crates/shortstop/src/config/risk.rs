//! `[risk]`: somebody who is asked about a number before a code is sent to it (CAMARA SIM Swap).

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::section::section;

/// What happens when nobody says whether a SIM was changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnError {
    /// No code is sent.
    #[default]
    Refuse,
    /// The code is sent.
    Send,
}

section! {
    /// A mobile operator's SIM Swap service (CAMARA), asked before each code: a number whose SIM was changed
    /// lately gets none. Without `url` nobody is asked. With it every number that is to get a code is told to
    /// that service, and to nobody else. A change needs a restart.
    pub struct Risk {
        /// The service's URL, before `/check`. `https://`, or `http://` to a loopback address.
        pub url: Option<String> = None => "https://api.operator.example/sim-swap/v1",
        /// Authorities in PEM that may sign its certificate and that of the token endpoint, and nobody else.
        /// Without it they are those that the operating system trusts.
        pub ca_file: Option<PathBuf> = None => "/etc/shortstop/operator-ca.pem",
        /// Where access tokens are given (OAuth 2.0, client credentials). Not together with `bearer_file`.
        pub token_url: Option<String> = None => "https://auth.operator.example/token",
        /// The gateway's name there.
        pub client_id: Option<String> = None => "shortstop",
        /// File with its secret.
        pub client_secret_file: Option<PathBuf> = None => "/etc/shortstop/operator.secret",
        /// What tokens are asked for.
        pub scope: String = "sim-swap:check".to_owned(),
        /// File with an access token that does not end, for a service without a token endpoint.
        pub bearer_file: Option<PathBuf> = None => "/etc/shortstop/operator.token",
        /// Milliseconds that an answer may take, a new token included. Whoever wants a code waits as long.
        pub timeout_milliseconds: u64 = 3_000,
        /// How far back a change of the SIM counts, in hours: 1 to 2400. CAMARA's own default.
        pub max_age_hours: u16 = 240,
        /// When the service does not say: `refuse` sends no code, so that its outage lets nobody in; `send`
        /// sends it, so that its outage locks nobody out.
        pub on_error: OnError = OnError::Refuse,
        /// Questions on their way at once. One more waits, within its own time.
        pub questions_max: usize = 64,
    }
}
