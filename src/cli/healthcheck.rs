//! `tidegate healthcheck`: ask a running server whether it takes work.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{print, serve::on_loopback};

/// Whom to ask.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Address of the API, as given to `serve`.
    #[arg(long, env = "TIDEGATE_LISTEN", default_value = "127.0.0.1:8080", value_parser = crate::config::address, value_name = "ADDRESS")]
    listen: SocketAddr,
}

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) async fn run(options: Options) -> anyhow::Result<()> {
    let address = on_loopback(options.listen);
    let status = timeout(PATIENCE, ask(address)).await.context("no answer within 3 s")?;
    let status = status.with_context(|| format!("no server answers on {address}"))?;
    ensure!(status.starts_with("HTTP/1.1 200 "), "not ready: {status}");
    print::line("ready");
    Ok(())
}

/// The status line of `GET /health/ready`.
async fn ask(address: SocketAddr) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    stream.take(4_096).read_to_end(&mut head).await?;
    let head = String::from_utf8_lossy(&head);
    Ok(head.lines().next().unwrap_or_default().to_owned())
}
