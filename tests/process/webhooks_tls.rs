//! Webhooks by https: a receiver is delivered to when its certificate is one for its name, from somebody whom the machine trusts.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use serde_json::{Value, json};
use tokio_rustls::TlsAcceptor;

use crate::{
    folder::random_hex,
    home::{Home, PATIENCE, until},
    inlet::{Inlet, event},
    receiver::Receiver,
    serve::Serve,
};

const OPTIONS: [&str; 4] = ["--webhook-allow", "127.0.0.0/8", "--webhook-retries", "50ms"];

/// Somebody who vouches for receivers.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let text = STANDARD.encode(params.self_signed(&key).unwrap().der());
        let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
        let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A receiver that says it is this name, for whom this one vouches.
    async fn receiver(&self, name: &str) -> Receiver {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Receiver::encrypted(TlsAcceptor::from(Arc::new(config))).await
    }
}

/// Makes a webhook to a port of localhost.
async fn hook(home: &Home, project: &str, receiver: &Receiver) -> String {
    let url = format!("https://localhost:{}/hook", receiver.address.port());
    let arguments = ["webhook", "create", "--project", project, "--url", &url, "--json"];
    let made = home.run(arguments.iter().chain(&OPTIONS[..2])).await.json();
    made["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_certificate_for_the_name_from_somebody_trusted_is_taken() {
    let home = Home::new();
    let (trusted, stranger) = (Authority::new("Trusted"), Authority::new("Stranger"));
    let roots = home.folder().join("roots.pem");
    std::fs::write(&roots, &trusted.pem).unwrap();
    let mut command = home.command(["serve"]);
    command.args(OPTIONS).env("SSL_CERT_FILE", &roots).env_remove("SSL_CERT_DIR");
    let serve = Serve::of(command, home.folder().join(format!("serve-{}.log", random_hex()))).await;
    let inlet = Inlet::wide(&home, &serve).await;
    let project = inlet.url.split('/').rev().nth(3).unwrap().to_owned();
    let good = trusted.receiver("localhost").await;
    let bad = [stranger.receiver("localhost").await, trusted.receiver("elsewhere.example").await];
    hook(&home, &project, &good).await;
    let hooks = [hook(&home, &project, &bad[0]).await, hook(&home, &project, &bad[1]).await];
    assert_eq!(inlet.push(&json!([event("1")])).await.unwrap().status(), 202);
    let hits = good.until("it, by https", |hits| !hits.is_empty()).await;
    assert_eq!(hits[0].json()["data"]["_event_id"], "1");
    for (id, receiver) in hooks.iter().zip(&bad) {
        let letters = async || home.run(["webhook", "dead-letters", id, "--json"]).await.json();
        until("given up", PATIENCE, async || letters().await.as_array().is_some_and(|all| !all.is_empty()))
            .await;
        let letters = letters().await;
        let told = letters[0]["error"].as_str().unwrap();
        assert!(told.contains("could not be trusted") && told.contains("certificate"), "{letters}");
        assert_eq!((&letters[0]["status"], receiver.hits().len()), (&Value::Null, 0));
        assert!(receiver.connections() > 0, "it was asked who it is");
    }
    serve.stop().await;
}
