//! The threads that read, and the bounded queue before them.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use engine::ports::store::{ReadError, Reading};
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::columns::Hole;
use crate::embedded::Shared;

/// A read to do. It sends its own answer.
type Read = Box<dyn FnOnce(&Shared) + Send>;

/// Reads that wait for a thread.
pub(crate) struct Reads {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    waiting_max: usize,
}

struct Waiting {
    reads: VecDeque<Read>,
    is_stopped: bool,
}

impl Reads {
    /// A queue of at most so many reads.
    pub(crate) fn new(waiting_max: usize) -> Self {
        let waiting = Waiting {
            reads: VecDeque::new(),
            is_stopped: false,
        };
        Self {
            waiting: Mutex::new(waiting),
            arrived: Condvar::new(),
            waiting_max,
        }
    }

    /// Ends the threads after what waits.
    pub(crate) fn stop(&self) {
        self.lock().is_stopped = true;
        self.arrived.notify_all();
    }

    fn push(&self, read: Read) -> Result<(), ReadError> {
        let mut waiting = self.lock();
        if waiting.is_stopped {
            return Err(ReadError::Failed("the store is closed".to_owned()));
        }
        if waiting.reads.len() >= self.waiting_max {
            return Err(ReadError::Failed("too many reads are waiting".to_owned()));
        }
        waiting.reads.push_back(read);
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    fn take(&self) -> Option<Read> {
        let mut waiting = self.lock();
        loop {
            if let Some(read) = waiting.reads.pop_front() {
                return Some(read);
            }
            if waiting.is_stopped {
                return None;
            }
            waiting = self
                .arrived
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The work of one thread.
pub(crate) fn run(shared: &Arc<Shared>) {
    while let Some(read) = shared.reads.take() {
        read(shared);
    }
}

/// Has a thread read, and waits for it without holding one up.
pub(crate) fn reading<T: Send + 'static>(
    shared: &Shared,
    work: impl FnOnce(&Shared, &mut Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Reading<'static, T> {
    let (answer, answered) = oneshot::channel();
    let read = move |shared: &Shared| {
        let result = shared
            .readers
            .with(|database| work(shared, database))
            .map_err(failed);
        // Whoever asked may have gone away.
        let _ = answer.send(result);
    };
    let queued = shared.reads.push(Box::new(read));
    Box::pin(async move {
        queued?;
        answered
            .await
            .unwrap_or_else(|_| Err(ReadError::Failed("the read was given up".to_owned())))
    })
}

/// The error of a read. SQLite's words name tables and files, never what is in a row.
pub(crate) fn failed(error: rusqlite::Error) -> ReadError {
    // Of what this program says itself, only that: SQLite's words before it name columns by number.
    let rusqlite::Error::FromSqlConversionFailure(_, _, source) = error else {
        return ReadError::Failed(error.to_string());
    };
    match source.downcast_ref::<Hole>() {
        Some(Hole(index)) => ReadError::Missing(*index),
        None => ReadError::Failed(source.to_string()),
    }
}
