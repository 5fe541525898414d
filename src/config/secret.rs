//! Values that are not for everybody's eyes: they are sent where they belong and shown nowhere.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// What stands where a secret would be shown.
pub const REDACTED: &str = "[redacted]";

/// A text that is sent and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// The URL of a proxy, which may hold a password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Secret")]
pub struct ProxyUrl(url::Url);

impl Secret {
    /// The text itself, for whom it is meant.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl<'de> Deserialize<'de> for Secret {
    /// The usual errors tell the value that is of the wrong type.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => Ok(Self(text)),
            _ => Err(serde::de::Error::custom("not a text in quotation marks")),
        }
    }
}

impl ProxyUrl {
    /// The URL with its password, for the client.
    pub fn expose(&self) -> &url::Url {
        &self.0
    }
}

impl TryFrom<Secret> for ProxyUrl {
    type Error = String;

    fn try_from(text: Secret) -> Result<Self, Self::Error> {
        let url = url::Url::parse(text.expose());
        // Neither the text nor what the parser says of it.
        url.map(Self).map_err(|_| {
            "not a URL: write http://proxy.example:3128 (https, socks4 or socks5)".to_owned()
        })
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.host_str().unwrap_or_default();
        let port = self.0.port().map(|port| format!(":{port}"));
        let credentials = match self.0.username().is_empty() && self.0.password().is_none() {
            true => String::new(),
            false => format!("{REDACTED}@"),
        };
        let port = port.unwrap_or_default();
        write!(f, "{}://{credentials}{host}{port}", self.0.scheme())
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(text: &str) -> Result<ProxyUrl, String> {
        Secret::from(text.to_owned()).try_into()
    }

    #[test]
    fn a_proxy_is_shown_without_its_password() {
        let shown = |text: &str| {
            let proxy = proxy(text).unwrap();
            assert_eq!(proxy.expose().as_str().trim_end_matches('/'), text);
            assert_eq!(format!("{proxy:?}"), proxy.to_string());
            proxy.to_string()
        };
        let plain = "socks5://127.0.0.1:9050";
        assert_eq!(shown(plain), plain);
        let named = "http://[redacted]@proxy.example:3128";
        assert_eq!(shown("http://me:hunter2@proxy.example:3128"), named);
        assert_eq!(shown("http://hunter2@proxy.example:3128"), named);
        let error = proxy("http://me:hunter2@").unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
