//! How a command ends: its exit code, and the error that says why. What each code means is part of
//! the command line's contract.

use std::process::ExitCode;

/// The exit codes of every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: it did what was asked.
    Done,
    /// 1: it ran, and a check failed: a wrong configuration, a message lost in the demo.
    CheckFailed,
    /// 2: it was asked for something that cannot be: a wrong option, an unknown client.
    Usage,
    /// 3: something it needs is not there: a port, a folder, the gateway.
    Unavailable,
    /// 4: it did what was asked, and a newer release exists.
    Behind,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::CheckFailed => 1,
            Self::Usage => 2,
            Self::Unavailable => 3,
            Self::Behind => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command ended otherwise than well.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What happened and what to do.
    pub cause: anyhow::Error,
}

impl Failure {
    /// With an exit code and a message.
    pub fn new(exit: Exit, cause: impl Into<anyhow::Error>) -> Self {
        Self {
            exit,
            cause: cause.into(),
        }
    }

    /// A message for exit code 2.
    pub fn usage(says: impl std::fmt::Display) -> Self {
        Self::new(Exit::Usage, anyhow::anyhow!("{says}"))
    }

    /// A message for exit code 3.
    pub fn unavailable(says: impl std::fmt::Display) -> Self {
        Self::new(Exit::Unavailable, anyhow::anyhow!("{says}"))
    }
}

impl From<crate::config::Problems> for Failure {
    fn from(problems: crate::config::Problems) -> Self {
        Self::new(Exit::CheckFailed, problems)
    }
}

impl From<anyhow::Error> for Failure {
    /// Whatever has no exit code of its own: something is not there.
    fn from(cause: anyhow::Error) -> Self {
        Self {
            exit: Exit::Unavailable,
            cause,
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(Exit::Unavailable, error)
    }
}

/// What a command returns.
pub type Outcome = Result<Exit, Failure>;
