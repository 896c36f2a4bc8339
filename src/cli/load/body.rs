//! The frame around a body: the head of the request, and compression.

use flate2::{Compress, Compression, FlushCompress, Status};

use super::endpoint::Endpoint;
use crate::config::Secret;

/// Digits of a length; the value of a header may have spaces before it.
const DIGITS: usize = 10;

/// The head of a request with a body, all but the length.
#[derive(Clone)]
pub struct Frame {
    head: Vec<u8>,
    gzip: bool,
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The head holds the key.
        f.debug_struct("Frame").field("gzip", &self.gzip).finish_non_exhaustive()
    }
}

impl Frame {
    /// A `POST` of JSON to a path below the endpoint's own, with a bearer key.
    pub fn post(endpoint: &Endpoint, path: &str, key: &Secret, gzip: bool) -> Self {
        let encoding = if gzip { "content-encoding: gzip\r\n" } else { "" };
        let head = format!(
            "POST {}{path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             {encoding}content-length: ",
            endpoint.path(),
            endpoint.authority(),
            key.reveal(),
        );
        Self { head: head.into_bytes(), gzip }
    }

    /// The push of events or contacts (`what`) to a datasource.
    pub fn push(
        endpoint: &Endpoint,
        project: &str,
        datasource: &str,
        what: &str,
        key: &Secret,
        gzip: bool,
    ) -> Self {
        let path = format!("/v1/project/{project}/datasource/{datasource}/stream/{what}");
        Self::post(endpoint, &path, key, gzip)
    }

    /// A whole request around a body that is not compressed.
    pub(super) fn around(&self, body: &[u8]) -> Vec<u8> {
        let mut request = Vec::new();
        let begin = self.open(&mut request);
        request.extend_from_slice(body);
        Self::close(&mut request, begin);
        request
    }

    /// Writes the head with room for the length, and tells where the body begins.
    fn open(&self, request: &mut Vec<u8>) -> usize {
        request.extend_from_slice(&self.head);
        request.extend_from_slice(&[b' '; DIGITS]);
        request.extend_from_slice(b"\r\n\r\n");
        request.len()
    }

    /// Writes the length, right-aligned, now that the body is there.
    fn close(request: &mut [u8], begin: usize) {
        let mut length = request.len() - begin;
        for at in (begin - 4 - DIGITS..begin - 4).rev() {
            // A remainder below ten.
            request[at] = b'0' + u8::try_from(length % 10).unwrap_or(0);
            length /= 10;
            if length == 0 {
                break;
            }
        }
    }
}

/// How bodies are put behind their heads: straight into the request, or through a compressor that is used again.
#[derive(Debug)]
pub(super) enum Encoding {
    Plain { begin: usize },
    Gzip { compress: Box<Compress>, plain: Vec<u8> },
}

impl Encoding {
    pub(super) fn of(frame: &Frame) -> Self {
        if frame.gzip {
            let compress = Box::new(Compress::new_gzip(Compression::fast(), 15));
            Self::Gzip { compress, plain: Vec::new() }
        } else {
            Self::Plain { begin: 0 }
        }
    }

    /// The buffer to write a body into: hand it to [`Self::end`] with the same request.
    pub(super) fn begin(&mut self, frame: &Frame, request: &mut Vec<u8>) -> Vec<u8> {
        let at = frame.open(request);
        match self {
            Self::Plain { begin } => {
                *begin = at;
                std::mem::take(request)
            }
            Self::Gzip { plain, .. } => {
                plain.clear();
                std::mem::take(plain)
            }
        }
    }

    /// Puts the body behind its head.
    pub(super) fn end(&mut self, request: &mut Vec<u8>, body: Vec<u8>) {
        match self {
            Self::Plain { begin } => {
                *request = body;
                Frame::close(request, *begin);
            }
            Self::Gzip { compress, plain } => {
                let begin = request.len();
                compress.reset();
                loop {
                    let read = usize::try_from(compress.total_in()).unwrap_or(usize::MAX);
                    request.reserve(1 + body.len() / 2);
                    let rest = body.get(read..).unwrap_or_default();
                    match compress.compress_vec(rest, request, FlushCompress::Finish) {
                        // No error occurs after a reset; a body cut short by one would be refused by the server.
                        Ok(Status::StreamEnd) | Err(_) => break,
                        Ok(Status::Ok | Status::BufError) => {}
                    }
                }
                *plain = body;
                Frame::close(request, begin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    async fn frame(gzip: bool) -> Frame {
        let endpoint = Endpoint::find("http://127.0.0.1:8080/base/").await.unwrap();
        Frame::push(&endpoint, "proj_1", "ds_1", "events", &"tgd_secret".parse().unwrap(), gzip)
    }

    fn request(encoding: &mut Encoding, frame: &Frame, text: &[u8]) -> (String, Vec<u8>) {
        let mut request = Vec::new();
        let mut body = encoding.begin(frame, &mut request);
        body.extend_from_slice(text);
        encoding.end(&mut request, body);
        let end = memchr::memmem::find(&request, b"\r\n\r\n").unwrap() + 4;
        (String::from_utf8(request[..end].to_vec()).unwrap(), request[end..].to_vec())
    }

    #[tokio::test]
    async fn a_length_is_that_of_the_body() {
        let frame = frame(false).await;
        let mut encoding = Encoding::of(&frame);
        for text in ["[]".to_owned(), "x".repeat(123_456)] {
            let (head, body) = request(&mut encoding, &frame, text.as_bytes());
            assert!(
                head.starts_with("POST /base/v1/project/proj_1/datasource/ds_1/stream/events HTTP/1.1\r\n")
            );
            let length = head.split("content-length: ").nth(1).unwrap().trim();
            assert_eq!((length.parse(), body.len()), (Ok(text.len()), text.len()));
        }
        assert!(!format!("{frame:?}").contains("secret"));
    }

    #[tokio::test]
    async fn a_compressor_is_used_again() {
        let frame = frame(true).await;
        let mut encoding = Encoding::of(&frame);
        for number in 0..3_u64 {
            // Hardly compressible, so that the buffer has to grow.
            let text: Vec<u8> = (0..40_000).map(|at| super::super::mix::scatter(at + number) as u8).collect();
            let (head, body) = request(&mut encoding, &frame, &text);
            assert!(head.contains("content-encoding: gzip\r\n"));
            assert_eq!(head.split("content-length: ").nth(1).unwrap().trim().parse(), Ok(body.len()));
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(body.as_slice()).read_to_end(&mut plain).unwrap();
            assert_eq!(plain, text);
        }
    }
}
