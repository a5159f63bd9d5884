//! A program that somebody else's SMPP library runs in: started, told things and listened to in lines
//! of JSON, and killed with the test.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::gateway::PATIENCE;

pub struct Peer {
    child: Child,
    orders: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    /// Runs a script of this folder with the npm packages.
    pub fn node(script: &str, settings: &Value) -> Self {
        let mut command = Command::new(tool("node"));
        command.env("NODE_PATH", tool("node_modules"));
        Self::start(command, script, settings)
    }

    /// Runs a script of this folder with the PyPI packages.
    pub fn python(script: &str, settings: &Value) -> Self {
        Self::start(Command::new(tool("python")), script, settings)
    }

    fn start(mut command: Command, script: &str, settings: &Value) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/peers")
            .join(script);
        command.arg(script).arg(settings.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap_or_else(|error| {
            panic!("{error}: the SMPP peers are missing; run `cargo xtask test`")
        });
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            orders: child.stdin.take(),
            child,
            lines,
        }
    }

    /// Tells it to do something.
    pub async fn tell(&mut self, order: &Value) {
        let line = format!("{order}\n");
        let orders = self.orders.as_mut().unwrap();
        orders.write_all(line.as_bytes()).await.unwrap();
        orders.flush().await.unwrap();
    }

    /// The next event, whichever it is.
    pub async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
        let line = line.expect("the peer says nothing").unwrap();
        serde_json::from_str(&line.expect("the peer ended; see its words above")).unwrap()
    }

    /// The next event of this name; what comes before it is passed over, unless it is an error.
    pub async fn event(&mut self, name: &str) -> Value {
        loop {
            let event = self.next().await;
            assert_ne!(event["event"], "error", "{event}");
            if event["event"] == name {
                return event;
            }
        }
    }

    /// The next so many events of this name.
    pub async fn events(&mut self, name: &str, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        while events.len() < count {
            events.push(self.event(name).await);
        }
        events
    }

    /// Lets it end by itself.
    pub async fn end(mut self) {
        drop(self.orders.take());
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = status.expect("the peer does not end").unwrap();
        assert!(status.success(), "the peer ended with {status}");
    }
}

/// Octets that a peer wrote in hexadecimal.
pub fn octets(digits: &Value) -> Vec<u8> {
    let digits = digits.as_str().unwrap().as_bytes();
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(octet).collect()
}

/// Where a tool is, as `cargo xtask test` wrote it down.
fn tool(key: &str) -> PathBuf {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-tools/paths.json");
    let text = std::fs::read_to_string(&list).unwrap_or_else(|error| {
        panic!(
            "{}: {error}; run `cargo xtask test`, which installs the SMPP peers",
            list.display()
        )
    });
    let paths: Value = serde_json::from_str(&text).unwrap();
    let path = paths[key].as_str();
    path.unwrap_or_else(|| panic!("{} names no {key}; run `cargo xtask test`", list.display()))
        .into()
}
