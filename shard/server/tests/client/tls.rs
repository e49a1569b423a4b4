//! The client against a real node through TLS.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use net_client::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use net_client::rustls::{ClientConfig, RootCertStore, crypto, version};
use net_client::{Client, ClientError, ClientOptions, Credentials, ProducerOptions, SubscribeOptions};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::node::Node;
use crate::{demand_all, rows, take};

/// Who signs certificates.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key.
struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    fn identity(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { certificate: certificate.der().clone(), key: key.serialize_der() }
    }

    /// A client that trusts this authority and shows `identity`.
    fn client(&self, identity: Option<Identity>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_protocol_versions(&[&version::TLS13])
            .unwrap()
            .with_root_certificates(roots);
        match identity {
            Some(Identity { certificate, key }) => {
                let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key));
                builder.with_client_auth_cert(vec![certificate], key).unwrap()
            }
            None => builder.with_no_client_auth(),
        }
    }
}

fn write_pem(folder: &Path, name: &str, label: &str, der: &[u8]) -> PathBuf {
    let path = folder.join(name);
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    std::fs::write(&path, format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n")))
        .unwrap();
    path
}

async fn connect(node: &Node, config: Option<ClientConfig>) -> Result<Client, ClientError> {
    let address = format!("localhost:{}", node.client.port());
    let mut options = ClientOptions { tls: config.map(Arc::new), ..ClientOptions::new([address]) };
    options.timeouts.connect = Duration::from_secs(2);
    if options.tls.is_some() {
        options.credentials = Credentials::Certificate;
    }
    Client::connect(options).await
}

#[tokio::test]
async fn rows_go_through_tls_and_strangers_do_not_get_in() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (ours, theirs) = (Authority::new(), Authority::new());
    let shown = ours.identity("localhost");
    let files = [
        ("--tls-certificate", write_pem(folder.path(), "node.pem", "CERTIFICATE", &shown.certificate)),
        ("--tls-key", write_pem(folder.path(), "node.key", "PRIVATE KEY", &shown.key)),
        ("--tls-client-ca", write_pem(folder.path(), "ca.pem", "CERTIFICATE", ours.issuer.der())),
    ];
    let mut more = vec!["--advertise", "localhost", "--partitions", "2"];
    for (option, path) in &files {
        more.extend([option, path.to_str().unwrap()]);
    }
    let node = Node::new(&more);
    let client = connect(&node, Some(ours.client(Some(ours.identity("probe"))))).await.unwrap();
    let mut subscription = client.subscribe("passed", &SubscribeOptions::default()).unwrap();
    let producer = client.producer("rows", ProducerOptions::default()).unwrap();
    // Batches of more than a TLS record, several under way.
    let mut pending = Vec::new();
    for at in 0..10 {
        pending.push(producer.append(&rows(at * 2_000, 2_000)).await.unwrap());
    }
    for pending in pending {
        assert!(pending.await.unwrap().is_complete());
    }
    demand_all(&take(&mut subscription, 20_000).await, 20_000);
    for (what, config) in [
        ("no certificate", Some(ours.client(None))),
        ("a certificate of somebody else", Some(ours.client(Some(theirs.identity("probe"))))),
        ("a server of somebody else", Some(theirs.client(Some(ours.identity("probe"))))),
        ("plain TCP", None),
    ] {
        assert!(connect(&node, config).await.is_err(), "{what} gets in");
    }
    // The one that is known still works.
    assert!(producer.append(&rows(20_000, 1)).await.unwrap().await.unwrap().is_complete());
    client.close().await.unwrap();
    node.stop();
}
