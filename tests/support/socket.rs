//! A connection spoken by hand, for what a well-behaved client never sends.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::house::{Reply, TestHouse};

/// A connection to a house.
pub struct Socket {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Socket {
    /// Opens one.
    pub async fn open(house: &TestHouse) -> Self {
        let address = house.base.strip_prefix("http://").unwrap();
        Self { stream: TcpStream::connect(address).await.unwrap(), read: Vec::new() }
    }

    /// Sends these bytes as they are.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends the head of a request with these further header lines, and nothing of a body.
    pub async fn head(&mut self, method: &str, path: &str, lines: &[&str]) {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
        for line in lines {
            head.push_str(line);
            head.push_str("\r\n");
        }
        self.send(head + "\r\n").await;
    }

    /// Sends no more; the answer can still be read.
    pub async fn half_close(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Goes away without a word: the server sees a reset.
    pub fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }

    /// Reads one answer, which must name its length.
    pub async fn reply(&mut self) -> Reply {
        let head_end = loop {
            if let Some(at) = self.read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at;
            }
            assert!(self.more().await, "the connection ended inside a head: {:?}", self.read);
        };
        let head = String::from_utf8(self.read.drain(..head_end + 4).collect()).unwrap();
        let (status, headers) = parse(&head);
        let length =
            headers.get("content-length").map_or(0, |value| value.to_str().unwrap().parse().unwrap());
        while self.read.len() < length {
            assert!(self.more().await, "the connection ended inside a body");
        }
        let text = String::from_utf8(self.read.drain(..length).collect()).unwrap();
        Reply { status, headers, text }
    }

    /// Waits for the server to end the connection; `false` when it sends something instead.
    pub async fn is_ended(&mut self) -> bool {
        !self.more().await
    }

    /// Whether more could be read. A reset counts as an end.
    async fn more(&mut self) -> bool {
        self.stream.read_buf(&mut self.read).await.is_ok_and(|count| count > 0)
    }
}

fn parse(head: &str) -> (u16, HeaderMap) {
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap();
    let headers = lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
    });
    (status, headers.collect())
}
