//! Connections to receivers: a name is resolved, each address is judged, and exactly the one that passed is dialled. A name that leads
//! elsewhere a moment later changes nothing.
//!
//! No redirect is followed, no proxy of the environment is used, and everything has its time and its size.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{OnceCell, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::TlsConnector;
use url::Host;

use super::address::{Closed, Gate, Target};
use crate::store::tls;

/// Most bytes of the head of an answer.
const HEAD: usize = 64 * 1024;

/// Names that are resolved at once: the operating system blocks a thread for each.
const NAMES: usize = 16;

/// How long a name may take when a URL is judged before anything is sent there.
const GLANCE: Duration = Duration::from_secs(2);

/// How long the next address of a name waits for the one before it (RFC 8305).
const HEAD_START: Duration = Duration::from_millis(250);

/// Why a message could not be sent, or got no answer. Its text shows no path and no query.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    /// The URL cannot be used.
    #[error("the URL {0}")]
    Url(String),
    /// The address must not be dialled.
    #[error("the URL {0}")]
    Closed(#[from] Closed),
    /// The name leads nowhere.
    #[error("the name of the receiver could not be resolved: {0}")]
    Name(io::Error),
    /// Nobody took the connection.
    #[error("the receiver could not be reached: {0}")]
    Connect(io::Error),
    /// The receiver could not prove who it is, or speaks no TLS.
    #[error("the receiver could not be trusted: {0}")]
    Tls(io::Error),
    /// The connection ended before an answer.
    #[error("the receiver broke off before it answered")]
    Broken(#[from] hyper::Error),
    /// There was no answer in time.
    #[error("the receiver did not answer within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
}

/// Finds the addresses of names.
pub trait Resolve: fmt::Debug + Send + Sync {
    /// All addresses of a name.
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a>;
}

/// Addresses to come.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Asks the operating system, on threads of its own.
#[derive(Debug)]
pub struct SystemResolver(Semaphore);

impl Default for SystemResolver {
    fn default() -> Self {
        Self(Semaphore::new(NAMES))
    }
}

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
        Box::pin(async move {
            let _turn = self.0.acquire().await.map_err(io::Error::other)?;
            Ok(tokio::net::lookup_host((name, 0)).await?.map(|found| found.ip()).collect())
        })
    }
}

/// Dials receivers.
#[derive(Debug)]
pub struct Dialer {
    gate: Gate,
    resolver: Arc<dyn Resolve>,
    connect: Duration,
    tls: OnceCell<TlsConfig>,
}

/// What TLS needs; its `Debug` is short.
#[derive(Clone)]
struct TlsConfig(Arc<ClientConfig>);

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsConfig")
    }
}

impl Dialer {
    /// One that dials what the gate lets through; a connection may take this long.
    pub fn new(gate: Gate, resolver: Arc<dyn Resolve>, connect: Duration) -> Self {
        Self { gate, resolver, connect, tls: OnceCell::new() }
    }

    /// Judges a URL before it is stored. A name that cannot be resolved now passes: what counts is the address that is dialled.
    ///
    /// # Errors
    /// The rule that it breaks, to be read after the field's name.
    pub async fn judge(&self, url: &str) -> Result<(), String> {
        let target = Target::parse(url)?;
        self.gate.judge(&target).map_err(|closed| closed.to_string())?;
        let Host::Domain(name) = &target.host else { return Ok(()) };
        match timeout(GLANCE, self.resolver.resolve(name)).await {
            Ok(Ok(found)) => self.admitted(&target, found).map(drop).map_err(|closed| closed.to_string()),
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }

    /// Those of the addresses that may be dialled; the reason of the first where none is.
    fn admitted(&self, target: &Target, found: Vec<IpAddr>) -> Result<Vec<SocketAddr>, Closed> {
        let mut refused = Ok(());
        let mut admitted = Vec::new();
        for address in found {
            match self.gate.admit(address, target) {
                Ok(()) => admitted.push(SocketAddr::new(address, target.port)),
                Err(closed) => refused = refused.and(Err(closed)),
            }
        }
        if admitted.is_empty() { refused.map(|()| admitted) } else { Ok(admitted) }
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// [`NotSent`]; nothing was sent.
    pub(super) async fn open(&self, target: &Target) -> Result<SendRequest<Full<Bytes>>, NotSent> {
        let opening = self.opened(target);
        timeout(self.connect, opening).await.unwrap_or(Err(NotSent::TimedOut(self.connect)))
    }

    async fn opened(&self, target: &Target) -> Result<SendRequest<Full<Bytes>>, NotSent> {
        let found = match (&target.host, target.literal()) {
            (_, Some(address)) => vec![address],
            (host, None) => self.resolver.resolve(&host.to_string()).await.map_err(NotSent::Name)?,
        };
        let stream = dialled(self.admitted(target, found)?).await.map_err(NotSent::Connect)?;
        self.shaken(target, stream).await
    }

    async fn shaken(&self, target: &Target, stream: TcpStream) -> Result<SendRequest<Full<Bytes>>, NotSent> {
        stream.set_nodelay(true).map_err(NotSent::Connect)?;
        if !target.https {
            return spoken(stream).await;
        }
        let name = match &target.host {
            Host::Domain(name) => ServerName::try_from(name.trim_end_matches('.').to_owned()),
            host => ServerName::try_from(host.to_string().trim_matches(['[', ']']).to_owned()),
        };
        let name = name.map_err(|error| NotSent::Tls(io::Error::other(error)))?;
        let connector = TlsConnector::from(self.tls_config().await?);
        spoken(connector.connect(name, stream).await.map_err(NotSent::Tls)?).await
    }

    /// Read when it is first needed, on a thread that may block.
    async fn tls_config(&self) -> Result<Arc<ClientConfig>, NotSent> {
        let made = async || {
            let roots = tokio::task::spawn_blocking(tls::system_roots).await.map_err(io::Error::other)?;
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
            let builder = builder.map_err(io::Error::other)?;
            let mut config = builder.with_root_certificates(roots).with_no_client_auth();
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            Ok(TlsConfig(Arc::new(config)))
        };
        self.tls.get_or_try_init(made).await.map(|config| config.0.clone()).map_err(NotSent::Tls)
    }
}

/// Dials one address after the other, none waiting longer than [`HEAD_START`] for those before it; the first that answers is used.
async fn dialled(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let (mut addresses, mut dialling) = (addresses.into_iter(), JoinSet::new());
    loop {
        match addresses.next() {
            Some(address) => drop(dialling.spawn(TcpStream::connect(address))),
            None if dialling.is_empty() => return Err(last),
            None => {}
        }
        let more = addresses.len() > 0;
        tokio::select! {
            Some(ended) = dialling.join_next() => match ended {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error,
                Err(error) => last = io::Error::other(error),
            },
            () = sleep(HEAD_START), if more => {}
        }
    }
}

/// Speaks HTTP on a stream, as long as somebody holds what this answers.
async fn spoken(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<SendRequest<Full<Bytes>>, NotSent> {
    let (sender, connection) =
        http1::Builder::new().max_buf_size(HEAD).handshake(TokioIo::new(stream)).await?;
    // How it ends is seen by whoever waits for an answer.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpSocket;

    use super::*;

    /// A listener that takes no connection any more: its queue is full.
    async fn deaf() -> (tokio::net::TcpListener, Vec<TcpStream>) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queued = Vec::new();
        while let Ok(stream) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
            queued.push(stream.unwrap());
        }
        (listener, queued)
    }

    #[tokio::test]
    async fn an_address_that_never_answers_keeps_nobody_from_the_next() {
        let (deaf, _queued) = deaf().await;
        let good = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = [deaf.local_addr().unwrap(), good.local_addr().unwrap()];
        let stream = timeout(Duration::from_secs(60), dialled(addresses.to_vec())).await.unwrap().unwrap();
        assert_eq!(stream.peer_addr().unwrap(), addresses[1]);
    }

    #[tokio::test]
    async fn where_nobody_answers_the_last_reason_is_told() {
        let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        assert_eq!(dialled(vec![gone]).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(dialled(Vec::new()).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
