//! The one table of ports that a mesh of Istio's kind uses.

/// Admin interface of the proxy (localhost).
pub const PROXY_ADMIN: u16 = 15000;
/// Captured outbound traffic.
pub const OUTBOUND_CAPTURE: u16 = 15001;
/// Captured inbound traffic.
pub const INBOUND_CAPTURE: u16 = 15006;
/// HBONE.
pub const HBONE: u16 = 15008;
/// xDS and CA in plain text.
pub const XDS_PLAINTEXT: u16 = 15010;
/// xDS and CA over TLS.
pub const XDS_TLS: u16 = 15012;
/// `/metrics`, `/version` and `/debug` of the control plane.
pub const CONTROL_MONITORING: u16 = 15014;
/// Webhooks of the control plane.
pub const WEBHOOK: u16 = 15017;
/// Status port of the agent.
pub const AGENT_STATUS: u16 = 15020;
/// `/healthz/ready` of a proxy.
pub const HEALTH: u16 = 15021;
/// DNS proxy of a sidecar.
pub const DNS: u16 = 15053;
/// `/stats/prometheus` of a proxy.
pub const PROMETHEUS: u16 = 15090;
/// AUTO_PASSTHROUGH by SNI.
pub const SNI_DNAT: u16 = 15443;

/// The port that Istio's own gateway Service maps `port` to: 80 is 8080, 443 is 8443, other ports under 1024 move
/// up by 8000, so that no process needs a privilege to bind them.
pub fn gateway_target_port(port: u16) -> u16 {
    match port {
        80 => 8080,
        443 => 8443,
        1..=1023 => port + 8000,
        _ => port,
    }
}
