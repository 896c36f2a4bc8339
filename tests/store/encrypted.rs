//! A lane over TLS: the driver encrypts on a stream that is only lent to it, and the lane goes on where it stopped.

use std::{path::PathBuf, sync::Arc};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tidegate::ingest::Outcome;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream, UnixStream},
};
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};
use tokio_rustls::TlsAcceptor;

use super::station::{Station, contacts, events, one_lane, rows};
use crate::support::postgres::TestDatabase;

/// What a client says before it speaks TLS: 8 bytes of length, and the code of `SSLRequest`.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// A server with a certificate that nobody vouches for.
fn acceptor() -> TlsAcceptor {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".into()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Takes TLS off connections to the server of `config`; answers how to connect.
async fn encrypted(config: &Config) -> Config {
    let Some(Host::Unix(folder)) = config.get_hosts().first() else { panic!("not a socket") };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let socket = folder.join(format!(".s.PGSQL.{port}"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut through = Config::new();
    through.host("localhost").hostaddr("127.0.0.1".parse().unwrap());
    through.port(listener.local_addr().unwrap().port());
    through.user(config.get_user().unwrap()).dbname(config.get_dbname().unwrap());
    let acceptor = acceptor();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            tokio::spawn(carry(acceptor.clone(), client, socket.clone()));
        }
    });
    through
}

async fn carry(acceptor: TlsAcceptor, mut client: TcpStream, socket: PathBuf) {
    let mut asked = [0; 8];
    client.read_exact(&mut asked).await.unwrap();
    assert_eq!(asked, SSL_REQUEST, "nothing is said in the clear");
    client.write_all(b"S").await.unwrap();
    // A client that does not trust the certificate ends here.
    let Ok(mut client) = acceptor.accept(client).await else { return };
    let mut server = UnixStream::connect(socket).await.unwrap();
    // Either side may go first.
    drop(copy_bidirectional(&mut client, &mut server).await);
}

#[tokio::test]
async fn a_lot_is_written_over_tls() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let mut config = encrypted(&database.config).await;
    config.ssl_mode(SslMode::Prefer);
    let station = Station::start(&config, one_lane()).await;
    let ids = (0..500).map(|n| format!("event-{n}"));
    let stored = station.append(events(ids, 1)).await.unwrap();
    assert!(stored.outcomes.iter().all(|outcome| *outcome == Outcome::Stored));
    assert_eq!(station.append(events(["event-7"], 1)).await.unwrap().outcomes, [Outcome::Duplicate]);
    assert_eq!(station.append(contacts(["u"], 1)).await.unwrap().outcomes, [Outcome::Created]);
    assert_eq!(rows(&client, "event").await, 501);
    station.stop().await;
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_where_one_is_required() {
    let database = TestDatabase::create().await;
    let mut config = encrypted(&database.config).await;
    config.ssl_mode(SslMode::Require);
    let lane = tidegate::store::lane::Lane::open(&tidegate::store::Database::new(config)).await;
    let error = lane.unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
}
