//! A data folder with the rebuilt rows: a copy of the moment, in which they take the place of those that
//! were there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use domain::verification::factor::FactorState;
use engine::changes::Write;
use engine::ports::Shelf;
use engine::ports::store::ReadError;
use engine::rows::{Purpose, vault_key};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::shelf::FileShelf;
use crate::apply::{self, Scratch};
use crate::folder::{self, DataFolder};
use crate::open::OpenError;
use crate::statements::Statements;
use crate::{connect, restore, rows};

/// Pages copied in one step.
const PAGES_A_STEP: i32 = 1_024;
/// Rows moved at once.
const ROWS: usize = 512;

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub(super) enum CopyError {
    #[error("the folder {} is not empty; name a new one", .0.display())]
    NotEmpty(PathBuf),
    #[error("{} cannot be written: {source}", file.display())]
    File { file: PathBuf, source: io::Error },
    #[error(transparent)]
    Folder(#[from] OpenError),
    #[error("the copy cannot be written: {0}")]
    Database(#[from] rusqlite::Error),
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl From<CopyError> for ReadError {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Read(error) => error,
            CopyError::NotEmpty(_) => Self::Place(error.to_string()),
            error => Self::Unwritten(error.to_string()),
        }
    }
}

/// Makes the folder. What is left of a failure does not look like data.
pub(super) fn write(source: &Connection, rebuilt: &FileShelf, to: &Path) -> Result<(), CopyError> {
    folder::make_folder(to).map_err(unwritten(to))?;
    if fs::read_dir(to).map_err(unwritten(to))?.next().is_some() {
        return Err(CopyError::NotEmpty(to.to_owned()));
    }
    let claimed = DataFolder::claim(to)?;
    let draft = to.join("restoring.sqlite");
    let database = claimed.database();
    let done = bring(source, rebuilt, &draft).and_then(|()| {
        fs::rename(&draft, &database).map_err(unwritten(&database))?;
        folder::sync_folder(to).map_err(unwritten(to))
    });
    if done.is_err() {
        // The error itself matters more.
        let _ = fs::remove_file(&draft);
        let _ = fs::remove_file(to.join("shortstop.lock"));
    }
    done
}

fn bring(source: &Connection, rebuilt: &FileShelf, draft: &Path) -> Result<(), CopyError> {
    let file = folder::create_new_private(draft).map_err(unwritten(draft))?;
    let mut target = connect::open_existing(draft)?;
    let backup = Backup::new(source, &mut target)?;
    while backup.step(PAGES_A_STEP)? != StepResult::Done {}
    drop(backup);
    restore::leap(&target)?;
    let transaction = target.unchecked_transaction()?;
    replace(&transaction, (source, rebuilt))?;
    transaction.commit()?;
    drop(target);
    file.sync_all().map_err(unwritten(draft))
}

/// The rebuilt rows in the place of those that are there. The index is made anew from them.
fn replace(
    target: &Connection,
    (source, rebuilt): (&Connection, &FileShelf),
) -> Result<(), CopyError> {
    target.execute_batch(
        "DELETE FROM message; DELETE FROM inbound; DELETE FROM optout; DELETE FROM client;
         DELETE FROM factor; DELETE FROM fresh;",
    )?;
    let mut filling = Filling {
        statements: Statements::prepare(target)?,
        scratch: Scratch::default(),
        source,
        rebuilt,
    };
    filling.messages()?;
    filling.inbounds()?;
    filling.opt_outs()?;
    filling.factors()?;
    for row in rebuilt.clients()? {
        filling.put(&Write::Client(Box::new(row)), 0)?;
    }
    Ok(())
}

struct Filling<'c> {
    statements: Statements<'c>,
    scratch: Scratch,
    /// What entries do not tell comes from here.
    source: &'c Connection,
    rebuilt: &'c FileShelf,
}

impl Filling<'_> {
    fn put(&mut self, write: &Write, entry: u64) -> rusqlite::Result<()> {
        apply::fill(&mut self.statements, &mut self.scratch, write, entry)
    }

    /// The entry that brought an owner: the one that promised its number.
    fn entry_of(&self, owner: u64) -> rusqlite::Result<u64> {
        let found = self
            .rebuilt
            .promised_by(vault_key(owner, Purpose::Number))?;
        Ok(found.unwrap_or(0))
    }

    fn messages(&mut self) -> Result<(), CopyError> {
        let mut after = None;
        loop {
            let page = self.rebuilt.messages(after, ROWS)?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.id.sequence());
            for row in page {
                let entry = self.entry_of(row.id.sequence())?;
                self.put(&Write::Message(Box::new(row)), entry)?;
            }
        }
    }

    fn inbounds(&mut self) -> Result<(), CopyError> {
        let mut after = None;
        loop {
            let page = self.rebuilt.inbounds(after, ROWS)?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.id.sequence());
            for row in page {
                let entry = self.entry_of(row.id.sequence())?;
                self.put(&Write::Inbound(Box::new(row)), entry)?;
            }
        }
    }

    fn opt_outs(&mut self) -> Result<(), CopyError> {
        let mut after = None;
        loop {
            let page = self.rebuilt.opt_outs(after, ROWS)?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.sequence);
            for row in page {
                self.put(&Write::OptOut(row), 0)?;
            }
        }
    }

    /// Their secrets are random: they are those that are there, unless the ledger says that they are gone.
    fn factors(&mut self) -> Result<(), CopyError> {
        let mut after = None;
        loop {
            let page = self.rebuilt.factors(after, ROWS)?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.id.sequence());
            for mut row in page {
                if row.factor.state() != FactorState::Removed {
                    let kept = rows::whole_factor(self.source, row.id)?;
                    row.secret = kept.and_then(|(kept, _)| kept.secret);
                }
                self.put(&Write::Factor(Box::new(row)), 0)?;
            }
        }
    }
}

fn unwritten(file: &Path) -> impl Fn(io::Error) -> CopyError {
    let file = file.to_owned();
    move |source| CopyError::File {
        file: file.clone(),
        source,
    }
}
