//! An ESME, played PDU by PDU.

use std::net::SocketAddr;

use bytes::BytesMut;
use smpp::frame::{self, FRAME_LIMIT_OCTETS};
use smpp::pdu::{Address, Bind, BindKind, Body, Pdu, ShortMessage, id};
use smpp::status::Status;
use testkit::settings::ESME_PASSWORD;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::stage::PATIENCE;

/// A handset: one of those kept free for examples.
pub const HANDSET: Address<'static> = Address::new(1, 1, b"447700900123");
/// The short code of the client.
pub const CODE: Address<'static> = Address::new(3, 0, b"12345");

/// What came back: `command_id`, status, sequence number and the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub id: u32,
    pub status: Status,
    pub sequence: u32,
    pub body: Vec<u8>,
}

impl Reply {
    /// The message id of a submit_sm_resp.
    pub fn message_id(&self) -> String {
        assert_eq!((self.id, self.status), (id::SUBMIT_SM_RESP, Status::OK));
        let (nul, text) = self.body.split_last().unwrap();
        assert_eq!(*nul, 0);
        String::from_utf8(text.to_vec()).unwrap()
    }
}

pub struct Esme<S = TcpStream> {
    pub stream: S,
    input: Vec<u8>,
    sequence: u32,
}

impl Esme {
    /// Connected.
    pub async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }

    /// Connected and bound.
    pub async fn bound(address: SocketAddr) -> Self {
        Self::bound_as(address, BindKind::Transceiver).await
    }

    pub async fn bound_as(address: SocketAddr, kind: BindKind) -> Self {
        let mut esme = Self::connect(address).await;
        let reply = esme.bind(kind, "esme1", ESME_PASSWORD).await;
        assert_eq!(
            (reply.id, reply.status),
            (kind.id() | id::RESPONSE, Status::OK)
        );
        esme
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Esme<S> {
    pub fn over(stream: S) -> Self {
        Self {
            stream,
            input: Vec::new(),
            sequence: 0,
        }
    }

    /// Sends a request; its sequence number.
    pub async fn send(&mut self, body: Body<'_>) -> u32 {
        self.sequence += 1;
        let mut out = BytesMut::new();
        Pdu::request(self.sequence, body).encode(&mut out).unwrap();
        self.stream.write_all(&out).await.unwrap();
        self.sequence
    }

    /// Sends a request octet by octet as it is given, behind its header.
    pub async fn send_raw(&mut self, id: u32, body: &[u8]) -> u32 {
        self.sequence += 1;
        let length = u32::try_from(body.len() + 16).unwrap();
        let mut out = Vec::new();
        for number in [length, id, 0, self.sequence] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(body);
        self.stream.write_all(&out).await.unwrap();
        self.sequence
    }

    /// The next PDU; `None` when the connection has ended.
    pub async fn next(&mut self) -> Option<Reply> {
        loop {
            let mut rest = self.input.as_slice();
            if let Some(frame) = frame::take(&mut rest, FRAME_LIMIT_OCTETS).unwrap() {
                let reply = Reply {
                    id: frame.header.id,
                    status: Status(frame.header.status),
                    sequence: frame.header.sequence,
                    body: frame.body.to_vec(),
                };
                let taken = self.input.len() - rest.len();
                self.input.drain(..taken);
                return Some(reply);
            }
            let mut room = [0; 4_096];
            let read = timeout(PATIENCE, self.stream.read(&mut room)).await;
            match read.expect("nothing comes") {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.input.extend_from_slice(&room[..count]),
            }
        }
    }

    pub async fn reply(&mut self) -> Reply {
        self.next().await.expect("the connection ended")
    }

    /// Reads until the connection ends.
    pub async fn ended(&mut self) {
        while self.next().await.is_some() {}
    }

    pub async fn bind(&mut self, kind: BindKind, name: &str, password: &str) -> Reply {
        let bind = Bind::new(name.as_bytes(), password.as_bytes(), b"");
        self.send(Body::Bind(kind, bind)).await;
        self.reply().await
    }

    /// Submits and waits for the answer.
    pub async fn submit(&mut self, message: ShortMessage<'_>) -> Reply {
        let sequence = self.send(Body::SubmitSm(message)).await;
        let reply = self.reply().await;
        assert_eq!(reply.sequence, sequence);
        reply
    }
}

/// A message from the short code to the handset.
pub fn message(text: &[u8]) -> ShortMessage<'_> {
    ShortMessage {
        source: CODE,
        destination: HANDSET,
        short_message: text,
        ..ShortMessage::default()
    }
}
