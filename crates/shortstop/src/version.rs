//! `shortstop version`: which program this is, what it is made of, and how it stands with a list of
//! releases. Nothing is fetched and nothing is remembered.

mod check;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use aws_lc_rs::digest::{Context, SHA256};
use ledger::Hash;
use serde_json::json;

use crate::cli::VersionArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Format, Output};
use crate::sbom;

/// What is known of a binary from when it was built.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    /// Its version.
    pub version: &'static str,
    /// What it runs on, as rustc calls it.
    pub target: &'static str,
    /// "release" or "debug".
    pub profile: &'static str,
    /// The version of the compiler and of the standard library.
    pub rust: &'static str,
    /// The commit that they are from.
    pub rust_commit: &'static str,
}

/// This binary.
pub const BUILD: Build = Build {
    version: env!("CARGO_PKG_VERSION"),
    target: env!("SHORTSTOP_TARGET"),
    profile: env!("SHORTSTOP_PROFILE"),
    rust: env!("SHORTSTOP_RUST"),
    rust_commit: env!("SHORTSTOP_RUST_COMMIT"),
};

/// Runs the command.
pub fn run(args: &VersionArgs, output: Output) -> Outcome {
    if args.sbom {
        return print_sbom(output);
    }
    if let Some(list) = &args.check {
        return check::run(list, args, output);
    }
    let version = BUILD.version;
    output.event("version", &json!({"version": version}));
    output.line(format!("shortstop {version}"));
    Ok(Exit::Done)
}

fn print_sbom(output: Output) -> Outcome {
    let document = sbom::document(&BUILD, &own_hash()?).ok_or_else(|| {
        Failure::unavailable(format!(
            "this binary was built for {}, for which no list of parts is kept; the lists are in sbom.txt of the source",
            BUILD.target
        ))
    })?;
    output.document(match output.format() {
        Format::Human => document.pretty(),
        Format::Json => document.compact(),
    });
    Ok(Exit::Done)
}

/// SHA-256 of the file that this process runs, even when another took its place since.
fn own_hash() -> Result<Hash, Failure> {
    let running = Path::new("/proc/self/exe");
    let path = if running.exists() {
        running.to_owned()
    } else {
        std::env::current_exe()?
    };
    let mut file = File::open(path).context("this program's own file cannot be read")?;
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else {
            break;
        };
        context.update(part);
    }
    let hash = context.finish();
    let octets = hash
        .as_ref()
        .try_into()
        .context("the hash is not SHA-256")?;
    Ok(Hash::from_bytes(octets))
}
