//! The names by which the server may be called, with the port.

use std::net::{IpAddr, SocketAddr};

/// The names by which the server may be called: a request for another has been led here by somebody
/// else's DNS.
#[derive(Debug, Clone)]
pub struct Hosts {
    names: Vec<String>,
    port: u16,
}

impl Hosts {
    /// Those of an address on which the server listens, and more, each with its port.
    pub fn of(address: SocketAddr, more: &[String]) -> Self {
        let port = address.port();
        let mut names: Vec<String> = more.iter().map(|name| name.to_ascii_lowercase()).collect();
        let ip = address.ip();
        if !ip.is_unspecified() {
            names.push(address.to_string());
        }
        if ip.is_loopback() || ip.is_unspecified() {
            names.push(format!("localhost:{port}"));
            names.push(match ip {
                IpAddr::V4(_) => format!("127.0.0.1:{port}"),
                IpAddr::V6(_) => format!("[::1]:{port}"),
            });
        }
        // Browsers leave the port of http away.
        if port == 80 {
            let short = names.iter().filter_map(|name| name.strip_suffix(":80"));
            let short: Vec<String> = short.map(ToOwned::to_owned).collect();
            names.extend(short);
        }
        Self { names, port }
    }

    pub(super) fn has(&self, host: &str) -> bool {
        self.names
            .iter()
            .any(|name| name.eq_ignore_ascii_case(host))
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_port() {
        let hosts = Hosts::of(
            "127.0.0.1:7878".parse().unwrap(),
            &["Box.lan:7878".to_owned()],
        );
        for host in [
            "127.0.0.1:7878",
            "localhost:7878",
            "LOCALHOST:7878",
            "box.lan:7878",
        ] {
            assert!(hosts.has(host), "{host}");
        }
        for host in [
            "localhost",
            "localhost:80",
            "box.lan",
            "localhost:7878.evil.example",
            "[::1]:7878",
        ] {
            assert!(!hosts.has(host), "{host}");
        }
        let all = Hosts::of("0.0.0.0:80".parse().unwrap(), &[]);
        assert!(all.has("localhost") && all.has("127.0.0.1:80") && !all.has("0.0.0.0:80"));
    }
}
