//! `[webhooks]`: how the URLs of clients are called.

use std::path::PathBuf;

use super::section::section;

section! {
    /// Webhooks: the URLs of clients that are called when something happens, made with `shortstop webhook add`.
    /// They are called over HTTPS alone, at addresses of the public internet alone, and no redirect is
    /// followed. A change needs a restart.
    pub struct Webhooks {
        /// Webhooks there may be.
        pub webhooks_max: usize = 100,
        /// Calls of one webhook on their way at once.
        pub calls_max: usize = 8,
        /// Seconds that a call may take, from looking the name up to the end of the answer: 1 to 30.
        pub timeout_seconds: u64 = 20,
        /// Days without any success after which a webhook is not called any more: 1 to 30.
        pub give_up_days: u64 = 5,
        /// Events of one receiver that wait at once. When there are so many the ledger is read no further for
        /// it; nothing is lost by that.
        pub waiting_max: usize = 1_000,
        /// Events given up that one receiver can be told once more (`shortstop webhook replay`); of more the
        /// oldest go.
        pub dead_max: usize = 1_000,
        /// Authorities in PEM that may sign the certificates of webhooks, and nobody else. Without it they are
        /// those that the operating system trusts.
        pub ca_file: Option<PathBuf> = None => "/etc/shortstop/webhooks-ca.pem",
        /// Networks (CIDR) that may be called though they are not of the public internet. Whoever may name a
        /// URL reaches what is in them: for a lab, or for a receiver of your own in a network of its own.
        pub i_accept_calls_into: Vec<String> = Vec::new(),
    }
}
