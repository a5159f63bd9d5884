//! `shortstop restore`: a data folder from a backup. It never touches a folder that holds anything.

use std::path::Path;

use engine::ports::keyring::Salt;
use engine::ports::{Clock as _, Keyring as _};
use engine::{MasterKey, Vault};
use serde_json::json;
use store::{FileKeyring, RestoreError};

use crate::cli::RestoreArgs;
use crate::clock::SystemClock;
use crate::exit::{Exit, Failure, Outcome};
use crate::folder::{DataFolder, make_private, write_private};
use crate::output::Output;
use crate::process;

/// Octets of a master key.
const KEY_BYTES: usize = 32;

/// Runs the command.
pub fn run(args: &RestoreArgs, output: Output) -> Outcome {
    let key = args.master_key.as_ref().map(std::fs::read).transpose();
    let key = key.map_err(|error| Failure::unavailable(format!("the master key: {error}")))?;
    if key.as_ref().is_some_and(|key| key.len() != KEY_BYTES) {
        return Err(Failure::usage(
            "the master key file does not hold 32 octets",
        ));
    }
    let salt = args.wrap_salt.as_deref().map(FileKeyring::read_file);
    let salt = salt.transpose().map_err(Failure::unavailable)?;
    if let Some(key) = &key {
        check_keys(&args.from, key, salt.as_ref())?;
    }
    // A folder that others may enter must not get the data first.
    let folder = DataFolder::prepare(&args.to).map_err(Failure::unavailable)?;
    let by = store::RestoredBy {
        user: &process::user_name(process::own_uid()),
        at: SystemClock.now(),
    };
    let restored = store::restore(&args.from, &args.to, &by);
    restored.map_err(|error| {
        let exit = match error {
            RestoreError::NotEmpty(_) => Exit::Usage,
            _ => Exit::Unavailable,
        };
        Failure::new(exit, error)
    })?;
    if let Some(key) = key {
        let path = folder.master_key();
        make_private(path.parent().unwrap_or(&args.to))?;
        write_private(&path, &key)?;
    }
    if let Some(salt) = salt {
        let keyring = FileKeyring::new(folder.keys());
        let kept = keyring.propose(&salt).and_then(|()| keyring.adopt(&salt));
        kept.map_err(Failure::unavailable)?;
    }
    output.event("restored", &json!({"data": folder.path()}));
    output.line(format!(
        "{} holds the state of the backup.",
        folder.path().display()
    ));
    if !folder.master_key().exists() {
        let says = "Put the master key to its place before you start the gateway:";
        output.line(format!("{says} {}", folder.master_key().display()));
    }
    let salt = folder.keys().join(FileKeyring::NAME);
    if args.master_key.is_none() && !salt.exists() {
        output.line(format!(
            "Put the salt of the wrapping key from the copy of the keys folder that is as old as the backup \
             to its place too: {}. If that copy is gone, nobody can read the numbers and texts any more.",
            salt.display()
        ));
    }
    output.line(
        "Messages that were accepted after the backup are not in it. Those that were on their way then \
         are sent again, or held, by their class.",
    );
    Ok(Exit::Done)
}

/// Whether the backup opens under these keys. What is wrong with the backup itself is told by its restore.
fn check_keys(backup: &Path, key: &[u8], salt: Option<&Salt>) -> Result<(), Failure> {
    let Ok(key) = <[u8; KEY_BYTES]>::try_from(key) else {
        return Ok(());
    };
    let Ok((secrets, keks)) = store::wrapped_keys(backup) else {
        return Ok(());
    };
    let master = MasterKey::from_bytes(key);
    if Vault::of_store(&master, salt, secrets, keks).is_ok() {
        return Ok(());
    }
    Err(Failure::usage(match salt {
        Some(_) => {
            "the backup does not open with this master key and this salt; both must come from the copy of \
             the keys folder that is as old as the backup. If it is gone, nobody can read the numbers and \
             texts in this backup any more"
        }
        None => {
            "the backup does not open with the master key alone; give --wrap-salt FILE too: the \
             `wrap.salt` from the copy of the keys folder that is as old as the backup. If it is gone (each \
             re-wrap destroys the one before), nobody can read the numbers and texts in this backup"
        }
    }))
}
