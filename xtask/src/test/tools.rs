//! The programs that the tests need besides the toolchain: SMPP peers, an authority of ACME, authenticator apps, a client that signs and a reader of
//! QR codes that others wrote. Debian's are installed where they are missing, the libraries of PyPI and npm,
//! pinned, below `target/test-tools`; what cannot be installed is named.
//!
//! The tests find the libraries through `target/test-tools/paths.json`, not through the environment,
//! since a changed environment can rebuild crates. Its keys: `python` (an interpreter that imports
//! `cyclonedx`, `smpplib`, `aiosmpplib`, `pyotp`, `http_message_signatures`, `standardwebhooks` and `twilio`), `node`, and `node_modules` (for `NODE_PATH`, holds
//! `smpp`, `standardwebhooks`, `twilio` and, as `twilio-5`, the major version before), and `scanners` (the folder with the programs `sslyze` and `schemathesis`, which live
//! apart from the peers). cargo-deny lies beside the interpreter.
//! Debian's `oathtool`, `rsvg-convert`, `zbarimg` and `pebble`, and the boxes of `kannel`, have no key: they are where
//! programs are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, bail};

use crate::step::{self, Step};

/// A question that an installed program answers with success, and the Debian package to install
/// when it does not.
struct Probe {
    program: &'static str,
    words: &'static [&'static str],
    package: &'static str,
}

const PROBES: [Probe; 9] = [
    Probe {
        program: "python3",
        words: &["--version"],
        package: "python3",
    },
    Probe {
        program: "python3",
        words: &["-c", "import venv, ensurepip"],
        package: "python3-venv",
    },
    Probe {
        program: "node",
        words: &["--version"],
        package: "nodejs",
    },
    Probe {
        program: "npm",
        words: &["--version"],
        package: "npm",
    },
    Probe {
        program: "oathtool",
        words: &["--version"],
        package: "oathtool",
    },
    Probe {
        program: "rsvg-convert",
        words: &["--version"],
        package: "librsvg2-bin",
    },
    Probe {
        program: "zbarimg",
        words: &["--version"],
        package: "zbar-tools",
    },
    Probe {
        program: "/usr/sbin/bearerbox",
        words: &["--version"],
        package: "kannel",
    },
    Probe {
        program: "pebble",
        words: &["-h"],
        package: "pebble",
    },
];

const PYTHON_PEERS: &str = include_str!("../../test-tools/requirements.txt");
const SCANNERS: &str = include_str!("../../test-tools/scanners.txt");
const SCANNER_SOURCES: &str = include_str!("../../test-tools/scanner-sources.txt");
const NODE_MANIFEST: &str = include_str!("../../test-tools/package.json");
const NODE_PEERS: &str = include_str!("../../test-tools/package-lock.json");

/// Beside installed peers: the list they were installed from.
const INSTALLED_FROM: &str = "installed-from";

/// Installs what is missing and writes `paths.json`.
pub fn provide() -> anyhow::Result<()> {
    debian_packages()?;
    let tools = step::root().join("target/test-tools");
    let python = python_peers(&tools.join("venv"))?;
    let scanners = scanners(&tools.join("scanners"))?;
    let node_modules = node_peers(&tools.join("npm"))?;
    let paths = serde_json::json!({
        "python": python,
        "scanners": scanners,
        "node": "node",
        "node_modules": node_modules,
    });
    let text = serde_json::to_string_pretty(&paths)?;
    fs::write(tools.join("paths.json"), text).context("paths.json cannot be written")
}

/// Where cargo-deny is, once it is installed.
pub fn cargo_deny() -> anyhow::Result<PathBuf> {
    let program = step::root().join("target/test-tools/venv/bin/cargo-deny");
    if !program.is_file() {
        bail!("cargo-deny is not installed; `cargo xtask test` and `cargo xtask ci` do it");
    }
    Ok(program)
}

/// True when the program starts and ends with success.
pub fn answers(program: impl AsRef<std::ffi::OsStr>, words: &[&str]) -> bool {
    let mut command = step::quiet(program, words);
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn missing() -> Vec<&'static str> {
    let silent = PROBES
        .iter()
        .filter(|probe| !answers(probe.program, probe.words));
    silent.map(|probe| probe.package).collect()
}

fn debian_packages() -> anyhow::Result<()> {
    let wanted = missing();
    if wanted.is_empty() {
        return Ok(());
    }
    if !is_root()? || !answers("apt-get", &["--version"]) {
        bail!(
            "the tests need what these Debian packages hold; install them: {}",
            wanted.join(" ")
        );
    }
    apt_get(&["update"])?;
    apt_get(
        &[
            &["install", "--yes", "--no-install-recommends"],
            wanted.as_slice(),
        ]
        .concat(),
    )?;
    let still = missing();
    if !still.is_empty() {
        bail!("installed, but still not answering: {}", still.join(" "));
    }
    Ok(())
}

fn is_root() -> anyhow::Result<bool> {
    let id = step::output_of(step::quiet("id", &["-u"]))?;
    Ok(id.trim_ascii() == b"0")
}

fn apt_get(words: &[&str]) -> anyhow::Result<()> {
    let mut command = step::quiet("apt-get", words);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    let cure = "install the package by hand, then run the tests again";
    Step {
        name: "apt-get",
        cure,
        command,
    }
    .run()
}

/// A virtual environment with the Python peers; answers with its interpreter.
fn python_peers(folder: &Path) -> anyhow::Result<PathBuf> {
    let python = folder.join("bin/python");
    let imports = answers(
        &python,
        &[
            "-c",
            "import cyclonedx.validation.json, smpplib, aiosmpplib, pyotp, http_message_signatures, standardwebhooks, twilio",
        ],
    );
    if imports && is_installed(folder, PYTHON_PEERS) {
        return Ok(python);
    }
    let list = start_again(folder, "requirements.txt", PYTHON_PEERS)?;
    environment(folder)?;
    pip_install(&python, &["--only-binary", ":all:"], &list)?;
    fs::write(folder.join(INSTALLED_FROM), PYTHON_PEERS)?;
    Ok(python)
}

/// A virtual environment with the scanners; answers with the folder of its programs.
fn scanners(folder: &Path) -> anyhow::Result<PathBuf> {
    let programs = folder.join("bin");
    let wanted = [SCANNERS, SCANNER_SOURCES].concat();
    let runs = answers(programs.join("sslyze"), &["--help"])
        && answers(programs.join("schemathesis"), &["--version"]);
    if runs && is_installed(folder, &wanted) {
        return Ok(programs);
    }
    let list = start_again(folder, "scanners.txt", SCANNERS)?;
    let sources = folder.join("scanner-sources.txt");
    fs::write(&sources, SCANNER_SOURCES)?;
    environment(folder)?;
    let python = programs.join("python");
    pip_install(&python, &["--only-binary", ":all:"], &list)?;
    pip_install(&python, &["--no-deps", "--no-build-isolation"], &sources)?;
    fs::write(folder.join(INSTALLED_FROM), wanted)?;
    Ok(programs)
}

fn environment(folder: &Path) -> anyhow::Result<()> {
    let mut command = step::quiet("python3", &["-m", "venv"]);
    command.arg(folder);
    Step {
        name: "venv",
        cure: "see what python3 says above",
        command,
    }
    .run()
}

fn pip_install(python: &Path, more: &[&str], list: &Path) -> anyhow::Result<()> {
    let words = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
    ];
    let mut command = step::quiet(python, &words);
    command.args(more).arg("--requirement").arg(list);
    Step {
        name: "pip",
        cure: "see what pip says above",
        command,
    }
    .run()
}

/// A folder with the Node peer; answers with its `node_modules`.
fn node_peers(folder: &Path) -> anyhow::Result<PathBuf> {
    let modules = folder.join("node_modules");
    if is_installed(folder, NODE_PEERS) && modules.is_dir() {
        return Ok(modules);
    }
    start_again(folder, "package-lock.json", NODE_PEERS)?;
    fs::write(folder.join("package.json"), NODE_MANIFEST)?;
    let mut command = step::quiet(
        "npm",
        &["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
    );
    command.current_dir(folder);
    Step {
        name: "npm",
        cure: "see what npm says above",
        command,
    }
    .run()?;
    fs::write(folder.join(INSTALLED_FROM), NODE_PEERS)?;
    Ok(modules)
}

fn is_installed(folder: &Path, list: &str) -> bool {
    fs::read_to_string(folder.join(INSTALLED_FROM)).is_ok_and(|text| text == list)
}

/// An empty folder that holds nothing but the list to install from.
fn start_again(folder: &Path, name: &str, list: &str) -> anyhow::Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("{} cannot be emptied", folder.display()))?;
    }
    fs::create_dir_all(folder)?;
    let path = folder.join(name);
    fs::write(&path, list)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_missing_or_fails_does_not_answer() {
        assert!(answers("true", &[]));
        assert!(!answers("false", &[]));
        assert!(!answers("no-such-program", &[]));
    }

    #[test]
    fn every_python_peer_is_pinned_by_version_and_hash() {
        let lists = [PYTHON_PEERS, SCANNERS, SCANNER_SOURCES];
        let lines = lists.iter().flat_map(|list| list.lines());
        for line in lines.filter(|line| !line.starts_with('#')) {
            assert!(
                line.contains("==") && line.contains("--hash=sha256:"),
                "{line}"
            );
        }
    }

    #[test]
    fn every_node_peer_is_pinned_by_hash() {
        let lock: serde_json::Value = serde_json::from_str(NODE_PEERS).unwrap();
        let packages = lock["packages"].as_object().unwrap();
        for (name, package) in packages.iter().filter(|(name, _)| !name.is_empty()) {
            assert!(package["integrity"].is_string(), "{name}");
        }
    }
}
