//! A witness (C2SP tlog-witness): cosigns the checkpoints of logs that it knows, each only if it
//! appends to the one before. It is minimal, not lenient: what it cosigned is on disk before its answer
//! leaves, so that it can be killed at any moment and never contradicts itself. Plain HTTP on loopback.

mod book;
mod memory;
mod server;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use engine::ports::Clock;
use ledger::note::key::VerifierKey;
use ledger::tree::consistency::TreeHead;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use book::Book;

pub use memory::MemoryWitness;

/// What a witness is made of.
pub struct WitnessSetup {
    /// The name of its key.
    pub name: String,
    /// The seed of its key.
    pub seed: [u8; 32],
    /// The logs that it knows, by the keys that sign their checkpoints; a key's name is the origin.
    pub logs: Vec<VerifierKey>,
    /// Where it remembers what it cosigned: the cosigned checkpoints, under their monitoring paths.
    pub folder: PathBuf,
    /// What it takes the time of a cosignature from.
    pub clock: Arc<dyn Clock>,
}

/// A running witness; it stops when this is dropped.
#[derive(Debug)]
pub struct Witness {
    address: SocketAddr,
    book: Arc<Book>,
    task: JoinHandle<()>,
}

impl Witness {
    /// Takes up what is in its folder and serves on a port of 127.0.0.1 that is free.
    pub async fn start(setup: WitnessSetup) -> io::Result<Self> {
        Self::start_at(setup, SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// The same on this address, which must be a loopback one.
    pub async fn start_at(setup: WitnessSetup, address: SocketAddr) -> io::Result<Self> {
        assert!(address.ip().is_loopback(), "plain HTTP is for loopback");
        let book = Arc::new(Book::open(setup)?);
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(server::serve(listener, Arc::clone(&book)));
        Ok(Self {
            address,
            book,
            task,
        })
    }

    /// Its submission prefix, which is its monitoring prefix too.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its key, for policies.
    pub fn vkey(&self) -> &VerifierKey {
        self.book.key()
    }

    /// What it cosigned last of a log.
    pub fn last(&self, origin: &str) -> Option<TreeHead> {
        self.book.last(origin)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.task.abort();
    }
}
