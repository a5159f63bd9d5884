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

/// As much may lie in a buffer of the stream's own, in octets: TLS takes so much before it is passed
/// on, and no more.
const STREAM_BUFFER_OCTETS: u64 = 64 * 1024;

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

/// Whether a connection is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// It is.
    On,
    /// It is not: what comes waits in the network.
    Off,
}

/// A connection and its two buffers.
pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    input: BytesMut,
    output: BytesMut,
    unflushed: bool,
    /// What the peer must take next: everything up to this octet, and since when it is waited for.
    owed: Option<(u64, Instant)>,
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
            owed: None,
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

    /// How long the peer has owed it to take what was waiting for it then. To take a little now and
    /// then does not help it.
    pub(crate) fn blocked_for(&self, now: Instant) -> Duration {
        self.owed
            .map_or(Duration::ZERO, |(_, since)| now.duration_since(since))
    }

    /// Writes what is waiting and reads until there is something new. May be dropped and called
    /// again at any time; nothing is lost.
    pub(crate) async fn drive(&mut self) -> io::Result<Driven> {
        poll_fn(|context| self.poll_drive(context)).await
    }

    /// The same, but only writes while nothing is to be read: for a peer that has asked enough.
    pub(crate) async fn drive_if(&mut self, reading: Reading) -> io::Result<Driven> {
        poll_fn(|context| match reading {
            Reading::On => self.poll_drive(context),
            Reading::Off => match self.poll_write(context) {
                Ok(()) => Poll::Pending,
                Err(error) => Poll::Ready(Err(error)),
            },
        })
        .await
    }

    /// Whether so much waits to be written that nothing is read until the peer has read some of it.
    pub(crate) fn is_held_up(&self) -> bool {
        self.output.len() > OUTPUT_HIGH_OCTETS
    }

    /// How many octets were read and not yet framed.
    pub(crate) fn unframed(&self) -> usize {
        self.input.len()
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
        if self.is_held_up() {
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
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => break,
            }
        }
        if self.output.is_empty() {
            if self.output.capacity() > KEPT_OCTETS {
                self.output = BytesMut::new();
            }
            self.poll_flush(context)?;
        }
        self.keep_account();
        Ok(())
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.unflushed
            && let Poll::Ready(flushed) = pin!(self.stream.flush()).poll(context)
        {
            flushed?;
            self.unflushed = false;
        }
        Ok(())
    }

    /// Only octets that were waiting when the peer fell behind are owed; when it has taken them, those
    /// that wait by then are.
    fn keep_account(&mut self) {
        if self.output.is_empty() && !self.unflushed {
            self.owed = None;
        } else if self.owed.is_none_or(|(end, _)| self.written > end) {
            let end = self.appended().saturating_add(STREAM_BUFFER_OCTETS);
            self.owed = Some((end, Instant::now()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use tokio::io::ReadBuf;

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
        nudge(&mut one).await;
        assert_eq!((one.written(), one.appended()), (64, 1_000));
        let later = Instant::now() + Duration::from_secs(7);
        assert!(one.blocked_for(later) >= Duration::from_secs(7));
    }

    /// Lets a wire do what it can without waiting.
    async fn nudge(wire: &mut Wire) {
        tokio::select! {
            biased;
            _ = wire.drive() => panic!("nothing can be read"),
            () = std::future::ready(()) => {}
        }
    }

    #[tokio::test]
    async fn peer_that_reads_in_drips_is_noticed() {
        let (one, mut other) = tokio::io::duplex(64);
        let mut one = Wire::new(Box::new(one));
        one.output().extend_from_slice(&[0; 1_000]);
        nudge(&mut one).await;
        let later = Instant::now() + Duration::from_secs(7);
        // Octets that come later do not make it more patient with those that wait already.
        one.output().extend_from_slice(&vec![0; 200_000]);
        let mut drip = [0; 64];
        for _ in 0..1_000 {
            other.read_exact(&mut drip).await.unwrap();
            nudge(&mut one).await;
            assert!(one.blocked_for(later) >= Duration::from_secs(7));
        }
        // What waited when it fell behind is taken: from now on the others count.
        for _ in 1_000..1_100 {
            other.read_exact(&mut drip).await.unwrap();
            nudge(&mut one).await;
        }
        let blocked = one.blocked_for(later);
        assert!(blocked > Duration::ZERO && blocked < Duration::from_secs(7));
        while one.written() < one.appended() {
            other.read_exact(&mut drip).await.unwrap();
            nudge(&mut one).await;
        }
        assert_eq!(one.blocked_for(later), Duration::ZERO);
    }

    /// Takes octets like TLS, into a buffer of its own that it cannot pass on.
    struct Hoarder;

    impl AsyncRead for Hoarder {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Hoarder {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            octets: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(octets.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn octets_that_are_buffered_but_not_passed_on_are_noticed() {
        let mut wire = Wire::new(Box::new(Hoarder));
        wire.output().extend_from_slice(&[0; 100]);
        nudge(&mut wire).await;
        assert_eq!(wire.written(), 100);
        let later = Instant::now() + Duration::from_secs(7);
        assert!(wire.blocked_for(later) >= Duration::from_secs(7));
    }
}
