use super::*;
use lateen_config::decode;

const GATEWAYS: &[GatewayWorkload] = &[];

fn objects(yaml: &str) -> Vec<Arc<Object>> {
    let decoded = decode("folder.yaml", yaml);
    assert!(decoded.findings.is_empty(), "{:?}", decoded.findings);
    decoded.objects.into_iter().map(Arc::new).collect()
}

fn service(name: &str, selector: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec:\n  selector: {selector}\n  \
         ports: [{{name: http, port: 80}}]\n---\n"
    )
}

fn deployment(name: &str, labels: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  selector: {{matchLabels: {labels}}}\n  \
         template:\n    metadata: {{labels: {labels}}}\n    spec: {{containers: [{{name: app, image: app}}]}}\n---\n"
    )
}

fn planned(yaml: &str) -> Vec<String> {
    plan(&objects(yaml), GATEWAYS, "default")
        .iter()
        .map(|stub| {
            let services: Vec<&str> = stub.services.iter().map(|(name, _)| name.as_str()).collect();
            format!("{}/{} {:?} for {}", stub.echo.namespace, stub.echo.pod, stub.echo.version, services.join(","))
        })
        .collect()
}

#[test]
fn one_stub_for_each_deployment() {
    let yaml = service("reviews", "{app: reviews}")
        + &deployment("reviews-v1", "{app: reviews, version: v1}")
        + &deployment("reviews-v2", "{app: reviews, version: v2}")
        + &deployment("other", "{app: other}");
    assert_eq!(
        planned(&yaml),
        ["default/reviews-v1-stub \"v1\" for reviews", "default/reviews-v2-stub \"v2\" for reviews"]
    );
}

#[test]
fn a_service_without_a_deployment_is_played_by_itself() {
    assert_eq!(planned(&service("echo", "{app: echo}")), ["default/echo-stub \"\" for echo"]);
}

#[test]
fn a_service_with_an_endpoint_is_left_alone() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {app: echo}}\nstatus: {podIP: 10.0.0.1}\n---\n";
    let slice = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
                 metadata: {name: s, labels: {kubernetes.io/service-name: echo}}\naddressType: IPv4\n\
                 endpoints: [{addresses: [10.0.0.1]}]\nports: [{name: http, port: 80}]\n---\n";
    let external = "apiVersion: v1\nkind: Service\nmetadata: {name: e}\nspec: {type: ExternalName, externalName: a.b, ports: [{port: 80}]}\n---\n";
    for yaml in [service("echo", "{app: echo}") + pod, service("echo", "{app: echo}") + slice, external.to_owned()] {
        assert!(planned(&yaml).is_empty(), "{yaml}");
    }
}

#[test]
fn the_service_of_a_gateway_is_not_played() {
    let gateway = GatewayWorkload {
        name: lateen_core::NamespacedName::new("default", "gw"),
        labels: [("istio", "ingressgateway"), ("app", "gw")].into_iter().collect(),
        config: String::new(),
        place: None,
    };
    assert!(plan(&objects(&service("gw", "{app: gw}")), &[gateway], "default").is_empty());
}

#[test]
fn a_stub_is_an_endpoint_of_its_services() {
    let yaml = service("a", "{app: x}") + &service("b", "{app: x}") + &deployment("x", "{app: x, version: v1}");
    let stubs = plan(&objects(&yaml), GATEWAYS, "default");
    assert_eq!(stubs.len(), 1);
    let kinds: Vec<String> =
        stubs[0].objects(4711).iter().map(|object| format!("{} {}", object.kind, object.meta.name)).collect();
    assert_eq!(kinds, ["Pod x-stub", "EndpointSlice a-x-stub", "EndpointSlice b-x-stub"]);
}
