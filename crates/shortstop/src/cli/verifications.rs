//! The command line of `shortstop verifications`.

use clap::Subcommand;
use domain::verification::pumping::Prefix;

use super::Place;

/// What to do with verifications.
#[derive(Clone, Debug, Subcommand)]
pub enum VerificationsCommand {
    /// Show what is sent and used, by client and country and by prefix, and which prefixes are blocked, since
    /// when, until when and why.
    Stats {
        /// Which gateway.
        #[command(flatten)]
        place: Place,
    },
    /// End the block of a prefix now, and forget what is held against it. It is recorded with the reason.
    Unblock {
        /// The prefix, as `stats` shows it, such as +44770090.
        #[arg(value_name = "PREFIX")]
        prefix: Prefix,
        /// Why, for the ledger: a case, never a person. 1 to 200 characters.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Which gateway.
        #[command(flatten)]
        place: Place,
    },
}
