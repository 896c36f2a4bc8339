//! TLS to PostgreSQL, by `sslmode`: `prefer` encrypts where the server can, as libpq does, without asking who it is;
//! `require` verifies the server's certificate against the system's roots and the host name.

use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// The connector for a mode.
pub(super) fn connector(mode: SslMode) -> MakeRustlsConnect {
    let builder = ClientConfig::builder();
    let config = if mode == SslMode::Require {
        builder.with_root_certificates(system_roots()).with_no_client_auth()
    } else {
        let anyone = Arc::new(Anyone(Arc::new(ring::default_provider())));
        builder.dangerous().with_custom_certificate_verifier(anyone).with_no_client_auth()
    };
    MakeRustlsConnect::new(config)
}

/// The certificates that this machine trusts; one that cannot be read is logged and left out.
pub(crate) fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for problem in &found.errors {
        tracing::warn!(error = %problem, "a system certificate could not be read");
    }
    roots.add_parsable_certificates(found.certs);
    roots
}

/// Takes any certificate, but still checks that the server holds its key.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
