//! `shortstop version --check FILE`: reads a signed list of releases and tells how this binary stands
//! with it.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use domain::time::Timestamp;
use engine::ports::Clock as _;
use ledger::note::key::VerifierKey;
use ledger::release::{
    Judgement, MAX_LIST_BYTES, Release, ReleaseVersion, Running, Standing, judge, read_keys,
};
use ledger::{Hash, SignedList};
use serde_json::{Value, json};

use super::{BUILD, own_hash};
use crate::cli::VersionArgs;
use crate::clock::SystemClock;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, Tone};

/// The keys of those who make releases.
const BUILT_IN: &str = include_str!("../../release-keys.txt");

/// Runs the check. A list that is not believed says nothing: that is a failure, whatever stands in it.
pub fn run(list: &Path, args: &VersionArgs, output: Output) -> Outcome {
    let keys = keys(&args.key)?;
    let file = read(list, MAX_LIST_BYTES)?;
    let refused = |why: &dyn std::fmt::Display| {
        let says = anyhow!("{} is not believed: {why}", list.display());
        Failure::new(Exit::CheckFailed, says)
    };
    let signed = SignedList::open(&file, &keys).map_err(|why| refused(&why))?;
    let version = ReleaseVersion::parse(BUILD.version);
    let running = Running {
        version: version.context("this binary is no release")?,
        target: BUILD.target,
        sha256: own_hash()?,
    };
    let now = SystemClock.now().micros();
    let judged = judge(&signed.list, &running, args.newest_seen, now);
    let judged = judged.map_err(|why| refused(&why))?;
    output.event("version_check", &event(&signed, &judged, &running.sha256));
    tell(&signed, &judged, &running.sha256, output);
    Ok(exit(&judged))
}

/// What is wrong with this binary comes before what is newer.
fn exit(judged: &Judgement<'_>) -> Exit {
    if !judged.is_sound() {
        Exit::CheckFailed
    } else if judged.newer.is_empty() {
        Exit::Done
    } else {
        Exit::Behind
    }
}

/// The keys in `files`, or else those that are compiled in.
fn keys(files: &[PathBuf]) -> Result<Vec<VerifierKey>, Failure> {
    if files.is_empty() {
        return built_in(BUILT_IN);
    }
    let mut keys = Vec::new();
    for path in files {
        let text = read(path, MAX_LIST_BYTES)?;
        let text = String::from_utf8_lossy(&text);
        let more = read_keys(&text)
            .map_err(|why| Failure::usage(format!("{} holds no keys: {why}", path.display())))?;
        keys.extend(more);
    }
    Ok(keys)
}

fn built_in(text: &str) -> Result<Vec<VerifierKey>, Failure> {
    read_keys(text).map_err(|_| {
        Failure::unavailable(
            "no key for lists of releases was compiled into this binary; name the file of one with --key",
        )
    })
}

/// No more than a list may have is ever read, and a little, by which it is known to be too long.
fn read(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    read.with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(bytes)
}

fn event(signed: &SignedList<'_>, judged: &Judgement<'_>, own: &Hash) -> Value {
    let list = &signed.list;
    let names = signed.signers.iter().map(|key| key.name().as_str());
    let expected = match judged.standing {
        Standing::Altered { expected } => Some(expected.to_string()),
        _ => None,
    };
    json!({
        "version": BUILD.version,
        "target": BUILD.target,
        "sha256": own.to_string(),
        "standing": standing(judged.standing),
        "expected_sha256": expected,
        "withdrawn": judged.withdrawn,
        "newer": judged.newer.iter().map(|release| newer(release)).collect::<Vec<_>>(),
        "worst": judged.worst().map(ledger::release::Severity::word),
        "steps": judged.steps.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "list": {
            "number": list.number,
            "issued": Timestamp::from_micros(list.issued).to_string(),
            "expires": Timestamp::from_micros(list.expires).to_string(),
            "signers": names.collect::<Vec<_>>(),
        },
        "exit": exit(judged).code(),
    })
}

fn newer(release: &Release) -> Value {
    let fixes = release
        .fixes
        .iter()
        .map(|fix| json!({"severity": fix.severity.word(), "id": fix.id, "text": fix.text}));
    json!({
        "version": release.version.to_string(),
        "date": release.date,
        "upgrade_from": release.upgrade_from.to_string(),
        "fixes": fixes.collect::<Vec<_>>(),
    })
}

const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Released => "released",
        Standing::Altered { .. } => "altered",
        Standing::OtherTargets => "other_targets",
        Standing::Unlisted => "unlisted",
    }
}

fn tell(signed: &SignedList<'_>, judged: &Judgement<'_>, own: &Hash, output: Output) {
    let list = &signed.list;
    output.line(format!(
        "list {} of {}, good until {}",
        list.number,
        Timestamp::from_micros(list.issued),
        Timestamp::from_micros(list.expires)
    ));
    let (version, target) = (BUILD.version, BUILD.target);
    let tone = if judged.is_sound() {
        Tone::Good
    } else {
        Tone::Bad
    };
    let says = match judged.standing {
        Standing::Released => {
            format!("shortstop {version} for {target}: this file is the one that was released")
        }
        Standing::Altered { expected } => format!(
            "shortstop {version} for {target}: THIS FILE IS NOT THE ONE THAT WAS RELEASED. It was altered, or somebody else built it.\n  here      {own}\n  released  {expected}"
        ),
        Standing::OtherTargets => {
            format!("shortstop {version} was not released for {target}")
        }
        Standing::Unlisted => format!("shortstop {version} is not on the list"),
    };
    output.line(output.tone(tone, says));
    if let Some(why) = judged.withdrawn {
        output.line(output.tone(Tone::Bad, format!("{version} was taken back: {why}")));
    }
    tell_newer(judged, output);
}

fn tell_newer(judged: &Judgement<'_>, output: Output) {
    if judged.newer.is_empty() {
        output.line("nothing newer was released");
    }
    for release in &judged.newer {
        output.line(format!("newer: {} of {}", release.version, release.date));
        for fix in &release.fixes {
            let severity = fix.severity.word();
            output.line(format!("  mends {} ({severity}): {}", fix.id, fix.text));
        }
    }
    let steps: Vec<String> = judged.steps.iter().map(ToString::to_string).collect();
    match (steps.as_slice(), judged.newer.as_slice()) {
        ([], []) => {}
        ([], _) => output.line("no newer release may replace this version at once"),
        ([one], _) => output.line(format!("to upgrade: install {one}")),
        _ => output.line(format!("to upgrade: install {}", steps.join(", then "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    #[test]
    fn what_is_compiled_in_holds_keys_or_remarks_and_nothing_else() {
        assert_eq!(built_in(&format!("# ours\n{KNOWN}\n")).unwrap().len(), 1);
        let none = built_in("# none yet\n").unwrap_err();
        assert_eq!(none.exit, Exit::Unavailable);
        let lines = BUILT_IN.lines().filter(|line| !line.starts_with('#'));
        for line in lines {
            assert!(VerifierKey::parse(line).is_ok(), "{line}");
        }
    }
}
