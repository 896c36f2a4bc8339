//! The head of an answer, and how its body is framed (RFC 9112, sections 4 to 6).

use std::{io, time::Duration};

/// Headers that an answer may have.
const HEADERS: usize = 64;

/// What a head says that matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Bytes of the head.
    pub(super) length: usize,
    pub(super) framing: Framing,
    pub(super) retry_after: Option<Duration>,
    /// The server closes the connection after this answer.
    pub(super) closes: bool,
}

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many bytes.
    Length(usize),
    /// After a chunk of no bytes.
    Chunked,
    /// With the connection.
    Closing,
}

/// Reads a head; `None` when there is more of it to come.
///
/// # Errors
/// When the bytes are no HTTP/1.
pub(super) fn parse(bytes: &[u8]) -> io::Result<Option<Head>> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
    };
    let status = response.code.unwrap_or_default();
    let mut head = Head {
        status,
        length,
        framing: Framing::Closing,
        retry_after: None,
        closes: response.version == Some(0),
    };
    let mut framing = None;
    for header in response.headers.iter() {
        let text = || std::str::from_utf8(header.value).unwrap_or_default().trim();
        if header.name.eq_ignore_ascii_case("content-length") {
            let length = text().parse().map_err(|_| malformed("content-length is no number"))?;
            framing.get_or_insert(Framing::Length(length));
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            framing = text().eq_ignore_ascii_case("chunked").then_some(Framing::Chunked);
        } else if header.name.eq_ignore_ascii_case("connection") {
            head.closes = text().eq_ignore_ascii_case("close")
                || (head.closes && !text().eq_ignore_ascii_case("keep-alive"));
        } else if header.name.eq_ignore_ascii_case("retry-after") {
            head.retry_after = text().parse().ok().map(Duration::from_secs);
        }
    }
    head.framing = if matches!(status, 100..200 | 204 | 304) {
        Framing::Length(0)
    } else {
        framing.unwrap_or(Framing::Closing)
    };
    head.closes |= head.framing == Framing::Closing;
    Ok(Some(head))
}

/// The next chunk at the beginning of `bytes`: where its data begins and how long they are; `None` when the size line is not
/// whole yet.
///
/// # Errors
/// When there is no size.
pub(super) fn chunk(bytes: &[u8]) -> io::Result<Option<(usize, usize)>> {
    match httparse::parse_chunk_size(bytes) {
        Ok(httparse::Status::Complete((begin, size))) => {
            Ok(Some((begin, usize::try_from(size).map_err(|_| malformed("a chunk is too long"))?)))
        }
        Ok(httparse::Status::Partial) => Ok(None),
        Err(_) => Err(malformed("a chunk has no size")),
    }
}

pub(super) fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Head {
        parse(text.as_bytes()).unwrap().unwrap()
    }

    #[rstest::rstest]
    #[case("HTTP/1.1 202 Accepted\r\nContent-Length: 12\r\n\r\n", Framing::Length(12), false)]
    #[case("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", Framing::Chunked, false)]
    #[case("HTTP/1.1 200 OK\r\n\r\n", Framing::Closing, true)]
    #[case("HTTP/1.1 204 No Content\r\n\r\n", Framing::Length(0), false)]
    #[case("HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 0\r\n\r\n", Framing::Length(0), true)]
    #[case("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", Framing::Length(0), true)]
    #[case(
        "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n",
        Framing::Length(0),
        false
    )]
    fn bodies_are_framed(#[case] text: &str, #[case] framing: Framing, #[case] closes: bool) {
        let head = head(text);
        assert_eq!((head.framing, head.closes, head.length), (framing, closes, text.len()));
    }

    #[test]
    fn a_head_in_parts_is_waited_for() {
        let text = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\ncontent-length: 0\r\n\r\n";
        for end in 0..text.len() {
            assert_eq!(parse(&text.as_bytes()[..end]).unwrap(), None, "{end}");
        }
        assert_eq!(head(text).retry_after, Some(Duration::from_secs(7)));
        assert_eq!(head(text).status, 429);
    }

    #[test]
    fn what_is_no_http_is_an_error() {
        assert!(parse(b"SSH-2.0-OpenSSH\r\n").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n").is_err());
        assert!(chunk(b"x\r\n").is_err());
    }

    #[test]
    fn chunks_tell_their_size() {
        assert_eq!(chunk(b"1a;name=value\r\nrest").unwrap(), Some((15, 26)));
        assert_eq!(chunk(b"1").unwrap(), None);
    }
}
