use super::*;
use lateen_config::decode;

fn workloads(yaml: &str) -> Vec<String> {
    let decoded = decode("folder.yaml", yaml);
    assert!(decoded.findings.is_empty(), "{:?}", decoded.findings);
    let objects: Vec<Arc<Object>> = decoded.objects.into_iter().map(Arc::new).collect();
    gateway_workloads(&objects, &Options::default()).iter().map(|w| format!("{} [{}]", w.name, w.labels)).collect()
}

fn gateway(name: &str, selector: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: {name}}}\nspec:\n  selector: {selector}\n  \
         servers: [{{port: {{number: 80, name: http, protocol: HTTP}}, hosts: ['*']}}]\n---\n"
    )
}

#[test]
fn a_workload_is_made_up_from_the_selector() {
    assert_eq!(
        workloads(&gateway("a", "{istio: ingressgateway}")),
        ["istio-system/ingressgateway [istio=ingressgateway]"]
    );
    assert_eq!(workloads(&gateway("a", "{}")), ["istio-system/ingressgateway [istio=ingressgateway]"]);
}

#[test]
fn a_wider_selector_shares_the_workload_of_a_narrower_one() {
    let yaml = gateway("a", "{istio: egress}") + &gateway("b", "{istio: egress, team: x}");
    assert_eq!(workloads(&yaml), ["istio-system/egress [istio=egress,team=x]"]);
}

#[test]
fn a_deployment_is_taken_by_its_pod_labels() {
    let yaml = gateway("a", "{istio: ingressgateway}")
        + "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: gw, namespace: edge, labels: {istio: other}}\n\
           spec:\n  selector: {matchLabels: {app: gw}}\n  template:\n    metadata: {labels: {app: gw, istio: ingressgateway}}\n    \
           spec: {containers: [{name: istio-proxy, image: auto}]}\n";
    assert_eq!(workloads(&yaml), ["edge/gw [app=gw,istio=ingressgateway]"]);
}

#[test]
fn names_that_a_person_uses() {
    let workload = GatewayWorkload {
        name: NamespacedName::new("istio-system", "istio-ingressgateway"),
        labels: [("istio", "ingressgateway")].into_iter().collect(),
        config: String::new(),
        place: None,
    };
    for (text, want) in [
        ("istio-system/ingressgateway", true),
        ("istio-system/istio-ingressgateway", true),
        ("ingressgateway", true),
        ("other/ingressgateway", false),
        ("egressgateway", false),
    ] {
        assert_eq!(workload.is_called(text), want, "{text}");
    }
}
