//! Which addresses a crawler may connect to. Checked when a name is resolved, so that a
//! name cannot lead inside, and at every hop for literal addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::config::CrawlConfig;

/// All of a host's addresses are closed ones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{host} is {}", .closed.advice())]
pub struct PrivateAddress {
    /// The host's name or address.
    pub host: String,
    /// Why it is closed.
    pub closed: Closed,
}

/// Why an address is closed, and so what opens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// It does not belong to the public internet.
    Private,
    /// It is link-local, or one at which clouds tell machines their secrets.
    Metadata,
}

impl Closed {
    fn advice(self) -> &'static str {
        match self {
            Self::Private => {
                "a private or reserved address; `crawl --allow-private-addresses`, or allow_private_addresses under [crawl] in your own config.toml, lets simdex fetch from your own network"
            }
            Self::Metadata => {
                "a link-local address or one at which clouds keep their machines' secrets; only its own address under --allow-address, or in allow_addresses under [crawl] in your own config.toml, opens it"
            }
        }
    }
}

/// Which addresses the user lets a crawler connect to.
#[derive(Debug, Clone, Default)]
pub(in crate::crawl) struct AddressRules {
    allow_private: bool,
    /// Those that are open whatever they are.
    named: Vec<IpAddr>,
}

impl AddressRules {
    pub(in crate::crawl) fn new(config: &CrawlConfig) -> Self {
        Self {
            allow_private: config.allow_private_addresses,
            named: config.allow_addresses.clone(),
        }
    }

    /// Whether an address may be connected to.
    ///
    /// # Errors
    /// Why it may not.
    pub(in crate::crawl) fn check(&self, address: IpAddr) -> Result<(), Closed> {
        let named = |face: &IpAddr| self.named.iter().any(|it| it.to_canonical() == *face);
        let faces = faces(address);
        if faces.iter().any(named) {
            Ok(())
        } else if faces.iter().any(is_metadata) {
            Err(Closed::Metadata)
        } else if self.allow_private || is_public(address) {
            Ok(())
        } else {
            Err(Closed::Private)
        }
    }

    /// Whether this machine may be asked, in some of its addresses.
    pub(in crate::crawl) fn allows_loopback(&self) -> bool {
        let loopback = |address: &IpAddr| address.to_canonical().is_loopback();
        self.allow_private || self.named.iter().any(loopback)
    }
}

/// Addresses at which clouds tell a machine its secrets, other than link-local ones.
const METADATA: [IpAddr; 6] = [
    // Alibaba, Oracle, Azure.
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    // Amazon, Google, Scaleway.
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42)),
];

fn is_metadata(address: &IpAddr) -> bool {
    METADATA.contains(address)
        || match address {
            IpAddr::V4(v4) => v4.is_link_local(),
            // Amazon keeps fd00:ec2::/32 for such services.
            IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.segments()[..2] == [0xfd00, 0xec2],
        }
}

/// The address, and the IPv4 address that a gateway or this machine itself would make of it.
fn faces(address: IpAddr) -> Vec<IpAddr> {
    let address = address.to_canonical();
    let IpAddr::V6(v6) = address else {
        return vec![address];
    };
    let within = match v6.segments() {
        // Compatible with IPv4 (RFC 4291).
        [0, 0, 0, 0, 0, 0, high, low] if high > 0 => Some((high, low)),
        // Translated to IPv4 (RFC 7915), and within a site (ISATAP, RFC 5214).
        [0, 0, 0, 0, 0xffff, 0, high, low] | [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => {
            Some((high, low))
        }
        // NAT64's well-known and local prefixes.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        // 6to4.
        | [0x2002, high, low, ..] => Some((high, low)),
        _ => None,
    };
    let within = within.map(|(high, low)| IpAddr::V4(joined(high, low)));
    [address].into_iter().chain(within).collect()
}

fn joined(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
}

/// Whether an address belongs to the public internet (the special-purpose registries of
/// RFC 6890 and its updates). Addresses that carry an IPv4 address are judged by it.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let reserved = a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b)) // carrier-grade NAT, RFC 6598
        || (a == 192 && b == 0 && c == 0) // protocol assignments
        || (a == 192 && b == 88 && c == 99) // 6to4 relay
        || (a == 198 && (b == 18 || b == 19)); // benchmarking
    !(reserved
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let s = address.segments();
    let embedded = |high: u16, low: u16| is_public_v4(joined(high, low));
    match s {
        // IPv4-mapped, and NAT64's well-known prefix.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        // 6to4.
        [0x2002, high, low, ..] => embedded(high, low),
        // Global unicast is 2000::/3, less Teredo and other assignments, documentation.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_ranges_are_closed() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.2.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "2001:db8::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "64:ff9b:1::1",
            "::127.0.0.1",
            "3fff::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    fn rules(allow_private: bool, named: &[&str]) -> AddressRules {
        AddressRules {
            allow_private,
            named: named.iter().map(|text| text.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn secrets_of_clouds_stay_closed_until_they_are_named() {
        for text in [
            "169.254.169.254",
            "169.254.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "fe80::1",
            "fe80::a9fe:a9fe",
            "fd00:ec2::254",
            "fd20:ce::254",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::169.254.169.254",
            "2002:a9fe:a9fe::1",
        ] {
            let address: IpAddr = text.parse().unwrap();
            for allow_private in [false, true] {
                let found = rules(allow_private, &["169.254.169.253"]).check(address);
                assert_eq!(found, Err(Closed::Metadata), "{text}");
            }
            assert_eq!(rules(false, &[text]).check(address), Ok(()), "{text}");
        }
        // However it is written, it is one address.
        for named in ["169.254.169.254", "::ffff:169.254.169.254"] {
            for asked in ["169.254.169.254", "::ffff:a9fe:a9fe", "64:ff9b::a9fe:a9fe"] {
                let found = rules(false, &[named]).check(asked.parse().unwrap());
                assert_eq!(found, Ok(()), "{named} {asked}");
            }
        }
    }

    #[test]
    fn private_addresses_open_together_or_one_by_one() {
        for text in ["127.0.0.1", "10.0.0.1", "::1", "fd00::1", "100.64.0.1"] {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(rules(false, &[]).check(address), Err(Closed::Private));
            assert_eq!(rules(true, &[]).check(address), Ok(()), "{text}");
            assert_eq!(rules(false, &[text]).check(address), Ok(()), "{text}");
        }
        let public = "1.1.1.1".parse().unwrap();
        assert_eq!(rules(false, &[]).check(public), Ok(()));
        assert!(rules(true, &[]).allows_loopback());
        assert!(rules(false, &["::1"]).allows_loopback());
        assert!(!rules(false, &["10.0.0.1"]).allows_loopback());
    }

    #[test]
    fn public_ranges_are_open() {
        for text in [
            "1.1.1.1",
            "93.184.216.34",
            "100.63.0.1",
            "172.32.0.1",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
