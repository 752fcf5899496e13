//! Pod and injector configuration in, injected pod out.
//! In: a pod, Istio's injection templates, values and mesh configuration. Out: the pod with its proxy, and warnings.
//! Never here: HTTP, a Kubernetes client, files, the clock, the environment.

mod annotations;
mod check;
mod config;
mod conform;
mod facts;
mod fingerprint;
mod functions;
mod go_json;
mod image;
mod inject;
mod legacy;
mod merge;
mod mesh;
mod native;
mod openshift;
mod operator;
mod overrides;
mod owner;
mod pod;
mod policy;
mod post;
mod proxy_configs;
mod render;
mod schema;
mod status;
mod templates;
mod values;
mod view;
mod workload;
pub mod yaml_text;

pub use annotations::{AnnotationError, AnnotationErrors};
pub use check::{Answer, Field, WebhookVerdict, answer, check_webhooks, default_webhooks, pod_of, pod_path};
pub use config::{ConfigError, InjectConfig};
pub use facts::{ClusterState, ConfigMap, Facts, Surroundings};
pub use inject::{InjectError, Injected, Injector, Request, Settings};
pub use native::{NativeSidecars, NodeVersion};
pub use operator::{OperatorSettings, operator_settings};
pub use owner::{Owner, owner_of_pod};
pub use pod::Pod;
pub use policy::{Decision, Reason};
pub use proxy_configs::{NamedProxyConfig, ProxyConfigs};
pub use render::RenderError;
pub use workload::{DocumentError, Documents};
