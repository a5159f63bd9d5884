//! The words of `shortstop version`.

use std::path::PathBuf;

use clap::Args;

/// Options of `version`.
#[derive(Clone, Debug, Default, Args)]
pub struct VersionArgs {
    /// Print what this binary is made of: crates, libraries and compiler with versions, licences and hashes, as
    /// CycloneDX 1.6 in JSON.
    #[arg(long, conflicts_with = "check")]
    pub sbom: bool,
    /// Check this binary against a signed list of releases. Nothing is fetched. Exit codes: 0 this is the
    /// newest release, as it was released; 1 the list is not believed, or this binary is not what was
    /// released or was taken back; 4 it is what was released, and a newer one exists.
    #[arg(long, value_name = "FILE")]
    pub check: Option<PathBuf>,
    /// File with the public keys of those who make releases, one a line, instead of those compiled in. May be
    /// given several times.
    #[arg(long, value_name = "FILE", requires = "check")]
    pub key: Vec<PathBuf>,
    /// The number of the newest list that was seen before: an older one is refused.
    #[arg(long, value_name = "NUMBER", requires = "check")]
    pub newest_seen: Option<u64>,
}
