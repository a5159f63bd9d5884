//! `[[witness]]`: somebody else who cosigns each checkpoint (C2SP tlog-witness).

use std::path::PathBuf;

use super::section::section;

section! {
    /// A witness, who cosigns each checkpoint after making sure that it only appends to the one before;
    /// repeat the section for more. A change needs a restart.
    pub struct WitnessSection {
        /// Name of the witness in the log and in policies: 1 to 32 of a-z, 0-9 and `-`.
        pub name: Option<String> = None => "w1",
        /// Its submission prefix, the URL before `/add-checkpoint`. `https://`, or `http://` to a
        /// loopback address.
        pub url: Option<String> = None => "https://witness.example",
        /// Its public key, as it publishes it.
        pub vkey: Option<String> = None => "witness.example/w1+aab2de37+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        /// Authorities in PEM that may sign its certificate, and nobody else. Without it they are those
        /// that the operating system trusts.
        pub ca_file: Option<PathBuf> = None => "/etc/shortstop/witness-ca.pem",
    }
}
