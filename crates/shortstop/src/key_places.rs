//! The keys of a gateway that lie in files: where each is, how old it is, and whether others can read it.
//! It reads no key.

use std::path::{Path, PathBuf};

use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use store::{FileKeyring, FileSeals};

use crate::acme::{AccountFile, CertificateFile};
use crate::config::Checked;
use crate::config::checked::{Identity, PasswordSource, SecondLine, SecretSource, Way};
use crate::folder::{DataFolder, open_beyond_owner};
use crate::{log_key, master_key};

/// The key of the seals that are next.
pub const SEAL_KEY: &str = "key of the next seal";
/// The first key of the seals, which should not be here for long.
pub const FIRST_SEAL_KEY: &str = "first key of the seals";
/// What is said while it is.
pub const FIRST_SEAL_KEY_WARNING: &str = "the first key of the seals still lies in keys/seal.first: move it to whoever will check the seals, \
     and destroy it here; whoever has it can forge every seal";

/// A key and its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPlace {
    /// What docs/keys.md calls it.
    pub key: String,
    /// Its file.
    pub path: PathBuf,
}

/// A key as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyShown {
    /// What docs/keys.md calls it.
    pub key: String,
    /// Its file, or how it comes to be.
    pub place: String,
    /// When it was made, or its file written last; `None` when there is no file.
    pub since: Option<String>,
    /// When it is replaced by itself.
    pub due: Option<String>,
    /// Whether other users can read it; `None` when there is no file.
    pub open_to_others: Option<bool>,
}

/// Every key of a configuration that lies in a file.
pub fn places(checked: &Checked, folder: &DataFolder) -> Vec<KeyPlace> {
    let place = |key: &str, path: &Path| KeyPlace {
        key: key.to_owned(),
        path: path.to_path_buf(),
    };
    let master = master_key::place(folder, checked.master_key_file.as_deref());
    let log = log_key::place(folder, checked.ledger.key_file.as_deref());
    let mut found = vec![
        place("master key", &master),
        place(
            "salt of the wrapping key",
            &folder.keys().join(FileKeyring::NAME),
        ),
        place("log key", &log),
        place(SEAL_KEY, &folder.keys().join(FileSeals::STATE)),
        place(FIRST_SEAL_KEY, &folder.first_seal_key()),
    ];
    if checked.ledger.second_line == SecondLine::MlDsa {
        found.push(place("second log key", &folder.log_second_key()));
    }
    let https = match &checked.https.identity {
        Identity::Files(files) => files.key.clone(),
        Identity::Obtained => CertificateFile::in_folder(&folder.tls())
            .path()
            .to_path_buf(),
        Identity::Generated => folder.tls().join("server.key"),
    };
    found.push(place("key of the HTTPS API", &https));
    if let Some(plan) = &checked.acme {
        let account = AccountFile::at(&folder.keys(), &plan.place.directory);
        found.push(place("account at the authority", account.path()));
    }
    if let Some(Identity::Files(files)) = checked
        .smpp
        .as_ref()
        .and_then(|plan| plan.identity.as_ref())
    {
        found.push(place("key of the listener for ESMEs", &files.key));
    }
    for esme in &checked.esmes {
        let key = format!("password of the ESME {}", esme.system_id);
        found.push(place(&key, &esme.password_file));
    }
    for link in &checked.carriers {
        if let PasswordSource::File(file) = &link.password {
            found.push(place(&format!("password at {}", link.name), file));
        }
        if let Way::Tls(tls) = &link.way
            && let Some(files) = &tls.client
        {
            found.push(place(&format!("client key at {}", link.name), &files.key));
        }
    }
    for link in &checked.providers {
        let name = &link.plan.name;
        let sources = [
            (format!("secret at {name}"), Some(&link.secret)),
            (
                format!("secret that {name} signs with"),
                link.callback.as_ref(),
            ),
        ];
        for (key, source) in sources {
            if let Some(SecretSource::File(file)) = source {
                found.push(place(&key, file));
            }
        }
    }
    found
}

impl KeyPlace {
    /// Whether nothing is said of it when there is no file: not every gateway has it.
    pub fn is_optional(&self) -> bool {
        [SEAL_KEY, FIRST_SEAL_KEY].contains(&self.key.as_str())
    }

    /// How it is now.
    pub fn look(&self) -> KeyShown {
        let written = self.path.metadata().and_then(|found| found.modified()).ok();
        KeyShown {
            key: self.key.clone(),
            place: self.path.display().to_string(),
            since: written.and_then(moment),
            due: None,
            open_to_others: written.map(|_| open_beyond_owner(&self.path).is_some()),
        }
    }
}

fn moment(time: std::time::SystemTime) -> Option<String> {
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_seconds(since.as_secs()).to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::config::Config;
    use crate::config::environment::Overlay;

    #[test]
    fn the_second_log_key_is_among_them_when_it_signs() {
        let place = tempfile::tempdir().unwrap();
        let folder = DataFolder::prepare(&place.path().join("data")).unwrap();
        let second = |text: &str| {
            let config = Config::parse(text, Overlay::default()).unwrap();
            let checked = Checked::try_from(&config).unwrap();
            let mut found = places(&checked, &folder).into_iter();
            found.find(|key| key.path == folder.log_second_key())
        };
        assert_eq!(second(""), None);
        assert_eq!(
            second("[ledger]\nmldsa = true").unwrap().key,
            "second log key"
        );
    }

    #[test]
    fn a_key_file_is_told_as_missing_private_or_open() {
        let place = tempfile::tempdir().unwrap();
        let key = KeyPlace {
            key: "log key".to_owned(),
            path: place.path().join("log.key"),
        };
        assert_eq!((key.look().since, key.look().open_to_others), (None, None));
        std::fs::write(&key.path, [0; 32]).unwrap();
        let set = |mode| {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&key.path, mode).unwrap();
        };
        set(0o600);
        assert_eq!(key.look().open_to_others, Some(false));
        assert!(key.look().since.is_some());
        set(0o644);
        assert_eq!(key.look().open_to_others, Some(true));
    }
}
