//! What the fields of decoded kinds hold, and where they say that they stand.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lateen_config::kinds::destination_rule::{HashKey, LbPolicy, SimpleLb};
use lateen_config::kinds::gateway::{ServerTlsMode, TlsProtocol};
use lateen_config::kinds::pod::IntOrString;
use lateen_config::kinds::service_entry::{Location, Resolution};
use lateen_config::kinds::virtual_service::{
    AbortErrorType, HttpBodySpecifier, HttpDelayType, MatchType, RedirectPort, RedirectPortSelection,
};
use lateen_config::*;

fn routing() -> Vec<Object> {
    // No real object says everything at once, so what it means is not asked here.
    let documents = decode_documents("file.yaml", include_str!("data/everything-routing.yaml"));
    documents.into_iter().filter_map(|document| document.object).collect()
}

/// The one object of a text.
fn one(text: &str) -> Object {
    let mut decoded = decode("file.yaml", text);
    assert!(decoded.findings.is_empty(), "{:#?}", decoded.findings);
    assert_eq!(decoded.objects.len(), 1);
    decoded.objects.remove(0)
}

macro_rules! spec {
    ($object:expr, $kind:ident) => {
        match &$object.spec {
            Spec::$kind(spec) => Arc::clone(spec),
            other => panic!("not a {}: {other:?}", stringify!($kind)),
        }
    };
}

#[test]
fn a_gateway_holds_what_is_written() {
    let objects = routing();
    let gateway = spec!(objects[0], Gateway);
    assert_eq!(objects[0].api_version, "networking.istio.io/v1");
    assert_eq!(objects[0].meta.namespace, "istio-ingress");
    assert_eq!(gateway.selector["istio"], "ingressgateway");
    let server = &gateway.servers[0];
    assert_eq!(server.hosts, ["prod/*.example.org", "*"]);
    assert_eq!(server.port.as_ref().unwrap().protocol, "https");
    let tls = server.tls.as_ref().unwrap();
    assert_eq!(tls.mode, ServerTlsMode::OptionalMutual);
    assert_eq!(tls.max_protocol_version, TlsProtocol::Tlsv13);
    assert_eq!(tls.insecure_skip_verify, None);
    assert_eq!((server.at.line, server.at.column), (12, 5));
    assert_eq!(server.at.place(&objects[0].place.file).to_string(), "file.yaml:12:5");
}

#[test]
fn a_virtual_service_holds_what_is_written() {
    let objects = routing();
    let service = spec!(objects[1], VirtualService);
    let route = &service.http[0];
    let condition = &route.r#match[0];
    let uri = condition.uri.as_ref().unwrap();
    assert_eq!(uri.match_type, Some(MatchType::Prefix("/cart".to_owned())));
    assert_eq!(condition.headers["x-any"].match_type, None);
    assert_eq!(route.route[1].weight, 20);
    assert_eq!(route.timeout, Some(Duration::from_millis(1500)));
    assert_eq!(route.mirror_percent, Some(10));
    assert_eq!(route.mirror_percentage.as_ref().unwrap().value, 10.0);
    let fault = route.fault.as_ref().unwrap();
    let delay = fault.delay.as_ref().unwrap();
    assert_eq!(delay.http_delay_type, Some(HttpDelayType::FixedDelay(Duration::from_secs(5400))));
    let abort = fault.abort.as_ref().unwrap();
    assert_eq!(abort.error_type, Some(AbortErrorType::HttpStatus(503)));
    assert_eq!(
        service.http[1].redirect.as_ref().unwrap().redirect_port,
        Some(RedirectPort::DerivePort(RedirectPortSelection::FromRequestPort))
    );
    let body = service.http[4].direct_response.as_ref().unwrap().body.as_ref().unwrap();
    assert_eq!(body.specifier, Some(HttpBodySpecifier::Bytes(b"hello".to_vec())));
    assert_eq!(service.tls[0].r#match[0].port, 5432);
    assert_eq!(service.tcp[0].route[0].destination.as_ref().unwrap().host, "mongo");
    assert_eq!(service.http[1].at.line, 96);
}

#[test]
fn policies_and_entries_hold_what_is_written() {
    let objects = routing();
    let rule = spec!(objects[2], DestinationRule);
    let policy = rule.traffic_policy.as_ref().unwrap();
    let Some(LbPolicy::ConsistentHash(hash)) = &policy.load_balancer.as_ref().unwrap().lb_policy else {
        panic!("no hash");
    };
    let Some(HashKey::HttpCookie(cookie)) = &hash.hash_key else { panic!("no cookie") };
    assert_eq!(cookie.ttl, Some(Duration::ZERO));
    let subset = rule.subsets[0].traffic_policy.as_ref().unwrap();
    let simple = &subset.load_balancer.as_ref().unwrap().lb_policy;
    assert_eq!(*simple, Some(LbPolicy::Simple(SimpleLb::RoundRobin)));
    let outliers = policy.outlier_detection.as_ref().unwrap();
    assert_eq!(outliers.consecutive_gateway_errors, Some(0));
    assert_eq!(outliers.consecutive_5xx_errors, Some(7));
    let entry = spec!(objects[3], ServiceEntry);
    assert_eq!((entry.location, entry.resolution), (Location::MeshInternal, Resolution::DnsRoundRobin));
    assert_eq!(entry.endpoints[0].ports["tls"], 8443);
    assert_eq!(spec!(objects[4], WorkloadEntry).service_account, "vm");
    assert_eq!(spec!(objects[5], Sidecar).egress[0].hosts, ["./*", "~/*"]);
}

#[test]
fn kubernetes_kinds_hold_what_a_mesh_needs() {
    let service = one("
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
  creationTimestamp: 2024-05-01T12:00:00Z
  generation: 3
  resourceVersion: \"17\"
  uid: abc
  managedFields: [{manager: kubectl, fieldsV1: {}}]
spec:
  type: ClusterIP
  clusterIP: 10.0.0.1
  clusterIPs: [10.0.0.1, fd00::1]
  selector: {app: web}
  ports:
  - {name: http, port: 80, targetPort: web, appProtocol: http}
  - {name: https, port: 443, targetPort: 8443}
");
    assert_eq!(service.meta.creation_timestamp.unwrap().seconds, 1_714_564_800);
    assert_eq!((service.meta.generation, service.meta.uid.as_str()), (3, "abc"));
    let spec = &spec!(service, Service).spec;
    assert_eq!(spec.cluster_ips, ["10.0.0.1", "fd00::1"]);
    assert_eq!(spec.ports[0].target_port, Some(IntOrString::String("web".to_owned())));
    assert_eq!(spec.ports[1].target_port, Some(IntOrString::Int(8443)));

    let pod = one("
apiVersion: v1
kind: Pod
metadata: {name: a, labels: {app: web}}
spec:
  serviceAccountName: web
  containers: [{name: web, ports: [{containerPort: 80, name: web}], readinessProbe: {httpGet: {port: web, path: /}}}]
status:
  phase: Running
  podIP: 10.1.0.1
  podIPs: [{ip: 10.1.0.1}]
  conditions: [{type: Ready, status: \"True\", lastProbeTime: null}]
");
    let pod = spec!(pod, Pod);
    assert_eq!(pod.spec.containers[0].ports[0].container_port, 80);
    assert_eq!((pod.status.pod_ip.as_str(), pod.status.pod_ips.len()), ("10.1.0.1", 1));
    assert_eq!(pod.status.conditions[0].status, "True");

    let slice = one("
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints:
- {addresses: [10.1.0.1], conditions: {ready: true}, zone: a, targetRef: {kind: Pod, name: a}}
ports: [{name: http, port: 8080, protocol: TCP}]
");
    let slice = spec!(slice, EndpointSlice);
    assert_eq!(slice.endpoints[0].conditions.ready, Some(true));
    assert_eq!(slice.ports[0].port, Some(8080));

    let endpoints = one("
apiVersion: v1
kind: Endpoints
metadata: {name: web}
subsets: [{addresses: [{ip: 10.1.0.1}], notReadyAddresses: [{ip: 10.1.0.2}], ports: [{port: 80}]}]
");
    assert_eq!(spec!(endpoints, Endpoints).subsets[0].not_ready_addresses[0].ip, "10.1.0.2");

    let deployment = one("
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: []}}}
");
    let deployment = spec!(deployment, Deployment);
    assert_eq!(deployment.spec.replicas, Some(2));
    assert_eq!(deployment.spec.template.metadata.labels["app"], "web");

    let namespace =
        one("{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {istio-injection: enabled}}}");
    assert_eq!(namespace.meta.labels["istio-injection"], "enabled");
}

#[test]
fn a_secret_gives_its_values_and_hides_them() {
    let secret = one("
apiVersion: v1
kind: Secret
metadata: {name: web}
type: kubernetes.io/tls
data: {tls.crt: Y2VydA==, tls.key: a2V5}
stringData: {tls.key: newer, ca.crt: roots}
");
    let secret = spec!(secret, Secret);
    assert_eq!(secret.value("tls.crt"), Some(b"cert".as_slice()));
    assert_eq!(secret.value("tls.key"), Some(b"newer".as_slice()));
    assert_eq!(secret.value("none"), None);
    assert_eq!(secret.keys().collect::<Vec<_>>(), ["tls.crt", "tls.key", "ca.crt"]);
    let shown = format!("{secret:?}");
    assert!(!shown.contains("newer") && !shown.contains("roots") && !shown.contains("99, 101"));
}

#[test]
fn moving_an_object_does_not_change_it() {
    let text = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}]}\n";
    let (here, there) = (one(text), one(&format!("# moved\n\n{text}")));
    assert_eq!(here.spec, there.spec);
    assert_eq!(here.meta, there.meta);
    assert_ne!(here.place, there.place);
}

#[test]
fn null_is_absent() {
    let rule = one("
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: a, labels: null}
spec: {host: a, trafficPolicy: null, subsets: ~, exportTo:, workloadSelector: null}
status: null
");
    assert_eq!(rule.meta.labels, BTreeMap::new());
    let rule = spec!(rule, DestinationRule);
    assert!(rule.traffic_policy.is_none() && rule.subsets.is_empty());
}
