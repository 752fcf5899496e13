//! Echo workloads for Services that have no endpoint in the folder.
//! In come the objects of a generation, out come the stubs to run and the Pods and EndpointSlices that make the control
//! plane route to them. Pure: ports are given, nothing listens here.

use lateen_config::kinds::endpoint_slice::{Endpoint, EndpointConditions, EndpointPort};
use lateen_config::kinds::pod::{ObjectReference, PodCondition, PodStatus};
use lateen_config::{EndpointSlice, Object, ObjectMeta, Pod, Service, Spec};
use lateen_core::{Labels, Place, Protocol};
use lateen_echo::Echo;
use lateen_model::GatewayWorkload;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The loopback address that stubs listen on.
const ADDRESS: &str = "127.0.0.1";

/// Label by which an EndpointSlice belongs to a Service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// One workload that is played by an echo server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stub {
    /// Who it says it is.
    pub echo: Echo,
    /// Labels of the pod it plays.
    pub labels: Labels,
    /// The Services that it is an endpoint of: name and names of their ports.
    pub services: Vec<(String, Vec<String>)>,
}

impl Stub {
    /// Its identity over generations: the same pod keeps its listener.
    pub fn key(&self) -> (&str, &str) {
        (&self.echo.namespace, &self.echo.pod)
    }

    /// The Pod and the EndpointSlices with which it stands in the model, listening on `port`.
    pub fn objects(&self, port: u16) -> Vec<Arc<Object>> {
        let place = Place::new("(echo workload)", 0, 0);
        let meta = |name: String, labels: BTreeMap<String, String>| ObjectMeta {
            name,
            namespace: self.echo.namespace.clone(),
            labels,
            ..Default::default()
        };
        let ready = PodCondition { r#type: "Ready".into(), status: "True".into(), ..Default::default() };
        let status = PodStatus {
            phase: "Running".into(),
            pod_ip: ADDRESS.into(),
            conditions: vec![ready],
            ..Default::default()
        };
        let mut objects = vec![Arc::new(Object {
            api_version: "v1".into(),
            kind: "Pod",
            meta: meta(self.echo.pod.clone(), self.labels.0.clone()),
            spec: Spec::Pod(Arc::new(Pod { status, ..Default::default() })),
            place: place.clone(),
        })];
        for (service, ports) in &self.services {
            let endpoint = Endpoint {
                addresses: vec![ADDRESS.into()],
                conditions: EndpointConditions { ready: Some(true), ..Default::default() },
                target_ref: Some(ObjectReference {
                    kind: "Pod".into(),
                    namespace: self.echo.namespace.clone(),
                    name: self.echo.pod.clone(),
                    ..Default::default()
                }),
                ..Default::default()
            };
            let ports = ports
                .iter()
                .map(|name| EndpointPort {
                    name: name.clone(),
                    port: Some(port.into()),
                    protocol: "TCP".into(),
                    ..Default::default()
                })
                .collect();
            objects.push(Arc::new(Object {
                api_version: "discovery.k8s.io/v1".into(),
                kind: "EndpointSlice",
                meta: meta(
                    format!("{service}-{}", self.echo.pod),
                    [(SERVICE_NAME.to_owned(), service.clone())].into_iter().collect(),
                ),
                spec: Spec::EndpointSlice(Arc::new(EndpointSlice {
                    address_type: "IPv4".into(),
                    endpoints: vec![endpoint],
                    ports,
                    ..Default::default()
                })),
                place: place.clone(),
            }));
        }
        objects
    }
}

/// The stubs that `objects` need: one for each Deployment behind a Service without endpoints, or one for the Service
/// itself when no Deployment matches its selector.
pub fn plan(objects: &[Arc<Object>], gateways: &[GatewayWorkload], default_namespace: &str) -> Vec<Stub> {
    let namespace = |object: &Object| match object.meta.namespace.as_str() {
        "" => default_namespace.to_owned(),
        namespace => namespace.to_owned(),
    };
    let served = served(objects, &namespace);
    let mut stubs: BTreeMap<(String, String), Stub> = BTreeMap::new();
    for object in objects {
        let Spec::Service(service) = &object.spec else { continue };
        let namespace = namespace(object);
        let selector = Labels(service.spec.selector.clone());
        let ports = ports(service);
        if service.spec.r#type == "ExternalName"
            || ports.is_empty()
            || served.contains(&(namespace.clone(), object.meta.name.clone()))
            || is_gateway(&namespace, &selector, gateways)
        {
            continue;
        }
        for (workload, labels) in workloads(objects, &namespace, &selector, &object.meta.name, default_namespace) {
            let stub = stubs.entry((namespace.clone(), workload.clone())).or_insert_with(|| Stub {
                echo: Echo {
                    service: object.meta.name.clone(),
                    version: labels.get("version").unwrap_or_default().to_owned(),
                    pod: format!("{workload}-stub"),
                    namespace: namespace.clone(),
                },
                labels,
                services: Vec::new(),
            });
            stub.services.push((object.meta.name.clone(), ports.clone()));
        }
    }
    stubs.into_values().collect()
}

/// Services that have an endpoint in the folder, by namespace and name.
fn served(objects: &[Arc<Object>], namespace: &dyn Fn(&Object) -> String) -> BTreeSet<(String, String)> {
    let mut served = BTreeSet::new();
    let mut pods = Vec::new();
    for object in objects {
        match &object.spec {
            Spec::EndpointSlice(slice) if slice.endpoints.iter().any(|endpoint| !endpoint.addresses.is_empty()) => {
                if let Some(service) = object.meta.labels.get(SERVICE_NAME) {
                    served.insert((namespace(object), service.clone()));
                }
            }
            Spec::Endpoints(endpoints) if endpoints.subsets.iter().any(|subset| !subset.addresses.is_empty()) => {
                served.insert((namespace(object), object.meta.name.clone()));
            }
            Spec::Pod(pod) if !pod.status.pod_ip.is_empty() => pods.push((namespace(object), &object.meta.labels)),
            Spec::WorkloadEntry(entry) if !entry.address.is_empty() => pods.push((namespace(object), &entry.labels)),
            _ => {}
        }
    }
    for object in objects {
        let Spec::Service(service) = &object.spec else { continue };
        let (namespace, selector) = (namespace(object), &service.spec.selector);
        let has_pod = |(ns, labels): &(String, &BTreeMap<String, String>)| {
            *ns == namespace && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
        };
        if !selector.is_empty() && pods.iter().any(has_pod) {
            served.insert((namespace, object.meta.name.clone()));
        }
    }
    served
}

fn ports(service: &Service) -> Vec<String> {
    let tcp = service.spec.ports.iter().filter(|port| {
        Protocol::of_service_port(&port.name, port.app_protocol.as_deref(), &port.protocol) != Protocol::Udp
    });
    tcp.map(|port| port.name.clone()).collect()
}

fn is_gateway(namespace: &str, selector: &Labels, gateways: &[GatewayWorkload]) -> bool {
    !selector.is_empty()
        && gateways.iter().any(|gateway| &*gateway.name.namespace == namespace && selector.select(&gateway.labels))
}

/// Names and labels of the Deployments that a Service selects.
fn workloads(
    objects: &[Arc<Object>],
    namespace: &str,
    selector: &Labels,
    service: &str,
    default_namespace: &str,
) -> Vec<(String, Labels)> {
    let mut workloads: Vec<(String, Labels)> = objects
        .iter()
        .filter_map(|object| {
            let Spec::Deployment(deployment) = &object.spec else { return None };
            let own = if object.meta.namespace.is_empty() { default_namespace } else { &object.meta.namespace };
            let labels = Labels(deployment.spec.template.metadata.labels.clone());
            (own == namespace && !selector.is_empty() && selector.select(&labels))
                .then(|| (object.meta.name.clone(), labels))
        })
        .collect();
    if workloads.is_empty() {
        workloads.push((service.to_owned(), selector.clone()));
    }
    workloads
}

#[cfg(test)]
mod tests;
