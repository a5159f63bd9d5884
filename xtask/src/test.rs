//! `cargo xtask test`: provides the tools that the tests need, runs every test of the workspace
//! and the examples in its documentation, attacks a running gateway, and closes with one line that counts
//! the tests.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::{attack, step};

mod tally;
pub mod tools;

use tally::Tally;

/// Runs the tests whose names hold a word of `filter`, or all of them when it is empty.
pub fn run(filter: &[String]) -> anyhow::Result<()> {
    step::timed("test tools", tools::provide)?;
    let filter: Vec<&str> = filter.iter().map(String::as_str).collect();
    let mut tally = Tally::default();
    let tests = step::timed("tests", || watch(tests(&filter), &mut tally));
    let examples = step::timed("examples", || watch(examples(&filter), &mut tally));
    let race = if filter.is_empty() {
        step::timed("the race that must be seen", || watch(race(), &mut tally))
    } else {
        Ok(())
    };
    // An attack is no test with a name: whoever asks for some tests gets those.
    let attack = match filter.as_slice() {
        [] => attack::run(attack::Scale::Quick),
        _ => Ok(()),
    };
    println!("{tally}");
    tests.and(examples).and(race).and(attack)?;
    if tally.is_empty() {
        bail!("no test ran; a filter that matches nothing proves nothing");
    }
    Ok(())
}

/// A command and the stream on which it reports its results.
struct Run {
    command: Command,
    reports_on: Stream,
}

enum Stream {
    Output,
    Error,
}

/// nextest where it is installed, cargo's own runner otherwise: nothing is compiled for it.
fn tests(filter: &[&str]) -> Run {
    let has_nextest = tools::answers("cargo", &["nextest", "--version"]);
    let (words, reports_on) = if has_nextest {
        (["nextest", "run"].as_slice(), Stream::Error)
    } else {
        (
            ["test", "--lib", "--bins", "--tests"].as_slice(),
            Stream::Output,
        )
    };
    Run {
        command: workspace(words, filter),
        reports_on,
    }
}

fn examples(filter: &[&str]) -> Run {
    Run {
        command: workspace(&["test", "--doc"], filter),
        reports_on: Stream::Output,
    }
}

/// A build of the engine whose checks read and then write: the test of parallel checks is worth something
/// only as long as it sees what such a build lets through.
fn race() -> Run {
    let words = [
        "test",
        "--package",
        "engine",
        "--features",
        "racy-checks",
        "--test",
        "roles",
        "--locked",
        "--color",
        "never",
        "a_build_that_reads_and_then_writes",
    ];
    Run {
        command: step::cargo(&words),
        reports_on: Stream::Output,
    }
}

fn workspace(words: &[&str], filter: &[&str]) -> Command {
    let all = [
        "--workspace",
        "--locked",
        "--no-fail-fast",
        "--color",
        "never",
    ];
    step::cargo(&[words, &all, filter].concat())
}

/// Passes the output on line by line and counts what it reports.
fn watch(run: Run, tally: &mut Tally) -> anyhow::Result<()> {
    let Run {
        mut command,
        reports_on,
    } = run;
    match reports_on {
        Stream::Output => command.stdout(Stdio::piped()),
        Stream::Error => command.stderr(Stdio::piped()),
    };
    let mut child = command
        .spawn()
        .with_context(|| step::does_not_start(&command))?;
    if let Some(stream) = child.stdout.take() {
        pass_on(stream, tally)?;
    }
    if let Some(stream) = child.stderr.take() {
        pass_on(stream, tally)?;
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("a test run failed ({status}); the failures are named above");
    }
    Ok(())
}

fn pass_on(stream: impl Read, tally: &mut Tally) -> anyhow::Result<()> {
    for line in BufReader::new(stream).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        tally.read(&line);
    }
    Ok(())
}
