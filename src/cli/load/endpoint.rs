//! The one server that a load talks to: its address is looked up once, and no redirect is followed.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::{LoadError, exchange::Stream};
use crate::store::tls::system_roots;

/// Where to connect to, and how.
#[derive(Clone)]
pub struct Endpoint {
    addresses: Arc<[SocketAddr]>,
    authority: Arc<str>,
    path: Arc<str>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("authority", &self.authority)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// Reads an absolute `http` or `https` URL and looks up its host. With `https` the server must prove its name by a certificate
    /// that the system's roots vouch for.
    ///
    /// # Errors
    /// [`LoadError::Url`] for another scheme, and for credentials, a query or a fragment in the URL; [`LoadError::Lookup`] when the
    /// host has no address.
    pub async fn find(text: &str) -> Result<Self, LoadError> {
        // The text is not repeated, because it may hold what should not be seen.
        let wrong = |what: &str| LoadError::Url(what.to_owned());
        let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("it must begin with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("it must not hold credentials; the key has an option of its own"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("it must end with its path"));
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(wrong("it names no host"));
        };
        let server = match &host {
            Host::Domain(name) => {
                ServerName::try_from((*name).to_owned()).map_err(|_| wrong("it names no host"))?
            }
            Host::Ipv4(address) => ServerName::from(std::net::IpAddr::from(*address)),
            Host::Ipv6(address) => ServerName::from(std::net::IpAddr::from(*address)),
        };
        let looked_up = match host {
            Host::Domain(name) => tokio::net::lookup_host((name, port)).await.map(Iterator::collect),
            Host::Ipv4(address) => Ok(vec![(address, port).into()]),
            Host::Ipv6(address) => Ok(vec![(address, port).into()]),
        };
        let addresses: Vec<SocketAddr> =
            looked_up.map_err(|error| LoadError::Lookup(name_of(&url), error))?;
        let name = name_of(&url);
        let authority = url.port().map_or_else(|| name.clone(), |port| format!("{name}:{port}"));
        Ok(Self {
            addresses: addresses.into(),
            authority: authority.into(),
            path: url.path().trim_end_matches('/').into(),
            tls: (url.scheme() == "https").then(|| (connector(), server)),
        })
    }

    /// What belongs into the `Host` header.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The path of the URL, without a slash at its end.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Connects, within a time.
    pub(super) async fn connect(&self, patience: Duration) -> io::Result<Stream> {
        let connecting = async {
            let stream = TcpStream::connect(&*self.addresses).await?;
            stream.set_nodelay(true)?;
            Ok(match &self.tls {
                None => Stream::Plain(stream),
                Some((connector, name)) => {
                    Stream::Tls(Box::new(connector.connect(name.clone(), stream).await?))
                }
            })
        };
        timeout(patience, connecting).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

fn name_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

fn connector() -> TlsConnector {
    TlsConnector::from(Arc::new(
        ClientConfig::builder().with_root_certificates(system_roots()).with_no_client_auth(),
    ))
}
