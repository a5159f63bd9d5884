//! Signs lists of releases, and makes the keys for it. `cargo xtask release-list` runs it, on the machine
//! where the key is and nowhere else.
//!
//! `cargo run -p ledger --example release_list -- key FILE NAME` writes a new key to FILE and prints its
//! public half. `… -- sign FILE [FILE] < LIST` prints the list with a signature by each key.
#![allow(clippy::print_stdout, reason = "a tool prints")]

use std::fs::{self, File, OpenOptions};
use std::io::{Error, Read as _, Result, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use ledger::note::Note;
use ledger::note::key::KeyName;
use ledger::note::signer::NoteSigner;
use ledger::{Hash, ReleaseList};

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["key", file, name] => println!("{}", make_key(Path::new(file), name)?),
        ["sign", files @ ..] if !files.is_empty() => {
            let files: Vec<&Path> = files.iter().map(Path::new).collect();
            let mut list = String::new();
            std::io::stdin().read_to_string(&mut list)?;
            print!("{}", signed(list, &files)?);
        }
        _ => {
            let says = "use: key FILE NAME, or sign FILE [FILE] < LIST";
            return Err(Error::other(says));
        }
    }
    Ok(())
}

/// Writes a new key; gives its public half. A key file holds the name, a space and the 64 digits of the seed, and is its
/// owner's alone.
pub fn make_key(file: &Path, name: &str) -> Result<String> {
    let mut seed = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut seed)?;
    let signer = signer(name, seed)?;
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    writeln!(file, "{name} {}", Hash::from_bytes(seed))?;
    file.sync_all()?;
    Ok(signer.verifier_key().to_string())
}

/// The list with a signature by each key.
pub fn signed(list: String, files: &[&Path]) -> Result<String> {
    // Nothing is signed that a reader would refuse, nor anything but a list.
    ReleaseList::parse(&list).map_err(Error::other)?;
    let mut note = Note::unsigned(list).map_err(Error::other)?;
    for file in files {
        let signature = read_key(file)?.sign(note.text()).map_err(Error::other)?;
        note.sign(signature);
    }
    Ok(note.to_string())
}

fn read_key(file: &Path) -> Result<NoteSigner> {
    let says = |what: &str| Error::other(format!("{} {what}", file.display()));
    let mode = fs::metadata(file)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(says("can be read by others than its owner; chmod 600 it"));
    }
    let text = fs::read_to_string(file)?;
    let (name, digits) = text
        .trim_end()
        .split_once(' ')
        .ok_or_else(|| says("is no key"))?;
    let seed = Hash::from_hex(digits).ok_or_else(|| says("is no key"))?;
    signer(name, *seed.as_bytes())
}

fn signer(name: &str, seed: [u8; 32]) -> Result<NoteSigner> {
    let name = KeyName::parse(name).map_err(Error::other)?;
    NoteSigner::from_seed(name, &seed).map_err(Error::other)
}
