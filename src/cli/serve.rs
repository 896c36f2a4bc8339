//! `tidegate serve`: open the store, put the house together, print what to paste, run until a signal.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use super::{
    demo::{self, Introduction},
    house::House,
    opened::{self, Opened},
    print,
};
use crate::{
    auth::Vault,
    config::{Global, Serve},
    domain::clock::SystemClock,
    store::{Role, managed},
    telemetry,
};

pub(super) async fn run(global: &Global, options: Serve) -> anyhow::Result<()> {
    // Before anything is started: a mistyped one is found at once.
    let vault = opened::vault(global)?;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut signalled = async move || {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let opened = tokio::select! {
        opened = opened::open(global, managed::Role::Owner) => opened?,
        () = signalled() => return Ok(()),
    };
    let served = serve(global, (&options, vault), &opened, &mut signalled).await;
    let closed = opened.close().await;
    served?;
    closed
}

async fn serve(
    global: &Global,
    (options, vault): (&Serve, Vault),
    opened: &Opened,
    signalled: &mut impl AsyncFnMut(),
) -> anyhow::Result<()> {
    // Another server may be at its migrations for as long as it likes: waiting for it has to end with a signal as well.
    let (house, introduction) = tokio::select! {
        prepared = prepare(global, (options, vault), opened) => prepared?,
        () = signalled() => return Ok(()),
    };
    let listens = format!("http://{}", on_loopback(house.address()));
    print::line(format!("tidegate {} listens on {listens}", env!("CARGO_PKG_VERSION")));
    let base = options.public_url.as_ref().unwrap_or(&listens);
    if *base != listens {
        print::line(format!("clients reach it at {base}"));
    }
    print::line(format!("metrics are on http://{}/metrics", house.metrics_address()));
    describe_store(opened).await?;

    let ingest = house.state.ingest.clone();
    let announced = async {
        // Not before a push can be stored: these lines are pasted, or read by a script that does not wait.
        ingest.connected().await;
        print::line(introduction.text(base));
        std::future::pending::<()>().await;
    };
    let (drain, drained) = tokio::sync::oneshot::channel::<()>();
    let running = house.run(async move {
        // A dropped sender asks for the same as a signal.
        let _dropped = drained.await;
    });
    tokio::pin!(running);
    tokio::select! {
        ended = &mut running => return ended.context("the server stopped"),
        () = announced => {}
        () = signalled() => {}
    }
    drop(drain);
    tracing::info!("draining; a second signal ends the server at once");
    tokio::select! {
        ended = running => ended.context("the server stopped"),
        () = signalled() => anyhow::bail!("ended by a second signal, before everything was answered"),
    }
}

/// Brings the database up to date, binds the addresses, and makes the demo where one is wanted.
async fn prepare(
    global: &Global,
    (options, vault): (&Serve, Vault),
    opened: &Opened,
) -> anyhow::Result<(House, Introduction)> {
    opened.prepare(options.organization_name.as_deref()).await?;
    let metrics = telemetry::install_metrics()?;
    let clock = SystemClock::shared();
    let (database, entropy) = (opened.database.clone(), opened.entropy.clone());
    let house = House::open(database, options.stations(vault), metrics, clock, entropy).await?;
    // Once the addresses are had: a start that fails must not use up the one moment at which the token is shown.
    let introduction = demo::introduce(global, options, opened).await?;
    house.state.authority.refresh().await?;
    Ok((house, introduction))
}

/// Says where the data are, and how to look at them.
async fn describe_store(opened: &Opened) -> anyhow::Result<()> {
    match &opened.managed {
        Some(managed) => {
            let socket = print::quoted(&managed.socket_dir().display().to_string());
            print::line(format!("PostgreSQL {} is private; look at it with", managed.version()));
            print::line(format!("  psql -h {socket} -U tidegate tidegate"));
        }
        None => {
            let client = opened.database.connect(Role::Command).await?;
            let row = client.query_one("select current_database()::text, version()", &[]).await?;
            print::line(format!("database {} on {}", row.get::<_, &str>(0), row.get::<_, &str>(1)));
        }
    }
    Ok(())
}

/// How a listener is reached from its own machine: one on every address is there on loopback.
pub(super) fn on_loopback(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
