//! `shortstop ledger verify`: the whole log against its signed checkpoint, and against what the one who
//! verifies trusts and kept. A fault is told as it is found; only a log without any passes.

use std::num::NonZero;
use std::path::Path;
use std::thread;

use ledger::verify::job::{Examined, Job, Workers};
use ledger::verify::{Report, Trust, verify};
use ledger::{Policy, Source, VerifierKey};
use serde_json::json;

use crate::cli::{Place, VerifyArgs};
use crate::commands::gateway_call::{offline_log, socket_of};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, Tone};
use crate::public_log::source::{LogSource, MINIMUM_INDEX};

use super::folder::FolderSource;
use super::progress::Progress;
use super::seals::{Asked, OfFolder, OfStore, OverSocket, Seals};
use super::socket::SocketSource;
use super::vault::Vault;

/// Runs the command.
pub fn run(args: &VerifyArgs, output: Output) -> Outcome {
    let asked = Asked::of(args)?;
    if let Some(folder) = &args.log.dir {
        return verify_folder((args, &asked), folder, output);
    }
    let place = Place {
        config: args.log.config.clone(),
        data: args.log.data.clone(),
    };
    if let Some(source) = SocketSource::join(&socket_of(&place)?) {
        let policy = source.read("policy").map_err(Failure::unavailable)?;
        let trust = trust(args, || own_policy(&policy.unwrap_or_default()))?;
        let (report, minimum) = judge(&source, trust, output)?;
        let seals = asked.check(&OverSocket(&source), (&report, minimum), output);
        let vault = vault(args, (&place, &report), output);
        return Ok(conclude((&report, minimum), (&vault, &seals), output));
    }
    let public = offline_log(&place)?;
    let source = LogSource::new(public.log.as_ref()).map_err(Failure::unavailable)?;
    let trust = trust(args, || own_policy(public.policy.as_bytes()))?;
    let (report, minimum) = judge(&source, trust, output)?;
    let seals = asked.check(&OfStore(&public, &source), (&report, minimum), output);
    // The store is opened again, with its keys.
    let vault = vault(args, (&place, &report), output);
    Ok(conclude((&report, minimum), (&vault, &seals), output))
}

/// The vault of a gateway, unless only a part of its log is looked at.
fn vault(args: &VerifyArgs, (place, report): (&Place, &Report), output: Output) -> Vault {
    if args.since.is_some() {
        return Vault::Unchecked("with --since only new entries are looked at".to_owned());
    }
    Vault::check(place, report, output)
}

/// The policy that the gateway publishes: its key, and the witnesses of its configuration.
fn own_policy(text: &[u8]) -> Result<Policy, Failure> {
    Policy::parse(text)
        .map_err(|error| Failure::unavailable(format!("the gateway's own policy: {error}")))
}

fn verify_folder((args, asked): (&VerifyArgs, &Asked), folder: &Path, output: Output) -> Outcome {
    if !folder.is_dir() {
        let says = format!("--dir: there is no folder {}", folder.display());
        return Err(Failure::unavailable(says));
    }
    let own_key = || {
        let path = folder.join("vkey");
        let text = std::fs::read_to_string(&path).map_err(|_| {
            let says = "no key to trust: give --vkey KEY or --policy FILE, since the folder has no \
                        file `vkey`";
            Failure::usage(says)
        })?;
        let says = "The key is the folder's own: this shows that the log is whole, not whose it is. \
                    Give --vkey KEY or --policy FILE to see that too.";
        output.line(output.tone(Tone::Faint, says));
        key(text.trim_end())
    };
    let trust = trust(args, || own_key().map(Policy::of_log))?;
    let source = FolderSource(folder.to_path_buf());
    let (report, minimum) = judge(&source, trust, output)?;
    let size = report.checkpoint.as_ref().map_or(0, |(_, head)| head.size);
    let seals = asked.check(&OfFolder(&source, size), (&report, minimum), output);
    let vault = Vault::Unchecked("a folder holds no vault and no keys".to_owned());
    Ok(conclude((&report, minimum), (&vault, &seals), output))
}

/// Gives what was verified, and from which index on entries are there.
fn judge(source: &dyn Source, trust: Trust, output: Output) -> Result<(Report, u64), Failure> {
    let minimum = minimum_index(source)?;
    let trust = trust.pruned_below(minimum);
    let mut progress = Progress::new(output);
    let report = verify(source, &trust, &Threads, &mut progress);
    progress.clear();
    Ok((report, minimum))
}

fn conclude(report: (&Report, u64), (vault, seals): (&Vault, &Seals), output: Output) -> Exit {
    tell(report, (vault, seals), output);
    if report.0.is_sound() && vault.faults() == 0 && seals.faults() == 0 {
        Exit::Done
    } else {
        Exit::CheckFailed
    }
}

/// What the log publishes as its minimum index; 0 when it publishes none.
fn minimum_index(source: &dyn Source) -> Result<u64, Failure> {
    let found = source.read(MINIMUM_INDEX).map_err(Failure::unavailable)?;
    let Some(octets) = found else { return Ok(0) };
    let text = String::from_utf8_lossy(&octets);
    let says = || {
        Failure::new(
            Exit::CheckFailed,
            anyhow::anyhow!("`{MINIMUM_INDEX}` is no index"),
        )
    };
    text.trim_end().parse().map_err(|_| says())
}

/// What is trusted: the policy or key that is given, else what is found beside the log.
fn trust(
    args: &VerifyArgs,
    found: impl FnOnce() -> Result<Policy, Failure>,
) -> Result<Trust, Failure> {
    let policy = match (&args.policy, &args.vkey) {
        (Some(file), _) => Policy::parse(&octets("--policy", file)?)
            .map_err(|error| Failure::usage(format!("the policy {}: {error}", file.display())))?,
        (None, Some(vkey)) => Policy::of_log(key(vkey)?),
        (None, None) => found()?,
    };
    let mut trust = Trust::of(policy);
    for file in &args.checkpoint {
        remember(&mut trust, "--checkpoint", file)?;
    }
    if let Some(file) = &args.since {
        let head = remember(&mut trust, "--since", file)?;
        trust = trust.since(head);
    }
    Ok(trust)
}

fn remember(trust: &mut Trust, option: &str, file: &Path) -> Result<ledger::TreeHead, Failure> {
    let head = trust.remember(&octets(option, file)?);
    head.map_err(|error| Failure::usage(format!("{option} {}: {error}", file.display())))
}

fn key(vkey: &str) -> Result<VerifierKey, Failure> {
    VerifierKey::parse(vkey).map_err(|error| Failure::usage(format!("the key: {error}")))
}

/// What lies in the file that an option names.
fn octets(option: &str, file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file)
        .map_err(|error| Failure::unavailable(format!("{option} {}: {error}", file.display())))
}

fn tell((report, minimum): (&Report, u64), (vault, seals): (&Vault, &Seals), output: Output) {
    let faults = report.faults + vault.faults() + seals.faults();
    let origin = report.checkpoint.as_ref().map(|(origin, _)| origin);
    let head = report.checkpoint.as_ref().map(|(_, head)| head);
    let cosigned: Vec<_> = report
        .cosigned
        .iter()
        .map(|one| json!({"name": one.key.name().to_string(), "at": one.at}))
        .collect();
    output.event(
        "ledger-verified",
        &json!({
            "sound": faults == 0,
            "faults": faults,
            "vault": vault.summary(),
            "vault_reason": vault.reason(),
            "seals": seals.summary(),
            "entries": report.entries,
            "behind": report.behind,
            "minimum_index": minimum,
            "origin": origin,
            "size": head.map(|head| head.size),
            "root": head.map(|head| head.root.to_string()),
            "cosigned": cosigned,
        }),
    );
    if let (Some(origin), Some(head)) = (origin, head) {
        output.line(format!("log        {origin}"));
        output.line(format!("size       {}", head.size));
        output.line(format!("root       {}", head.root));
    }
    if let Some(behind) = report.behind {
        output.line(format!("behind     {behind} entries are not signed yet; their order and leaf hashes were checked"));
    }
    if minimum > 0 {
        let says = "entries below are pruned: of them only the hashes were verified";
        output.line(format!("minimum    {minimum}, {says}"));
    }
    for one in &report.cosigned {
        output.line(format!("cosigned   {}", one.key.name()));
    }
    output.line(vault.line(output));
    if let Some(line) = seals.line() {
        output.line(line);
    }
    let verdict = if faults == 0 {
        let entries = report.entries;
        let says = if vault.is_unchecked() {
            format!(
                "{entries} entries verified; nothing is wrong with the log. The vault was not checked."
            )
        } else {
            format!("{entries} entries verified; nothing is wrong.")
        };
        output.tone(Tone::Good, says)
    } else {
        let says = format!("{faults} fault(s); the log is not to be trusted.");
        output.tone(Tone::Bad, says)
    };
    output.line(verdict);
}

/// Runs jobs on every processor.
struct Threads;

impl Workers for Threads {
    fn run(&self, jobs: Vec<Job>) -> Vec<Examined> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let share = jobs.len().div_ceil(threads).max(1);
        let mut shares: Vec<Vec<Job>> = Vec::new();
        for (place, job) in jobs.into_iter().enumerate() {
            if place % share == 0 {
                shares.push(Vec::with_capacity(share));
            }
            if let Some(jobs) = shares.last_mut() {
                jobs.push(job);
            }
        }
        let examine = |jobs: Vec<Job>| jobs.into_iter().map(Job::run).collect::<Vec<_>>();
        thread::scope(|scope| {
            let running: Vec<_> = shares
                .into_iter()
                .map(|jobs| scope.spawn(move || examine(jobs)))
                .collect();
            let results = running.into_iter().flat_map(|thread| match thread.join() {
                Ok(examined) => examined,
                // A panic of a job is a panic of the command: half a verdict is none.
                Err(panic) => std::panic::resume_unwind(panic),
            });
            results.collect()
        })
    }
}
