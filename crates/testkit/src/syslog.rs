//! A receiver of syslog on a port of 127.0.0.1: it takes messages with counted octets (RFC 6587), over TLS
//! or plain, and can be hung up on, stopped and started again at its port.

pub(crate) mod frames;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use engine::ports::stream::OnItsWay;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub use frames::Message;

/// A receiver; it stops when this is dropped.
#[derive(Debug)]
pub struct SyslogReceiver {
    address: SocketAddr,
    heard: Arc<Heard>,
    task: JoinHandle<()>,
}

/// What came.
#[derive(Debug)]
struct Heard {
    /// The octets of each connection that was secured, in the order of their opening.
    lines: Mutex<Vec<Vec<u8>>>,
    more: Notify,
    hang_up: watch::Sender<u64>,
}

impl SyslogReceiver {
    /// Starts on a free port; over TLS with an acceptor.
    pub async fn start(security: Option<TlsAcceptor>) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), security).await
    }

    /// Starts on this address.
    pub async fn start_at(address: SocketAddr, security: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let heard = Arc::new(Heard {
            lines: Mutex::default(),
            more: Notify::new(),
            hang_up: watch::Sender::new(0),
        });
        let task = tokio::spawn(accept(listener, security, Arc::clone(&heard)));
        Self {
            address,
            heard,
            task,
        }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every whole message so far, in the order of arrival.
    pub fn messages(&self) -> Vec<Message> {
        let lines = self.heard.lines.lock().unwrap();
        lines.iter().flat_map(|line| frames::read(line)).collect()
    }

    /// Waits until the messages are as the caller wants them, and gives them.
    pub async fn until(&self, wanted: impl Fn(&[Message]) -> bool) -> Vec<Message> {
        loop {
            let more = self.heard.more.notified();
            let messages = self.messages();
            if wanted(&messages) {
                return messages;
            }
            more.await;
        }
    }

    /// How many connections were opened and secured.
    pub fn connections(&self) -> usize {
        self.heard.lines.lock().unwrap().len()
    }

    /// Waits until so many octets came over a connection, counted from 1, and gives all that came.
    pub async fn over(&self, connection: usize, octets: usize) -> Vec<u8> {
        loop {
            let more = self.heard.more.notified();
            if let Some(line) = self.heard.lines.lock().unwrap().get(connection - 1)
                && line.len() >= octets
            {
                return line.clone();
            }
            more.await;
        }
    }

    /// Ends every connection.
    pub fn hang_up(&self) {
        self.heard.hang_up.send_modify(|times| *times += 1);
    }
}

impl Drop for SyslogReceiver {
    fn drop(&mut self) {
        self.task.abort();
        self.hang_up();
    }
}

async fn accept(listener: TcpListener, security: Option<TlsAcceptor>, heard: Arc<Heard>) {
    while let Ok((socket, _)) = listener.accept().await {
        tokio::spawn(secure(socket, security.clone(), Arc::clone(&heard)));
    }
}

async fn secure(socket: TcpStream, security: Option<TlsAcceptor>, heard: Arc<Heard>) {
    match security {
        None => listen(socket, heard).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(socket).await {
                listen(stream, heard).await;
            }
        }
    }
}

async fn listen(mut stream: impl AsyncRead + Unpin, heard: Arc<Heard>) {
    let place = {
        let mut lines = heard.lines.lock().unwrap();
        lines.push(Vec::new());
        lines.len() - 1
    };
    let mut hang_up = heard.hang_up.subscribe();
    let mut piece = vec![0; 65_536];
    loop {
        let count = tokio::select! {
            biased;
            read = stream.read(&mut piece) => read.unwrap_or(0),
            _ = hang_up.changed() => 0,
        };
        if count == 0 {
            return;
        }
        heard.lines.lock().unwrap()[place].extend_from_slice(&piece[..count]);
        heard.more.notify_waiters();
    }
}

/// A receiver and the way to it, for the contract.
pub struct Ends<'r> {
    /// The receiver.
    pub receiver: &'r SyslogReceiver,
    /// The way.
    pub collector: Arc<dyn engine::ports::Collector>,
}

impl crate::contract::stream::Receiver for Ends<'_> {
    fn collector(&self) -> Arc<dyn engine::ports::Collector> {
        Arc::clone(&self.collector)
    }

    fn heard(&self, line: usize, octets: usize) -> OnItsWay<'_, Vec<u8>> {
        Box::pin(self.receiver.over(line, octets))
    }

    fn hang_up(&self) {
        self.receiver.hang_up();
    }
}
