//! One connection to a receiver. Syslog has no acknowledgement, so what has arrived is taken from TCP: the
//! system ends a connection whose octets stay unacknowledged for [`UNACKNOWLEDGED`], hence on one that
//! lives, what was sent well before that lies with the receiver's machine.
//!
//! [`UNACKNOWLEDGED`]: super::UNACKNOWLEDGED

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use engine::ports::stream::{Arrival, Line, LineBroken, OnItsWay};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::Instant;

use super::{UNACKNOWLEDGED, because};

/// Octets sent so long ago count as arrived: twice the limit, since the system looks at it by a timer of its
/// own.
const ARRIVED_AFTER: Duration = UNACKNOWLEDGED.saturating_mul(2);
/// How exactly it is remembered when octets were sent; it bounds what is remembered.
const MARK_EVERY: Duration = Duration::from_millis(250);
/// How long a receiver may take to read to the end.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// A connection, protected or not.
pub(super) struct Connection<S> {
    stream: S,
    sent: u64,
    arrived: u64,
    marks: VecDeque<Mark>,
}

/// What was sent within [`MARK_EVERY`].
struct Mark {
    began: Instant,
    ended: Instant,
    /// How many octets had been sent by its end.
    sent: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Connection<S> {
    pub(super) const fn new(stream: S) -> Self {
        Self {
            stream,
            sent: 0,
            arrived: 0,
            marks: VecDeque::new(),
        }
    }

    async fn write(&mut self, octets: &[u8]) -> Result<(), LineBroken> {
        let broke = because("the connection broke");
        self.stream.write_all(octets).await.map_err(&broke)?;
        self.stream.flush().await.map_err(&broke)?;
        let count = u64::try_from(octets.len()).unwrap_or(u64::MAX);
        self.sent = self.sent.saturating_add(count);
        self.mark(Instant::now());
        Ok(())
    }

    /// Remembers that all of it had been sent by now.
    fn mark(&mut self, now: Instant) {
        let (ended, sent) = (now, self.sent);
        match self.marks.back_mut() {
            // Its end stands for the older octets too, which says too little rather than too much.
            Some(last) if now.duration_since(last.began) < MARK_EVERY => {
                (last.ended, last.sent) = (ended, sent);
            }
            _ => self.marks.push_back(Mark {
                began: now,
                ended,
                sent,
            }),
        }
    }

    fn arrived_by(&mut self, now: Instant) -> u64 {
        let is_old = |mark: &mut Mark| now.duration_since(mark.ended) >= ARRIVED_AFTER;
        while let Some(mark) = self.marks.pop_front_if(is_old) {
            self.arrived = mark.sent;
        }
        self.arrived
    }

    /// Reads until the other side has ended; what a receiver may say means nothing. Many end a connection
    /// without saying so in TLS.
    async fn read_to_end(&mut self) -> io::Result<()> {
        let mut piece = [0; 1_024];
        loop {
            match self.stream.read(&mut piece).await {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    async fn finish(mut self) -> Arrival {
        let closing = async {
            self.stream.shutdown().await?;
            self.read_to_end().await
        };
        // Who ends the connection after our end has read to there: an earlier end resets it.
        match tokio::time::timeout(CLOSE_PATIENCE, closing).await {
            Ok(Ok(())) => Arrival::Everything,
            Ok(Err(_)) | Err(_) => Arrival::Unknown,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Line for Connection<S> {
    fn send(&mut self, octets: Vec<u8>) -> OnItsWay<'_, Result<(), LineBroken>> {
        Box::pin(async move { self.write(&octets).await })
    }

    fn ended(&mut self) -> OnItsWay<'_, LineBroken> {
        Box::pin(async move {
            match self.read_to_end().await {
                Ok(()) => LineBroken("the receiver ended the connection".to_owned()),
                Err(error) => because("the connection broke")(error),
            }
        })
    }

    fn arrived(&mut self) -> u64 {
        self.arrived_by(Instant::now())
    }

    fn close(self: Box<Self>) -> OnItsWay<'static, Arrival> {
        Box::pin(self.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_count_as_arrived_once_a_dead_connection_would_have_ended() {
        let mut line = Connection::new(tokio::io::empty());
        let began = Instant::now();
        let at = |millis| began + Duration::from_millis(millis);
        for (millis, sent) in [(0, 10), (100, 20), (300, 30)] {
            line.sent = sent;
            line.mark(at(millis));
        }
        assert_eq!(line.arrived_by(at(20_000)), 0, "10 was followed by 20");
        assert_eq!(line.arrived_by(at(20_099)), 0);
        assert_eq!(line.arrived_by(at(20_100)), 20);
        assert_eq!(line.arrived_by(at(20_299)), 20);
        assert_eq!(line.arrived_by(at(60_000)), 30);
        assert_eq!(line.arrived_by(at(60_001)), 30);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut line = Connection::new(tokio::io::empty());
        let began = Instant::now();
        for millis in 0..100_000 {
            let now = began + Duration::from_millis(millis);
            line.sent += 1;
            line.mark(now);
            line.arrived_by(now);
        }
        assert!(line.marks.len() < 100, "{}", line.marks.len());
        assert!(line.arrived > 0);
    }
}
