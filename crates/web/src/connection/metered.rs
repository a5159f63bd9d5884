//! A socket that counts its octets and tells the connection's pulse when some came.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::connection::pulse::Pulse;
use crate::counters::ListenerCounters;

/// A socket with its meters. Counts what HTTP sees, after decryption.
pub(crate) struct Metered<T> {
    inner: T,
    pulse: Arc<Pulse>,
    counters: Arc<ListenerCounters>,
}

impl<T> Metered<T> {
    /// Wraps a socket.
    pub(crate) fn new(inner: T, pulse: Arc<Pulse>, counters: Arc<ListenerCounters>) -> Self {
        Self {
            inner,
            pulse,
            counters,
        }
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
        let came = buf.filled().len().saturating_sub(before);
        if came > 0 {
            self.pulse.heard();
            self.counters.octets_in.add(came);
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
        }
        done
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
