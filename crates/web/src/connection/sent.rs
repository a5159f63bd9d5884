//! The body of an answer while it is being sent. Over HTTP/2 a client can leave an answer lying by giving
//! no window for it, and no write ever waits; so each tells the pulse when it begins and when it is gone.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};

use crate::connection::pulse::{Pulse, Sending};

/// A body on its way.
pub(crate) struct Sent {
    body: Full<Bytes>,
    /// Ends when the last of it was taken, or the stream is gone.
    _sending: Sending,
}

impl Sent {
    /// A body that begins its way now.
    pub(crate) fn new(body: Full<Bytes>, pulse: &Arc<Pulse>) -> Self {
        Self {
            body,
            _sending: pulse.send(),
        }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
