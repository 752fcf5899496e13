//! The injector's configuration: which templates there are, and which pods get them.
//! In: the text of ConfigMap `istio-sidecar-injector`, key `config`, of today's Istio or of 1.7.3, or a bare template.
//! Out: parsed templates and rules, or what is wrong with them.
//! Never here: pods.

use std::collections::BTreeMap;

use lateen_config::{Severity, json_documents};
use lateen_gotemplate::{Engine, Template};
use serde_json::{Map, Value as Json};

use crate::policy::{LabelSelector, Policy, Rules};

/// The template that is used when a configuration names none.
pub const SIDECAR_TEMPLATE: &str = "sidecar";

/// What the text of a template becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A pod: `metadata` and `spec`, merged over the user's.
    Pod,
    /// Istio 1.7's `SidecarInjectionSpec`: `containers`, `initContainers`, `volumes` and others, without a pod around.
    InjectionSpec,
}

/// The injector's configuration, its templates parsed.
#[derive(Clone, Debug)]
pub struct InjectConfig {
    /// Where it was read from, for messages.
    pub file: String,
    pub(crate) form: Form,
    /// What templates were parsed with; `render` parses more.
    pub(crate) engine: Engine,
    pub(crate) templates: BTreeMap<String, Template>,
    pub(crate) default_templates: Vec<String>,
    pub(crate) aliases: BTreeMap<String, Vec<String>>,
    pub(crate) injected_annotations: BTreeMap<String, String>,
    pub(crate) rules: Rules,
}

/// Why a configuration is not used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A template does not parse.
    #[error("{file}: injection template `{template}` does not parse: {error}")]
    Template {
        /// The configuration.
        file: String,
        /// The template's name.
        template: String,
        /// The error with the template's line and column.
        error: lateen_gotemplate::ParseError,
    },
    /// The document is not what it should be.
    #[error("{file}: {field}: {problem}")]
    Field {
        /// The configuration.
        file: String,
        /// The field's path.
        field: String,
        /// What is wrong, and what it should be.
        problem: String,
    },
    /// The values do not parse, or one has a type that cannot be used.
    #[error("{file}: the injection values are refused: {problem}")]
    Values {
        /// The values' file.
        file: String,
        /// Why not.
        problem: String,
    },
    /// The mesh configuration does not parse.
    #[error("{file}: the mesh configuration is refused: {problem}")]
    Mesh {
        /// The file.
        file: String,
        /// Why.
        problem: String,
    },
}

impl InjectConfig {
    /// Reads a configuration in any of its forms and parses its templates; adds warnings for what it passes over.
    ///
    /// A text that is no document with `templates` or `template` is taken as the sidecar template itself, as
    /// `istioctl kube-inject --injectConfigFile` does.
    ///
    /// # Errors
    /// [`ConfigError`] when a template does not parse or a field has the wrong type.
    pub fn parse(
        file: &str,
        text: &str,
        engine: &Engine,
        warnings: &mut Vec<String>,
    ) -> Result<InjectConfig, ConfigError> {
        let fields = Fields { file, map: &document(file, text).unwrap_or_default() };
        let templates = fields.texts("templates")?;
        // Charts of 1.9 and later write a `template` too, one that no release can parse, to stop older ones.
        if templates.is_empty()
            && let Some(legacy) = fields.map.get("template").and_then(Json::as_str)
        {
            let texts = [(SIDECAR_TEMPLATE.to_owned(), legacy.to_owned())];
            return InjectConfig::build(&fields, Form::InjectionSpec, texts.into(), engine, warnings);
        }
        if templates.is_empty() && !KNOWN.iter().any(|name| fields.map.contains_key(*name)) {
            let form = if looks_like_injection_spec(text) { Form::InjectionSpec } else { Form::Pod };
            let bare = Fields { file, map: &Map::new() };
            let texts = [(SIDECAR_TEMPLATE.to_owned(), text.to_owned())];
            return InjectConfig::build(&bare, form, texts.into(), engine, warnings);
        }
        InjectConfig::build(&fields, Form::Pod, templates, engine, warnings)
    }

    fn build(
        fields: &Fields<'_>,
        form: Form,
        texts: BTreeMap<String, String>,
        engine: &Engine,
        warnings: &mut Vec<String>,
    ) -> Result<InjectConfig, ConfigError> {
        let file = fields.file.to_owned();
        let mut templates = BTreeMap::new();
        for (name, text) in texts {
            let parsed = Template::parse(&name, &text, engine).map_err(|error| ConfigError::Template {
                file: file.clone(),
                template: name.clone(),
                error,
            })?;
            templates.insert(name, parsed);
        }
        let mut default_templates = fields.names("defaultTemplates")?;
        if default_templates.is_empty() {
            default_templates.push(SIDECAR_TEMPLATE.to_owned());
        }
        for (name, value) in fields.map {
            if !KNOWN.contains(&name.as_str()) && !value.is_null() {
                warnings.push(format!("{file}: `{name}` is no setting of the injector and is passed over"));
            }
        }
        Ok(InjectConfig {
            form,
            engine: engine.clone(),
            templates,
            default_templates,
            aliases: fields.aliases()?,
            injected_annotations: fields.texts("injectedAnnotations")?,
            rules: fields.rules()?,
            file,
        })
    }

    /// Names of the templates, in order.
    pub fn template_names(&self) -> impl Iterator<Item = &str> {
        self.templates.keys().map(String::as_str)
    }
}

const KNOWN: &[&str] = &[
    "aliases",
    "alwaysInjectSelector",
    "defaultTemplates",
    "injectedAnnotations",
    "neverInjectSelector",
    "policy",
    "template",
    "templates",
];

/// The only document of a text, when it is a map.
fn document(file: &str, text: &str) -> Option<Map<String, Json>> {
    let mut documents = json_documents(file, text);
    let only = if documents.len() == 1 { documents.pop() } else { None };
    match only?.value {
        Some(Json::Object(map)) => Some(map),
        _ => None,
    }
}

/// Whether a bare template is of the form of Istio 1.7: containers at the left edge, no pod around.
fn looks_like_injection_spec(text: &str) -> bool {
    let at_left_edge = |key: &str| text.lines().any(|line| line.starts_with(key));
    !at_left_edge("spec:") && (at_left_edge("containers:") || at_left_edge("initContainers:"))
}

/// The fields of the document, read with errors that name them.
struct Fields<'a> {
    file: &'a str,
    map: &'a Map<String, Json>,
}

impl Fields<'_> {
    fn wrong(&self, field: &str, problem: impl Into<String>) -> ConfigError {
        ConfigError::Field { file: self.file.to_owned(), field: field.to_owned(), problem: problem.into() }
    }

    /// A map of texts; an empty list counts as an empty map, as charts write it.
    fn texts(&self, field: &str) -> Result<BTreeMap<String, String>, ConfigError> {
        match self.map.get(field) {
            None | Some(Json::Null) => Ok(BTreeMap::new()),
            Some(Json::Array(list)) if list.is_empty() => Ok(BTreeMap::new()),
            Some(Json::Object(map)) => map
                .iter()
                .map(|(name, value)| match value {
                    Json::String(text) => Ok((name.clone(), text.clone())),
                    other => Err(self.wrong(&format!("{field}.{name}"), format!("wants text and has `{other}`"))),
                })
                .collect(),
            Some(other) => Err(self.wrong(field, format!("wants a map of texts and has `{other}`"))),
        }
    }

    fn names(&self, field: &str) -> Result<Vec<String>, ConfigError> {
        match self.map.get(field) {
            None | Some(Json::Null) => Ok(Vec::new()),
            Some(Json::Array(list)) => self.all_names(field, list),
            Some(other) => Err(self.wrong(field, format!("wants a list of names and has `{other}`"))),
        }
    }

    fn all_names(&self, field: &str, list: &[Json]) -> Result<Vec<String>, ConfigError> {
        let name = |item: &Json| item.as_str().map(str::to_owned);
        let names = list.iter().map(|item| name(item).ok_or(item)).collect::<Result<_, _>>();
        names.map_err(|item| self.wrong(field, format!("wants names and has `{item}`")))
    }

    fn aliases(&self) -> Result<BTreeMap<String, Vec<String>>, ConfigError> {
        match self.map.get("aliases") {
            None | Some(Json::Null) => Ok(BTreeMap::new()),
            Some(Json::Object(map)) => map
                .iter()
                .map(|(alias, names)| match names {
                    Json::Array(list) => Ok((alias.clone(), self.all_names(&format!("aliases.{alias}"), list)?)),
                    other => Err(self.wrong(
                        &format!("aliases.{alias}"),
                        format!("wants a list of template names and has `{other}`"),
                    )),
                })
                .collect(),
            Some(other) => Err(self.wrong("aliases", format!("wants a map of lists and has `{other}`"))),
        }
    }

    fn rules(&self) -> Result<Rules, ConfigError> {
        let policy = match self.map.get("policy") {
            None | Some(Json::Null) => Policy::Enabled,
            Some(Json::String(text)) => Policy::from_text(text),
            Some(other) => return Err(self.wrong("policy", format!("wants enabled or disabled and has `{other}`"))),
        };
        Ok(Rules {
            policy,
            always: self.selectors("alwaysInjectSelector")?,
            never: self.selectors("neverInjectSelector")?,
        })
    }

    fn selectors(&self, field: &str) -> Result<Vec<LabelSelector>, ConfigError> {
        match self.map.get(field) {
            None | Some(Json::Null) => Ok(Vec::new()),
            Some(Json::Array(list)) => Ok(list.iter().map(LabelSelector::from_json).collect()),
            Some(other) => Err(self.wrong(field, format!("wants a list of label selectors and has `{other}`"))),
        }
    }
}

/// Whether a finding stops the use of what it is about.
pub(crate) fn is_error(finding: &lateen_config::Finding) -> bool {
    finding.severity == Severity::Error
}
