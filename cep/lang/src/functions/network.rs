//! IP addresses in text.

use std::net::IpAddr;

use arrow_schema::DataType;
use datafusion_common::{Result, exec_err};

use super::definition::{Definition, Param, Params, Returns};

pub(super) fn functions() -> Vec<Definition> {
    vec![
        Definition::new(
            "ip_in_cidr",
            "ip_in_cidr(address, network)",
            "True when the IPv4 or IPv6 address lies in the network, such as '10.0.0.0/8'; NULL when the address is not one, an error when the network is not one.",
            Params::exactly(&[Param::Text, Param::Text]),
            Returns::Type(DataType::Boolean),
            |call| {
                let (address, network) = (call.text(0)?, call.text(1)?);
                let fixed = network.constant().flatten().map(Network::parse).transpose()?;
                call.build_bool(|row| {
                    let (Some(address), Some(network)) = (address.at(row), network.at(row)) else {
                        return Ok(None);
                    };
                    let network = match fixed {
                        Some(network) => network,
                        None => Network::parse(network)?,
                    };
                    Ok(parse_address(address).map(|address| network.contains(address)))
                })
            },
        )
        .aliased(&["is_ip_in_cidr", "cidr_contains_ip"]),
        Definition::new(
            "ip_version",
            "ip_version(address)",
            "4 or 6 for an IP address, NULL for any other text.",
            Params::exactly(&[Param::Text]),
            Returns::Type(DataType::Int64),
            |call| {
                let address = call.text(0)?;
                call.build_int(|row| {
                    Ok(address.at(row).and_then(parse_address).map(|ip| match ip {
                        IpAddr::V4(_) => 4,
                        IpAddr::V6(_) => 6,
                    }))
                })
            },
        ),
        Definition::new(
            "ip_network",
            "ip_network(address, prefix_bits)",
            "The network of an address, such as '10.1.2.0/24'; NULL when the address is not one.",
            Params::exactly(&[Param::Text, Param::Int]),
            Returns::Type(DataType::Utf8),
            |call| {
                let (address, prefix_bits) = (call.text(0)?, call.ints(1)?);
                call.build_text(|row| {
                    let (Some(address), Some(bits)) = (address.at(row), prefix_bits.at(row)) else {
                        return Ok(None);
                    };
                    let Some(address) = parse_address(address) else {
                        return Ok(None);
                    };
                    Network::new(address, bits).map(|network| Some(network.to_string()))
                })
            },
        ),
    ]
}

/// An address; IPv4 written as IPv6 (`::ffff:1.2.3.4`) counts as IPv4.
fn parse_address(text: &str) -> Option<IpAddr> {
    text.trim().parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// An address range that shares its first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    is_v4: bool,
    /// The address as a number, left-aligned in 128 bits, host bits zero.
    first: u128,
    prefix_bits: u32,
}

impl Network {
    fn new(address: IpAddr, prefix_bits: i64) -> Result<Self> {
        let (is_v4, number, bits_max) = aligned(address);
        match u32::try_from(prefix_bits) {
            Ok(bits) if bits <= bits_max => Ok(Self { is_v4, first: number & mask(bits), prefix_bits: bits }),
            Ok(_) | Err(_) => {
                exec_err!("{address} has a network prefix of 0 to {bits_max} bits, not {prefix_bits}")
            }
        }
    }

    /// `address/bits`, or one address.
    fn parse(text: &str) -> Result<Self> {
        let (address, bits) = match text.trim().split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text.trim(), None),
        };
        let bits = bits.map(str::parse::<i64>).transpose();
        let (Some(address), Ok(bits)) = (parse_address(address), bits) else {
            return exec_err!("'{text}' is not a network such as '10.0.0.0/8' or 'fd00::/8'");
        };
        let whole = if address.is_ipv4() { 32 } else { 128 };
        Self::new(address, bits.unwrap_or(whole))
    }

    fn contains(self, address: IpAddr) -> bool {
        let (is_v4, number, _) = aligned(address);
        is_v4 == self.is_v4 && number & mask(self.prefix_bits) == self.first
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let address = if self.is_v4 {
            // The upper 32 bits hold the whole address.
            IpAddr::V4(std::net::Ipv4Addr::from((self.first >> 96) as u32))
        } else {
            IpAddr::V6(std::net::Ipv6Addr::from(self.first))
        };
        write!(f, "{address}/{}", self.prefix_bits)
    }
}

fn aligned(address: IpAddr) -> (bool, u128, u32) {
    match address {
        IpAddr::V4(v4) => (true, u128::from(u32::from(v4)) << 96, 32),
        IpAddr::V6(v6) => (false, u128::from(v6), 128),
    }
}

fn mask(prefix_bits: u32) -> u128 {
    u128::MAX.checked_shl(128 - prefix_bits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Slow and obvious: compare the leading bits one by one.
    fn same_leading_bits(a: u32, b: u32, bits: u32) -> bool {
        (0..bits).all(|bit| (a >> (31 - bit)) & 1 == (b >> (31 - bit)) & 1)
    }

    proptest! {
        #[test]
        fn membership_is_equality_of_the_leading_bits(a: u32, b: u32, flip in 0_u32..32, bits in 0_u32..=32) {
            for b in [b, a ^ (1 << flip), a] {
                let network = Network::new(IpAddr::V4(a.into()), i64::from(bits)).unwrap();
                prop_assert_eq!(
                    network.contains(IpAddr::V4(b.into())),
                    same_leading_bits(a, b, bits)
                );
            }
        }
    }

    #[test]
    fn networks_in_text() {
        let contains = |network: &str, address: &str| {
            Network::parse(network).unwrap().contains(parse_address(address).unwrap())
        };
        assert!(contains("10.0.0.0/8", "10.255.1.2"));
        assert!(!contains("10.0.0.0/8", "11.0.0.0"));
        assert!(contains("0.0.0.0/0", "255.1.1.1"));
        assert!(contains("fd00::/8", "fd12::1"));
        assert!(!contains("fd00::/8", "10.0.0.1"));
        assert!(contains("10.0.0.0/8", "::ffff:10.1.1.1"));
        assert!(contains("192.168.1.7", "192.168.1.7"));
        for bad in ["10.0.0.0/33", "10.0.0/8", "x/8", "10.0.0.0/-2", "10.0.0.0/x", "::/129"] {
            assert!(Network::parse(bad).is_err(), "{bad}");
        }
        let network = Network::new("10.1.2.3".parse().unwrap(), 24).unwrap();
        assert_eq!(network.to_string(), "10.1.2.0/24");
        let network = Network::new("2001:db8::1".parse().unwrap(), 32).unwrap();
        assert_eq!(network.to_string(), "2001:db8::/32");
    }
}
