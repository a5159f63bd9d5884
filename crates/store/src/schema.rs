//! The numbered versions of the database and the way from each to the next. A file that a newer
//! program wrote is left alone.

use rusqlite::Connection;

use crate::open::OpenError;

/// What `PRAGMA application_id` holds in our files: "SHST".
const APPLICATION_ID: i64 = 0x5348_5354;

/// One script a version, in order. A script that has been released never changes.
const MIGRATIONS: [&str; 10] = [
    include_str!("schema/0001_start.sql"),
    include_str!("schema/0002_accepting_entry.sql"),
    include_str!("schema/0003_secret.sql"),
    include_str!("schema/0004_pruned.sql"),
    include_str!("schema/0005_verification.sql"),
    include_str!("schema/0006_pumping.sql"),
    include_str!("schema/0007_factor.sql"),
    include_str!("schema/0008_webhook.sql"),
    include_str!("schema/0009_whose_key.sql"),
    include_str!("schema/0010_done_date.sql"),
];

/// Brings a database to the version of this program.
pub(crate) fn migrate(database: &Connection) -> Result<(), OpenError> {
    let found = check(database)?;
    for (done, script) in (0_usize..).zip(MIGRATIONS).skip(found) {
        let version = done + 1;
        database.execute_batch(&format!(
            "BEGIN IMMEDIATE; {script} PRAGMA application_id = {APPLICATION_ID};
             PRAGMA user_version = {version}; COMMIT;"
        ))?;
    }
    Ok(())
}

/// Passes a database of the version of this program alone: one that is only read is not brought to it.
pub(crate) fn check_newest(database: &Connection) -> Result<(), OpenError> {
    let (found, known) = (check(database)?, MIGRATIONS.len());
    let is_newest = found == known;
    is_newest
        .then_some(())
        .ok_or(OpenError::Older { found, known })
}

/// The version of a database, when it is ours (or empty) and not newer than this program.
pub(crate) fn check(database: &Connection) -> Result<usize, OpenError> {
    let found: i64 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i64 = database.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 =
        database.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION_ID && tables > 0 {
        return Err(OpenError::Foreign);
    }
    match usize::try_from(found) {
        Ok(version) if version <= MIGRATIONS.len() => Ok(version),
        _ => Err(OpenError::Newer {
            found,
            known: MIGRATIONS.len(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_database_reaches_the_newest_version_and_stays_there() {
        let database = Connection::open_in_memory().unwrap();
        migrate(&database).unwrap();
        migrate(&database).unwrap();
        assert_eq!(check(&database).unwrap(), MIGRATIONS.len());
        check_newest(&database).unwrap();
    }

    #[test]
    fn a_newer_database_is_refused_and_left_alone() {
        let database = Connection::open_in_memory().unwrap();
        migrate(&database).unwrap();
        database.pragma_update(None, "user_version", 99).unwrap();
        let refusal = migrate(&database);
        assert!(
            matches!(refusal, Err(OpenError::Newer { found: 99, .. })),
            "{refusal:?}"
        );
    }

    #[test]
    fn an_older_database_is_not_only_read() {
        let database = Connection::open_in_memory().unwrap();
        let refusal = check_newest(&database);
        assert!(
            matches!(refusal, Err(OpenError::Older { found: 0, .. })),
            "{refusal:?}"
        );
    }

    #[test]
    fn a_database_of_another_program_is_refused() {
        let database = Connection::open_in_memory().unwrap();
        database.execute_batch("CREATE TABLE theirs(x)").unwrap();
        assert!(matches!(migrate(&database), Err(OpenError::Foreign)));
    }
}
