//! gRPC-Web, on ports that declare it.

use super::{Input, named};
use lateen_core::Protocol;
use lateen_envoy_api::pack;
use lateen_envoy_api::v3::hcm::HttpFilter;
use lateen_envoy_api::v3::http_filter::grpc_web::GrpcWeb;

/// The filter.
pub fn filter(input: Input<'_>) -> Option<HttpFilter> {
    (input.protocol == Protocol::GrpcWeb).then(|| named("envoy.filters.http.grpc_web", pack(&GrpcWeb {})))
}
