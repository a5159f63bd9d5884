//! The log of a running gateway, read file by file over its control socket: the gateway owns its store,
//! and a copy of the log could fill its disk.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ledger::{Source, SourceError};
use serde_json::Value;

use crate::control::{Answer, Request};

/// What is under a path.
type Read = Result<Option<Vec<u8>>, SourceError>;

/// A conversation with a gateway.
pub struct SocketSource(RefCell<BufReader<UnixStream>>);

impl SocketSource {
    /// Joins the gateway at this socket; `None` when none is there.
    pub fn join(socket: &Path) -> Option<Self> {
        let stream = UnixStream::connect(socket).ok()?;
        Some(Self(RefCell::new(BufReader::new(stream))))
    }

    fn ask(&self, path: &str) -> anyhow::Result<Read> {
        let request = Request::LedgerRead {
            path: path.to_owned(),
        };
        let result = self.request(&request)?;
        if let Some(index) = result.get("missing").and_then(Value::as_u64) {
            return Ok(Err(SourceError::missing(path, index)));
        }
        match result.get("octets").and_then(Value::as_str) {
            Some(text) => Ok(Ok(Some(STANDARD.decode(text)?))),
            None => Ok(Ok(None)),
        }
    }

    /// Asks anything.
    pub fn request(&self, request: &Request) -> anyhow::Result<Value> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        let mut stream = self.0.borrow_mut();
        stream.get_mut().write_all(&line)?;
        let mut answer = String::new();
        stream.read_line(&mut answer)?;
        match serde_json::from_str(&answer)? {
            Answer::Done { result } => Ok(result),
            Answer::Refused { says } | Answer::Unavailable { says } => Err(anyhow::anyhow!(says)),
        }
    }
}

impl Source for SocketSource {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        self.ask(path)
            .unwrap_or_else(|error| Err(SourceError::new(path, format!("{error:#}"))))
    }
}
