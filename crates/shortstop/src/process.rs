//! Limits and identity of this process: no core dumps (they would hold keys and texts), enough open
//! files, and whose process it is.

use rustix::process::{Resource, Rlimit, getrlimit, getuid, setrlimit};

/// Open files that a gateway with its default limits may need.
const FILES_WANTED: u64 = 65_536;

/// Forbids core dumps for this process and its children.
pub fn forbid_core_dumps() -> anyhow::Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)?;
    Ok(())
}

/// Raises the limit of open files as far as it may go, up to what is wanted. Returns what it is.
pub fn raise_open_files() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit
        .maximum
        .map_or(FILES_WANTED, |maximum| maximum.min(FILES_WANTED));
    if limit.current.is_none_or(|current| current >= wanted) {
        return limit.current;
    }
    let raised = Rlimit {
        current: Some(wanted),
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => Some(wanted),
        Err(_) => limit.current,
    }
}

/// The number of the user who runs this process.
pub fn own_uid() -> u32 {
    getuid().as_raw()
}

/// Ends this process when the one that started it dies, however it dies.
pub fn end_with_parent() -> anyhow::Result<()> {
    let signal = rustix::process::Signal::TERM;
    rustix::process::set_parent_process_death_signal(Some(signal))?;
    Ok(())
}

/// The login name of a user, for the ledger; `uid-1000` for one without a name.
pub fn user_name(uid: u32) -> String {
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid)).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("uid-{uid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_zero_is_root_and_a_stranger_is_a_number() {
        assert_eq!(user_name(0), "root");
        assert_eq!(user_name(4_294_967_000), "uid-4294967000");
    }

    #[test]
    fn open_files_are_never_lowered() {
        let before = getrlimit(Resource::Nofile).current;
        let after = raise_open_files();
        assert!(after.is_none() || after >= before);
    }
}
