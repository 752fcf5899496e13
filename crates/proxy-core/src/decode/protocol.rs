//! HTTP/1 and HTTP/2 options, of listeners and of clusters.
//! In: protocol option messages. Out: settings, with Envoy 1.40's defaults.

#![allow(deprecated)]

use super::DecodeError;
use super::at::At;
use super::value::{flag, number};
use crate::ir::{Http1Options, Http2Options};
use lateen_envoy_api::v3::core;

pub(crate) fn http1(options: Option<core::Http1ProtocolOptions>, at: At<'_>) -> Result<Http1Options, DecodeError> {
    let Some(mut options) = options else {
        return Ok(Http1Options { allow_absolute_url: true, ..Http1Options::default() });
    };
    // Which parser reads the head, and which methods it knows, is no setting here.
    options.use_balsa_parser = None;
    options.allow_custom_methods = false;
    let decoded = Http1Options {
        accept_http_10: std::mem::take(&mut options.accept_http_10),
        default_host_for_http_10: std::mem::take(&mut options.default_host_for_http_10),
        allow_absolute_url: flag(options.allow_absolute_url.take(), true),
        enable_trailers: std::mem::take(&mut options.enable_trailers),
        allow_chunked_length: std::mem::take(&mut options.allow_chunked_length),
        keep_connection_on_error: flag(options.override_stream_error_on_invalid_http_message.take(), false),
    };
    at.nothing_left(&options)?;
    Ok(decoded)
}

pub(crate) fn http2(options: Option<core::Http2ProtocolOptions>, at: At<'_>) -> Result<Http2Options, DecodeError> {
    let Some(mut options) = options else { return Ok(Http2Options::default()) };
    let defaults = Http2Options::default();
    let window = |value, default, at: At<'_>| match number(value) {
        None => Ok(default),
        Some(bytes @ 65_535..=0x7fff_ffff) => Ok(bytes),
        Some(other) => Err(at.invalid(other, "must be from 65535 to 2147483647")),
    };
    let streams = number(options.max_concurrent_streams.take()).unwrap_or(defaults.max_concurrent_streams);
    if streams == 0 || streams > 0x7fff_ffff {
        return Err(at.field("max_concurrent_streams").invalid(streams, "must be from 1 to 2147483647"));
    }
    let stream = options.initial_stream_window_size.take();
    let connection = options.initial_connection_window_size.take();
    let decoded = Http2Options {
        max_concurrent_streams: streams,
        initial_stream_window: window(stream, defaults.initial_stream_window, at.field("initial_stream_window_size"))?,
        initial_connection_window: window(
            connection,
            defaults.initial_connection_window,
            at.field("initial_connection_window_size"),
        )?,
        allow_connect: std::mem::take(&mut options.allow_connect),
    };
    // Limits on abuse and the codec's own choices: the codec here has its own.
    options.hpack_table_size = None;
    options.max_outbound_frames = None;
    options.max_outbound_control_frames = None;
    options.max_consecutive_inbound_frames_with_empty_payload = None;
    options.max_inbound_priority_frames_per_stream = None;
    options.max_inbound_window_update_frames_per_data_frame_sent = None;
    options.use_oghttp2_codec = None;
    options.max_metadata_size = None;
    options.enable_huffman_encoding = None;
    options.stream_reset_burst = None;
    options.stream_reset_rate = None;
    options.stream_error_on_invalid_http_messaging = false;
    options.override_stream_error_on_invalid_http_message = None;
    // Pings keep connections alive; without them idle timeouts still hold.
    options.connection_keepalive = None;
    at.nothing_left(&options)?;
    Ok(decoded)
}
