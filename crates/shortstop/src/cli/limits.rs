//! The words of `shortstop limits`.

use clap::{Args, Subcommand};
use domain::class::TrafficClass;
use domain::id::ClientId;
use domain::sender::ShortCode;

use super::{Place, SubjectNumber};

/// Options of `limits`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct LimitsArgs {
    /// What else to ask.
    #[command(subcommand)]
    pub command: Option<LimitsCommand>,
    /// Which gateway.
    #[command(flatten)]
    pub place: Place,
}

/// What else to ask of limits.
#[derive(Clone, Debug, Subcommand)]
pub enum LimitsCommand {
    /// Tell how a message would stand with every limit that counts it; nothing is counted. Exit code 1 means
    /// that it would be refused.
    Explain(ExplainArgs),
}

/// Options of `limits explain`.
#[derive(Clone, Debug, Args)]
pub struct ExplainArgs {
    /// The client, `cli_…`.
    #[arg(long, value_name = "CLIENT")]
    pub client: ClientId,
    /// The number, such as +447700900123; `-` reads it from standard input.
    #[arg(long, value_name = "MSISDN")]
    pub to: SubjectNumber,
    /// The short code.
    #[arg(long, value_name = "DIGITS")]
    pub from: Option<ShortCode>,
    /// What it is for: otp, alert or marketing; otp without it.
    #[arg(long, value_name = "CLASS")]
    pub class: Option<TrafficClass>,
    /// Its campaign.
    #[arg(long, value_name = "NAME")]
    pub campaign: Option<String>,
    /// The address that the client calls from.
    #[arg(long, value_name = "ADDRESS")]
    pub source: Option<String>,
    /// How many segments it takes.
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    pub segments: u32,
    /// Which gateway.
    #[command(flatten)]
    pub place: Place,
}
