//! Opens a wire: finds a host of the configuration that is there, lets the driver greet it, and takes the stream over.

use std::{io, net::SocketAddr, path::PathBuf};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpStream, UnixStream, lookup_host},
    time::timeout,
};
use tokio_postgres::{
    Client, Config, SimpleQueryMessage,
    config::{Host, TargetSessionAttrs},
    tls::MakeTlsConnect,
};

use super::{
    Wire,
    loan::{Keep, Lending, Lent, Plain},
};
use crate::store::{Database, Role, StoreError, connect::PATIENCE};

/// The port where none is given.
const PORT: u16 = 5432;

/// Opens a wire, and does `greet` on it while it still is an ordinary connection. Hosts are tried in their order, as the driver
/// does.
///
/// # Errors
/// [`StoreError`] when no host can be reached or all refuse: that of the last one.
pub async fn open<T>(
    database: &Database,
    role: Role,
    greet: impl AsyncFn(&mut Client) -> Result<T, StoreError>,
) -> Result<(Wire, T), StoreError> {
    let config = database.config(role);
    let mut last = StoreError::Unfit("the database address names no host".into());
    for place in places(&config).await? {
        match greet_at(database, &config, &place, &greet).await {
            Ok(opened) => return Ok(opened),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Where a server may listen, and the name that its certificate has to bear.
struct Place {
    name: String,
    address: Address,
}

enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

async fn places(config: &Config) -> Result<Vec<Place>, StoreError> {
    let (hosts, addresses, ports) = (config.get_hosts(), config.get_hostaddrs(), config.get_ports());
    let mut places = Vec::new();
    for at in 0..hosts.len().max(addresses.len()) {
        let port = ports.get(at).or(ports.first()).copied().unwrap_or(PORT);
        let name = match hosts.get(at) {
            Some(Host::Unix(folder)) => {
                let address = Address::Unix(folder.join(format!(".s.PGSQL.{port}")));
                places.push(Place { name: String::new(), address });
                continue;
            }
            Some(Host::Tcp(name)) => name.clone(),
            None => String::new(),
        };
        match addresses.get(at) {
            Some(ip) => places.push(Place { name, address: Address::Tcp((*ip, port).into()) }),
            None => places.extend(
                lookup_host((name.as_str(), port))
                    .await?
                    .map(|found| Place { name: name.clone(), address: Address::Tcp(found) }),
            ),
        }
    }
    Ok(places)
}

async fn greet_at<T>(
    database: &Database,
    config: &Config,
    place: &Place,
    greet: &impl AsyncFn(&mut Client) -> Result<T, StoreError>,
) -> Result<(Wire, T), StoreError> {
    let (outer, keep) = (Keep::default(), Keep::default());
    // A host that is silent must not use up the time of the next one.
    let limit = config.get_connect_timeout().copied().unwrap_or(PATIENCE);
    let connected = timeout(limit, connect(config, &place.address, &keep)).await;
    let lent = connected.map_err(|_| StoreError::TimedOut(limit))??;
    // Never fails, by its type.
    let Ok(connect) = MakeTlsConnect::<Lent>::make_tls_connect(&mut database.tls.clone(), &place.name);
    let (mut client, mut connection) =
        config.connect_raw(lent, Lending { connect, keep: outer.clone() }).await?;
    let greeting = async {
        if config.get_target_session_attrs() == TargetSessionAttrs::ReadWrite && is_read_only(&client).await?
        {
            return Err(StoreError::Unfit("the server takes no writes".into()));
        }
        let greeted = greet(&mut client).await?;
        // Whatever the driver has sent of its own accord is answered before this is.
        client.check_connection().await?;
        Ok::<T, StoreError>(greeted)
    };
    let greeted = tokio::select! {
        greeted = greeting => greeted?,
        ended = &mut connection => {
            ended?;
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    };
    let conduit = outer.take().or_else(|| keep.take());
    let conduit = conduit.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))?;
    Ok((Wire::over(conduit), greeted))
}

async fn is_read_only(client: &Client) -> Result<bool, StoreError> {
    let messages = client.simple_query("show transaction_read_only").await?;
    let on = |message: &SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => row.get(0) == Some("on"),
        _ => false,
    };
    Ok(messages.iter().any(on))
}

async fn connect(config: &Config, address: &Address, keep: &Keep) -> Result<Lent, StoreError> {
    Ok(match address {
        Address::Tcp(address) => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let socket = SockRef::from(&stream);
            #[cfg(target_os = "linux")]
            socket.set_tcp_user_timeout(config.get_tcp_user_timeout().copied())?;
            socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(config.get_keepalives_idle()))?;
            keep.lend(Plain(stream))
        }
        Address::Unix(path) => keep.lend(Plain(UnixStream::connect(path).await?)),
    })
}
