//! gRPC-Web (`envoy.filters.http.grpc_web`): calls of browsers become gRPC, and its answers what browsers can read.
//! In: heads, pieces of bodies, trailers. Out: the same as gRPC upstream, and as gRPC-Web downstream, where trailers
//! are a last frame of the body. Text mode is base64 in both directions.
//! Never here: whole messages; nothing but the rest of a group of base64 is kept.

#[cfg(test)]
mod tests;

use crate::headers::{Headers, RequestHead, ResponseHead};
use crate::local_reply::{grpc_status_of_http, percent_encode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, Bytes, BytesMut};

/// Flag of the frame that holds trailers.
const TRAILERS: u8 = 0x80;
/// Bytes before the message of a gRPC frame: a flag and the length.
const FRAME_HEAD: usize = 5;
/// Bytes of a body that is no gRPC that may become `grpc-message`.
pub const MESSAGE_LIMIT: usize = 16 << 10;
/// Body of the answer to text that is no base64.
pub const BAD_TEXT: &str = "Bad gRPC-web request, invalid base64 data.";

/// Text that is no base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadText {
    /// It ends inside a group of four.
    Size,
    /// A group is none.
    Data,
}

impl BadText {
    /// `response_code_details`.
    #[must_use]
    pub fn details(self) -> &'static str {
        match self {
            Self::Size => "grpc_base_64_decode_failed_bad_size",
            Self::Data => "grpc_base_64_decode_failed",
        }
    }
}

/// A gRPC-Web call.
#[derive(Debug, Default)]
pub struct GrpcWeb {
    text_request: bool,
    text_response: bool,
    /// Less than a group of base64 of the request.
    group: Vec<u8>,
    frames: Frames,
}

/// Where in the frames of the response the text encoder is.
#[derive(Debug, Default)]
struct Frames {
    head: Vec<u8>,
    /// Bytes of the message that are to come.
    left: usize,
    /// One or two bytes that make no group yet.
    rest: Vec<u8>,
}

impl GrpcWeb {
    /// Turns the head of a gRPC-Web request into one of gRPC; `None` for any other.
    #[must_use]
    pub fn begin(head: &mut RequestHead) -> Option<Self> {
        let text = match head.headers.get("content-type")? {
            b"application/grpc-web" | b"application/grpc-web+proto" => false,
            b"application/grpc-web-text" | b"application/grpc-web-text+proto" => true,
            _ => return None,
        };
        let accept = head.headers.get("accept");
        let text_response = matches!(accept, Some(b"application/grpc-web-text" | b"application/grpc-web-text+proto"));
        // The length is that of the text, or of a body over HTTP/1; gRPC has none.
        head.headers.remove("content-length");
        head.headers.set("content-type", Bytes::from_static(b"application/grpc"));
        head.headers.set("te", Bytes::from_static(b"trailers"));
        if !head.headers.contains("grpc-accept-encoding") {
            head.headers.set("grpc-accept-encoding", Bytes::from_static(b"identity,deflate,gzip"));
        }
        Some(Self { text_request: text, text_response, ..Self::default() })
    }

    /// A piece of the request's body.
    ///
    /// # Errors
    /// When it is text and no base64.
    pub fn decode(&mut self, data: Bytes) -> Result<Bytes, BadText> {
        if !self.text_request {
            return Ok(data);
        }
        let mut text = std::mem::take(&mut self.group);
        text.extend_from_slice(&data);
        self.group = text.split_off(text.len() / 4 * 4);
        let mut out = Vec::with_capacity(text.len() / 4 * 3);
        // A client may encode each message for itself, so padding may be anywhere.
        let mut begin = 0;
        for (at, group) in text.chunks(4).enumerate() {
            let end = (at + 1) * 4;
            if group.contains(&b'=') || end == text.len() {
                STANDARD.decode_vec(&text[begin..end], &mut out).map_err(|_| BadText::Data)?;
                begin = end;
            }
        }
        Ok(out.into())
    }

    /// The end of the request's body.
    ///
    /// # Errors
    /// When it is inside a group of base64.
    pub fn decode_end(&self) -> Result<(), BadText> {
        if self.group.is_empty() { Ok(()) } else { Err(BadText::Size) }
    }

    /// Turns the head of a response. True when its body is not gRPC, so that [`Self::explain`] is to be called with it
    /// before the head is sent; never true for a head that `ends` the response.
    pub fn answer(&self, head: &mut ResponseHead, ends: bool) -> bool {
        let grpc = head.status == 200 && head.headers.get("content-type").is_some_and(speaks_grpc);
        head.headers.remove("content-length");
        let content_type: &'static [u8] =
            if self.text_response { b"application/grpc-web-text+proto" } else { b"application/grpc-web+proto" };
        head.headers.set("content-type", Bytes::from_static(content_type));
        !ends && !grpc
    }

    /// Puts a body that is no gRPC into the head; nothing of it is sent.
    pub fn explain(head: &mut ResponseHead, body: &[u8]) {
        head.headers.set("grpc-message", percent_encode(body));
        head.headers.set("grpc-status", grpc_status_of_http(head.status).to_string());
        head.headers.set("content-length", Bytes::from_static(b"0"));
    }

    /// A piece of the response's body.
    pub fn encode(&mut self, data: Bytes) -> Bytes {
        if !self.text_response {
            return data;
        }
        let mut out = Vec::with_capacity(data.len() / 3 * 4 + 8);
        self.frames.encode(&data, &mut out);
        out.into()
    }

    /// The last piece of the response's body, with its trailers if there are some.
    pub fn encode_end(&mut self, trailers: Option<&Headers>) -> Bytes {
        let mut out = Vec::new();
        // Only a message that was cut off leaves something.
        self.frames.pad(&mut out);
        let Some(trailers) = trailers else { return out.into() };
        let mut lines = BytesMut::new();
        for (name, value) in trailers.iter() {
            lines.put_slice(name.as_bytes());
            lines.put_u8(b':');
            lines.put_slice(value);
            lines.put_slice(b"\r\n");
        }
        let mut frame = BytesMut::with_capacity(FRAME_HEAD + lines.len());
        frame.put_u8(TRAILERS);
        frame.put_u32(u32::try_from(lines.len()).unwrap_or(u32::MAX));
        frame.put_slice(&lines);
        if !self.text_response {
            return frame.freeze();
        }
        out.extend_from_slice(STANDARD.encode(&frame).as_bytes());
        out.into()
    }
}

impl Frames {
    /// Each frame ends with padding of its own, so that a reader can decode it before the next has come.
    fn encode(&mut self, mut data: &[u8], out: &mut Vec<u8>) {
        while !data.is_empty() {
            let (part, message) = if self.head.len() < FRAME_HEAD {
                let part = data.split_at(data.len().min(FRAME_HEAD - self.head.len())).0;
                self.head.extend_from_slice(part);
                if let [_, length @ ..] = &*self.head
                    && let Ok(length) = <[u8; 4]>::try_from(length)
                {
                    self.left = u32::from_be_bytes(length) as usize;
                }
                (part, false)
            } else {
                (data.split_at(data.len().min(self.left)).0, true)
            };
            data = &data[part.len()..];
            if message {
                self.left -= part.len();
            }
            self.group(part, out);
            if self.head.len() == FRAME_HEAD && self.left == 0 {
                self.head.clear();
                self.pad(out);
            }
        }
    }

    /// Writes whole groups and keeps the rest.
    fn group(&mut self, part: &[u8], out: &mut Vec<u8>) {
        let mut part = part;
        if !self.rest.is_empty() {
            let (first, more) = part.split_at(part.len().min(3 - self.rest.len()));
            self.rest.extend_from_slice(first);
            part = more;
            if self.rest.len() < 3 {
                return;
            }
            self.pad(out);
        }
        let (whole, rest) = part.split_at(part.len() / 3 * 3);
        out.extend_from_slice(STANDARD.encode(whole).as_bytes());
        self.rest.extend_from_slice(rest);
    }

    fn pad(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(STANDARD.encode(&self.rest).as_bytes());
        self.rest.clear();
    }
}

/// Whether a body of this type is gRPC, or gRPC-Web as it is to be sent.
fn speaks_grpc(content_type: &[u8]) -> bool {
    let Some(rest) = content_type.strip_prefix(b"application/grpc") else { return false };
    if rest.first().is_none_or(|next| *next == b'+') {
        return true;
    }
    let media = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii_end();
    media.eq_ignore_ascii_case(b"application/grpc-web") || media.eq_ignore_ascii_case(b"application/grpc-web+proto")
}
