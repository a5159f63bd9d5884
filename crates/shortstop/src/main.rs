//! The Shortstop gateway: reads the command line, runs the command, and turns how it ended into an exit
//! code. Everything else is in the library beside.

use std::ffi::OsString;
use std::process::ExitCode;

use rustls::crypto::aws_lc_rs::default_provider;
use shortstop::cli::{Cli, Command, DemoArgs, WrongUsage};
use shortstop::commands::{
    backup, carrier_sim, check_config, client, keys, ledger, limits, restore, subject,
    verifications, webhook,
};
use shortstop::output::{Format, Output};
use shortstop::{demo, serve, version};

/// A message costs some dozens of small allocations, made on one thread and freed on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::read(&words) {
        Ok(cli) => cli,
        Err(WrongUsage::Person(error)) => error.exit(),
        Err(WrongUsage::Program(failure)) => {
            Output::new(Format::Json).failure(&failure);
            return failure.exit.into();
        }
    };
    let output = Output::new(if cli.json {
        Format::Json
    } else {
        Format::Human
    });
    // Every part names its provider; this is for a library that would ask the process for one.
    let _second = default_provider().install_default();
    let outcome = match cli.command.unwrap_or(Command::Demo(DemoArgs::default())) {
        Command::Demo(args) => demo::run(&args, output),
        Command::Serve(args) => serve::run(&args, output),
        Command::CheckConfig(args) => check_config::run(&args, output),
        Command::Client(command) => client::run(command, output),
        Command::Keys(command) => keys::run(&command, output),
        Command::Limits(args) => limits::run(&args, output),
        Command::Ledger(command) => ledger::run(&command, output),
        Command::Subject(command) => subject::run(&command, output),
        Command::Webhook(command) => webhook::run(command, output),
        Command::Verifications(command) => verifications::run(&command, output),
        Command::Backup(args) => backup::run(&args, output),
        Command::Restore(args) => restore::run(&args, output),
        Command::CarrierSim(args) => carrier_sim::run(&args, output),
        Command::Version(args) => version::run(&args, output),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output.failure(&failure);
            failure.exit.into()
        }
    }
}
