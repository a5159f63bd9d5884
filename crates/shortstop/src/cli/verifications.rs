//! The command line of `shortstop verifications`.

use clap::{Args, Subcommand};
use domain::id::ClientId;
use domain::verification::pumping::Prefix;

use super::{Place, SubjectNumber};

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
    /// Enable a number again of which no code is looked at any more, since too many were wrong one after the
    /// other. What the day has used up stays used up. It is recorded with the reason.
    Enable(EnableArgs),
}

/// Options of `verifications enable`.
#[derive(Clone, Debug, Args)]
pub struct EnableArgs {
    /// The number, such as +447700900123; `-` reads it from standard input, so that no list of processes
    /// shows it.
    #[arg(long, value_name = "MSISDN")]
    pub number: SubjectNumber,
    /// The client at which it is disabled, `cli_…`.
    #[arg(long, value_name = "CLIENT")]
    pub client: ClientId,
    /// How the person proved that the number is theirs, for the ledger: a case, never a person. 1 to 200
    /// characters.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Which gateway.
    #[command(flatten)]
    pub place: Place,
}
