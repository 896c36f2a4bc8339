//! One connection: a request out by one write, its answer in, with buffers that are used again.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

use super::{
    head::{self, Framing, Head},
    script::Answer,
};

/// Room to read into. A read that does not fill it tells the runtime that there is no more for now, which saves asking again.
const ROOM: usize = 32 * 1024;

/// Bytes of an answer.
const LONGEST: usize = 64 * 1024 * 1024;

/// A connection to a server.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, room),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, room),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// A connection with its buffers.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Stream,
    buffers: Buffers,
}

/// What a connection leaves to the one that follows it.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    input: Vec<u8>,
    /// A chunked body, put together.
    joined: Vec<u8>,
}

/// An answer that was read whole.
#[derive(Debug)]
pub(super) struct Read<'a> {
    pub(super) answer: Answer<'a>,
    /// Bytes that came in, head included.
    pub(super) bytes: usize,
    /// The connection is of no further use.
    pub(super) closes: bool,
}

impl Connection {
    pub(super) fn new(stream: Stream, buffers: Buffers) -> Self {
        Self { stream, buffers }
    }

    pub(super) fn into_buffers(self) -> Buffers {
        self.buffers
    }

    /// Whether the server has neither closed the connection nor sent anything unasked.
    pub(super) fn is_quiet(&mut self, context: &mut Context<'_>) -> bool {
        let mut byte = [0];
        Pin::new(&mut self.stream).poll_read(context, &mut ReadBuf::new(&mut byte)).is_pending()
    }

    /// Sends a request and reads the answer to it.
    ///
    /// # Errors
    /// When the connection breaks, or the answer is no HTTP/1; the connection is of no further use then.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> io::Result<Read<'_>> {
        self.buffers.input.clear();
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        let (begin, head) = self.head().await?;
        let body = match head.framing {
            Framing::Length(length) => {
                let end = begin + length;
                if end > LONGEST {
                    return Err(head::malformed("the answer is too long"));
                }
                while self.buffers.input.len() < end {
                    self.fill().await?;
                }
                begin..end
            }
            Framing::Closing => {
                while self.more().await? > 0 {}
                begin..self.buffers.input.len()
            }
            Framing::Chunked => return self.chunked(begin, head).await,
        };
        let Buffers { input, .. } = &self.buffers;
        // What follows the answer belongs to no request.
        let closes = head.closes || input.len() > body.end;
        let answer = Answer { status: head.status, body: &input[body], retry_after: head.retry_after };
        Ok(Read { answer, bytes: input.len(), closes })
    }

    /// The head of the answer and where its body begins; interim answers (1xx) are passed over.
    async fn head(&mut self) -> io::Result<(usize, Head)> {
        let mut begin = 0;
        loop {
            match head::parse(&self.buffers.input[begin..])? {
                Some(head) if head.status < 200 => begin += head.length,
                Some(head) => return Ok((begin + head.length, head)),
                None => self.fill().await?,
            }
        }
    }

    async fn chunked(&mut self, begin: usize, head: Head) -> io::Result<Read<'_>> {
        self.buffers.joined.clear();
        let mut at = begin;
        loop {
            let Some((data, size)) = head::chunk(&self.buffers.input[at..])? else {
                self.fill().await?;
                continue;
            };
            let (data, end) = (at + data, at.saturating_add(data).saturating_add(size));
            if size == 0 {
                at = data;
                break;
            }
            if end > LONGEST {
                return Err(head::malformed("the answer is too long"));
            }
            while self.buffers.input.len() < end + 2 {
                self.fill().await?;
            }
            let Buffers { input, joined } = &mut self.buffers;
            joined.extend_from_slice(&input[data..end]);
            at = end + 2;
        }
        // Trailers end with an empty line.
        loop {
            let rest = &self.buffers.input[at..];
            match memchr::memmem::find(rest, b"\r\n") {
                Some(0) => break,
                Some(line) => at += line + 2,
                None => self.fill().await?,
            }
        }
        let Buffers { input, joined } = &self.buffers;
        let closes = head.closes || input.len() > at + 2;
        let answer = Answer { status: head.status, body: joined, retry_after: head.retry_after };
        Ok(Read { answer, bytes: input.len(), closes })
    }

    /// Reads what is there, at least one byte.
    async fn fill(&mut self) -> io::Result<()> {
        if self.more().await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    async fn more(&mut self) -> io::Result<usize> {
        let input = &mut self.buffers.input;
        if input.len() > LONGEST {
            return Err(head::malformed("the answer is too long"));
        }
        input.reserve(ROOM);
        self.stream.read_buf(input).await
    }
}
