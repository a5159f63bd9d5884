//! One HTTPS connection of an attacker, from an address of its choice: whole requests out, whole answers
//! in.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context, bail};
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::bench::load::{Target, content_length, find};

/// An answer.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body; null when it is no JSON.
    pub body: Value,
}

impl Answer {
    /// A text of the body.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.body.get(key).and_then(Value::as_str)
    }
}

/// A connection.
pub struct Wire {
    stream: TlsStream<TcpStream>,
    address: SocketAddr,
}

impl Wire {
    /// Connects to the target from a loopback address.
    pub async fn open(
        connector: &TlsConnector,
        target: &Target,
        from: Ipv4Addr,
    ) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(IpAddr::V4(from), 0))?;
        let tcp = socket
            .connect(target.address)
            .await
            .context("the gateway does not answer")?;
        tcp.set_nodelay(true)?;
        let name = ServerName::from(target.address.ip());
        let stream = connector.connect(name, tcp).await.context("TLS")?;
        Ok(Self {
            stream,
            address: target.address,
        })
    }

    /// Posts a body; `headers` are whole lines with their ends.
    pub async fn post(
        &mut self,
        path: &str,
        key: &str,
        headers: &str,
        body: &Value,
    ) -> anyhow::Result<Answer> {
        let (mut request, body) = (Vec::with_capacity(1_024), body.to_string());
        write!(
            request,
            "POST {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {key}\r\n{headers}\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )?;
        self.stream.write_all(&request).await?;
        self.answer().await
    }

    async fn answer(&mut self) -> anyhow::Result<Answer> {
        let mut read = Vec::with_capacity(4_096);
        loop {
            if self.stream.read_buf(&mut read).await? == 0 {
                bail!("the gateway closed the connection");
            }
            let Some(end) = find(&read, b"\r\n\r\n") else {
                continue;
            };
            let head = std::str::from_utf8(read.get(..end).unwrap_or_default())?;
            let body = read.get(end + 4..).unwrap_or_default();
            if body.len() >= content_length(head) {
                let status = head.get(9..12).context("no status")?.parse()?;
                let body = serde_json::from_slice(body).unwrap_or(Value::Null);
                return Ok(Answer { status, body });
            }
        }
    }
}
