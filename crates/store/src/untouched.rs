//! Opens a database without changing an octet of it or of what lies beside it, and without making a file:
//! what is read may be evidence, a copy, or on a volume that takes no writes.
//!
//! A write-ahead log may hold commits that are not in the database yet, as after a crash. SQLite reads it
//! through an index that it otherwise keeps in a file beside it; here each connection holds its own in
//! memory, takes no locks of SQLite's, and never copies the log into the database. Nobody may write
//! meanwhile: the lock of the data folder sees to that.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};

/// The part of SQLite that reads files on Unix and locks none.
const NO_LOCKS: &str = "unix-none";

/// Opens a database that must exist.
pub(crate) fn open(path: &Path) -> rusqlite::Result<Connection> {
    if length(&beside(path, "-journal")) > 0 {
        // Whoever opens the database to write takes back what is in it; this here must not.
        return Err(unusable("there is a rollback journal beside the database"));
    }
    let connection = if length(&beside(path, "-wal")) > 0 {
        with_log(path)?
    } else {
        alone(path)?
    };
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch(
        "PRAGMA query_only = ON; PRAGMA cache_size = -2048; PRAGMA trusted_schema = OFF;",
    )?;
    Ok(connection)
}

fn with_log(path: &Path) -> rusqlite::Result<Connection> {
    if length(path) == 0 {
        // SQLite would remove the log of an empty database.
        return Err(unusable("the database is empty, but its log is not"));
    }
    let connection = Connection::open_with_flags_and_vfs(path, flags(), NO_LOCKS)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // Before the first read, this is what keeps the index of the log in memory.
    connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE;")?;
    Ok(connection)
}

/// A database that has no log: SQLite is told that the file does not change, or it would make one.
fn alone(path: &Path) -> rusqlite::Result<Connection> {
    let flags = flags() | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("file:{}?immutable=1", encoded(path)), flags)
}

fn flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// The octets of a file; 0 when there is none.
fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// A path in a URI (RFC 3986): whatever has a meaning there stands as its octets.
fn encoded(path: &Path) -> String {
    let mut text = String::new();
    for octet in path.as_os_str().as_bytes() {
        if octet.is_ascii_alphanumeric() || b"/-._~".contains(octet) {
            text.push(char::from(*octet));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{octet:02X}");
        }
    }
    text
}

fn unusable(says: &str) -> rusqlite::Error {
    let code = ffi::Error::new(ffi::SQLITE_CANTOPEN);
    rusqlite::Error::SqliteFailure(code, Some(says.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database in a folder with an odd name, with one row, and another in its log if it has one.
    fn database(folder: &Path) -> (PathBuf, Connection) {
        let path = folder.join("50% of #1?.sqlite");
        let database = Connection::open(&path).unwrap();
        database
            .execute_batch(
                "PRAGMA journal_mode = WAL; CREATE TABLE row(x); INSERT INTO row VALUES (1);
                 PRAGMA wal_checkpoint(TRUNCATE);",
            )
            .unwrap();
        (path, database)
    }

    fn rows(path: &Path) -> i64 {
        let database = open(path).unwrap();
        let refused = database.execute("DELETE FROM row", []);
        assert!(refused.is_err(), "it is only read");
        let sql = "SELECT count(*) FROM row";
        database.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn there(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let names = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
        let mut files: Vec<_> = names
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect();
        files.sort();
        files
    }

    #[test]
    fn a_database_without_a_log_is_read_and_gets_none() {
        let folder = tempfile::tempdir().unwrap();
        let (path, database) = database(folder.path());
        drop(database);
        let before = there(folder.path());
        assert_eq!(rows(&path), 1);
        assert!(there(folder.path()) == before);
    }

    #[test]
    fn what_is_in_the_log_is_read_and_stays_there() {
        let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (path, database) = database(folder.path());
        database.execute("INSERT INTO row VALUES (2)", []).unwrap();
        let copied = copy.path().join("copy.sqlite");
        fs::copy(&path, &copied).unwrap();
        fs::copy(beside(&path, "-wal"), beside(&copied, "-wal")).unwrap();
        let before = there(copy.path());
        assert_eq!(rows(&copied), 2);
        assert!(there(copy.path()) == before);
    }

    #[test]
    fn a_log_without_its_database_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("empty.sqlite");
        fs::write(&path, b"").unwrap();
        fs::write(beside(&path, "-wal"), b"all that is left").unwrap();
        let before = there(folder.path());
        let refused = open(&path).unwrap_err().to_string();
        assert!(refused.contains("its log is not"), "{refused}");
        assert!(there(folder.path()) == before);
    }

    #[test]
    fn a_rollback_journal_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, _database) = database(folder.path());
        fs::write(beside(&path, "-journal"), b"half a change").unwrap();
        let refused = open(&path).unwrap_err().to_string();
        assert!(refused.contains("a rollback journal"), "{refused}");
    }
}
