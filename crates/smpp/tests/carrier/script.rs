//! A carrier played octet by octet, as a test writes it down.

use smpp::frame;
use smpp::link::{LinkConfig, Security, Timers};
use smpp::pdu::id;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::gateway::{Gateway, PATIENCE, config_to, listener};

/// One PDU that was read: id, status, sequence number.
pub type Seen = (u32, u32, u32);

/// The carrier's end of a connection.
pub struct Carrier {
    pub socket: TcpStream,
    input: Vec<u8>,
}

impl Carrier {
    pub async fn accept(listener: &TcpListener) -> Self {
        let (socket, _) = tokio::time::timeout(PATIENCE, listener.accept())
            .await
            .unwrap()
            .unwrap();
        Self {
            socket,
            input: Vec::new(),
        }
    }

    /// Accepts a connection and its bind.
    pub async fn bound(listener: &TcpListener) -> Self {
        let mut carrier = Self::accept(listener).await;
        let (id, _, sequence) = carrier.read().await.unwrap();
        assert_eq!(id, id::BIND_TRANSCEIVER);
        carrier
            .write(id | id::RESPONSE, 0, sequence, b"CARRIER\0")
            .await;
        carrier
    }

    pub async fn write(&mut self, id: u32, status: u32, sequence: u32, body: &[u8]) {
        let mut octets = pdu(id, sequence, body);
        octets[8..12].copy_from_slice(&status.to_be_bytes());
        self.raw(&octets).await;
    }

    pub async fn raw(&mut self, octets: &[u8]) {
        self.socket.write_all(octets).await.unwrap();
    }

    /// The next PDU; `None` when the link was closed.
    pub async fn read(&mut self) -> Option<Seen> {
        loop {
            let mut rest = self.input.as_slice();
            if let Some(frame) = frame::take(&mut rest, 1_024).unwrap() {
                let seen = (frame.header.id, frame.header.status, frame.header.sequence);
                self.input = rest.to_vec();
                return Some(seen);
            }
            let read = self.socket.read_buf(&mut self.input);
            match tokio::time::timeout(PATIENCE, read)
                .await
                .expect("nothing comes")
            {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}

pub async fn gateway_at(timers: Timers) -> (Gateway, TcpListener) {
    let listener = listener().await;
    let port = listener.local_addr().unwrap().port();
    let config = LinkConfig {
        timers,
        ..config_to(port, Security::PlainLoopback)
    };
    (Gateway::start(vec![config]), listener)
}

pub fn pdu(id: u32, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 16).unwrap();
    let header = [length, id, 0, sequence].map(u32::to_be_bytes);
    [header.as_flattened(), body].concat()
}

/// The body of a message from a handset.
pub fn message(handset: &str, text: &[u8]) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    let addresses = format!("\0\x01\x01{handset}\0\x03\0{}\0", 12_345);
    [addresses.as_bytes(), &[0; 9], &[length], text].concat()
}

/// The body of a message from a handset whose text is too long for its usual place.
pub fn long_message(handset: &str, text: &[u8]) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap().to_be_bytes();
    [&message(handset, b""), &[0x04, 0x24][..], &length, text].concat()
}
