//! The options of `ledger search`.

use clap::{Args, ValueEnum};
use domain::id::{ClientId, MessageId};

use super::{Place, SubjectNumber};

/// Options of `ledger search`.
#[derive(Clone, Debug, Args)]
pub struct SearchArgs {
    /// Only entries of this kind, such as message.failed; repeat for more, or write commas between them.
    #[arg(long = "kind", value_name = "KIND", value_delimiter = ',')]
    pub kinds: Vec<String>,
    /// Only with this outcome: accepted, refused, done, failed or unknown.
    #[arg(long, value_name = "OUTCOME")]
    pub outcome: Option<String>,
    /// Only on behalf of this client, or about its traffic, `cli_…`.
    #[arg(long, value_name = "CLIENT")]
    pub client: Option<ClientId>,
    /// Only about this message, `msg_…`.
    #[arg(long, value_name = "MESSAGE", conflicts_with = "object")]
    pub message: Option<MessageId>,
    /// Only about the thing, or of the request, of this id.
    #[arg(long, value_name = "ID")]
    pub object: Option<String>,
    /// Only about messages to and from this number, such as +447700900123; `-` reads it from standard
    /// input, so that no list of processes shows it. The look-up is recorded.
    #[arg(long, value_name = "MSISDN", allow_hyphen_values = true)]
    pub number: Option<SubjectNumber>,
    /// Only from this time on, such as 2026-11-25T03:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only before this time.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// At most so many entries, the newest.
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: u64,
    /// Print with each entry the proof that it is in the log, once a checkpoint covers it.
    #[arg(long)]
    pub proof: bool,
    /// As what: a table for people; jsonl, each entry as it is with its index; or csv for spreadsheets.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub format: SearchFormat,
    /// Which gateway.
    #[command(flatten)]
    pub place: Place,
}

/// As what entries are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SearchFormat {
    /// Aligned columns.
    Table,
    /// One JSON object a line.
    Jsonl,
    /// Values with commas between them (RFC 4180), safe to open in a spreadsheet.
    Csv,
}
