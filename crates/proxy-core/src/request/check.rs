//! What makes a request unfit before anything else is looked at.
//! In: version, host, path. Out: the local reply that Envoy gives, or the path normalised.

use crate::flags::ResponseFlags;
use crate::headers::{Method, RequestHead, Version};
use crate::ir::HttpConnectionManager;
use crate::local_reply::{LocalReply, is_grpc};
use crate::path::{Fragment, Options, Outcome, normalize};

type Checked = Result<(), Box<LocalReply>>;

fn refuse(status: u16, flags: ResponseFlags, details: &'static str) -> Checked {
    Err(Box::new(LocalReply::new(status, flags, details)))
}

pub(super) fn version_and_host(hcm: &HttpConnectionManager, head: &mut RequestHead) -> Checked {
    if head.version == Version::Http10 {
        if !hcm.http1.accept_http_10 {
            return refuse(426, ResponseFlags::NONE, "low_version");
        }
        if head.authority.is_empty() {
            head.authority = hcm.http1.default_host_for_http_10.clone().into();
        }
    }
    // Over HTTP/1 the codec refuses a request without `Host`; one that is there and empty is legal (RFC 9112 section
    // 3.2), and Envoy takes it.
    if head.authority.is_empty() && head.version == Version::Http2 {
        return refuse(400, ResponseFlags::NONE, "missing_host_header");
    }
    let valid = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:@[]".contains(byte);
    if !head.authority.iter().all(valid) {
        return refuse(400, ResponseFlags::NONE, "invalid_authority");
    }
    Ok(())
}

pub(super) fn path(hcm: &HttpConnectionManager, head: &mut RequestHead) -> Checked {
    if head.path.is_empty() {
        if head.method == Method::Connect && head.protocol.is_none() {
            return Ok(());
        }
        return refuse(404, ResponseFlags::NONE, "missing_path_rejected");
    }
    if head.path.first() != Some(&b'/') {
        return refuse(404, ResponseFlags::NONE, "absolute_path_rejected");
    }
    let options = Options {
        normalize_path: hcm.normalize_path,
        merge_slashes: hcm.merge_slashes,
        escaped_slashes: hcm.escaped_slashes,
        fragment: if hcm.strip_fragment { Fragment::Strip } else { Fragment::Reject },
    };
    match normalize(&head.path, options) {
        Outcome::Unchanged => Ok(()),
        Outcome::Changed(path) => {
            head.path = path;
            Ok(())
        }
        Outcome::RedirectTo(path) if !is_grpc(&head.headers) => {
            let mut reply = LocalReply::new(307, ResponseFlags::NONE, "path_normalization_failed");
            reply.headers.set("location", path);
            Err(Box::new(reply))
        }
        Outcome::RedirectTo(_) | Outcome::Reject => refuse(400, ResponseFlags::NONE, "path_normalization_failed"),
    }
}
