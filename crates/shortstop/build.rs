//! Notes what this binary is built from: the part of `sbom.txt` that is about its target, with the
//! hashes that Cargo.lock has, and the compiler. `src/sbom.rs` reads it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = setting("CARGO_MANIFEST_DIR")?;
    let (list, lock) = (
        Path::new(&here).join("sbom.txt"),
        Path::new(&here).join("../../Cargo.lock"),
    );
    println!("cargo::rerun-if-changed={}", list.display());
    println!("cargo::rerun-if-changed={}", lock.display());
    let target = setting("TARGET")?;
    let lock = fs::read_to_string(lock)?;
    let list = fs::read_to_string(list)?;
    let mut components = components(&list, &target, &hashes(&lock));
    if !is_of(&list, &lock) {
        println!("cargo::warning=sbom.txt is not of this Cargo.lock; run `cargo xtask sbom`");
        components.push_str("stale\n");
    }
    let out = Path::new(&setting("OUT_DIR")?).join("components.txt");
    fs::write(out, components)?;
    println!("cargo::rustc-env=SHORTSTOP_TARGET={target}");
    println!("cargo::rustc-env=SHORTSTOP_PROFILE={}", setting("PROFILE")?);
    let compiler = Command::new(setting("RUSTC")?).arg("-vV").output()?;
    let compiler = String::from_utf8_lossy(&compiler.stdout).into_owned();
    let said = |word: &str| {
        let mut lines = compiler.lines();
        let line = lines.find_map(|line| line.strip_prefix(word));
        line.unwrap_or("unknown").to_owned()
    };
    println!("cargo::rustc-env=SHORTSTOP_RUST={}", said("release: "));
    println!(
        "cargo::rustc-env=SHORTSTOP_RUST_COMMIT={}",
        said("commit-hash: ")
    );
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the environment is how cargo speaks to a build script"
)]
fn setting(name: &str) -> io::Result<String> {
    env::var(name).map_err(|_| io::Error::other(format!("cargo sets no {name}")))
}

/// Whether the list was made of this lock file, as `xtask/src/sbom.rs` says it: by FNV-1a.
fn is_of(list: &str, lock: &str) -> bool {
    let fingerprint = lock.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3)
    });
    let named = list.lines().find_map(|line| line.strip_prefix("lock "));
    named.is_some_and(|named| named == format!("{fingerprint:016x}"))
}

/// Name and version of each crate of the lock file; its hash, where it comes from a registry.
fn hashes(lock: &str) -> BTreeMap<(String, String), String> {
    let packages = lock.split("[[package]]").skip(1);
    let field = |package: &str, name: &str| {
        let start = format!("{name} = \"");
        let mut lines = package.lines();
        let line = lines.find_map(|line| line.strip_prefix(&start)?.strip_suffix('"'));
        line.unwrap_or_default().to_owned()
    };
    packages
        .map(|package| {
            let crate_of = (field(package, "name"), field(package, "version"));
            (crate_of, field(package, "checksum"))
        })
        .collect()
}

/// The lines about this target, each with a hash at its end. A crate that Cargo.lock has not in that
/// version is marked: the list is behind, and what is printed from it must not claim to be complete.
fn components(list: &str, target: &str, hashes: &BTreeMap<(String, String), String>) -> String {
    let mut sections = list.split("\ntarget ");
    let lines = sections.find_map(|section| section.strip_prefix(target)?.strip_prefix('\n'));
    let mut text = String::new();
    for line in lines
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.is_empty())
    {
        let mut words = line.split(" | ");
        let (how, name, version) = (words.next(), words.next(), words.next());
        let word = |word: Option<&str>| word.unwrap_or_default().to_owned();
        let hash = match how {
            Some("bundled") => "",
            _ => hashes
                .get(&(word(name), word(version)))
                .map_or("stale", String::as_str),
        };
        text.extend([line, " | ", hash, "\n"]);
    }
    text
}
