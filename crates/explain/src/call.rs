//! A call that is asked about, as the command line or a file of calls gives it.
//! In: JSON or words. Out: checked values with their defaults.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// A file of calls: one proxy and what is sent to it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calls {
    /// Who is called.
    pub proxy: CallProxy,
    /// The calls.
    pub calls: Vec<Call>,
}

/// The proxy of a file of calls.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallProxy {
    /// `router` or `sidecar`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Namespace of the workload.
    #[serde(default)]
    pub namespace: String,
    /// Labels of the workload.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Address of the workload.
    #[serde(default)]
    pub ip: Option<IpAddr>,
    /// All addresses, when there are several.
    #[serde(default)]
    pub ips: Vec<IpAddr>,
}

/// One call.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Call {
    /// Comes back in the answer.
    pub name: String,
    /// Port that the client connects to.
    pub port: u16,
    /// What is spoken.
    pub protocol: Protocol,
    /// Whether and how it is encrypted.
    pub tls: Tls,
    /// Server name of the ClientHello.
    pub sni: String,
    /// Application protocol of the ClientHello.
    pub alpn: String,
    /// Method of the request.
    pub method: String,
    /// `Host` or `:authority`.
    pub host: String,
    /// Path and query.
    pub path: String,
    /// Further headers.
    pub headers: BTreeMap<String, String>,
    /// Which side of the proxy is called.
    pub mode: Mode,
    /// Address that the client connects to.
    pub address: IpAddr,
}

impl Default for Call {
    fn default() -> Self {
        Self {
            name: String::new(),
            port: 80,
            protocol: Protocol::Http,
            tls: Tls::Plaintext,
            sni: String::new(),
            alpn: String::new(),
            method: "GET".into(),
            host: String::new(),
            path: "/".into(),
            headers: BTreeMap::new(),
            mode: Mode::Gateway,
            address: IpAddr::V4(Ipv4Addr::new(1, 3, 3, 7)),
        }
    }
}

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1.
    Http,
    /// HTTP/2.
    Http2,
    /// Anything else.
    Tcp,
}

/// Whether and how a call is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// Not at all.
    Plaintext,
    /// TLS without a client certificate.
    Tls,
    /// TLS with a client certificate.
    Mtls,
}

/// Which side of the proxy is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// A gateway, from outside.
    Gateway,
    /// A sidecar, from its own workload.
    Outbound,
    /// A sidecar, from elsewhere.
    Inbound,
}

/// What is wrong with a call that a person wrote.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Not an http or https URL.
    #[error("{0:?} is not a URL of the form http://HOST[:PORT]/PATH or https://…")]
    Url(String),
    /// The port of the URL.
    #[error("{text:?} is not a port (1 to 65535) in {url:?}")]
    Port {
        /// The whole URL.
        url: String,
        /// What stands for the port.
        text: String,
    },
    /// A header.
    #[error("{0:?} is not a header of the form NAME: VALUE")]
    Header(String),
}

impl Call {
    /// The call of `METHOD URL`, with headers as curl's `-H` takes them; port and TLS follow from the URL.
    ///
    /// # Errors
    /// [`CallError`] says which word is wrong.
    pub fn from_words(method: &str, url: &str, headers: &[String]) -> Result<Self, CallError> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| CallError::Url(url.to_owned()))?;
        let (tls, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (Tls::Plaintext, 80),
            "https" => (Tls::Tls, 443),
            _ => return Err(CallError::Url(url.to_owned())),
        };
        let split = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(split);
        if authority.is_empty() {
            return Err(CallError::Url(url.to_owned()));
        }
        let (name, port) = match authority.rsplit_once(':') {
            Some((name, _)) if name.starts_with('[') && !name.ends_with(']') => (authority, None),
            Some((name, port)) => (name, Some(port)),
            None => (authority, None),
        };
        let port = match port {
            None => default_port,
            Some(text) => text
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(|| CallError::Port { url: url.to_owned(), text: text.to_owned() })?,
        };
        let mut call = Self {
            name: format!("{method} {url}"),
            port,
            tls,
            method: method.to_owned(),
            host: authority.to_owned(),
            path: if path.starts_with('/') { path.to_owned() } else { format!("/{path}") },
            ..Self::default()
        };
        if tls == Tls::Tls {
            call.sni = name.trim_matches(['[', ']']).to_owned();
            call.alpn = "http/1.1".to_owned();
        }
        for header in headers {
            let (name, value) = header.split_once(':').ok_or_else(|| CallError::Header(header.clone()))?;
            match name.trim().to_ascii_lowercase().as_str() {
                "host" => call.host = value.trim().to_owned(),
                name => drop(call.headers.insert(name.to_owned(), value.trim().to_owned())),
            }
        }
        Ok(call)
    }

    /// Where the client connects to.
    pub fn destination(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_a_call() {
        let call =
            Call::from_words("GET", "https://a.example.com:8443/x?y", &["X-A: 1".into(), "host: b".into()]).unwrap();
        assert_eq!((call.port, call.tls, call.sni.as_str()), (8443, Tls::Tls, "a.example.com"));
        assert_eq!((call.host.as_str(), call.path.as_str()), ("b", "/x?y"));
        assert_eq!(call.headers["x-a"], "1");
        let call = Call::from_words("GET", "http://[::1]?q", &[]).unwrap();
        assert_eq!((call.port, call.host.as_str(), call.path.as_str()), (80, "[::1]", "/?q"));
    }

    #[test]
    fn what_is_not_a_call_is_named() {
        for (url, headers) in [
            ("a.example.com", vec![]),
            ("ftp://a", vec![]),
            ("http://", vec![]),
            ("http://a:x/", vec![]),
            ("http://a:0/", vec![]),
            ("http://a/", vec!["no colon".to_owned()]),
        ] {
            assert!(Call::from_words("GET", url, &headers).is_err(), "{url}");
        }
    }
}
