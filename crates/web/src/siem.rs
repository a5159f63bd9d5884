//! The way to a receiver of syslog (RFC 5425): one TCP connection, protected by TLS, over which frames go
//! out. Certificate and name are always verified. What goes out, and what goes out again, is the engine's
//! to decide.

mod line;
mod way;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use engine::ports::Collector;
use engine::ports::stream::{Line, LineBroken, OnItsWay};
use rustix::net::sockopt;
use tokio::net::{TcpStream, lookup_host};

pub use way::{ClientIdentity, SyslogTls, SyslogWay, WayError};

use line::Connection;
use way::Protection;

/// From looking the name up to the end of the TLS handshake.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one address may take to answer, so that the next has its turn.
const ADDRESS_PATIENCE: Duration = Duration::from_secs(3);
/// A connection ends when octets of ours stay unacknowledged for so long (`TCP_USER_TIMEOUT`).
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);
/// A silent connection is probed after so long, and then so often.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
const PROBE: Duration = Duration::from_secs(10);
const PROBES: u32 = 3;

/// Where a receiver is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyslogPlace {
    /// The host to look up, or its address, without brackets.
    pub host: String,
    /// Its port; 6514 is that of syslog over TLS.
    pub port: u16,
}

/// A receiver of syslog.
pub struct SyslogCollector {
    place: SyslogPlace,
    protection: Protection,
}

impl SyslogCollector {
    /// The receiver at this place. Files that the way names are read at once.
    pub fn new(place: SyslogPlace, way: &SyslogWay) -> Result<Self, WayError> {
        let protection = Protection::of(&place.host, way)?;
        Ok(Self { place, protection })
    }

    async fn open(&self) -> Result<Box<dyn Line>, LineBroken> {
        let opened = tokio::time::timeout(PATIENCE, self.secured()).await;
        opened.unwrap_or_else(|_| Err(LineBroken(format!("no connection within {PATIENCE:?}"))))
    }

    async fn secured(&self) -> Result<Box<dyn Line>, LineBroken> {
        let socket = self.connected().await?;
        match &self.protection {
            Protection::Tls(connector, name) => {
                let stream = connector.connect(name.clone(), socket).await;
                let stream = stream.map_err(because("TLS failed"))?;
                Ok(Box::new(Connection::new(stream)))
            }
            Protection::Loopback | Protection::Clear => Ok(Box::new(Connection::new(socket))),
        }
    }

    async fn connected(&self) -> Result<TcpStream, LineBroken> {
        let found = lookup_host((self.place.host.as_str(), self.place.port)).await;
        let mut last = LineBroken("the name has no address".to_owned());
        for address in found.map_err(because("the name has no address"))? {
            match self.connect_to(address).await {
                Ok(socket) => return Ok(socket),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn connect_to(&self, address: SocketAddr) -> Result<TcpStream, LineBroken> {
        if matches!(self.protection, Protection::Loopback) && !address.ip().is_loopback() {
            let says = "the name leads to another machine, where plain TCP is not used";
            return Err(LineBroken(says.to_owned()));
        }
        let connected = tokio::time::timeout(ADDRESS_PATIENCE, TcpStream::connect(address)).await;
        let connected =
            connected.map_err(|_| LineBroken("the connection took too long".to_owned()))?;
        let socket = connected.map_err(because("no connection"))?;
        tend(&socket).map_err(because("no connection"))?;
        Ok(socket)
    }
}

impl Collector for SyslogCollector {
    fn connect(&self) -> OnItsWay<'_, Result<Box<dyn Line>, LineBroken>> {
        Box::pin(self.open())
    }
}

impl fmt::Debug for SyslogCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SyslogCollector({}:{})",
            self.place.host, self.place.port
        )
    }
}

/// Has the system notice a receiver that is gone.
fn tend(socket: &TcpStream) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, KEEP_ALIVE)?;
    sockopt::set_tcp_keepintvl(socket, PROBE)?;
    sockopt::set_tcp_keepcnt(socket, PROBES)?;
    let limit = u32::try_from(UNACKNOWLEDGED.as_millis()).unwrap_or(u32::MAX);
    sockopt::set_tcp_user_timeout(socket, limit)?;
    Ok(())
}

fn because<E: std::error::Error>(what: &'static str) -> impl Fn(E) -> LineBroken {
    move |error| LineBroken(format!("{what}: {error}"))
}
