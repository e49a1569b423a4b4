//! TLS 1.3 of the clients' door: the node shows a certificate, and so does every client.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, version};

use super::config::Config;
use crate::failure::{Failure, Result};

/// The config of the door; `None` when there is no certificate.
///
/// # Errors
/// What is wrong with a file, or with the files together.
pub fn load(config: &Config) -> Result<Option<Arc<ServerConfig>>> {
    if !config.has_tls() {
        return Ok(None);
    }
    let chain = certificates("tls_certificate", &config.tls_certificate)?;
    let key = PrivateKeyDer::from_pem_file(&config.tls_key)
        .map_err(|error| wrong("tls_key", &config.tls_key, &error))?;
    let mut roots = RootCertStore::empty();
    for authority in certificates("tls_client_ca", &config.tls_client_ca)? {
        roots.add(authority).map_err(|error| wrong("tls_client_ca", &config.tls_client_ca, &error))?;
    }
    let provider = Arc::new(default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
    let verifier = verifier.map_err(|error| wrong("tls_client_ca", &config.tls_client_ca, &error))?;
    let server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13])
        .map_err(|error| Failure::run(format!("TLS 1.3: {error}")))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|error| wrong("tls_certificate and tls_key", &config.tls_certificate, &error))?;
    Ok(Some(Arc::new(server)))
}

fn certificates(key: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>);
    let read = read.map_err(|error| wrong(key, path, &error))?;
    if read.is_empty() {
        return Err(wrong(key, path, &"there is no certificate in it"));
    }
    Ok(read)
}

fn wrong(key: &str, path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::usage(format!("{key}: '{}': {error}", path.display()), "give PEM files that belong together")
}
