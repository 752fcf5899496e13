//! Authorities, certificates, and clients that speak TLS, all made for one test.
#![allow(dead_code)] // each test takes what it needs

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    RsaKeySize, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

/// Who signs.
pub struct Authority {
    pub pem: String,
    pub der: CertificateDer<'static>,
    pub issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key.
#[derive(Clone)]
pub struct Certificate {
    pub pem: String,
    pub key: String,
    pub der: CertificateDer<'static>,
    pub serial: Vec<u8>,
}

/// Kind of a key.
#[derive(Clone, Copy)]
pub enum Key {
    Ecdsa,
    Rsa,
    P384,
    Ed25519,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { pem: certificate.pem(), der: certificate.der().clone(), issuer: Issuer::new(params, key) }
    }

    pub fn sign(&self, names: &[&str]) -> Certificate {
        self.sign_with(names, Key::Ecdsa, |_| {})
    }

    pub fn sign_with(&self, names: &[&str], key: Key, change: impl FnOnce(&mut CertificateParams)) -> Certificate {
        let (uris, names): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| name.contains("://"));
        let mut params =
            CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        for uri in uris {
            params.subject_alt_names.push(SanType::URI(uri.try_into().unwrap()));
        }
        let serial = rand::random::<[u8; 8]>().map(|byte| byte & 0x7f | 1).to_vec();
        params.serial_number = Some(serial.clone().into());
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "Lateen, Inc.");
        params.distinguished_name.push(DnType::CommonName, *names.first().unwrap_or(&"nobody"));
        change(&mut params);
        let key = match key {
            Key::Ecdsa => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
            Key::P384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
            Key::Ed25519 => KeyPair::generate_for(&rcgen::PKCS_ED25519),
            Key::Rsa => KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048),
        }
        .unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Certificate { pem: certificate.pem(), key: key.serialize_pem(), der: certificate.der().clone(), serial }
    }

    /// A revocation list that holds for so many days more.
    pub fn revoke(&self, certificates: &[&Certificate], days: i64) -> String {
        let now = time::OffsetDateTime::now_utc();
        let revoked = |certificate: &&Certificate| rcgen::RevokedCertParams {
            serial_number: certificate.serial.clone().into(),
            revocation_time: now,
            reason_code: None,
            invalidity_date: None,
        };
        let params = rcgen::CertificateRevocationListParams {
            this_update: now - time::Duration::days(9),
            next_update: now + time::Duration::days(days),
            crl_number: 1_u64.into(),
            issuing_distribution_point: None,
            revoked_certs: certificates.iter().map(revoked).collect(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

impl Certificate {
    /// As it stands in a context.
    pub fn inline(&self) -> Value {
        json!({"certificate_chain": {"inline_string": self.pem}, "private_key": {"inline_string": self.key}})
    }

    fn own(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        use rustls::pki_types::pem::PemObject;
        (vec![self.der.clone()], PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap())
    }
}

/// A transport socket that ends TLS, with these fields of its context and of what both sides have.
pub fn server(context: Value, common: Value) -> Value {
    let mut context = context;
    context["@type"] = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext".into();
    context["common_tls_context"] = common;
    json!({"name": "tls", "typed_config": context})
}

/// A transport socket that begins TLS.
pub fn client(context: Value, common: Value) -> Value {
    let mut context = context;
    context["@type"] = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext".into();
    context["common_tls_context"] = common;
    json!({"name": "tls", "typed_config": context})
}

static BOTH: [&rustls::SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];
pub static TLS12: &[&rustls::SupportedProtocolVersion] = BOTH.split_at(1).0;
pub static TLS13: &[&rustls::SupportedProtocolVersion] = BOTH.split_at(1).1;

/// What a client does.
#[derive(Clone)]
pub struct Dial {
    pub roots: Vec<CertificateDer<'static>>,
    pub own: Option<Certificate>,
    pub alpn: Vec<Vec<u8>>,
    pub versions: &'static [&'static rustls::SupportedProtocolVersion],
    /// Only these schemes are offered.
    pub rsa_only: bool,
    pub resume: Option<rustls::client::Resumption>,
}

pub type Session = StreamOwned<ClientConnection, TcpStream>;

impl Dial {
    pub fn trusting(authority: &Authority) -> Self {
        Self {
            roots: vec![authority.der.clone()],
            own: None,
            alpn: Vec::new(),
            versions: rustls::ALL_VERSIONS,
            rsa_only: false,
            resume: None,
        }
    }

    pub fn with(mut self, own: &Certificate) -> Self {
        self.own = Some(own.clone());
        self
    }

    pub fn config(&self) -> Arc<ClientConfig> {
        let mut provider = rustls::crypto::aws_lc_rs::default_provider();
        if self.rsa_only {
            provider.cipher_suites.retain(|suite| format!("{suite:?}").contains("_RSA_"));
        }
        let mut roots = RootCertStore::empty();
        for root in &self.roots {
            roots.add(root.clone()).unwrap();
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match &self.own {
            Some(own) => {
                let (chain, key) = own.own();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.alpn.clone();
        if let Some(resume) = &self.resume {
            config.resumption = resume.clone();
        }
        Arc::new(config)
    }

    /// Shakes hands, and says why not. In TLS 1.3 a client learns only from its first read that it is refused.
    pub fn dial(&self, address: SocketAddr, name: &str) -> Result<Session, String> {
        let stream = TcpStream::connect(address).unwrap();
        self.dial_on(stream, name)
    }

    pub fn dial_on(&self, mut stream: TcpStream, name: &str) -> Result<Session, String> {
        stream.set_read_timeout(Some(super::plane::PATIENCE)).unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut session = ClientConnection::new(self.config(), name).map_err(|error| error.to_string())?;
        while session.is_handshaking() {
            session.complete_io(&mut stream).map_err(|error| error.to_string())?;
        }
        while session.wants_write() {
            session.write_tls(&mut stream).map_err(|error| error.to_string())?;
        }
        Ok(StreamOwned::new(session, stream))
    }

    /// The body of the answer to a GET on a new connection, or why there is none.
    pub fn get(&self, address: SocketAddr, name: &str) -> Result<String, String> {
        get(&mut self.dial(address, name)?, name)
    }

    /// The certificate that a server shows.
    pub fn certificate(&self, address: SocketAddr, name: &str) -> CertificateDer<'static> {
        self.dial(address, name).unwrap().conn.peer_certificates().unwrap()[0].clone()
    }
}

/// The body of the answer to a GET.
pub fn get(session: &mut Session, host: &str) -> Result<String, String> {
    write!(session, "GET / HTTP/1.1\r\nhost: {host}\r\n\r\n").map_err(|error| error.to_string())?;
    let answer = read_answer(session)?;
    Ok(answer.1)
}

/// Head and body of an answer with a length.
pub fn read_answer(session: &mut impl Read) -> Result<(String, String), String> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse::<usize>().unwrap());
            if bytes.len() >= end + 4 + length {
                return Ok((head, String::from_utf8_lossy(&bytes[end + 4..end + 4 + length]).into_owned()));
            }
        }
        match session.read(&mut chunk) {
            Ok(0) => return Err("closed".to_owned()),
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(error) => return Err(error.to_string()),
        }
    }
}
