//! A provider on a port of 127.0.0.1 whose API has the shape of Twilio's Messages, over TLS or plain: it takes
//! messages under an id of its own, or does what it is told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What a provider does with a request.
#[derive(Clone, Debug)]
pub enum Act {
    /// Takes the message.
    Take,
    /// Takes the message, and ends the connection without saying so.
    TakeAndEnd,
    /// Answers with a status, further header lines (each with its line end) and a body.
    Say(u16, String, String),
    /// Takes the request and never answers.
    Hang,
    /// Takes the request and hangs up.
    HangUp,
    /// Answers without end.
    Flood,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its method and path.
    pub line: String,
    /// The `Authorization`.
    pub shown: String,
    /// The fields of its form.
    pub fields: Vec<(String, String)>,
    /// The id under which the message was taken.
    pub sid: Option<String>,
}

impl Asked {
    /// A field of the form.
    pub fn field(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(other, _)| other == name);
        found.map_or("", |(_, value)| value)
    }
}

/// A provider; it stops when this is dropped.
#[derive(Debug)]
pub struct ProviderServer {
    address: SocketAddr,
    book: Arc<Book>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Book {
    /// What it does with the next messages; takes them when there is none.
    acts: Mutex<VecDeque<Act>>,
    /// What it does with questions for the account, and with messages when nothing else is said.
    usual: Mutex<(Act, Act)>,
    asked: Mutex<Vec<Asked>>,
    connections: AtomicUsize,
    /// Connections that have ended.
    ended: AtomicUsize,
    more: Notify,
}

impl ProviderServer {
    /// Starts on a free port; over TLS with an acceptor.
    pub async fn start(security: Option<TlsAcceptor>) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), security).await
    }

    /// Starts on this address.
    pub async fn start_at(address: SocketAddr, security: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let account = Act::Say(200, String::new(), "{}".to_owned());
        let book = Arc::new(Book {
            acts: Mutex::default(),
            usual: Mutex::new((account, Act::Take)),
            asked: Mutex::default(),
            connections: AtomicUsize::default(),
            ended: AtomicUsize::default(),
            more: Notify::new(),
        });
        let task = tokio::spawn(accept(listener, security, Arc::clone(&book)));
        Self {
            address,
            book,
            task,
        }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it does with the next message that nothing was said for yet.
    pub fn next(&self, act: Act) {
        self.book.acts.lock().unwrap().push_back(act);
    }

    /// What it does with every message from now on, when nothing was said for it.
    pub fn always(&self, act: Act) {
        self.book.usual.lock().unwrap().1 = act;
    }

    /// What it does from now on when it is asked for the account.
    pub fn about_account(&self, act: Act) {
        self.book.usual.lock().unwrap().0 = act;
    }

    /// The messages that came, in their order.
    pub fn messages(&self) -> Vec<Asked> {
        let asked = self.book.asked.lock().unwrap();
        let posted = asked.iter().filter(|asked| asked.line.starts_with("POST "));
        posted.cloned().collect()
    }

    /// How often it was asked for the account.
    pub fn probes(&self) -> usize {
        let asked = self.book.asked.lock().unwrap();
        asked
            .iter()
            .filter(|asked| asked.line.starts_with("GET "))
            .count()
    }

    /// How many connections came.
    pub fn connections(&self) -> usize {
        self.book.connections.load(Ordering::Acquire)
    }

    /// Waits until so many connections have ended.
    pub async fn until_ended(&self, count: usize) {
        loop {
            let more = self.book.more.notified();
            if self.book.ended.load(Ordering::Acquire) >= count {
                return;
            }
            more.await;
        }
    }

    /// Waits until so many messages have come, and gives them.
    pub async fn until(&self, count: usize) -> Vec<Asked> {
        loop {
            let more = self.book.more.notified();
            let messages = self.messages();
            if messages.len() >= count {
                return messages;
            }
            more.await;
        }
    }
}

impl Drop for ProviderServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, security: Option<TlsAcceptor>, book: Arc<Book>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((socket, _)) = accepted else { continue };
                let (security, book) = (security.clone(), Arc::clone(&book));
                book.connections.fetch_add(1, Ordering::AcqRel);
                connections.spawn(async move {
                    match security {
                        None => serve(socket, &book).await,
                        // Whoever does not believe us hangs up.
                        Some(security) => match security.accept(socket).await {
                            Ok(secured) => serve(secured, &book).await,
                            Err(_) => None,
                        },
                    };
                    book.ended.fetch_add(1, Ordering::AcqRel);
                    book.more.notify_waiters();
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One request after another, until the other side ends the connection.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, book: &Book) -> Option<()> {
    loop {
        let (head, body) = read(&mut stream).await?;
        let (act, asked) = book.note(&head, &body);
        let sid = asked.sid.unwrap_or_default();
        let taken = format!(r#"{{"sid":"{sid}","status":"queued","error_code":null}}"#);
        match act {
            Act::Take => write(&mut stream, 201, "", &taken).await?,
            Act::TakeAndEnd => {
                write(&mut stream, 201, "", &taken).await?;
                return stream.shutdown().await.ok();
            }
            Act::Say(status, lines, body) => write(&mut stream, status, &lines, &body).await?,
            Act::Hang => std::future::pending().await,
            Act::HangUp => return None,
            Act::Flood => return flood(&mut stream).await,
        }
    }
}

async fn flood(stream: &mut (impl AsyncWrite + Unpin)) -> Option<()> {
    let head = b"HTTP/1.1 201 Created\r\nContent-Length: 1000000000\r\n\r\n";
    stream.write_all(head).await.ok()?;
    loop {
        stream.write_all(&[b'x'; 8_192]).await.ok()?;
    }
}

impl Book {
    fn note(&self, head: &str, body: &[u8]) -> (Act, Asked) {
        let line = head.lines().next().unwrap_or_default();
        let line = line.trim_end_matches(" HTTP/1.1").to_owned();
        let shown = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("authorization").then_some(value)
        });
        let shown = shown.unwrap_or_default().to_owned();
        let act = if line.starts_with("GET ") {
            self.usual.lock().unwrap().0.clone()
        } else {
            let next = self.acts.lock().unwrap().pop_front();
            next.unwrap_or_else(|| self.usual.lock().unwrap().1.clone())
        };
        let mut known = self.asked.lock().unwrap();
        // Unlike that of any other server, as far as a test goes.
        let salt = std::process::id();
        let sid = matches!(act, Act::Take | Act::TakeAndEnd)
            .then(|| format!("SM{salt:08x}{:024x}", known.len() + 1));
        let asked = Asked {
            line,
            shown,
            fields: fields(body),
            sid,
        };
        known.push(asked.clone());
        drop(known);
        self.more.notify_waiters();
        (act, asked)
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<(String, Vec<u8>)> {
    let mut octets = Vec::new();
    let end = loop {
        let found = octets.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = found {
            break end + 4;
        }
        if stream.read_buf(&mut octets).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(octets[..end].to_vec()).ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.parse::<usize>().ok())?
    });
    let length = length.unwrap_or_default();
    while octets.len() < end + length {
        if stream.read_buf(&mut octets).await.ok()? == 0 {
            return None;
        }
    }
    Some((head, octets[end..end + length].to_vec()))
}

async fn write(
    stream: &mut (impl AsyncWrite + Unpin),
    status: u16,
    lines: &str,
    body: &str,
) -> Option<()> {
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{lines}\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).await.ok()?;
    stream.flush().await.ok()
}

fn fields(body: &[u8]) -> Vec<(String, String)> {
    let body = String::from_utf8_lossy(body).into_owned();
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

fn decoded(text: &str) -> String {
    let mut octets = Vec::new();
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        match octet {
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                let digits = std::str::from_utf8(&digits).unwrap();
                octets.push(u8::from_str_radix(digits, 16).unwrap());
            }
            b'+' => octets.push(b' '),
            other => octets.push(other),
        }
    }
    String::from_utf8(octets).unwrap()
}
