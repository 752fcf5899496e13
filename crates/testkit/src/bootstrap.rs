//! The bootstrap of a gateway that gets everything from a control plane on loopback.
//! In: two ports. Out: JSON that stock Envoy and lateen take alike.

use serde_json::{Value, json};

/// A gateway of namespace `istio-system` with label `istio: ingressgateway`: its admin interface on port `admin`, ADS
/// from port `xds`.
pub fn ads_bootstrap(admin: u16, xds: u16) -> Value {
    let address = |port: u16| json!({"socket_address": {"address": "127.0.0.1", "port_value": port}});
    json!({
        "node": {
            "id": "router~192.0.2.1~gateway.istio-system~istio-system.svc.cluster.local",
            "cluster": "gateway.istio-system",
            "metadata": {"NAMESPACE": "istio-system", "LABELS": {"istio": "ingressgateway"}},
        },
        "admin": {"address": address(admin)},
        "dynamic_resources": {
            "ads_config": {
                "api_type": "GRPC",
                "transport_api_version": "V3",
                "grpc_services": [{"envoy_grpc": {"cluster_name": "xds"}}],
            },
            "lds_config": {"ads": {}, "resource_api_version": "V3"},
            "cds_config": {"ads": {}, "resource_api_version": "V3"},
        },
        // As Istio's bootstrap has it; without it Envoy refuses programs of more than 100 instructions.
        "layered_runtime": {"layers": [{
            "name": "static",
            "static_layer": {"re2.max_program_size.error_level": 32768},
        }]},
        "static_resources": {"clusters": [{
            "name": "xds",
            "type": "STATIC",
            "connect_timeout": "1s",
            "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": {}},
            }},
            "load_assignment": {"cluster_name": "xds", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(xds)}}]}]},
        }]},
    })
}
