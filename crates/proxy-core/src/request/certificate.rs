//! x-forwarded-client-cert: what the client's certificate said.
//! In: settings, the certificate of mutual TLS. Out: the header set, appended to, kept or taken out.

use super::PeerCertificate;
use crate::headers::RequestHead;
use crate::ir::{ForwardClientCert, HttpConnectionManager};

const NAME: &str = "x-forwarded-client-cert";

pub(super) fn forward(hcm: &HttpConnectionManager, head: &mut RequestHead, peer: Option<&PeerCertificate>) {
    let headers = &mut head.headers;
    match (hcm.forward_client_cert, peer) {
        (ForwardClientCert::AlwaysForwardOnly, _) | (ForwardClientCert::ForwardOnly, Some(_)) => {}
        (ForwardClientCert::Sanitize, _) | (_, None) => {
            headers.remove(NAME);
        }
        (ForwardClientCert::SanitizeSet, Some(peer)) => headers.set(NAME, element(hcm, peer)),
        (ForwardClientCert::AppendForward, Some(peer)) => {
            let element = element(hcm, peer);
            let joined = match headers.get_joined(NAME).filter(|known| !known.is_empty()) {
                Some(known) => [&known[..], &b","[..], element.as_bytes()].concat(),
                None => element.into_bytes(),
            };
            headers.set(NAME, joined);
        }
    }
}

fn element(hcm: &HttpConnectionManager, peer: &PeerCertificate) -> String {
    let wanted = hcm.client_cert_details;
    let mut parts: Vec<String> = peer.local_uri_sans.iter().map(|uri| format!("By={uri}")).collect();
    if !peer.sha256.is_empty() {
        parts.push(format!("Hash={}", peer.sha256));
    }
    if wanted.cert && !peer.pem.is_empty() {
        parts.push(format!("Cert=\"{}\"", peer.pem));
    }
    if wanted.chain && !peer.chain.is_empty() {
        parts.push(format!("Chain=\"{}\"", peer.chain));
    }
    if wanted.subject {
        parts.push(format!("Subject=\"{}\"", peer.subject));
    }
    if wanted.uri {
        match peer.uri_sans.as_slice() {
            [] => parts.push("URI=".to_owned()),
            uris => parts.extend(uris.iter().map(|uri| format!("URI={uri}"))),
        }
    }
    if wanted.dns {
        parts.extend(peer.dns_sans.iter().map(|name| format!("DNS={name}")));
    }
    parts.join(";")
}
