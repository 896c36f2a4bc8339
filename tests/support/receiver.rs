//! A receiver of webhooks on loopback: a small HTTP server that writes down what it gets and answers as it is told.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    task::{AbortHandle, JoinSet},
    time::{Instant, sleep},
};
use tokio_rustls::TlsAcceptor;

/// How long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is answered to a message.
#[derive(Debug, Clone)]
pub enum Answer {
    /// This status.
    Status(u16),
    /// This status with one more header line.
    With(u16, &'static str),
    /// Nothing, and the connection stays open.
    Silence,
    /// Nothing, and the connection ends.
    HangUp,
}

/// A message as it came.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The request line.
    pub line: String,
    pub id: String,
    pub timestamp: String,
    pub signature: String,
    pub content_type: String,
    pub body: String,
    pub at: Instant,
    /// Whether it was answered with success.
    pub taken: bool,
}

impl Hit {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// How many of the signatures are those of a secret.
    pub fn signed_with(&self, secret: &str) -> usize {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        assert_eq!(key.len(), 32);
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{}.{}.{}", self.id, self.timestamp, self.body).as_bytes());
        let wanted = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.signature.split(' ').filter(|signature| *signature == wanted).count()
    }
}

type Script = Arc<dyn Fn(usize, &Hit) -> Answer + Send + Sync>;

/// A receiver. Dropped, it is gone.
pub struct Receiver {
    pub address: SocketAddr,
    hits: Arc<Mutex<Vec<Hit>>>,
    connections: Arc<AtomicUsize>,
    tls: Option<TlsAcceptor>,
    task: AbortHandle,
}

impl Receiver {
    /// One that takes everything.
    pub async fn start() -> Self {
        Self::answering(|_, _| Answer::Status(204)).await
    }

    /// One that answers the n-th message, from 0, as it is told.
    pub async fn answering(script: impl Fn(usize, &Hit) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, Arc::default(), Arc::new(script), None)
    }

    /// One that takes everything, by https.
    pub async fn encrypted(tls: TlsAcceptor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, Arc::default(), Arc::new(|_, _| Answer::Status(204)), Some(tls))
    }

    fn on(
        listener: TcpListener,
        hits: Arc<Mutex<Vec<Hit>>>,
        script: Script,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let connections = Arc::<AtomicUsize>::default();
        let (seen, counted, acceptor) = (hits.clone(), connections.clone(), tls.clone());
        let task = tokio::spawn(async move {
            // Ends with this task.
            let mut open = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                let (seen, script, acceptor) = (seen.clone(), script.clone(), acceptor.clone());
                open.spawn(async move {
                    match acceptor {
                        None => serve(stream, seen, script).await,
                        Some(acceptor) => {
                            // Who does not trust it breaks off.
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, seen, script).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, hits, connections, tls, task: task.abort_handle() }
    }

    /// The same once more at the same address after it was stopped, with what it had written down.
    pub async fn again(self, script: impl Fn(usize, &Hit) -> Answer + Send + Sync + 'static) -> Self {
        let (address, hits, tls) = (self.address, self.hits.clone(), self.tls.clone());
        drop(self);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.set_reuseaddr(true).unwrap();
            match socket.bind(address).and_then(|()| socket.listen(64)) {
                Ok(listener) => return Self::on(listener, hits, Arc::new(script), tls),
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends it: connections break and nobody listens any more.
    pub fn stop(&self) {
        self.task.abort();
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook?token=hidden", self.address)
    }

    pub fn hits(&self) -> Vec<Hit> {
        self.hits.lock().unwrap().clone()
    }

    /// Those that it took.
    pub fn taken(&self) -> Vec<Hit> {
        self.hits().into_iter().filter(|hit| hit.taken).collect()
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Waits until what it got fits.
    pub async fn until(&self, what: &str, fits: impl Fn(&[Hit]) -> bool) -> Vec<Hit> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let hits = self.hits();
            if fits(&hits) {
                return hits;
            }
            let told: Vec<String> = hits.iter().map(|hit| format!("{} {}", hit.id, hit.taken)).collect();
            assert!(Instant::now() < deadline, "{what}: {} hits: {told:?}", hits.len());
            sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, hits: Arc<Mutex<Vec<Hit>>>, script: Script) {
    let mut bytes = Vec::new();
    loop {
        let Some((mut hit, used)) = read(&mut stream, &mut bytes).await else { return };
        bytes.drain(..used);
        let number = hits.lock().unwrap().len();
        let answer = script(number, &hit);
        let head = match answer {
            Answer::Status(status) => format!("HTTP/1.1 {status} Told\r\ncontent-length: 0\r\n\r\n"),
            Answer::With(status, line) => {
                format!("HTTP/1.1 {status} Told\r\n{line}\r\ncontent-length: 0\r\n\r\n")
            }
            Answer::Silence | Answer::HangUp => String::new(),
        };
        hit.taken = head.starts_with("HTTP/1.1 2");
        hits.lock().unwrap().push(hit);
        match answer {
            Answer::Silence => std::future::pending().await,
            Answer::HangUp => return,
            _ if stream.write_all(head.as_bytes()).await.is_err() => return,
            _ => {}
        }
    }
}

/// Reads one request, and how many bytes it took.
async fn read(stream: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>) -> Option<(Hit, usize)> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut request = httparse::Request::new(&mut headers);
        if let httparse::Status::Complete(head) = request.parse(bytes).unwrap() {
            let header = |name: &str| {
                let found = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
                found.map(|header| String::from_utf8(header.value.to_vec()).unwrap()).unwrap_or_default()
            };
            let length: usize = header("content-length").parse().unwrap();
            if bytes.len() >= head + length {
                let hit = Hit {
                    line: format!("{} {}", request.method.unwrap(), request.path.unwrap()),
                    id: header("webhook-id"),
                    timestamp: header("webhook-timestamp"),
                    signature: header("webhook-signature"),
                    content_type: header("content-type"),
                    body: String::from_utf8(bytes[head..head + length].to_vec()).unwrap(),
                    at: Instant::now(),
                    taken: false,
                };
                return Some((hit, head + length));
            }
        }
        if stream.read_buf(bytes).await.ok()? == 0 {
            return None;
        }
    }
}
