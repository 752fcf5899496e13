//! TLS as a server offers it and as a client asks for it.

use crate::decode::{choice, message};

message! {
    /// TLS of a gateway server or a sidecar's ingress listener.
    pub struct ServerTlsSettings: closed {
        /// Answer plain HTTP with a redirect to HTTPS.
        https_redirect: bool,
        /// How TLS is handled.
        mode: ServerTlsMode,
        /// File of the certificate chain.
        server_certificate: String,
        /// File of the private key.
        private_key: String,
        /// File of the roots that client certificates are checked against.
        ca_certificates: String,
        /// File of revoked client certificates.
        ca_crl: String,
        /// Secret that holds certificate and key.
        credential_name: String,
        /// Secrets that hold certificates and keys, for several key types.
        credential_names: Vec<String>,
        /// Secret or ConfigMap that holds the roots for client certificates.
        ca_cert_credential_name: String,
        /// Files of several certificates, for several key types.
        tls_certificates: Vec<TlsCertificate>,
        /// Names of which a client certificate must carry one.
        subject_alt_names: Vec<String>,
        /// SHA-256 hashes (base64) of accepted client public keys.
        verify_certificate_spki: Vec<String>,
        /// SHA-256 hashes (hex) of accepted client certificates.
        verify_certificate_hash: Vec<String>,
        /// Oldest TLS version.
        min_protocol_version: TlsProtocol,
        /// Newest TLS version.
        max_protocol_version: TlsProtocol,
        /// Cipher suites up to TLS 1.2.
        cipher_suites: Vec<String>,
        /// Curves for key agreement.
        ecdh_curves: Vec<String>,
        /// Accept client certificates unchecked.
        insecure_skip_verify: Option<bool>,
    }
}

message! {
    /// Files of one server certificate.
    pub struct TlsCertificate: closed {
        /// File of the certificate chain.
        server_certificate: String,
        /// File of the private key.
        private_key: String,
        /// File of the roots for client certificates.
        ca_certificates: String,
    }
}

choice! {
    /// How a server handles TLS.
    pub enum ServerTlsMode {
        /// Route by SNI and leave the bytes alone.
        Passthrough = 0 "PASSTHROUGH",
        /// Terminate with a server certificate.
        Simple = 1 "SIMPLE",
        /// Terminate and demand a client certificate.
        Mutual = 2 "MUTUAL",
        /// Route by an SNI that names the cluster, without a VirtualService.
        AutoPassthrough = 3 "AUTO_PASSTHROUGH",
        /// Terminate with the workload certificate and demand one from the client.
        IstioMutual = 4 "ISTIO_MUTUAL",
        /// Terminate and take a client certificate if there is one.
        OptionalMutual = 5 "OPTIONAL_MUTUAL",
    }
}

choice! {
    /// A TLS version.
    pub enum TlsProtocol {
        /// What the proxy prefers.
        TlsAuto = 0 "TLS_AUTO",
        /// TLS 1.0.
        Tlsv10 = 1 "TLSV1_0",
        /// TLS 1.1.
        Tlsv11 = 2 "TLSV1_1",
        /// TLS 1.2.
        Tlsv12 = 3 "TLSV1_2",
        /// TLS 1.3.
        Tlsv13 = 4 "TLSV1_3",
    }
}

message! {
    /// TLS towards an upstream.
    pub struct ClientTlsSettings: closed {
        /// Whether and how TLS is spoken.
        mode: ClientTlsMode,
        /// File of the client certificate chain.
        client_certificate: String,
        /// File of the client's private key.
        private_key: String,
        /// File of the roots that the server is checked against.
        ca_certificates: String,
        /// Secret that holds client certificate, key and roots.
        credential_name: String,
        /// Names of which the server certificate must carry one.
        subject_alt_names: Vec<String>,
        /// SNI to send.
        sni: String,
        /// Do not check the server certificate.
        insecure_skip_verify: Option<bool>,
        /// File of revoked server certificates.
        ca_crl: String,
    }
}

choice! {
    /// How a client speaks TLS to an upstream.
    pub enum ClientTlsMode {
        /// In clear.
        Disable = 0 "DISABLE",
        /// TLS without a client certificate.
        Simple = 1 "SIMPLE",
        /// TLS with the given client certificate.
        Mutual = 2 "MUTUAL",
        /// TLS with the workload certificate of the mesh.
        IstioMutual = 3 "ISTIO_MUTUAL",
    }
}
