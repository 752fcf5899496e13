//! Kubernetes label selectors, as the injector's configuration has them.
//! In: `matchLabels` and `matchExpressions` as JSON, the labels of a pod. Out: whether they match.
//! Never here: an empty selector that matches everything; the injector's match nothing.

use serde_json::{Map, Value as Json};

/// The longest name of a label and the longest value, in bytes.
const LONGEST_NAME: usize = 63;
/// The longest prefix of a label's name, in bytes.
const LONGEST_PREFIX: usize = 253;

/// A label selector, or why it is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelSelector(Result<Vec<Requirement>, String>);

/// One condition on one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Requirement {
    pub(crate) key: String,
    pub(crate) condition: Condition,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    In(Vec<String>),
    /// A pod without the label matches.
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
}

impl LabelSelector {
    /// A selector from its JSON. What is wrong with it is kept, and told when it is asked.
    pub fn from_json(json: &Json) -> LabelSelector {
        LabelSelector(read(json))
    }

    /// The parts, all of which must hold.
    ///
    /// # Errors
    /// Why this is no selector.
    pub(crate) fn requirements(&self) -> Result<&[Requirement], &str> {
        self.0.as_deref().map_err(String::as_str)
    }

    /// Whether all parts hold. A selector without parts does not match.
    ///
    /// # Errors
    /// Why this is no selector.
    pub fn matches<'a>(&self, label: &dyn Fn(&str) -> Option<&'a str>) -> Result<bool, &str> {
        let requirements = self.requirements()?;
        let holds = |requirement: &Requirement| requirement.holds(label(&requirement.key));
        Ok(!requirements.is_empty() && requirements.iter().all(holds))
    }
}

fn read(json: &Json) -> Result<Vec<Requirement>, String> {
    let fields = match json {
        Json::Null => return Ok(Vec::new()),
        Json::Object(fields) => fields,
        _ => return Err("it is not a map with `matchLabels` or `matchExpressions`".to_owned()),
    };
    let mut requirements = Vec::new();
    for (key, value) in map(fields, "matchLabels")?.into_iter().flatten() {
        let value = text(value).ok_or_else(|| format!("the value of label `{key}` is not a text; quote it"))?;
        requirements.push(Requirement { key: key.clone(), condition: Condition::In(vec![value]) });
    }
    for expression in list(fields, "matchExpressions")?.into_iter().flatten() {
        let expression = expression.as_object().ok_or("an item of `matchExpressions` is not a map")?;
        requirements.push(condition(expression)?);
    }
    requirements.iter().try_for_each(Requirement::check)?;
    Ok(requirements)
}

fn condition(expression: &Map<String, Json>) -> Result<Requirement, String> {
    let field = |name| expression.get(name).and_then(Json::as_str).unwrap_or_default();
    let key = field("key").to_owned();
    let values = list(expression, "values")?.into_iter().flatten();
    let values = values.map(text).collect::<Option<Vec<_>>>();
    let values = values.ok_or_else(|| format!("a value for label `{key}` is not a text; quote it"))?;
    let condition = match (field("operator"), values.is_empty()) {
        ("In", false) => Condition::In(values),
        ("NotIn", false) => Condition::NotIn(values),
        ("Exists", true) => Condition::Exists,
        ("DoesNotExist", true) => Condition::DoesNotExist,
        (operator @ ("In" | "NotIn"), true) => {
            return Err(format!("`{operator}` for label `{key}` needs at least one value"));
        }
        (operator @ ("Exists" | "DoesNotExist"), false) => {
            return Err(format!("`{operator}` for label `{key}` takes no values"));
        }
        (operator, _) => {
            return Err(format!(
                "'{operator}' for label `{key}` is no operator; use In, NotIn, Exists or DoesNotExist"
            ));
        }
    };
    Ok(Requirement { key, condition })
}

impl Requirement {
    /// Whether the condition holds for the value of its label.
    pub(crate) fn holds(&self, value: Option<&str>) -> bool {
        match &self.condition {
            Condition::In(values) => value.is_some_and(|value| values.iter().any(|v| v == value)),
            Condition::NotIn(values) => value.is_none_or(|value| values.iter().all(|v| v != value)),
            Condition::Exists => value.is_some(),
            Condition::DoesNotExist => value.is_none(),
        }
    }

    /// Kubernetes refuses selectors for labels that no object can have.
    fn check(&self) -> Result<(), String> {
        let (prefix, name) =
            self.key.rsplit_once('/').map_or((None, &*self.key), |(prefix, name)| (Some(prefix), name));
        if !is_label_text(name) || prefix.is_some_and(|prefix| !is_subdomain(prefix)) {
            return Err(format!("'{}' cannot be the name of a label", self.key));
        }
        match &self.condition {
            Condition::In(values) | Condition::NotIn(values) => {
                match values.iter().find(|value| !value.is_empty() && !is_label_text(value)) {
                    Some(value) => Err(format!("'{value}' cannot be the value of a label")),
                    None => Ok(()),
                }
            }
            Condition::Exists | Condition::DoesNotExist => Ok(()),
        }
    }
}

/// At most 63 letters, digits, `-`, `_` and `.`, the first and the last a letter or digit.
fn is_label_text(text: &str) -> bool {
    let outer = |c: char| c.is_ascii_alphanumeric();
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    text.len() <= LONGEST_NAME && text.starts_with(outer) && text.ends_with(outer) && text.bytes().all(inner)
}

fn is_subdomain(text: &str) -> bool {
    let outer = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let part =
        |part: &str| part.starts_with(outer) && part.ends_with(outer) && part.chars().all(|c| outer(c) || c == '-');
    text.len() <= LONGEST_PREFIX && text.split('.').all(part)
}

fn text(json: &Json) -> Option<String> {
    json.as_str().map(str::to_owned)
}

fn map<'a>(fields: &'a Map<String, Json>, name: &str) -> Result<Option<&'a Map<String, Json>>, String> {
    match fields.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Object(map)) => Ok(Some(map)),
        Some(_) => Err(format!("`{name}` is not a map")),
    }
}

fn list<'a>(fields: &'a Map<String, Json>, name: &str) -> Result<Option<&'a Vec<Json>>, String> {
    match fields.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Array(list)) => Ok(Some(list)),
        Some(_) => Err(format!("`{name}` is not a list")),
    }
}
