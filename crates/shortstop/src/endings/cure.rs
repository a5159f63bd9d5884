//! What is to be done before a certificate ends.

/// What is to be done before a certificate ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cure {
    /// Its file is read again on a reload.
    Reload,
    /// Its file is read at the start alone.
    Restart,
    /// The gateway makes the next one itself.
    Itself,
    /// The authority is asked for the next one.
    Asked,
    /// It is somebody else's.
    Owner,
}

impl Cure {
    /// In words, for whoever runs the gateway.
    pub const fn says(self) -> &'static str {
        match self {
            Self::Reload => "replace the file and reload (SIGHUP)",
            Self::Restart => "replace the file and restart",
            Self::Itself => {
                "the gateway makes the next one itself while it runs; if it runs, the log says why it did not"
            }
            Self::Asked => {
                "the authority is asked for the next one while the gateway runs; the log says what it answered"
            }
            Self::Owner => {
                "whoever runs the ESME has to renew it; add the next one's hash to its account, unless a name in it is \
                 known there"
            }
        }
    }
}
