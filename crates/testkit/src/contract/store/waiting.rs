//! Waiting for a store from a plain thread: for the answers of commits and for reads.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use engine::changes::Changes;
use engine::ports::Store;
use engine::ports::store::{CommitError, Committed, ReadError, Reading};

/// Far longer than any commit takes; only a store that hangs reaches it.
const PATIENCE: Duration = Duration::from_secs(30);

/// The answer that a commit will get.
pub(in crate::contract) struct Pending(Receiver<Result<Committed, CommitError>>);

impl Pending {
    /// Waits for it.
    pub(in crate::contract) fn wait(self) -> Result<Committed, CommitError> {
        self.0.recv_timeout(PATIENCE).expect("a commit is answered")
    }
}

/// Hands over a commit.
pub(in crate::contract) fn begin(store: &dyn Store, changes: Changes) -> Pending {
    let (answer, answered) = channel();
    // A second answer panics in the sender's place and is seen as the store's fault.
    store.commit(
        changes,
        Box::new(move |result| answer.send(result).unwrap()),
    );
    Pending(answered)
}

/// Commits and waits.
pub fn commit(store: &dyn Store, changes: Changes) -> Result<Committed, CommitError> {
    begin(store, changes).wait()
}

/// Waits for a read that must succeed.
pub(in crate::contract) fn read<T>(reading: Reading<'_, T>) -> T {
    let result: Result<T, ReadError> = block_on(reading);
    result.unwrap()
}

/// Runs a future on this thread.
pub(in crate::contract) fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park_timeout(PATIENCE),
        }
    }
}
