//! `[node]`: who this gateway is and where its data lies.

use std::path::PathBuf;

use super::section::section;

section! {
    /// Who this gateway is, and where its data lies. A change needs a restart.
    pub struct Node {
        /// Name of this gateway in the ledger: 1 to 63 of a-z, 0-9, `-` and `.`. It stays with the data
        /// folder for life, so choose one that says which gateway it is and not which machine.
        pub name: String = "gateway-1".to_owned(),
        /// Folder of the store, the keys and the control socket. Made at the first start with access
        /// for its owner alone. One process owns it at a time.
        pub data_folder: PathBuf = PathBuf::from("/var/lib/shortstop"),
        /// File with the master key: 32 octets, access for its owner alone. Without this setting it is
        /// the systemd credential `master.key` if there is one, and `keys/master.key` in the data
        /// folder otherwise, made at the first start. Whoever loses it loses every number and text.
        pub master_key_file: Option<PathBuf> = None => "/etc/shortstop/master.key",
    }
}
