//! A gateway before the server, as many put one: it sees every exchange, and can be as unkind as gateways are.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use jiff::{SignedDuration, fmt::rfc2822};
use tidegate::domain::clock::SystemClock;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
};

use crate::home::{PATIENCE, until};

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It goes through, and so does the answer.
    Forward,
    /// The server gets it and answers; the client's connection is cut instead.
    CutAnswer,
    /// The server never gets it, and the client's connection is cut.
    CutRequest,
    /// The gateway answers with this status and a page of its own; the server never gets it.
    Page(u16),
    /// It waits until [`Gateway::release`], then goes through.
    Hold,
}

/// One request and what the client got for it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The body of the request.
    pub sent: String,
    /// The status that the client got; 0 when its connection was cut.
    pub status: u16,
    /// The body that the client got.
    pub got: String,
}

#[derive(Debug, Default)]
struct Desk {
    turns: Mutex<VecDeque<Turn>>,
    arrived: Mutex<usize>,
    exchanges: Mutex<Vec<Exchange>>,
    released: Notify,
    /// Whether `Retry-After` is passed on as a date.
    dates: bool,
}

/// The gateway; ends when it is dropped.
#[derive(Debug)]
pub struct Gateway {
    /// `http://127.0.0.1:<port>`.
    pub url: String,
    desk: Arc<Desk>,
    accepting: JoinHandle<()>,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Gateway {
    /// One before the server at `base`. The first requests meet these turns, all others go through.
    pub async fn before(base: &str, turns: &[Turn]) -> Self {
        Self::open(base, Desk { turns: Mutex::new(turns.iter().copied().collect()), ..Desk::default() }).await
    }

    /// One that passes `Retry-After` on as a date, which the standard allows it to.
    pub async fn with_dates(base: &str) -> Self {
        Self::open(base, Desk { dates: true, ..Desk::default() }).await
    }

    async fn open(base: &str, desk: Desk) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let desk = Arc::new(desk);
        let server = base.strip_prefix("http://").unwrap().to_owned();
        let accepting = tokio::spawn(accept(listener, server, desk.clone()));
        Self { url, desk, accepting }
    }

    /// What went through so far.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.desk.exchanges.lock().unwrap().clone()
    }

    /// The statuses that the client got so far.
    pub fn statuses(&self) -> Vec<u16> {
        self.exchanges().iter().map(|exchange| exchange.status).collect()
    }

    /// Waits until so many requests have come.
    pub async fn arrived(&self, requests: usize) {
        let what = format!("{requests} requests at the gateway");
        until(&what, PATIENCE, async || *self.desk.arrived.lock().unwrap() >= requests).await;
    }

    /// Lets a request through that is held.
    pub fn release(&self) {
        self.desk.released.notify_one();
    }
}

async fn accept(listener: TcpListener, server: String, desk: Arc<Desk>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let (server, desk) = (server.clone(), desk.clone());
        tokio::spawn(async move { serve(client, &server, &desk).await });
    }
}

/// Serves a connection until its client goes or it is cut.
async fn serve(mut client: TcpStream, server: &str, desk: &Desk) {
    while let Some(request) = Message::read(&mut client).await {
        *desk.arrived.lock().unwrap() += 1;
        let turn = desk.turns.lock().unwrap().pop_front().unwrap_or(Turn::Forward);
        let answer = match turn {
            Turn::CutRequest => None,
            Turn::Page(status) => Some(Message::page(status)),
            Turn::Forward => Some(forward(&request, server, desk.dates).await),
            Turn::CutAnswer => {
                let unheard = forward(&request, server, false).await;
                assert_eq!(unheard.status(), 202, "{unheard:?}");
                None
            }
            Turn::Hold => {
                desk.released.notified().await;
                Some(forward(&request, server, desk.dates).await)
            }
        };
        let (status, got) = answer.as_ref().map_or((0, ""), |answer| (answer.status(), answer.body.as_str()));
        let exchange = Exchange { sent: request.body, status, got: got.to_owned() };
        desk.exchanges.lock().unwrap().push(exchange);
        let Some(answer) = answer else { return };
        if client.write_all(format!("{}{}", answer.head, answer.body).as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Asks the server; the answer as the client gets it.
async fn forward(request: &Message, server: &str, dates: bool) -> Message {
    let mut connection = TcpStream::connect(server).await.unwrap();
    connection.write_all(format!("{}{}", request.head, request.body).as_bytes()).await.unwrap();
    let mut answer = Message::read(&mut connection).await.expect("the server answers");
    if let Some(seconds) = answer.header("retry-after").filter(|_| dates) {
        // A date has no fractions: rounded up, so that it asks for no less.
        let until =
            SystemClock::shared().now() + SignedDuration::from_secs(seconds.parse::<i64>().unwrap() + 1);
        let date = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&until).unwrap();
        answer.head =
            answer.head.replace(&format!("retry-after: {seconds}"), &format!("Retry-After: {date}"));
        assert_eq!(answer.header("retry-after"), Some(date.as_str()), "{answer:?}");
    }
    answer
}

/// A request or an answer, read whole.
#[derive(Debug)]
struct Message {
    /// Up to and with the empty line.
    head: String,
    body: String,
}

impl Message {
    /// Reads one that tells its length; `None` when the other side goes before it is whole.
    async fn read(stream: &mut TcpStream) -> Option<Self> {
        let mut bytes = Vec::new();
        loop {
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                let body = bytes.split_off(at + 4);
                let mut message = Self { head: String::from_utf8(bytes).unwrap(), body: String::new() };
                message.body = message.read_body(stream, body).await?;
                return Some(message);
            }
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
    }

    async fn read_body(&self, stream: &mut TcpStream, mut body: Vec<u8>) -> Option<String> {
        assert_eq!(self.header("transfer-encoding"), None, "it tells its length: {}", self.head);
        let length = self.header("content-length").map_or(0, |length| length.parse().unwrap());
        while body.len() < length {
            if stream.read_buf(&mut body).await.ok()? == 0 {
                return None;
            }
        }
        Some(String::from_utf8(body).unwrap())
    }

    /// A page of the gateway's own; that of a 3xx leads to another place on it.
    fn page(status: u16) -> Self {
        let body = format!("<h1>{status}</h1>");
        let place = if status / 100 == 3 { "Location: /elsewhere\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 {status} Gateway\r\n{place}Content-Type: text/html\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        Self { head, body }
    }

    fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}
