//! The line to one receiver: sends a message, hears what is answered, and keeps connections for the next ones.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::http1::SendRequest,
    header::{CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER, USER_AGENT},
};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

use super::{
    address::Target,
    dial::{Dialer, NotSent},
};

/// Bytes of an answer's body that are read, so that its connection can be used again.
const READ: usize = 16 * 1024;

/// How long that may take.
const DRAIN: Duration = Duration::from_secs(1);

/// How long an idle connection is kept; receivers end theirs after some seconds more as a rule.
const IDLE: Duration = Duration::from_secs(4);

/// How long a connection is used: the name behind it is asked for again after that.
const OLD: Duration = Duration::from_secs(60);

const AGENT: HeaderValue = HeaderValue::from_static(concat!("tidegate/", env!("CARGO_PKG_VERSION")));
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A message, signed for one attempt.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The same for every attempt.
    pub id: String,
    /// Seconds since 1970.
    pub second: i64,
    /// The signatures.
    pub signature: String,
    /// JSON.
    pub body: Bytes,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// `Retry-After`, as it was written.
    pub retry_after: Option<String>,
}

/// The line to one receiver.
#[derive(Debug)]
pub struct Line {
    dialer: Arc<Dialer>,
    target: Target,
    total: Duration,
    idle: Mutex<Vec<Kept>>,
}

/// A connection that nobody uses.
#[derive(Debug)]
struct Kept {
    sender: SendRequest<Full<Bytes>>,
    opened: Instant,
    since: Instant,
}

impl Line {
    /// The one to this URL; an attempt may take so long in all.
    ///
    /// # Errors
    /// [`NotSent::Url`] when it is none.
    pub fn to(dialer: Arc<Dialer>, url: &str, total: Duration) -> Result<Self, NotSent> {
        let target = Target::parse(url).map_err(NotSent::Url)?;
        Ok(Self { dialer, target, total, idle: Mutex::default() })
    }

    /// Sends a message and hears the answer.
    ///
    /// # Errors
    /// [`NotSent`]; the receiver may have got the message all the same.
    pub async fn send(&self, message: &Signed) -> Result<Answered, NotSent> {
        timeout(self.total, self.exchange(message)).await.unwrap_or(Err(NotSent::TimedOut(self.total)))
    }

    async fn exchange(&self, message: &Signed) -> Result<Answered, NotSent> {
        if let Some(kept) = self.kept().await {
            // A connection that was kept may have been ended meanwhile; a new one tells whether the receiver is there.
            if let Ok(answered) = self.ask(kept.sender, kept.opened, message).await {
                return Ok(answered);
            }
        }
        let sender = self.dialer.open(&self.target).await?;
        self.ask(sender, Instant::now(), message).await
    }

    /// A connection that is still good.
    async fn kept(&self) -> Option<Kept> {
        loop {
            let mut kept = self.idle.lock().pop()?;
            let fresh = kept.since.elapsed() < IDLE && kept.opened.elapsed() < OLD;
            if fresh && kept.sender.ready().await.is_ok() {
                return Some(kept);
            }
        }
    }

    async fn ask(
        &self,
        mut sender: SendRequest<Full<Bytes>>,
        opened: Instant,
        message: &Signed,
    ) -> Result<Answered, NotSent> {
        let response = sender.send_request(self.request(message)?).await?;
        let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let answered =
            Answered { status: response.status().as_u16(), retry_after: header.map(str::to_owned) };
        // The answer is known; what follows it is of no interest.
        if timeout(DRAIN, drained(response)).await == Ok(true) {
            self.idle.lock().push(Kept { sender, opened, since: Instant::now() });
        }
        Ok(answered)
    }

    fn request(&self, message: &Signed) -> Result<Request<Full<Bytes>>, NotSent> {
        let request = Request::post(&self.target.path)
            .header(HOST, self.target.authority())
            .header(USER_AGENT, AGENT)
            .header(CONTENT_TYPE, JSON)
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", message.second)
            .header("webhook-signature", &message.signature);
        request
            .body(Full::new(message.body.clone()))
            .map_err(|_| NotSent::Url("does not make a request: it holds what a request line cannot".into()))
    }
}

/// Reads the rest of an answer; `false` when it is too long or breaks off.
async fn drained(response: Response<Incoming>) -> bool {
    let (mut body, mut read) = (response.into_body(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > READ {
            return false;
        }
    }
    true
}
