//! The same inside TLS.

use std::sync::Arc;

use net_client::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use net_client::rustls::server::WebPkiClientVerifier;
use net_client::rustls::{ClientConfig, RootCertStore, ServerConfig, crypto, version};
use net_client::{Client, ClientError, ClientOptions, Credentials};
use net_wire::{Decoder, Encoder, Message, RequestId, Side};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::fake::tables;
use crate::options;

type Chain = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        roots
    }

    fn chain(&self, name: &str) -> Chain {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        (vec![certificate.der().clone()], key)
    }

    fn client(&self, chain: Option<Chain>) -> ClientConfig {
        let provider = Arc::new(crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS13])
            .unwrap()
            .with_root_certificates(self.roots());
        match chain {
            Some((certificates, key)) => builder.with_client_auth_cert(certificates, key).unwrap(),
            None => builder.with_no_client_auth(),
        }
    }

    fn acceptor(&self, name: &str) -> TlsAcceptor {
        let provider = Arc::new(crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(self.roots()), provider.clone());
        let (certificates, key) = self.chain(name);
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS13])
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(certificates, key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Answers Hello and GetRouting on every connection; gives the address.
async fn serve(acceptor: TlsAcceptor) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("localhost:{}", listener.local_addr().unwrap().port());
    let told = address.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, told) = (acceptor.clone(), told.clone());
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    answer(stream, &told).await;
                }
            });
        }
    });
    address
}

async fn answer(mut stream: TlsStream<TcpStream>, address: &str) {
    let mut decoder = Decoder::new(Side::Server);
    while let Ok(count @ 1..) = stream.read(decoder.room()).await {
        decoder.advance(count);
        let mut bytes = Vec::new();
        while let Some(envelope) = decoder.next().unwrap() {
            let mut answer = |request: RequestId, message: Message<'_>| {
                Encoder::default().encode(request, &message, &mut bytes).unwrap();
            };
            let request = envelope.request;
            match envelope.message {
                Message::Hello(_) => {
                    answer(request, tables::welcome().into());
                    decoder.establish(1 << 20);
                }
                Message::GetRouting(_) => answer(request, tables::routing(1, &[address]).into()),
                _ => {}
            }
        }
        stream.write_all(&bytes).await.unwrap();
        stream.flush().await.unwrap();
    }
}

/// Connects; what is refused is tried again for a second.
async fn connect(address: &str, config: Option<ClientConfig>) -> Result<Client, ClientError> {
    let mut options = ClientOptions { tls: config.map(Arc::new), ..options(&[address]) };
    options.timeouts.connect = std::time::Duration::from_secs(1);
    options.timeouts.dial = std::time::Duration::from_secs(10);
    if options.tls.is_some() {
        options.credentials = Credentials::Certificate;
    }
    Client::connect(options).await
}

#[tokio::test]
async fn both_sides_show_certificates() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let address = serve(ours.acceptor("localhost")).await;
    let client = connect(&address, Some(ours.client(Some(ours.chain("probe"))))).await.unwrap();
    assert_eq!(client.routing().streams.len(), 4);
    for (what, config) in [
        ("no certificate", Some(ours.client(None))),
        ("a certificate of somebody else", Some(ours.client(Some(theirs.chain("probe"))))),
        ("a server of somebody else", Some(theirs.client(Some(ours.chain("probe"))))),
        ("plain TCP", None),
    ] {
        let error = connect(&address, config).await.err().unwrap();
        assert!(
            matches!(
                error,
                ClientError::Unreachable { .. } | ClientError::Lost { .. } | ClientError::Malformed { .. }
            ),
            "{what}: {error:?}"
        );
        assert!(!error.to_string().contains("time"), "{what} is refused, not waited for: {error}");
    }
}

#[tokio::test]
async fn the_certificate_must_name_the_host_of_the_address() {
    let authority = Authority::new();
    let address = serve(authority.acceptor("elsewhere")).await;
    let config = authority.client(Some(authority.chain("probe")));
    let error = connect(&address, Some(config)).await.err().unwrap();
    assert!(error.to_string().contains("TLS"), "{error}");
}
