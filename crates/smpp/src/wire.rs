//! One connection's octets: what was read and not yet framed, and what is to be written. Reading and
//! writing go on side by side in one task, so two peers that both write cannot block each other.
//! It knows nothing of PDUs.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

/// As much is read at one go, in octets, before it is looked at: a batch of PDUs.
const READ_BATCH_OCTETS: usize = 64 * 1024;
/// As much room is made for one read, in octets.
const READ_ROOM_OCTETS: usize = 16 * 1024;
/// With more than this waiting to be written, in octets, nothing more is read: the peer must read.
const OUTPUT_HIGH_OCTETS: usize = 1024 * 1024;
/// A buffer that grew beyond this, in octets, is given back once it is empty.
const KEPT_OCTETS: usize = 256 * 1024;

/// What a connection is made of: TCP or TLS over it.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What [`Wire::drive`] ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driven {
    /// There are new octets in the input.
    Octets,
    /// The peer will send nothing more.
    End,
}

/// A connection and its two buffers.
pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    input: BytesMut,
    output: BytesMut,
    unflushed: bool,
    blocked_since: Option<Instant>,
    /// How many octets the stream has taken since it began.
    written: u64,
}

impl Wire {
    pub(crate) fn new(stream: Box<dyn Stream>) -> Self {
        Self {
            stream,
            input: BytesMut::new(),
            output: BytesMut::new(),
            unflushed: false,
            blocked_since: None,
            written: 0,
        }
    }

    /// Forgets the first octets of the input.
    pub(crate) fn consume(&mut self, octets: usize) {
        self.input.advance(octets.min(self.input.len()));
    }

    /// Where PDUs to be written are appended. [`Wire::drive`] writes them.
    pub(crate) fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// Input and output at once, so that one can be answered into the other.
    pub(crate) fn both(&mut self) -> (&[u8], &mut BytesMut) {
        (&self.input, &mut self.output)
    }

    /// How many octets have been handed to the stream: these may have left.
    pub(crate) const fn written(&self) -> u64 {
        self.written
    }

    /// How many octets were ever appended to the output: where the next PDU begins.
    pub(crate) fn appended(&self) -> u64 {
        self.written
            .saturating_add(u64::try_from(self.output.len()).unwrap_or(u64::MAX))
    }

    /// How long the peer has not taken anything although something is waiting for it.
    pub(crate) fn blocked_for(&self, now: Instant) -> Duration {
        self.blocked_since
            .map_or(Duration::ZERO, |since| now.duration_since(since))
    }

    /// Writes what is waiting and reads until there is something new. May be dropped and called
    /// again at any time; nothing is lost.
    pub(crate) async fn drive(&mut self) -> io::Result<Driven> {
        poll_fn(|context| self.poll_drive(context)).await
    }

    /// Writes everything that is waiting, then ends the sending side.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        poll_fn(|context| {
            self.poll_write(context)?;
            if self.output.is_empty() && !self.unflushed {
                Poll::Ready(Ok(()))
            } else {
                Poll::Pending
            }
        })
        .await
        .and(self.stream.shutdown().await)
    }

    fn poll_drive(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Driven>> {
        self.poll_write(context)?;
        if self.output.len() > OUTPUT_HIGH_OCTETS {
            return Poll::Pending;
        }
        let before = self.input.len();
        while self.input.len() < before + READ_BATCH_OCTETS {
            self.input.reserve(READ_ROOM_OCTETS);
            match pin!(self.stream.read_buf(&mut self.input)).poll(context) {
                Poll::Ready(Ok(0)) if self.input.len() == before => {
                    return Poll::Ready(Ok(Driven::End));
                }
                Poll::Ready(Ok(0)) => break,
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if self.input.len() == before => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        Poll::Ready(Ok(Driven::Octets))
    }

    /// Writes as much as the peer takes now.
    fn poll_write(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while !self.output.is_empty() {
            match pin!(self.stream.write_buf(&mut self.output)).poll(context) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(octets)) => {
                    self.written += u64::try_from(octets).unwrap_or(0);
                    self.unflushed = true;
                    self.blocked_since = None;
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => {
                    self.blocked_since.get_or_insert_with(Instant::now);
                    return Ok(());
                }
            }
        }
        if self.output.capacity() > KEPT_OCTETS {
            self.output = BytesMut::new();
        }
        if self.unflushed
            && let Poll::Ready(flushed) = pin!(self.stream.flush()).poll(context)
        {
            flushed?;
            self.unflushed = false;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes and reads at both ends at once, far more than the pipe holds.
    #[tokio::test]
    async fn two_ends_that_both_write_do_not_block_each_other() {
        let (one, other) = tokio::io::duplex(1024);
        let (mut one, mut other) = (Wire::new(Box::new(one)), Wire::new(Box::new(other)));
        let octets = vec![7; 300_000];
        one.output().extend_from_slice(&octets);
        other.output().extend_from_slice(&octets);
        let read_all = async |wire: &mut Wire| {
            while wire.input.len() < octets.len() {
                assert_eq!(wire.drive().await.unwrap(), Driven::Octets);
            }
        };
        tokio::join!(read_all(&mut one), read_all(&mut other));
        assert_eq!(one.input, octets);
    }

    #[tokio::test]
    async fn end_is_told_after_the_last_octets() {
        let (mut one, other) = tokio::io::duplex(64);
        let mut other = Wire::new(Box::new(other));
        one.write_all(b"last").await.unwrap();
        drop(one);
        assert_eq!(other.drive().await.unwrap(), Driven::Octets);
        other.consume(4);
        assert_eq!(other.drive().await.unwrap(), Driven::End);
    }

    #[tokio::test]
    async fn peer_that_does_not_read_is_noticed() {
        let (one, _other) = tokio::io::duplex(64);
        let mut one = Wire::new(Box::new(one));
        one.output().extend_from_slice(&[0; 1000]);
        tokio::select! {
            biased;
            _ = one.drive() => panic!("nothing can be read"),
            () = std::future::ready(()) => {}
        }
        assert_eq!((one.written(), one.appended()), (64, 1_000));
        let later = Instant::now() + Duration::from_secs(7);
        assert!(one.blocked_for(later) >= Duration::from_secs(7));
    }
}
