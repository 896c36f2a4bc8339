//! A client's connection, on which even a refusal of the framework is a problem document.
//!
//! What is no HTTP, has too long a head, or sends it too slowly is answered by the framework before any of our code runs, with
//! a bare status. Such an answer is always the last on its connection, so it is recognised and replaced on its way out.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::http::StatusCode;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

use super::problem::{Code, Problem};
use crate::domain::{clock::SharedEntropy, ids::random_base62};

const HEAD_END: &[u8] = b"\r\n\r\n";
const REFUSAL: &[u8] = b"HTTP/1.1 4";

/// A connection.
pub(super) struct Connection {
    io: TcpStream,
    entropy: SharedEntropy,
    /// A replaced answer that is not sent yet.
    rest: Vec<u8>,
    /// Runs while the client takes nothing of what is to be sent.
    stalled: Option<Pin<Box<Sleep>>>,
}

/// How long a client may take nothing of an answer before it is cut off.
const STALL: Duration = Duration::from_secs(30);

impl Connection {
    pub(super) fn new(io: TcpStream, entropy: SharedEntropy) -> Self {
        Self { io, entropy, rest: Vec::new(), stalled: None }
    }

    /// Writes to the client, which may not keep an answer for ever.
    fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALL)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Sends what was replaced.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            let sent = self.poll_send(cx, &rest);
            self.rest = rest;
            let written = ready!(sent)?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.rest.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

/// Where a bare refusal begins in what is about to be sent, and its status. Answers of ours carry a request id and a body.
fn bare_refusal(bytes: &[u8]) -> Option<(usize, StatusCode)> {
    if !bytes.ends_with(HEAD_END) {
        return None;
    }
    let start = bytes.windows(REFUSAL.len()).rposition(|window| window == REFUSAL)?;
    let head = std::str::from_utf8(&bytes[start..]).ok()?.to_ascii_lowercase();
    if head.contains("\r\nx-request-id:") || !head.contains("\r\ncontent-length: 0\r\n") {
        return None;
    }
    Some((start, StatusCode::from_bytes(head.get(9..12)?.as_bytes()).ok()?))
}

/// The document in the place of a bare refusal.
fn document(status: StatusCode, request_id: &str) -> Vec<u8> {
    let code = match status.as_u16() {
        408 => Code::HeadTimeout,
        431 | 414 => Code::HeadTooLarge,
        _ => Code::MalformedRequest,
    };
    let problem = Problem::plain(code);
    // A document of strings and numbers can always be written.
    let body = serde_json::to_string(&problem.document(request_id)).unwrap_or_default();
    let status = StatusCode::from_u16(code.status()).unwrap_or(status);
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\nconnection: close\r\n\
         x-request-id: {request_id}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_rest(cx))?;
        let Some((start, status)) = bare_refusal(bytes) else {
            return self.poll_send(cx, bytes);
        };
        let request_id = random_base62(self.entropy.as_ref(), 22).unwrap_or_else(|_| "unavailable".into());
        self.rest = [&bytes[..start], &document(status, &request_id)].concat();
        match self.poll_rest(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            // What cannot go out yet does so when the framework flushes or ends the connection.
            _ => Poll::Ready(Ok(bytes.len())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_rest(cx))?;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_rest(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bare_refusal_is_recognised() {
        let bare = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        assert_eq!(bare_refusal(bare), Some((0, StatusCode::BAD_REQUEST)));
        let after = [&b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"[..], bare].concat();
        assert_eq!(bare_refusal(&after), Some((after.len() - bare.len(), StatusCode::BAD_REQUEST)));
        for other in [
            &b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 404 Not Found\r\nx-request-id: a\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}",
            b"",
        ] {
            assert_eq!(bare_refusal(other), None);
        }
    }
}
