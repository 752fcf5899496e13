//! Pod and injector configuration in, injected pod out.
//! In: a pod, Istio's injection templates, values and mesh configuration. Out: the pod with its proxy, and warnings.
//! Never here: HTTP, a Kubernetes client, files, the clock, the environment.

mod annotations;
mod check;
mod functions;
mod go_json;
mod image;
mod merge;
mod mesh;
mod native;
mod openshift;
mod overrides;
mod pod;
mod policy;
mod post;
mod schema;
mod status;
mod view;
pub mod yaml_text;

pub use check::{Answer, Field, WebhookVerdict, answer, check_webhooks, default_webhooks, pod_of, pod_path};
