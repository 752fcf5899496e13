//! The way of a pod through the injector, step by step.
//! In: a pod and what is known about it. Out: the injected pod with warnings, or why it is refused.
//! Never here: a step's own work; each has a file.

use std::collections::BTreeMap;
use std::sync::Arc;

use lateen_config::kinds::mesh_config::InboundTrafficPolicyMode;
use lateen_config::kinds::proxy_config::{InboundInterceptionMode, ProxyConfig};
use lateen_config::{Finding, MeshConfig, apply_mesh_config, apply_proxy_config};
use lateen_gotemplate::Value;
use serde_json::{Map, Value as Json};

use crate::config::{ConfigError, Form, InjectConfig, is_error};
use crate::conform::{ConformError, check};
use crate::fingerprint::Fingerprint;
use crate::owner::Owner;
use crate::pod::{PROXY, Pod, Role, find};
use crate::policy::{Decision, decide};
use crate::proxy_configs::{Chosen, ProxyConfigs};
use crate::render::{RenderError, render};
use crate::values::Values;
use crate::{
    annotations, functions, image, legacy, merge, mesh, openshift, overrides, post, proxy_configs, schema, status, view,
};

/// Annotation with the names of the templates that a pod wants.
const TEMPLATES: &str = "inject.istio.io/templates";
/// Annotation that chooses between a native sidecar and a container.
const NATIVE_SIDECAR: &str = "sidecar.istio.io/nativeSidecar";
/// Label with the network of a pod.
const NETWORK: &str = "topology.istio.io/network";

/// Everything that an injector works with; texts as they stand in ConfigMaps or files.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Name and text of the injector's configuration; none for lateen's own templates.
    pub config: Option<(String, String)>,
    /// Name and text of the values; none for lateen's own. Beside lateen's own templates they are laid over
    /// lateen's own values, as Helm does it.
    pub values: Option<(String, String)>,
    /// Name and text of the mesh configuration; none for Istio's defaults.
    pub mesh: Option<(String, String)>,
    /// The revision of the control plane; empty, or `default`, for the default one.
    pub revision: String,
    /// What template function `env` reads, and `COMPLIANCE_POLICY`.
    pub environment: BTreeMap<String, String>,
}

/// An injector: templates parsed, values and mesh configuration read.
#[derive(Clone, Debug)]
pub struct Injector {
    config: InjectConfig,
    values: Values,
    mesh: Arc<MeshConfig>,
    mesh_view: Value,
    proxy: Arc<ProxyConfig>,
    revision: String,
    compliance_policy: String,
    /// Of all of the above.
    fingerprint: Fingerprint,
}

/// One pod to inject.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The pod.
    pub pod: &'a Pod,
    /// Its namespace; empty when it is not known.
    pub namespace: &'a str,
    /// The workload that it belongs to.
    pub owner: Owner,
    /// Annotations of its namespace, which hold OpenShift's user ids.
    pub namespace_annotations: Option<&'a Map<String, Json>>,
    /// The cluster's resources of kind ProxyConfig, where they are known.
    pub proxy_configs: Option<&'a ProxyConfigs>,
    /// Whether nodes run native sidecars; see [`crate::native`].
    pub native_sidecar: bool,
    /// Environment of the proxy that the webhook's URL asks for, such as `ISTIO_META_CLUSTER_ID`.
    pub proxy_env: BTreeMap<String, String>,
}

/// An injected pod.
#[derive(Clone, Debug, PartialEq)]
pub struct Injected {
    /// The pod.
    pub pod: Pod,
    /// What was repaired, dropped or looks wrong, in sentences.
    pub warnings: Vec<String>,
}

/// Why a pod is not injected although it should be.
#[derive(Debug, thiserror::Error)]
pub enum InjectError {
    /// A value in the pod is of another type than its field.
    #[error(
        "{0}; Kubernetes refuses such a pod: correct the field, and put a number or a boolean that is meant as text in quotes"
    )]
    Pod(#[from] ConformError),
    /// Annotations with values that mean nothing.
    #[error(transparent)]
    Annotations(#[from] annotations::AnnotationErrors),
    /// The pod asks for a template that there is not.
    #[error("template \"{name}\" is asked for by {by} and there is none; there are: {have}")]
    UnknownTemplate {
        /// The name.
        name: String,
        /// Who asks.
        by: &'static str,
        /// The names that there are.
        have: String,
    },
    /// A template fails, or its output is no pod.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// What earlier injection left in annotations is not readable.
    #[error(transparent)]
    Overrides(#[from] overrides::OverrideError),
    /// A step after the templates fails.
    #[error(transparent)]
    Post(#[from] post::PostError),
}

impl Injector {
    /// Parses templates, values and mesh configuration; gives warnings beside.
    ///
    /// # Errors
    /// [`ConfigError`] names the file, the template with its line, or the field.
    pub fn new(settings: Settings) -> Result<(Injector, Vec<String>), ConfigError> {
        let mut warnings = Vec::new();
        let environment = Arc::new(settings.environment);
        let engine = functions::engine(environment.clone());
        // The default revision has no name in templates: its Services are called `istiod` and no more.
        let revision = if settings.revision == status::DEFAULT_REVISION { String::new() } else { settings.revision };
        let mut fingerprint = Fingerprint::new().text(&revision);
        let own_templates = settings.config.is_none();
        let (file, text) = settings.config.unwrap_or_else(crate::templates::config);
        fingerprint = fingerprint.text(&text);
        let config = InjectConfig::parse(&file, &text, &engine, &mut warnings)?;
        let (file, text) = settings.values.unwrap_or_else(crate::templates::values);
        fingerprint = fingerprint.text(&text);
        let mut values = Values::parse(&file, &text)?;
        if own_templates {
            let (file, text) = crate::templates::values();
            values = values.over(Values::parse(&file, &text)?);
        }
        let (file, text) = settings.mesh.unwrap_or_else(|| ("mesh".to_owned(), String::new()));
        fingerprint = fingerprint.text(&text);
        let (mesh, findings) = apply_mesh_config(&file, &text, MeshConfig::istio_defaults());
        for finding in &findings {
            let line = format!("{}: {}", finding.place, told(finding));
            if is_error(finding) {
                return Err(ConfigError::Mesh { file, problem: line });
            }
            warnings.push(line);
        }
        let mesh = Arc::new(mesh);
        let proxy = mesh.default_config.as_deref().cloned().unwrap_or_else(ProxyConfig::istio_defaults);
        let injector = Injector {
            config,
            values,
            mesh_view: mesh::view(mesh.clone()),
            mesh,
            proxy: Arc::new(proxy),
            revision,
            compliance_policy: environment.get("COMPLIANCE_POLICY").cloned().unwrap_or_default(),
            fingerprint,
        };
        Ok((injector, warnings))
    }

    /// The configuration.
    pub fn config(&self) -> &InjectConfig {
        &self.config
    }

    /// Whether a pod is injected, and why.
    pub fn decide(&self, pod: &Pod, namespace: &str) -> Decision {
        decide(pod, namespace, &self.config.rules)
    }

    /// Injects a pod, whatever [`Injector::decide`] says about it. Injecting the result again changes nothing.
    ///
    /// # Errors
    /// [`InjectError`]: the pod as it is cannot be injected; nothing of it was changed.
    pub fn inject(&self, request: &Request<'_>) -> Result<Injected, InjectError> {
        let mut warnings = Vec::new();
        check(request.pod.fields())?;
        let without_user =
            request.namespace_annotations.filter(|annotations| openshift::has_ids(annotations)).and_then(|_| {
                let mut pod = request.pod.clone();
                openshift::reset_shared_user(&mut pod).then_some(pod)
            });
        let original = without_user.as_ref().unwrap_or(request.pod);
        let resources = request.proxy_configs.map(|all| all.of(&self.mesh.root_namespace, request.namespace, original));
        let resources = resources.unwrap_or_default();
        let fingerprint = self.fingerprint(request, resources);
        if status::version(original).is_some_and(|version| version == fingerprint.pod(original).shown()) {
            return Ok(Injected { pod: original.clone(), warnings });
        }
        let proxy = self.proxy_config(original, resources, &mut warnings)?;
        // The pod's own one, where its agent listens. Istio's webhook takes the mesh's, `istioctl kube-inject` this one.
        let status_port = u16::try_from(proxy_status_port(&proxy)).unwrap_or_default();
        let proxy_env = self.proxy_env(request);
        let stripped = overrides::reinsert(overrides::strip(original, status_port))?;

        let data = self.data(request, &stripped, &proxy);
        let native = match original.annotation(NATIVE_SIDECAR) {
            Some("true") => true,
            Some("false") => false,
            _ => request.native_sidecar,
        };
        let mut merged = overrides::regroup(original);
        let mut template = Pod::default();
        for (name, by) in self.selected(original) {
            let Some(parsed) = self.config.templates.get(&name) else {
                let have: Vec<&str> = self.config.template_names().collect();
                let have = if have.is_empty() { "none".to_owned() } else { have.join(", ") };
                return Err(InjectError::UnknownTemplate { name, by, have });
            };
            let rendered = render(parsed, self.config.form, &self.config.engine, &data)?;
            warnings.extend(rendered.warnings);
            let mut overlay = rendered.overlay;
            if self.config.form == Form::InjectionSpec {
                legacy::complete(&mut overlay, original, &request.owner.name, &self.revision);
            }
            self.merge(&name, &mut template, overlay.clone())?;
            let moves = native
                && find(template.containers(Role::Init), PROXY).is_some()
                && find(merged.containers(Role::App), PROXY).is_some();
            if moves {
                overrides::move_native(&mut merged);
            }
            self.merge(&name, &mut merged, overlay)?;
        }
        let tproxy = proxy.interception_mode == InboundInterceptionMode::Tproxy;
        let mut pod = overrides::reapply(merged, original, &template, tproxy)?;
        let context = post::Context {
            original,
            proxy_env: &proxy_env,
            status_port,
            merge_metrics: self.mesh.enable_prometheus_merge,
            rewrite_probes: self.values.switch(&["sidecarInjectorWebhook", "rewriteAppHTTPProbe"]),
            hold: proxy.hold_application_until_proxy_starts.unwrap_or_default()
                || self.values.switch(&["global", "proxy", "holdApplicationUntilProxyStarts"]),
            revision: &self.revision,
            injected_annotations: &self.config.injected_annotations,
            previously_injected: status::injected(original),
        };
        warnings.extend(post::post_process(&mut pod, &template, &context)?);
        let version = fingerprint.pod(&pod).shown();
        status::set_version(&mut pod, version);
        Ok(Injected { pod, warnings })
    }

    /// What a pod is injected with, apart from itself.
    fn fingerprint(&self, request: &Request<'_>, resources: Chosen<'_>) -> Fingerprint {
        let owner = &request.owner;
        let with = self.fingerprint.text(&owner.api_version).text(&owner.kind).text(&owner.name).text(&owner.namespace);
        let with = with.text(if request.native_sidecar { "native" } else { "" });
        let (uid, gid) = openshift::proxy_ids(request.namespace_annotations);
        let with = with.text(&format!("{uid}:{gid}")).text(&self.compliance_policy);
        let with = resources.all().fold(with, |with, one| with.text(&one.settings));
        request.proxy_env.iter().fold(with, |with, (name, value)| with.text(name).text(value))
    }

    /// Lays what a template made over a pod.
    fn merge(&self, template: &str, pod: &mut Pod, overlay: Json) -> Result<(), RenderError> {
        let mut json = std::mem::take(pod).into_json();
        let merged = match self.config.form {
            Form::Pod => merge::merge(&mut json, overlay, schema::pod()),
            Form::InjectionSpec => legacy::merge(&mut json, overlay),
        };
        *pod = Pod::from_json(json);
        merged.map_err(|error| RenderError::Merge { template: template.to_owned(), error: Box::new(error) })
    }

    /// The proxy's settings: the mesh's, then resources of the mesh and the namespace, the pod's annotation, and the
    /// resource that picks the pod; all annotations are checked on the way.
    fn proxy_config(
        &self,
        pod: &Pod,
        resources: Chosen<'_>,
        warnings: &mut Vec<String>,
    ) -> Result<Arc<ProxyConfig>, InjectError> {
        let mut base = self.proxy.clone();
        for resource in [resources.mesh, resources.namespace].into_iter().flatten() {
            base = Arc::new(proxy_configs::over(&base, resource, told, warnings));
        }
        let text = pod.annotation(annotations::PROXY_CONFIG);
        let applied = text.map(|text| apply_proxy_config(annotations::PROXY_CONFIG, text, &base));
        let (proxy, findings) = applied.unzip();
        let (wrong, odd): (Vec<_>, Vec<_>) = findings.unwrap_or_default().into_iter().partition(is_error);
        annotations::check(pod, |_| wrong.iter().map(told).collect())?;
        warnings.extend(odd.iter().map(|f| format!("annotation {}: {}", annotations::PROXY_CONFIG, told(f))));
        let proxy = proxy.map_or(base, Arc::new);
        Ok(match resources.workload {
            Some(resource) => Arc::new(proxy_configs::over(&proxy, resource, told, warnings)),
            None => proxy,
        })
    }

    /// Cluster and network of the proxy: the webhook's URL wins over values, the pod's label over both.
    ///
    /// Templates of 1.7 write what values say themselves, and nothing looked at a label.
    fn proxy_env(&self, request: &Request<'_>) -> BTreeMap<String, String> {
        let mut env = request.proxy_env.clone();
        if self.config.form == Form::InjectionSpec {
            return env;
        }
        let mut default = |name: &str, value: &str| {
            if !value.is_empty() && env.get(name).is_none_or(String::is_empty) {
                env.insert(name.to_owned(), value.to_owned());
            }
        };
        default("ISTIO_META_CLUSTER_ID", self.values.text(&["global", "multiCluster", "clusterName"]));
        match request.pod.label(NETWORK) {
            None => default("ISTIO_META_NETWORK", self.values.text(&["global", "network"])),
            // A label without a network keeps that of the values away, and no more.
            Some("") => {}
            Some(network) => {
                env.insert("ISTIO_META_NETWORK".to_owned(), network.to_owned());
            }
        }
        env
    }

    /// Names of the templates that a pod gets, and who asks for them.
    fn selected(&self, pod: &Pod) -> Vec<(String, &'static str)> {
        let (names, by): (Vec<&str>, _) = match pod.annotation(TEMPLATES) {
            Some(names) => (names.split(',').map(str::trim).collect(), "annotation inject.istio.io/templates"),
            None => {
                (self.config.default_templates.iter().map(String::as_str).collect(), "the injector's configuration")
            }
        };
        let resolve = |name: &str| match self.config.aliases.get(name) {
            Some(names) => names.clone(),
            None => vec![name.to_owned()],
        };
        names.into_iter().flat_map(resolve).map(|name| (name, by)).collect()
    }

    /// What templates see (Istio's `SidecarTemplateData`).
    fn data(&self, request: &Request<'_>, stripped: &Pod, proxy: &Arc<ProxyConfig>) -> Value {
        let owner = &request.owner;
        let (uid, gid) = openshift::proxy_ids(request.namespace_annotations);
        let image_type = proxy.image.as_ref().map_or("", |image| image.image_type.as_str());
        let values = self.values.json();
        let inbound = match self.mesh.inbound_traffic_policy.as_ref().map(|policy| policy.mode) {
            Some(InboundTrafficPolicyMode::Localhost) => "localhost",
            _ => "passthrough",
        };
        let text = |text: &str| Value::from(text);
        Value::object(
            lateen_gotemplate::Record::new("inject.SidecarTemplateData")
                .field("TypeMeta", "", view::type_meta(&owner.api_version, &owner.kind))
                .field("DeploymentMeta", "", view::namespaced_name(&owner.namespace, &owner.name))
                .field("ObjectMeta", "", view::object_meta(stripped))
                .field("Spec", "", view::pod_spec(stripped))
                .field("ProxyConfig", "", mesh::view(proxy.clone()))
                .field("MeshConfig", "", self.mesh_view.clone())
                .field("Values", "", self.values.view().clone())
                .field("Revision", "", text(&self.revision))
                .field("NativeSidecars", "", Value::from(request.native_sidecar))
                .field("ProxyImage", "", text(&image::proxy(values, image_type, stripped)))
                .field("ProxyInitImage", "", text(&image::proxy_init(values, stripped)))
                .field("ProxyUID", "", Value::from(uid))
                .field("ProxyGID", "", Value::from(gid))
                .field("InboundTrafficPolicyMode", "", text(inbound))
                .field("CompliancePolicy", "", text(&self.compliance_policy)),
        )
    }
}

/// A finding without its place.
fn told(finding: &Finding) -> String {
    let path = if finding.path.is_empty() { String::new() } else { format!("{}: ", finding.path) };
    let hint = finding.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("{path}{}{hint}", finding.message)
}

/// The agent's port; Istio's default is 15020.
fn proxy_status_port(proxy: &ProxyConfig) -> i32 {
    match proxy.status_port {
        0 => 15020,
        port => port,
    }
}
