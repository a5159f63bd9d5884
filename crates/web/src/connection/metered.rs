//! A socket that counts its octets, tells the connection's pulse when some came, spoils heads that two readers may
//! understand differently, and ends when its client takes nothing any more or sends frames that carry nothing.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::connection::frames::{Frames, Seen};
use crate::connection::lines::Lines;
use crate::connection::pulse::Pulse;
use crate::counters::ListenerCounters;

/// A socket with its meters. Counts what HTTP sees, after decryption.
pub(crate) struct Metered<T> {
    inner: T,
    pulse: Arc<Pulse>,
    counters: Arc<ListenerCounters>,
    begun: Instant,
    written: u64,
    /// `None` over HTTP/1.1.
    frames: Option<Frames>,
    /// `None` over HTTP/2.
    lines: Option<Lines>,
    write_timeout: Duration,
    /// Runs while a write waits for its reader, and never otherwise.
    stall: Option<Pin<Box<Sleep>>>,
}

impl<T> Metered<T> {
    /// Wraps a socket. Its client may let a write wait for so long.
    pub(crate) fn new(
        inner: T,
        pulse: Arc<Pulse>,
        counters: Arc<ListenerCounters>,
        write_timeout: Duration,
    ) -> Self {
        Self {
            inner,
            pulse,
            counters,
            begun: Instant::now(),
            written: 0,
            frames: None,
            lines: None,
            write_timeout,
            stall: None,
        }
    }

    /// The same, with a watch over the frames of HTTP/2.
    pub(crate) fn framed(self, frames: Frames) -> Self {
        Self {
            frames: Some(frames),
            ..self
        }
    }

    /// The same, with a watch over the lines of HTTP/1.1.
    pub(crate) fn lined(self) -> Self {
        Self {
            lines: Some(Lines::default()),
            ..self
        }
    }

    fn came(&mut self, octets: &mut [u8]) -> io::Result<()> {
        self.pulse.heard();
        self.counters.octets_in.add(octets.len());
        if let Some(lines) = &mut self.lines {
            lines.take(octets);
        }
        let Some(frames) = &mut self.frames else {
            return Ok(());
        };
        let (pulse, written, begun) = (&self.pulse, self.written, self.begun);
        let seen = || Seen {
            served: pulse.served(),
            written,
            age: begun.elapsed(),
        };
        frames.take(octets, seen).map_err(|spent| {
            self.counters.flooded.add(1);
            io::Error::other(spent)
        })
    }

    /// Lets a write wait only for so long.
    fn awaited<R>(
        &mut self,
        cx: &mut Context<'_>,
        done: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if done.is_ready() {
            self.stall = None;
            return done;
        }
        let within = self.write_timeout;
        let stall = self
            .stall
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
        if stall.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.stall = None;
        self.counters.stalled.add(1);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Metered<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let done = Pin::new(&mut self.inner).poll_read(cx, buf);
        let came = buf.filled_mut().get_mut(before..).unwrap_or_default();
        if !came.is_empty() {
            self.came(came)?;
        }
        done
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Metered<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.inner).poll_write(cx, buf);
        if let Poll::Ready(Ok(went)) = &done {
            self.counters.octets_out.add(*went);
            self.written = self
                .written
                .saturating_add(u64::try_from(*went).unwrap_or(0));
        }
        self.awaited(cx, done)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.inner).poll_flush(cx);
        self.awaited(cx, done)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.awaited(cx, done)
    }
}
