//! The command line: every command, its options and their documentation. What the commands do is in
//! `commands`.

pub mod clients;
pub mod limits;
pub mod search;
pub mod verifications;
pub mod version;
pub mod webhook;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::id::MessageId;

use crate::control::message::NumberAsked;
use crate::exit::Failure;

pub use clients::{ClientAddArgs, ClientCommand, KeyArgs};
pub use limits::{ExplainArgs, LimitsArgs, LimitsCommand};
pub use version::VersionArgs;

/// The security gateway for SMS short codes.
///
/// Without a command it plays the demo. Exit codes: 0 done, 1 a check failed, 2 wrong usage, 3 something
/// it needs is not there, 4 a newer release exists (`version --check` alone).
#[derive(Debug, Parser)]
#[command(name = "shortstop", version, about, disable_help_subcommand = true)]
pub struct Cli {
    /// Print one JSON object a line instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// Reads the command line. A wrong one is told as every other failure to a program, which asked for
    /// `--json`; people, and who asks for help, get what the parser says.
    pub fn read(words: &[OsString]) -> Result<Self, WrongUsage> {
        Self::try_parse_from(words).map_err(|error| {
            let is_json = words.iter().any(|word| word == "--json");
            if error.use_stderr() && is_json {
                let says = error.render().to_string();
                let says = says.trim().trim_start_matches("error: ").to_owned();
                WrongUsage::Program(Failure::usage(says))
            } else {
                WrongUsage::Person(error)
            }
        })
    }
}

/// A command line that asks for nothing that can be run.
#[derive(Debug)]
pub enum WrongUsage {
    /// As the parser tells it; help and the version come this way too.
    Person(clap::Error),
    /// For a program.
    Program(Failure),
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start everything on this machine, with a built-in carrier, and play a story to watch.
    Demo(DemoArgs),
    /// Run the gateway.
    Serve(ServeArgs),
    /// Check a configuration and the files it names.
    CheckConfig(CheckArgs),
    /// Make, list, change and revoke clients and give them new keys, on a running gateway or its data folder.
    #[command(subcommand)]
    Client(ClientCommand),
    /// Show the keys of a gateway, and replace those that seal numbers and texts.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Show how every limit is used and by whom most; or what a given message would meet, and why.
    Limits(LimitsArgs),
    /// Verify the ledger, export it, prove a message, print the key by which all of it is verified.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// What a person may ask for: erasure, and a copy of everything that is kept.
    #[command(subcommand)]
    Subject(SubjectCommand),
    /// Whether codes are used, by country and prefix; which prefixes are blocked; and the end of a block.
    #[command(subcommand)]
    Verifications(verifications::VerificationsCommand),
    /// Call URLs of clients when something happens, signed; list what they did not take, and tell it again.
    #[command(subcommand)]
    Webhook(webhook::WebhookCommand),
    /// Write a copy of the store, on a running gateway or its data folder. Numbers and texts stay
    /// sealed in it; the master key is not in it.
    Backup(BackupArgs),
    /// Make a data folder from a backup.
    Restore(RestoreArgs),
    /// Run a carrier (SMSC) with handsets that answer, to test against.
    CarrierSim(CarrierSimArgs),
    /// Print the version; print what this binary is made of; check it against a signed list of releases.
    Version(VersionArgs),
}

/// Options of the demo.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// End after the story, with exit code 0 if nothing was lost, instead of serving on.
    #[arg(long)]
    pub once: bool,
    /// Keep the data in this folder instead of one that goes away.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Messages to send while the gateway is killed.
    #[arg(long, value_name = "COUNT", default_value_t = DEMO_LOAD, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub load: u32,
}

impl Default for DemoArgs {
    fn default() -> Self {
        Self {
            once: false,
            data: None,
            load: DEMO_LOAD,
        }
    }
}

/// How many messages are under way when the demo kills the gateway.
pub const DEMO_LOAD: u32 = 600;

/// Options of `serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// End when the process that started this one ends.
    #[arg(long, hide = true)]
    pub end_with_parent: bool,
}

/// Options of `check-config`.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct CheckArgs {
    /// The configuration file.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Print an example with every setting, its default and its reason.
    #[arg(long)]
    pub example: bool,
}

/// Which gateway is meant.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Place {
    /// The gateway's configuration file. Needed when it is not running.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The gateway's data folder, when it is running.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// What to do with keys.
#[derive(Clone, Debug, Subcommand)]
pub enum KeysCommand {
    /// Show every key: where it lies, how old it is, when it is due, and whether others can read it.
    Status {
        /// Which gateway.
        #[command(flatten)]
        place: Place,
    },
    /// Wrap every key in the store anew under a new salt and destroy the old one: backups from before
    /// open no more.
    Rotate {
        /// Put everything under this new master key: a file of 32 random octets, mode 0600. The gateway
        /// must be stopped.
        #[arg(long, value_name = "FILE", requires = "config")]
        master: Option<PathBuf>,
        /// Which gateway.
        #[command(flatten)]
        place: Place,
    },
}

/// What to do with the ledger.
#[derive(Clone, Debug, Subcommand)]
pub enum LedgerCommand {
    /// Verify the whole log offline: every entry, every hash, the signature, and old checkpoints.
    /// Every fault is printed with the entry it is about; exit code 1 means that there is one.
    Verify(VerifyArgs),
    /// Write the published log with its key and policy to a folder that any web server can serve; or
    /// entries, one a line, for a SIEM.
    Export(ExportArgs),
    /// Print the entry that accepted a message, and the proof that it is in the log.
    Prove {
        /// The message, `msg_…`.
        message: MessageId,
        /// Which gateway.
        #[command(flatten)]
        place: Place,
    },
    /// Fold every entry of the ledger, and compare the state that it tells with the state that the store
    /// holds. Every difference is printed; exit code 1 means that there is one.
    Rebuild {
        /// Also make a data folder that holds the state which the ledger tells; empty or not there.
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
        /// Which gateway.
        #[command(flatten)]
        place: Place,
    },
    /// Find entries by kind, outcome, client, message, number or time, the newest first.
    Search(search::SearchArgs),
    /// Drop the bytes of old entries; their hashes stay, so that everything still verifies. It cannot be
    /// undone: export the ledger first.
    Prune(PruneArgs),
    /// Print the log's public key.
    Key {
        /// Which gateway.
        #[command(flatten)]
        place: Place,
    },
}

/// Options of `ledger prune`.
#[derive(Clone, Debug, Args)]
pub struct PruneArgs {
    /// How many days of entries to keep; at least 92.
    #[arg(long, value_name = "DAYS", default_value_t = 366)]
    pub keep_days: u32,
    /// Keep less than 366 days, which auditors expect to be kept.
    #[arg(long)]
    pub i_know_auditors_expect_a_year: bool,
    /// Only tell what would go.
    #[arg(long)]
    pub dry_run: bool,
    /// Which gateway.
    #[command(flatten)]
    pub place: Place,
}

/// Options of `ledger export`.
#[derive(Clone, Debug, Args)]
pub struct ExportArgs {
    /// For c2sp the folder: empty, not there, or with an older export of the same log. Otherwise the file,
    /// which must not be there; standard output without it.
    #[arg(long, value_name = "PATH", required_if_eq("format", "c2sp"))]
    pub to: Option<PathBuf>,
    /// As what: c2sp is the published log; the others are entries, one a line: events of OCSF, lines of
    /// CEF, or jsonl, each entry as it is with its index and leaf hash.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "c2sp")]
    pub format: ExportFormat,
    /// Only from this index or time on, such as 1200 or 2026-11-25T00:00:00Z.
    #[arg(long, value_name = "BOUND")]
    pub since: Option<String>,
    /// Only up to this index or time, which is not in it any more.
    #[arg(long, value_name = "BOUND")]
    pub until: Option<String>,
    /// Go on with a file that an earlier export to it began.
    #[arg(long, requires = "to")]
    pub resume: bool,
    /// Which gateway.
    #[command(flatten)]
    pub place: Place,
}

/// As what the ledger is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// The published log, by the paths of C2SP tlog-tiles.
    C2sp,
    /// Events of the Open Cybersecurity Schema Framework.
    Ocsf,
    /// Lines of the Common Event Format.
    Cef,
    /// Each entry as it is.
    Jsonl,
}

/// Where the log is.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct LogPlace {
    /// The gateway's configuration file. Needed when it is not running.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The gateway's data folder, when it is running.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// A folder that was exported, or mirrored from a server.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Options of `ledger verify`.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// Where the log is.
    #[command(flatten)]
    pub log: LogPlace,
    /// The log's public key. Without it and without a policy it is the one that lies beside the log.
    #[arg(long, value_name = "KEY")]
    pub vkey: Option<String>,
    /// A policy with the log's key, witnesses and how many must have cosigned (C2SP tlog-policy).
    #[arg(long, value_name = "FILE", conflicts_with = "vkey")]
    pub policy: Option<PathBuf>,
    /// An older checkpoint that you kept: the log must still begin with it; repeat for more.
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Vec<PathBuf>,
    /// The first key of the seals: 32 octets or their hex. Checks every seal too, each against its entries.
    #[arg(long, value_name = "FILE")]
    pub seal_key: Option<PathBuf>,
    /// Up to when there must be seals, such as 2026-11-25T00:00:00Z: when the folder was exported, or when
    /// the gateway was stopped. Without it up to now.
    #[arg(long, value_name = "TIME", requires = "seal_key")]
    pub sealed_until: Option<String>,
    /// Read only entries from this older checkpoint on, which you verified then.
    #[arg(long, value_name = "FILE")]
    pub since: Option<PathBuf>,
}

/// What to do with a person's data.
#[derive(Clone, Debug, Subcommand)]
pub enum SubjectCommand {
    /// Destroy what is kept of a number: the number, texts and network data of its messages, both ways.
    /// Opt-outs go on. Exit code 1 means that something is left for later, such as a message under way.
    Erase(SubjectEraseArgs),
    /// Write out everything that is kept of a number, in JSON: messages both ways and opt-outs, each with its
    /// entry in the ledger, the proof of that entry, and what opens its commitments.
    Export {
        /// The number, such as +447700900123; `-` reads it from standard input.
        #[arg(value_name = "MSISDN")]
        number: SubjectNumber,
        /// The file to write, for its owner alone; it must not be there. Standard output without it.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        /// Which gateway.
        #[command(flatten)]
        place: Place,
    },
}

/// Options of `subject erase`.
#[derive(Clone, Debug, Args)]
pub struct SubjectEraseArgs {
    /// The number, such as +447700900123; `-` reads it from standard input, so that no list of
    /// processes shows it.
    #[arg(value_name = "MSISDN")]
    pub number: SubjectNumber,
    /// Why, for the ledger: a case, never the person. 1 to 200 characters.
    #[arg(long, value_name = "TEXT")]
    pub basis: String,
    /// Destroy the number and the evidence of opt-outs too. They are the proof that the person opted
    /// out; that the number is opted out is still known.
    #[arg(long)]
    pub with_consent: bool,
    /// Which gateway.
    #[command(flatten)]
    pub place: Place,
}

/// A number on the command line, or where it comes from; masks itself.
#[derive(Clone, PartialEq, Eq)]
pub enum SubjectNumber {
    /// On the command line.
    Written(NumberAsked),
    /// From standard input.
    StandardInput,
}

impl std::fmt::Debug for SubjectNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SubjectNumber(masked)")
    }
}

impl From<&str> for SubjectNumber {
    fn from(text: &str) -> Self {
        match text {
            "-" => Self::StandardInput,
            text => Self::Written(NumberAsked::new(text)),
        }
    }
}

/// Options of `backup`.
#[derive(Clone, Debug, Args)]
pub struct BackupArgs {
    /// The file to write; it must not be there.
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// Which gateway.
    #[command(flatten)]
    pub place: Place,
}

/// Options of `restore`.
#[derive(Clone, Debug, Args)]
pub struct RestoreArgs {
    /// The backup.
    #[arg(long, value_name = "FILE")]
    pub from: PathBuf,
    /// The data folder to make; it must be empty or not there.
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// The master key to put into the folder, from its own backup. Without it the key has to be where
    /// the configuration says.
    #[arg(long, value_name = "FILE")]
    pub master_key: Option<PathBuf>,
    /// The salt of the wrapping key (`wrap.salt`) to put into the folder, from the copy of the keys folder
    /// that is as old as the backup.
    #[arg(long, value_name = "FILE")]
    pub wrap_salt: Option<PathBuf>,
}

/// The account of the simulated provider.
pub const SIM_ACCOUNT: &str = "AC00000000000000000000000000000000";

/// Options of `carrier-sim`.
#[derive(Clone, Debug, Args)]
pub struct CarrierSimArgs {
    /// Address and port for SMPP.
    #[arg(long, value_name = "ADDR", required_unless_present = "https")]
    pub listen: Option<SocketAddr>,
    /// Be a provider by HTTPS, in the shape of Twilio's Messages, at this address and port in place of SMPP.
    #[arg(
        long,
        value_name = "ADDR",
        conflicts_with = "listen",
        requires = "secret_file"
    )]
    pub https: Option<SocketAddr>,
    /// With `--https`: the account.
    #[arg(long, value_name = "SID", default_value = SIM_ACCOUNT)]
    pub account: String,
    /// With `--https`: file with the password of the account, which posts are signed with too.
    #[arg(long, value_name = "FILE", requires = "https")]
    pub secret_file: Option<PathBuf>,
    /// With `--https`: the authority of the gateway that is posted to, in PEM; `tls/ca.pem` in its data folder.
    #[arg(long, value_name = "FILE", requires = "https")]
    pub gateway_ca: Option<PathBuf>,
    /// With `--https`: where messages from handsets (`POST /mo`) are posted, such as
    /// `https://127.0.0.1:8443/carrier/NAME/inbound`.
    #[arg(long, value_name = "URL", requires = "https")]
    pub inbound_url: Option<String>,
    /// With `--https` and without `--tls-cert`: folder in which a certificate for this machine is made. Its
    /// authority is `ca.pem` there.
    #[arg(
        long,
        value_name = "DIR",
        requires = "https",
        conflicts_with = "tls_cert"
    )]
    pub tls_folder: Option<PathBuf>,
    /// Address and port for `GET /stats`, `GET /inbox` and `POST /mo`.
    #[arg(long, value_name = "ADDR")]
    pub http: SocketAddr,
    /// Certificate chain in PEM; SMPP is over TLS then. With `--https` it or `--tls-folder` is needed.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of that certificate in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// The one `system_id` that may bind; anyone without it.
    #[arg(long, value_name = "NAME", requires = "password_file")]
    pub system_id: Option<String>,
    /// File with its password.
    #[arg(long, value_name = "FILE", requires = "system_id")]
    pub password_file: Option<PathBuf>,
    /// Where chance starts: the same seed and the same traffic give the same faults.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Messages that `GET /inbox` keeps; the oldest go first. 0 keeps none.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    pub inbox_max: usize,
    /// How it behaves.
    #[command(flatten)]
    pub behaviour: BehaviourArgs,
}

/// How the simulated carrier behaves. Rates are parts of the submits, 0 to 1.
#[derive(Clone, Debug, Args)]
pub struct BehaviourArgs {
    /// Milliseconds that an answer takes, from and to.
    #[arg(long, value_name = "FROM-TO", default_value = "0-0", value_parser = milliseconds)]
    pub latency_milliseconds: (u64, u64),
    /// Answered with ESME_RTHROTTLED.
    #[arg(long, value_name = "RATE", default_value_t = 0.0, value_parser = rate)]
    pub throttle_rate: f64,
    /// Answered with ESME_RSUBMITFAIL or ESME_RMSGQFUL.
    #[arg(long, value_name = "RATE", default_value_t = 0.0, value_parser = rate)]
    pub failure_rate: f64,
    /// Taken but never answered.
    #[arg(long, value_name = "RATE", default_value_t = 0.0, value_parser = rate)]
    pub silence_rate: f64,
    /// Taken, but the connection breaks instead of an answer.
    #[arg(long, value_name = "RATE", default_value_t = 0.0, value_parser = rate)]
    pub disconnect_rate: f64,
    /// Milliseconds until a receipt, from and to.
    #[arg(long, value_name = "FROM-TO", default_value = "50-2000", value_parser = milliseconds)]
    pub receipt_milliseconds: (u64, u64),
    /// Receipts that come twice.
    #[arg(long, value_name = "RATE", default_value_t = 0.0, value_parser = rate)]
    pub receipt_duplicate_rate: f64,
    /// Receipts that say UNDELIV.
    #[arg(long, value_name = "RATE", default_value_t = 0.0, value_parser = rate)]
    pub undelivered_rate: f64,
    /// Send no receipts.
    #[arg(long)]
    pub no_receipts: bool,
}

/// `50-2000`, or one number for both.
fn milliseconds(text: &str) -> Result<(u64, u64), String> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    match (from.trim().parse(), to.trim().parse()) {
        (Ok(from), Ok(to)) if from <= to => Ok((from, to)),
        _ => Err("write two numbers such as 50-2000, the smaller one first".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
    rate.ok_or_else(|| "write a part between 0 and 1, such as 0.05".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_is_the_demo_and_json_stands_anywhere() {
        assert!(Cli::parse_from(["shortstop"]).command.is_none());
        let cli = Cli::parse_from(["shortstop", "serve", "--json", "--config", "f"]);
        assert!(cli.json && matches!(cli.command, Some(Command::Serve(_))));
    }

    #[test]
    fn spans_and_rates_are_checked() {
        assert_eq!(milliseconds("50-2000"), Ok((50, 2_000)));
        assert_eq!(milliseconds("7"), Ok((7, 7)));
        assert!(milliseconds("9-2").is_err() && milliseconds("a").is_err());
        assert!(rate("0.5").is_ok() && rate("1.5").is_err() && rate("NaN").is_err());
    }

    #[test]
    fn a_gateway_is_named_by_its_configuration_or_its_folder() {
        let list =
            |args: &[&str]| Cli::try_parse_from([&["shortstop", "client", "list"], args].concat());
        assert!(list(&["--data", "d"]).is_ok() && list(&["--config", "c"]).is_ok());
        assert!(list(&[]).is_err() && list(&["--data", "d", "--config", "c"]).is_err());
    }
}
