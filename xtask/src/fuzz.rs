//! `cargo xtask fuzz`: runs the fuzz targets below `fuzz/`, each for a set time, and fails when one finds
//! something. libFuzzer comes with its crate and needs a C++ compiler; the toolchain is the usual one. What
//! the fuzzers have learnt stays below `fuzz/corpus`, which git does not see; the seeds, which it does, are
//! replayed by ordinary tests.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::step::{self, Step};

mod told;

use told::Told;

/// How long each target runs unless told otherwise.
const USUAL: Duration = Duration::from_mins(1);
/// How long one input may take; it is a finding when it takes longer.
const INPUT_SECONDS: u32 = 10;
/// MiB that a fuzzer may take; it is a finding when it takes more.
const MEMORY_MIB: u32 = 2_048;
/// So many of the last lines of a fuzzer that ended badly are shown.
const LAST_LINES: usize = 40;

/// Counters at each edge and the operands of comparisons: what leads libFuzzer. These are options of LLVM
/// that the usual toolchain passes on.
const COVERAGE: [&str; 7] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    // With several units the sections of the counters would be thrown away by the linker.
    "-Ccodegen-units=1",
];

/// What to run.
#[derive(Debug, PartialEq, Eq)]
pub struct Wish {
    /// How long each target runs.
    within: Duration,
    /// The names of the targets; all of them when empty.
    targets: Vec<String>,
}

impl Wish {
    /// Reads `[--seconds N] [TARGET…]`; `None` where that is something else.
    pub fn parse(words: &[String]) -> Option<Self> {
        let (within, targets) = match words {
            [option, seconds, targets @ ..] if option == "--seconds" => {
                let seconds = seconds.parse().ok().filter(|seconds| *seconds > 0)?;
                (Duration::from_secs(seconds), targets)
            }
            targets => (USUAL, targets),
        };
        let is_name = |word: &String| !word.starts_with('-');
        targets.iter().all(is_name).then(|| Self {
            within,
            targets: targets.to_vec(),
        })
    }
}

/// Builds the targets and runs them one after another. A finding ends no other target's run.
pub fn run(wish: &Wish) -> anyhow::Result<()> {
    let targets = chosen(&wish.targets, &known()?)?;
    let host = host()?;
    build(&host, &targets)?;
    let mut findings = Vec::new();
    for target in &targets {
        let told = fuzz(target, &host, wish.within)?;
        println!("{target}: {told}");
        if !told.is_sound() {
            println!("{}", told.last_lines());
            findings.push(target.as_str());
        }
    }
    if findings.is_empty() {
        return Ok(());
    }
    bail!(
        "{} found something: the input lies below fuzz/artifacts; mend the rule or the code, then make the \
         input a seed",
        findings.join(", ")
    )
}

fn folder() -> PathBuf {
    step::root().join("fuzz")
}

/// The names of all targets, in order.
fn known() -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for file in fs::read_dir(folder().join("fuzz_targets"))? {
        let path = file?.path();
        let stem = path.file_stem().and_then(std::ffi::OsStr::to_str);
        names.extend(stem.map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

fn chosen(wanted: &[String], known: &[String]) -> anyhow::Result<Vec<String>> {
    if let Some(unknown) = wanted.iter().find(|name| !known.contains(name)) {
        bail!(
            "there is no target `{unknown}`; there are {}",
            known.join(", ")
        );
    }
    let all = if wanted.is_empty() { known } else { wanted };
    Ok(all.to_vec())
}

/// The triple of this machine. With it named, build scripts and macros are built without the counters.
fn host() -> anyhow::Result<String> {
    let told = step::output_of(step::quiet("rustc", &["-vV"]))?;
    let told = String::from_utf8(told)?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .context("rustc does not name its host")
}

fn build(host: &str, targets: &[String]) -> anyhow::Result<()> {
    let lock = folder().join("Cargo.lock");
    if !lock.exists() {
        // What is fuzzed is what ships: the versions of the workspace.
        fs::copy(step::root().join("Cargo.lock"), lock)?;
    }
    let mut command = step::cargo(&["build", "--release", "--target", host]);
    command.current_dir(folder());
    command.env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\u{1f}"));
    for target in targets {
        command.args(["--bin", target]);
    }
    Step {
        name: "fuzz targets",
        cure: "mend what does not compile; libFuzzer needs a C++ compiler",
        command,
    }
    .run()
}

/// Runs one target to the end of its time or to its first finding.
fn fuzz(target: &str, host: &str, within: Duration) -> anyhow::Result<Told> {
    let mut command = fuzzer(target, host, within)?;
    let mut child = command
        .spawn()
        .with_context(|| step::does_not_start(&command))?;
    let mut told = Told::new(within, LAST_LINES);
    if let Some(stream) = child.stderr.take() {
        for line in BufReader::new(stream).split(b'\n') {
            told.line(&String::from_utf8_lossy(&line?));
        }
    }
    told.ended(child.wait()?.success());
    Ok(told)
}

fn fuzzer(target: &str, host: &str, within: Duration) -> anyhow::Result<Command> {
    let (corpus, artifacts) = (
        folder().join("corpus").join(target),
        folder().join("artifacts").join(target),
    );
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&artifacts)?;
    let binary = folder().join("target").join(host).join("release");
    let mut command = step::quiet(binary.join(target), &[]);
    command.args([
        format!("-max_total_time={}", within.as_secs()),
        format!("-timeout={INPUT_SECONDS}"),
        format!("-rss_limit_mb={MEMORY_MIB}"),
        "-print_final_stats=1".to_owned(),
        format!("-artifact_prefix={}/", artifacts.display()),
    ]);
    // New inputs go into the first folder.
    command.arg(corpus).arg(folder().join("seeds").join(target));
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(line: &str) -> Option<(u64, Vec<String>)> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Wish::parse(&words).map(|wish| (wish.within.as_secs(), wish.targets))
    }

    #[test]
    fn a_wish_is_a_time_and_names() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(wish(""), Some((60, names(&[]))));
        assert_eq!(wish("--seconds 5"), Some((5, names(&[]))));
        let both = wish("--seconds 5 pdu esme");
        assert_eq!(both, Some((5, names(&["pdu", "esme"]))));
        for odd in [
            "--seconds",
            "--seconds x",
            "--seconds 0",
            "--fast",
            "pdu -x",
        ] {
            assert_eq!(wish(odd), None, "{odd}");
        }
    }

    #[test]
    fn every_target_has_its_rule_its_seeds_and_its_binary() {
        let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
        let known = known().unwrap();
        assert!(known.len() > 10, "{known:?}");
        for name in &known {
            let rule = folder().join("checks").join(format!("{name}.rs"));
            assert!(rule.is_file(), "{}", rule.display());
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
            let seeds = fs::read_dir(folder().join("seeds").join(name)).unwrap();
            assert!(seeds.count() > 0, "{name} has no seed");
        }
    }

    #[test]
    fn a_target_that_is_none_is_told_which_there_are() {
        let known = ["esme".to_owned(), "pdu".to_owned()];
        let error = chosen(&["pud".to_owned()], &known).unwrap_err().to_string();
        assert_eq!(error, "there is no target `pud`; there are esme, pdu");
        assert_eq!(chosen(&[], &known).unwrap(), known);
    }
}
