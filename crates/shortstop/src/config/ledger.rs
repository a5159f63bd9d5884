//! `[ledger]`: how the ledger is signed and who has to see it. Witnesses are entries of their own.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::section::section;

/// What happens to a checkpoint that too few witnesses cosigned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Witnessing {
    /// It is published all the same, and the log says so.
    #[default]
    BestEffort,
    /// It is not published; it is tried again a second later.
    Required,
}

section! {
    /// How the ledger becomes a log that outsiders can verify: its name, its key, and what keeps the key
    /// from signing two histories. docs/keys.md says more. A change needs a restart.
    pub struct Ledger {
        /// Name of the log for everybody who verifies it, best below a domain of yours. It is kept in
        /// the data folder at the first start and never changes then. Without this setting it is
        /// `shortstop.local/` and the name of the node.
        pub origin: Option<String> = None => "sms.example.com/gateway-1",
        /// File with the log's key (Ed25519): a seed of 32 octets, access for its owner alone. Without
        /// this setting it is the systemd credential `log.key` if there is one, and `keys/log.key` in
        /// the data folder otherwise, made at the first start.
        pub key_file: Option<PathBuf> = None => "/etc/shortstop/log.key",
        /// Whether the log signs each checkpoint with a second key too, of ML-DSA-44, which stays good
        /// should Ed25519 fall. The key is `keys/log-mldsa.key` in the data folder, made when it is first
        /// asked for. Each checkpoint and receipt grows by 3.3 kB.
        pub mldsa: bool = false,
        /// File that remembers what was signed last, so that a data folder that was put back is
        /// refused. It must lie where a copy that is put back does not reach, best on another volume;
        /// its folder must exist. Without this setting it is `guard.json` in the data folder.
        pub guard_file: Option<PathBuf> = None => "/var/lib/shortstop-guard/guard.json",
        /// Whether a ledger that has entries is refused when its guard remembers nothing, as after the guard
        /// was deleted: `true` refuses to start; `false` starts, and the log, a metric and the ledger say so.
        pub guard_required: bool = false,
        /// How long an epoch of the seals is, in seconds, up to 3600; 0 makes no seals. Whoever takes the
        /// machine over can change nothing that was sealed before. The length is taken when the seals
        /// begin; they keep it.
        pub seal_seconds: u64 = 10,
        /// What happens to a checkpoint that too few witnesses cosigned: `best-effort` publishes it and
        /// says so in the log; `required` publishes nothing until enough have.
        pub witness_policy: Witnessing = Witnessing::BestEffort,
        /// How many witnesses must cosign when they are required.
        pub witness_quorum: usize = 1,
    }
}
