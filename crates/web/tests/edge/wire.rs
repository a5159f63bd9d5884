//! A client that writes octets, not requests: what no proper client would send is sent by this one.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::server::{PATIENCE, Server};

/// What came back.
#[derive(Clone, Debug)]
pub struct Heard {
    pub status: u16,
    pub head: String,
    pub body: String,
    /// The body as it came, when it is no text.
    pub octets: Vec<u8>,
}

impl Heard {
    /// The value of a header, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let line = |line: &'_ str| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(": "))
        };
        let found = self.head.lines().find(|text| line(text))?;
        found.get(name.len() + 2..)
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The status and the code of a problem.
    pub fn problem(&self) -> (u16, String) {
        let json = self.json();
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        assert_eq!(json["status"], self.status);
        assert_eq!(
            json["type"],
            format!("/docs/errors#{}", json["code"].as_str().unwrap())
        );
        assert_eq!(
            json["request_id"].as_str(),
            self.header("x-request-id"),
            "{self:?}"
        );
        (self.status, json["code"].as_str().unwrap().to_owned())
    }
}

/// One connection, over TLS unless said otherwise.
pub struct Wire<S = TlsStream<TcpStream>> {
    pub stream: S,
    buffer: Vec<u8>,
}

/// The TLS settings of a client that trusts one certificate.
pub fn client_config(
    root: &CertificateDer<'static>,
    protocol: &str,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    config
}

/// Connects with settings of one's own.
pub async fn connect(
    address: SocketAddr,
    config: ClientConfig,
) -> std::io::Result<TlsStream<TcpStream>> {
    secured(TcpStream::connect(address).await?, config).await
}

/// A socket that comes from another loopback address, such as 127.0.0.2.
pub async fn socket_from(source: &str, address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{source}:0").parse().unwrap()).unwrap();
    socket.connect(address).await.unwrap()
}

/// Makes a socket safe.
pub async fn secured(
    socket: TcpStream,
    config: ClientConfig,
) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    let handshake = TlsConnector::from(Arc::new(config)).connect(name, socket);
    timeout(PATIENCE, handshake).await.unwrap()
}

impl Wire {
    /// HTTP/1.1 over TLS 1.3.
    pub async fn open(server: &Server) -> Self {
        Self::over(server.address, &server.root, "http/1.1").await
    }

    /// HTTP/1.1 from another loopback address; an error when the server closes at once.
    pub async fn from(source: &str, server: &Server) -> std::io::Result<Self> {
        Self::between(source, (server.address, &server.root)).await
    }

    /// The same to an address, under this authority.
    pub async fn between(
        source: &str,
        (address, root): (SocketAddr, &CertificateDer<'static>),
    ) -> std::io::Result<Self> {
        let config = client_config(root, "http/1.1", &[&rustls::version::TLS13]);
        let socket = socket_from(source, address).await;
        Ok(Self::of(secured(socket, config).await?))
    }

    pub async fn over(address: SocketAddr, root: &CertificateDer<'static>, protocol: &str) -> Self {
        let config = client_config(root, protocol, &[&rustls::version::TLS13]);
        let stream = connect(address, config).await.unwrap();
        Self {
            stream,
            buffer: Vec::new(),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Over a stream that is there already.
    pub fn of(stream: S) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    /// Whether these octets come before the connection ends.
    pub async fn hears(&mut self, octets: &[u8]) -> bool {
        loop {
            if find(&self.buffer, octets).is_some() {
                return true;
            }
            if !self.more().await {
                return false;
            }
        }
    }

    pub async fn send(&mut self, octets: impl AsRef<[u8]>) {
        // The server may have hung up already; what it said then is what the test looks at.
        let _ = self.stream.write_all(octets.as_ref()).await;
        let _ = self.stream.flush().await;
    }

    /// One answer with its body; `None` when the connection ended before it.
    pub async fn answer(&mut self) -> Option<Heard> {
        let end = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
            if !self.more().await {
                return None;
            }
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).to_lowercase();
        let length = head
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.lines().next());
        let length: usize = length.map_or(0, |text| text.parse().unwrap());
        while self.buffer.len() < end + length && self.more().await {}
        let octets = self.buffer[end..end + length].to_vec();
        let body = String::from_utf8_lossy(&octets).into_owned();
        self.buffer.drain(..end + length);
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Some(Heard {
            status,
            head,
            body,
            octets,
        })
    }

    /// Sends a request and hears its answer.
    pub async fn ask(&mut self, request: &str) -> Heard {
        self.send(request).await;
        self.answer().await.expect("an answer")
    }

    /// Waits for the end of the connection; whatever else comes is given back.
    pub async fn rest(mut self) -> Vec<u8> {
        while self.more().await {}
        self.buffer
    }

    async fn more(&mut self) -> bool {
        let mut piece = [0_u8; 4_096];
        match timeout(PATIENCE, self.stream.read(&mut piece))
            .await
            .expect("the server hangs")
        {
            Ok(0) | Err(_) => false,
            Ok(count) => {
                self.buffer.extend_from_slice(&piece[..count]);
                true
            }
        }
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// A plain request.
pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}
