//! Why the store failed, by what the system said.

use std::io;

use engine::ports::storage::Failure;
use rusqlite::{ErrorCode, ffi};

/// What an error of SQLite says.
pub(crate) fn of_database(error: &rusqlite::Error) -> Failure {
    let rusqlite::Error::SqliteFailure(code, _) = error else {
        return Failure::IoError;
    };
    if code.extended_code == ffi::SQLITE_READONLY_DBMOVED {
        return Failure::FileMissing;
    }
    match code.code {
        ErrorCode::DiskFull => Failure::DiskFull,
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => Failure::ReadOnly,
        ErrorCode::CannotOpen | ErrorCode::NotFound => Failure::FileMissing,
        _ => Failure::IoError,
    }
}

/// What an error of the system says.
pub(crate) fn of_io(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Failure::DiskFull,
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Failure::ReadOnly,
        io::ErrorKind::NotFound => Failure::FileMissing,
        _ => Failure::IoError,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_code(code: std::ffi::c_int) -> Failure {
        of_database(&rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
    }

    #[test]
    fn what_the_system_says_is_one_of_few_words() {
        assert_eq!(of_code(ffi::SQLITE_FULL), Failure::DiskFull);
        assert_eq!(of_code(ffi::SQLITE_READONLY), Failure::ReadOnly);
        assert_eq!(of_code(ffi::SQLITE_READONLY_DBMOVED), Failure::FileMissing);
        assert_eq!(of_code(ffi::SQLITE_IOERR_FSYNC), Failure::IoError);
        assert_eq!(of_code(ffi::SQLITE_CANTOPEN), Failure::FileMissing);
        let of_errno = |errno| of_io(&io::Error::from_raw_os_error(errno));
        assert_eq!(of_errno(28), Failure::DiskFull, "ENOSPC");
        assert_eq!(of_errno(30), Failure::ReadOnly, "EROFS");
        assert_eq!(of_errno(5), Failure::IoError, "EIO");
    }
}
