//! The servers: the API on one address, the metrics on another, and an end that loses no request.

use std::{
    future::ready,
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use actix_http::HttpService;
use actix_service::{IntoServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::{
    App, HttpServer,
    dev::{AppConfig, Server as ActixServer, ServerHandle},
    web,
};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpStream;

use super::{client::Proxies, connection::Connection, routes, state::State, worker::Worker};
use crate::telemetry::{self, Gauge};

/// How the servers listen.
#[derive(Debug, Clone)]
pub struct Options {
    /// Address of the API; port 0 picks a free one. Default 127.0.0.1:8080.
    pub listen: SocketAddr,
    /// Address of `GET /metrics`; port 0 picks a free one. Default 127.0.0.1:9464.
    pub metrics_listen: SocketAddr,
    /// How clients reach the API, for the document that describes it. Default: wherever they got the document from.
    pub public_url: Option<String>,
    /// Threads that serve the API. Default: the number of processors.
    pub workers: usize,
    /// How long an idle connection is kept. Default 15 s.
    pub keep_alive: Duration,
    /// How long the head of a request may take. Default 5 s.
    pub head_timeout: Duration,
    /// How long whoever comes is still served after a signal to end, while readiness already says no, so that a load
    /// balancer sees it. Default 500 ms.
    pub drain_delay: Duration,
    /// How long requests in flight may take after that. Default 30 s.
    pub drain_timeout: Duration,
    /// Which proxies are believed when they say who the client is. Default: none.
    pub proxies: Proxies,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            metrics_listen: SocketAddr::from(([127, 0, 0, 1], 9464)),
            public_url: None,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            keep_alive: Duration::from_secs(15),
            head_timeout: Duration::from_secs(5),
            drain_delay: Duration::from_millis(500),
            drain_timeout: Duration::from_secs(30),
            proxies: Proxies::default(),
        }
    }
}

/// What an operator changes an address with.
const API: &str = "--listen";
const METRICS: &str = "--metrics-listen";

/// The servers could not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}; choose another address with {option}")]
pub struct ServerError {
    option: &'static str,
    address: SocketAddr,
    #[source]
    source: io::Error,
}

/// Servers that are bound.
pub struct Server {
    /// Where the API listens.
    pub address: SocketAddr,
    /// Where the metrics are.
    pub metrics_address: SocketAddr,
    api: ActixServer,
    metrics: ActixServer,
    state: State,
    drain_delay: Duration,
    drain_timeout: Duration,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Server {
    /// Binds both addresses; requests are answered once [`Server::run`] runs.
    ///
    /// # Errors
    /// [`ServerError`] names the address that cannot be had.
    pub fn bind(options: &Options, state: State, metrics: PrometheusHandle) -> Result<Self, ServerError> {
        let (listener, address) = listen(options.listen, API)?;
        let (metrics_listener, metrics_address) = listen(options.metrics_listen, METRICS)?;
        let failed = |address, option| move |source| ServerError { option, address, source };
        let api = api(options, state.clone(), listener).map_err(failed(address, API))?;
        let metrics =
            exposition(state.clone(), metrics, metrics_listener).map_err(failed(metrics_address, METRICS))?;
        let Options { drain_delay, drain_timeout, .. } = *options;
        Ok(Self { address, metrics_address, api, metrics, state, drain_delay, drain_timeout })
    }

    /// Serves until `stop` resolves, then drains: readiness turns first, then newcomers are refused, requests in flight are
    /// answered, connections end.
    ///
    /// # Errors
    /// The error of a server that broke.
    pub async fn run(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let (api, metrics) = (self.api.handle(), self.metrics.handle());
        telemetry::gauge(Gauge::Ready, 1.0);
        let mut serving = Box::pin(async { tokio::try_join!(self.api, self.metrics) });
        tokio::select! {
            ended = &mut serving => return ended.map(|_| ()),
            () = stop => {}
        }
        let drained = drain(&self.state, api, metrics, self.drain_delay, self.drain_timeout);
        let (ended, ()) = tokio::join!(serving, drained);
        ended.map(|_| ())
    }
}

/// How often the requests in flight are counted while draining.
const LOOK: Duration = Duration::from_millis(20);

async fn drain(state: &State, api: ServerHandle, metrics: ServerHandle, delay: Duration, limit: Duration) {
    // First only readiness turns, and whoever comes is still served: balancers take a moment to look.
    state.traffic.leave();
    tokio::time::sleep(delay).await;
    // Newcomers are still accepted, and sent elsewhere at once: unaccepted, they would wait for the slowest request.
    state.traffic.drain();
    let quiet = async {
        while state.traffic.in_flight() > 0 {
            tokio::time::sleep(LOOK).await;
        }
    };
    if tokio::time::timeout(limit, quiet).await.is_err() {
        tracing::warn!(
            in_flight = state.traffic.in_flight(),
            "requests were still in flight when time was up"
        );
    }
    // Graceful, for answers that are still on their way out; idle connections do not hold it up beyond a second.
    api.stop(true).await;
    metrics.stop(false).await;
}

fn listen(address: SocketAddr, option: &'static str) -> Result<(TcpListener, SocketAddr), ServerError> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    bound.map_err(|source| ServerError { option, address, source })
}

/// How long a client that is still sending what was refused is listened to: cut off at once, it would see a broken connection
/// and never the answer.
const LINGER: Duration = Duration::from_secs(1);

fn api(options: &Options, state: State, listener: TcpListener) -> io::Result<ActixServer> {
    let (keep_alive, head_timeout) = (options.keep_alive, options.head_timeout);
    let address = listener.local_addr()?;
    let factory = move || {
        let entropy = state.entropy.clone();
        // Made on each thread, for that thread.
        let worker = Worker::new(state.clone());
        let serve = move |request, payload| routes::serve(worker.clone(), request, payload);
        let app = App::new()
            .default_service(web::route().to(serve))
            .into_factory()
            .map_err(|error: actix_web::Error| error.error_response());
        let http = HttpService::build()
            .keep_alive(keep_alive)
            .client_request_timeout(head_timeout)
            .client_disconnect_timeout(LINGER)
            .local_addr(address)
            // Its host and address serve only to make URLs, and none is made.
            .h1(map_config(app, |()| AppConfig::default()));
        fn_service(move |io: TcpStream| {
            let peer = io.peer_addr().ok();
            // An answer is written at once and whole: there is nothing to wait for. Where it can't be set, it is slower.
            let _slower = io.set_nodelay(true);
            ready(Ok((Connection::new(io, entropy.clone()), peer)))
        })
        .and_then(http)
    };
    let builder = ActixServer::build().workers(options.workers.max(1)).shutdown_timeout(1).disable_signals();
    Ok(builder.listen("api", listener, factory)?.run())
}

fn exposition(state: State, metrics: PrometheusHandle, listener: TcpListener) -> io::Result<ActixServer> {
    let server = HttpServer::new(move || {
        let (worker, metrics) = (Worker::new(state.clone()), metrics.clone());
        App::new().default_service(
            web::route().to(move |request| routes::expose(worker.clone(), request, metrics.clone())),
        )
    })
    .workers(1)
    .shutdown_timeout(1)
    .disable_signals()
    .listen(listener)?;
    Ok(server.run())
}
