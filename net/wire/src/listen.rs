//! Who may be listened to without protection (R-SEC-2).

use std::net::{IpAddr, SocketAddr};

use crate::error::WireError;

/// How connections to a port are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Plain TCP.
    Plain,
    /// TLS 1.3, and every client shows a certificate.
    MutualTls,
    /// Plain TCP, wherever the port is: the operator said `--insecure`.
    Insecure,
}

/// Whether a server may listen on `address`: loopback always, everything else only with mutual TLS or
/// when told so.
///
/// # Errors
/// [`WireError::Exposed`] when it may not.
pub fn may_listen(address: SocketAddr, security: Security) -> Result<(), WireError> {
    let loopback = match address.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => ip.to_ipv4_mapped().map_or(ip.is_loopback(), |ip| ip.is_loopback()),
    };
    match security {
        Security::Plain if !loopback => Err(WireError::Exposed { address }),
        Security::Plain | Security::MutualTls | Security::Insecure => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_open_without_protection() {
        for (address, is_local) in [
            ("127.0.0.1:7000", true),
            ("127.8.9.10:7000", true),
            ("[::1]:7000", true),
            ("[::ffff:127.0.0.1]:7000", true),
            ("0.0.0.0:7000", false),
            ("[::]:7000", false),
            ("10.0.0.1:7000", false),
            ("[::ffff:10.0.0.1]:7000", false),
        ] {
            let address = address.parse().unwrap();
            let plain = may_listen(address, Security::Plain);
            assert_eq!(plain, if is_local { Ok(()) } else { Err(WireError::Exposed { address }) });
            assert_eq!(may_listen(address, Security::MutualTls), Ok(()));
            assert_eq!(may_listen(address, Security::Insecure), Ok(()));
        }
    }
}
