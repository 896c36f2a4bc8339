//! A stream that is lent to the driver for the handshake, and taken back afterwards.
//!
//! The driver knows how to authenticate and how to encrypt, and keeps the stream for good. So it gets one that only points at
//! the real one, which stays here.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// What carries bytes both ways.
pub(super) trait Conduit: TlsStream + Unpin + Send + Sync {}

impl<S: TlsStream + Unpin + Send + Sync> Conduit for S {}

/// Where the stream is kept while the driver uses it; the outer one, where one wraps the other.
#[derive(Clone, Default)]
pub(super) struct Keep(Arc<Mutex<Option<Box<dyn Conduit>>>>);

impl Keep {
    /// Puts a stream into a keep of its own, or into this one, and answers what to lend.
    pub(super) fn lend(&self, stream: impl Conduit + 'static) -> Lent {
        *self.0.lock() = Some(Box::new(stream));
        Lent(self.clone())
    }

    /// Takes the stream back; whoever still holds what was lent finds the connection closed.
    pub(super) fn take(&self) -> Option<Box<dyn Conduit>> {
        self.0.lock().take()
    }

    fn with<T>(
        &self,
        work: impl FnOnce(Pin<&mut dyn Conduit>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match self.0.lock().as_mut() {
            Some(stream) => work(Pin::new(stream.as_mut())),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

/// A stream on loan.
pub(super) struct Lent(Keep);

impl AsyncRead for Lent {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.with(|stream| stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Lent {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.with(|stream| stream.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.with(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.with(|stream| stream.poll_shutdown(cx))
    }
}

impl TlsStream for Lent {
    fn channel_binding(&self) -> ChannelBinding {
        self.0.0.lock().as_ref().map_or_else(ChannelBinding::none, |stream| stream.channel_binding())
    }
}

/// A socket without encryption.
pub(super) struct Plain<S>(pub(super) S);

impl<S: AsyncRead + Unpin> AsyncRead for Plain<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Plain<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Plain<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

/// Encrypts as `connect` does, and lends what comes of it out of `keep`.
pub(super) struct Lending<T> {
    pub(super) connect: T,
    pub(super) keep: Keep,
}

impl<T> TlsConnect<Lent> for Lending<T>
where
    T: TlsConnect<Lent>,
    T::Stream: Send + Sync + 'static,
    T::Future: Send + 'static,
    T::Error: 'static,
{
    type Stream = Lent;
    type Error = T::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Lent, T::Error>> + Send>>;

    fn connect(self, stream: Lent) -> Self::Future {
        let handshake = self.connect.connect(stream);
        Box::pin(async move { Ok(self.keep.lend(handshake.await?)) })
    }
}
