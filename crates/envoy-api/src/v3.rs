//! Short names for the packages of Envoy's v3 API that lateen speaks, so that
//! a path reads `v3::route::VirtualHost` and not its six folders.
//!
//! Only re-exports; nothing is defined here.

use crate::envoy;

pub use envoy::admin::v3 as admin;
pub use envoy::config::accesslog::v3 as accesslog;
pub use envoy::config::bootstrap::v3 as bootstrap;
pub use envoy::config::cluster::v3 as cluster;
pub use envoy::config::core::v3 as core;
pub use envoy::config::endpoint::v3 as endpoint;
pub use envoy::config::listener::v3 as listener;
pub use envoy::config::metrics::v3 as metrics;
pub use envoy::config::overload::v3 as overload;
pub use envoy::config::ratelimit::v3 as ratelimit_config;
pub use envoy::config::rbac::v3 as rbac;
pub use envoy::config::route::v3 as route;
pub use envoy::config::trace::v3 as trace;
pub use envoy::data::accesslog::v3 as accesslog_data;
pub use envoy::service::accesslog::v3 as accesslog_service;
pub use envoy::service::auth::v3 as auth_service;
pub use envoy::service::discovery::v3 as discovery;
pub use envoy::service::ext_proc::v3 as ext_proc_service;
pub use envoy::service::load_stats::v3 as load_stats;
pub use envoy::service::ratelimit::v3 as ratelimit_service;
pub use envoy::service::secret::v3 as secret_service;
pub use envoy::service::status::v3 as status;
pub use envoy::r#type::http::v3 as type_http;
pub use envoy::r#type::matcher::v3 as matcher;
pub use envoy::r#type::metadata::v3 as metadata;
pub use envoy::r#type::tracing::v3 as tracing_tag;
pub use envoy::r#type::v3 as types;

pub use envoy::extensions::filters::http::router::v3 as router;
pub use envoy::extensions::filters::network::http_connection_manager::v3 as hcm;
pub use envoy::extensions::filters::network::tcp_proxy::v3 as tcp_proxy;
pub use envoy::extensions::transport_sockets::tls::v3 as tls;
pub use envoy::extensions::upstreams::http::v3 as http_protocol_options;

/// HTTP filters, by the name of their package.
pub mod http_filter {
    use crate::envoy::extensions::filters::http;

    pub use http::buffer::v3 as buffer;
    pub use http::compressor::v3 as compressor;
    pub use http::cors::v3 as cors;
    pub use http::csrf::v3 as csrf;
    pub use http::decompressor::v3 as decompressor;
    pub use http::dynamic_forward_proxy::v3 as dynamic_forward_proxy;
    pub use http::ext_authz::v3 as ext_authz;
    pub use http::ext_proc::v3 as ext_proc;
    pub use http::fault::v3 as fault;
    pub use http::grpc_stats::v3 as grpc_stats;
    pub use http::grpc_web::v3 as grpc_web;
    pub use http::header_mutation::v3 as header_mutation;
    pub use http::header_to_metadata::v3 as header_to_metadata;
    pub use http::health_check::v3 as health_check;
    pub use http::jwt_authn::v3 as jwt_authn;
    pub use http::local_ratelimit::v3 as local_ratelimit;
    pub use http::lua::v3 as lua;
    pub use http::on_demand::v3 as on_demand;
    pub use http::ratelimit::v3 as ratelimit;
    pub use http::rbac::v3 as rbac;
    pub use http::router::v3 as router;
    pub use http::set_filter_state::v3 as set_filter_state;
    pub use http::set_metadata::v3 as set_metadata;
    pub use http::stateful_session::v3 as stateful_session;
    pub use http::upstream_codec::v3 as upstream_codec;
    pub use http::wasm::v3 as wasm;
}

/// Network filters, by the name of their package.
pub mod network_filter {
    use crate::envoy::extensions::filters::network;

    pub use network::connection_limit::v3 as connection_limit;
    pub use network::direct_response::v3 as direct_response;
    pub use network::echo::v3 as echo;
    pub use network::ext_authz::v3 as ext_authz;
    pub use network::http_connection_manager::v3 as http_connection_manager;
    pub use network::local_ratelimit::v3 as local_ratelimit;
    pub use network::mongo_proxy::v3 as mongo_proxy;
    pub use network::ratelimit::v3 as ratelimit;
    pub use network::rbac::v3 as rbac;
    pub use network::redis_proxy::v3 as redis_proxy;
    pub use network::set_filter_state::v3 as set_filter_state;
    pub use network::sni_cluster::v3 as sni_cluster;
    pub use network::sni_dynamic_forward_proxy::v3 as sni_dynamic_forward_proxy;
    pub use network::tcp_proxy::v3 as tcp_proxy;
    pub use network::wasm::v3 as wasm;
}

/// Listener filters, by the name of their package.
pub mod listener_filter {
    use crate::envoy::extensions::filters::listener;

    pub use listener::http_inspector::v3 as http_inspector;
    pub use listener::local_ratelimit::v3 as local_ratelimit;
    pub use listener::original_dst::v3 as original_dst;
    pub use listener::original_src::v3 as original_src;
    pub use listener::proxy_protocol::v3 as proxy_protocol;
    pub use listener::set_filter_state::v3 as set_filter_state;
    pub use listener::tls_inspector::v3 as tls_inspector;
}

/// Access loggers, by the name of their package.
pub mod access_logger {
    use crate::envoy::extensions::access_loggers;

    pub use access_loggers::file::v3 as file;
    pub use access_loggers::filters::cel::v3 as cel;
    pub use access_loggers::grpc::v3 as grpc;
    pub use access_loggers::open_telemetry::v3 as open_telemetry;
    pub use access_loggers::stream::v3 as stream;
}

/// Transport sockets, by the name of their package.
pub mod transport_socket {
    use crate::envoy::extensions::transport_sockets;

    pub use transport_sockets::http_11_proxy::v3 as http_11_proxy;
    pub use transport_sockets::internal_upstream::v3 as internal_upstream;
    pub use transport_sockets::proxy_protocol::v3 as proxy_protocol;
    pub use transport_sockets::quic::v3 as quic;
    pub use transport_sockets::raw_buffer::v3 as raw_buffer;
    pub use transport_sockets::starttls::v3 as starttls;
    pub use transport_sockets::tls::v3 as tls;
}

/// Load balancing policies, by the name of their package.
pub mod load_balancing {
    use crate::envoy::extensions::load_balancing_policies as policies;

    pub use policies::cluster_provided::v3 as cluster_provided;
    pub use policies::common::v3 as common;
    pub use policies::least_request::v3 as least_request;
    pub use policies::maglev::v3 as maglev;
    pub use policies::override_host::v3 as override_host;
    pub use policies::pick_first::v3 as pick_first;
    pub use policies::random::v3 as random;
    pub use policies::ring_hash::v3 as ring_hash;
    pub use policies::round_robin::v3 as round_robin;
    pub use policies::subset::v3 as subset;
    pub use policies::wrr_locality::v3 as wrr_locality;
}
