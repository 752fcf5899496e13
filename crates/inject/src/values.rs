//! The injector's values: what Helm's values, or an IstioOperator's, say about injection.
//! In: JSON or YAML. Out: answers to the questions that code asks; templates read the rest as they are.
//! Never here: defaults of templates.

use lateen_config::json_documents;
use lateen_gotemplate::{JsonStyle, Value};
use serde_json::{Map, Value as Json};

use crate::config::ConfigError;

/// Texts that code asks for; Istio refuses other types of them.
const TEXTS: [&[&str]; 6] = [
    &["global", "hub"],
    &["global", "variant"],
    &["global", "network"],
    &["global", "multiCluster", "clusterName"],
    &["global", "proxy", "image"],
    &["global", "proxy_init", "image"],
];
/// Switches that code asks for.
const SWITCHES: [&[&str]; 2] =
    [&["global", "proxy", "holdApplicationUntilProxyStarts"], &["sidecarInjectorWebhook", "rewriteAppHTTPProbe"]];

/// The values of ConfigMap `istio-sidecar-injector`, key `values`.
#[derive(Clone, Debug)]
pub struct Values {
    json: Json,
    view: Value,
}

impl Values {
    /// Reads values from JSON or YAML; an empty text has none.
    ///
    /// # Errors
    /// [`ConfigError::Values`] when the text does not parse, is no map, or has a value of a type that cannot be used.
    pub fn parse(file: &str, text: &str) -> Result<Values, ConfigError> {
        let wrong = |problem: String| ConfigError::Values { file: file.to_owned(), problem };
        let Some(document) = json_documents(file, text).into_iter().find(|document| !document.is_empty()) else {
            return Ok(Values::from_json(Json::Object(Map::new())));
        };
        match (document.value, document.error) {
            (Some(json @ Json::Object(_)), _) => {
                let values = Values::from_json(json);
                values.check().map_err(wrong)?;
                Ok(values)
            }
            (None, Some(finding)) => Err(wrong(format!("{}: {}", finding.place, finding.message))),
            _ => Err(wrong("they are not a map".to_owned())),
        }
    }

    /// Values from a map.
    pub fn from_json(json: Json) -> Values {
        let view = Value::from_json(&json, JsonStyle::Floats);
        Values { json, view }
    }

    /// These values where they say something, and those under them where they do not; maps are united.
    #[must_use]
    pub fn over(self, under: Values) -> Values {
        fn lay(under: &mut Json, over: Json) {
            match (under, over) {
                (Json::Object(under), Json::Object(over)) => {
                    over.into_iter().for_each(|(key, value)| lay(under.entry(key).or_insert(Json::Null), value));
                }
                (under, over) => *under = over,
            }
        }
        let mut json = under.json;
        lay(&mut json, self.json);
        Values::from_json(json)
    }

    /// As templates see them.
    pub(crate) fn view(&self) -> &Value {
        &self.view
    }

    /// The whole.
    pub(crate) fn json(&self) -> &Json {
        &self.json
    }

    /// Whether what code asks for has the type that it is asked for. Templates judge the rest.
    fn check(&self) -> Result<(), String> {
        let questions =
            TEXTS.iter().map(|path| (*path, "text")).chain(SWITCHES.iter().map(|path| (*path, "true or false")));
        for (path, wanted) in questions {
            match self.get(path) {
                None | Some(Json::Null) => {}
                Some(Json::String(_)) if wanted == "text" => {}
                Some(Json::Bool(_)) if wanted != "text" => {}
                Some(other) => return Err(format!("{} wants {wanted} and has `{other}`", path.join("."))),
            }
        }
        Ok(())
    }

    fn get(&self, path: &[&str]) -> Option<&Json> {
        path.iter().try_fold(&self.json, |at, key| at.get(key))
    }

    /// A text; empty when it is absent.
    pub(crate) fn text(&self, path: &[&str]) -> &str {
        self.get(path).and_then(Json::as_str).unwrap_or_default()
    }

    /// A switch; off when it is absent.
    pub(crate) fn switch(&self, path: &[&str]) -> bool {
        self.get(path).and_then(Json::as_bool).unwrap_or_default()
    }
}
