//! AdmissionReview of `admission.k8s.io`, v1 and v1beta1: the question of the API server and our answer.
//! In: bytes of a request body. Out: what is asked, or why it cannot be understood; and bytes of the answer.
//! Never here: a decision.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

/// The versions that are spoken; the answer has the version of the question, as Istio does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V1Beta1,
}

impl Version {
    const ALL: [Version; 2] = [Version::V1, Version::V1Beta1];

    fn text(self) -> &'static str {
        match self {
            Version::V1 => "admission.k8s.io/v1",
            Version::V1Beta1 => "admission.k8s.io/v1beta1",
        }
    }
}

/// What the API server asks.
#[derive(Debug)]
pub(crate) struct Review {
    pub version: Version,
    /// `request.uid`; the answer repeats it. Empty where istioctl asks, which sends none.
    pub uid: String,
    /// `request.operation`: `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    pub operation: String,
    /// `request.kind`, without its version: `Pod`, or `apps/Deployment`; empty when it is not said.
    pub kind: String,
    /// `request.subResource`, such as `ephemeralcontainers`; empty for the pod itself.
    pub subresource: String,
    /// `request.name`; empty for a pod whose name is not made yet.
    pub name: String,
    /// `request.namespace`.
    pub namespace: String,
    /// `request.dryRun`: nothing is kept of what is asked. The injector keeps nothing anyway.
    pub dry_run: bool,
    /// `request.object`; null for `DELETE`.
    pub object: Json,
}

/// Why a body is no question that can be answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReviewError {
    #[error("the body is empty: send an AdmissionReview")]
    Empty,
    #[error("the body is not an AdmissionReview: its JSON is cut off after {length} bytes")]
    Truncated { length: usize },
    #[error("the body is not an AdmissionReview: it is not JSON: {0}")]
    Json(serde_json::Error),
    #[error("the body is not an AdmissionReview: its kind is {0}")]
    Kind(Shown),
    #[error(
        "apiVersion is {0}, and this webhook speaks admission.k8s.io/v1 and admission.k8s.io/v1beta1: name one of them in the webhook's admissionReviewVersions"
    )]
    Version(Shown),
    #[error("the AdmissionReview has no `request`: it asks nothing")]
    NoRequest,
    #[error("the AdmissionReview's {field} is {found}, and wants {wanted}")]
    Field { field: &'static str, found: Shown, wanted: &'static str },
}

/// A value in a message, cut where it is long.
#[derive(Debug)]
pub(crate) struct Shown(Option<Json>);

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None | Some(Json::Null) => out.write_str("missing"),
            Some(Json::Array(_)) => out.write_str("a list"),
            Some(Json::Object(_)) => out.write_str("an object"),
            Some(Json::String(text)) if text.chars().count() > 80 => out.write_str("a text of more than 80 letters"),
            Some(short) => write!(out, "`{short}`"),
        }
    }
}

impl Review {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// [`ReviewError`] for everything that is not a whole AdmissionReview with a request.
    pub(crate) fn decode(body: &[u8]) -> Result<Review, ReviewError> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(ReviewError::Empty);
        }
        let whole: Json = serde_json::from_slice(body).map_err(|error| match error.is_eof() {
            true => ReviewError::Truncated { length: body.len() },
            false => ReviewError::Json(error),
        })?;
        let mut whole = match whole {
            Json::Object(whole) => whole,
            other => return Err(ReviewError::Kind(Shown(Some(other)))),
        };
        if whole.get("kind").and_then(Json::as_str) != Some("AdmissionReview") {
            return Err(ReviewError::Kind(Shown(whole.remove("kind"))));
        }
        let asked = whole.get("apiVersion").and_then(Json::as_str);
        let version = Version::ALL.into_iter().find(|version| Some(version.text()) == asked);
        let version = version.ok_or_else(|| ReviewError::Version(Shown(whole.remove("apiVersion"))))?;
        let mut request = match whole.remove("request") {
            None | Some(Json::Null) => return Err(ReviewError::NoRequest),
            Some(Json::Object(request)) => request,
            found => return Err(ReviewError::Field { field: "request", found: Shown(found), wanted: "an object" }),
        };
        Ok(Review {
            version,
            uid: text(&mut request, "uid", "request.uid")?,
            operation: text(&mut request, "operation", "request.operation")?,
            kind: kind(&request),
            subresource: text(&mut request, "subResource", "request.subResource")?,
            name: text(&mut request, "name", "request.name")?,
            namespace: text(&mut request, "namespace", "request.namespace")?,
            dry_run: request.get("dryRun").and_then(Json::as_bool).unwrap_or_default(),
            object: request.remove("object").unwrap_or_default(),
        })
    }
}

fn text(request: &mut Map<String, Json>, name: &str, field: &'static str) -> Result<String, ReviewError> {
    match request.remove(name) {
        None | Some(Json::Null) => Ok(String::new()),
        Some(Json::String(text)) => Ok(text),
        found => Err(ReviewError::Field { field, found: Shown(found), wanted: "a text" }),
    }
}

/// Group and kind of what is asked about.
fn kind(request: &Map<String, Json>) -> String {
    let part = |name| request.get("kind")?.get(name)?.as_str();
    match (part("group").unwrap_or_default(), part("kind").unwrap_or_default()) {
        // What `istioctl kube-inject` puts here in place of the pod's kind.
        ("admission.k8s.io", "AdmissionRequest") => String::new(),
        ("", kind) => kind.to_owned(),
        (group, kind) => format!("{group}/{kind}"),
    }
}

/// What the API server is told.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The pod may be made as it came.
    Allow,
    /// The pod may be made once this JSON patch (RFC 6902) was applied.
    Patch(Vec<u8>),
    /// The pod must not be made.
    Deny {
        /// Status code of the API server's own answer: 400 when the pod is wrong, 500 when the injector is.
        code: u16,
        /// What whoever made the pod reads.
        message: String,
    },
}

/// The answer to one question.
#[derive(Debug)]
pub(crate) struct Answer {
    pub version: Version,
    pub uid: String,
    pub verdict: Verdict,
    /// What kubectl prints with `Warning:` before it.
    pub warnings: Vec<String>,
}

impl Answer {
    /// Bytes of the response body.
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut response = json!({"uid": self.uid, "allowed": !matches!(self.verdict, Verdict::Deny { .. })});
        match self.verdict {
            Verdict::Allow => {}
            Verdict::Patch(patch) => {
                response["patch"] = STANDARD.encode(patch).into();
                response["patchType"] = "JSONPatch".into();
            }
            Verdict::Deny { code, message } => {
                let reason = if code < 500 { "BadRequest" } else { "InternalError" };
                response["status"] =
                    json!({"status": "Failure", "message": message, "reason": reason, "code": code, "metadata": {}});
            }
        }
        if !self.warnings.is_empty() {
            response["warnings"] = self.warnings.iter().map(|warning| on_one_line(warning)).collect();
        }
        let review = json!({"kind": "AdmissionReview", "apiVersion": self.version.text(), "response": response});
        review.to_string().into_bytes()
    }
}

/// The API server sends warnings on in a header, and drops those with control characters.
fn on_one_line(warning: &str) -> String {
    let words = warning.split(|letter: char| letter.is_control() || letter.is_whitespace());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
