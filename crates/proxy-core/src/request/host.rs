//! The host as routes see it: without port or final dot where the listener says so.
//! In: the authority. Out: the same or a shorter one; CONNECT keeps its port.

use crate::headers::{Method, RequestHead};
use crate::ir::{HttpConnectionManager, StripHostPort};
use crate::route::before_colon;
use bytes::Bytes;

pub(super) fn normalize(hcm: &HttpConnectionManager, head: &mut RequestHead, local_port: u16) {
    if hcm.strip_trailing_host_dot {
        let text = head.authority_str();
        let bare = before_colon(text);
        if let Some(undotted) = bare.strip_suffix('.') {
            let port = text.get(bare.len()..).unwrap_or_default();
            head.authority = Bytes::from(format!("{undotted}{port}"));
        }
    }
    if hcm.strip_host_port == StripHostPort::No || (head.method == Method::Connect && head.protocol.is_none()) {
        return;
    }
    let text = head.authority_str();
    let bare = before_colon(text);
    let Some(port) = text.get(bare.len() + 1..) else { return };
    let Ok(port) = port.parse::<u32>() else { return };
    if hcm.strip_host_port == StripHostPort::Any || port == u32::from(local_port) {
        let length = bare.len();
        head.authority.truncate(length);
    }
}
