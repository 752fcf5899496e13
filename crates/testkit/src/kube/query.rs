//! What a request to the API of Kubernetes is about: its path, and the selectors of its query.
//! In comes a request target; out come parts. Never here: the objects.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// The path and the query of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    /// Group; empty for the core group.
    pub(super) group: String,
    pub(super) version: String,
    /// Empty for all namespaces, and for resources without.
    pub(super) namespace: String,
    pub(super) plural: String,
    /// Empty for the collection.
    pub(super) name: String,
    /// Such as `status`; mostly empty.
    pub(super) subresource: String,
    /// The decoded query.
    pub(super) params: BTreeMap<String, String>,
}

impl Query {
    /// Reads a target such as `/apis/apps/v1/namespaces/shop/deployments/web`.
    pub(super) fn read(target: &str) -> Option<Self> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let parts: Vec<String> = path.trim_matches('/').split('/').map(decoded).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            // A namespace is an object too: `namespaces/shop` and `namespaces/shop/status`.
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() && rest != ["status"] => (*namespace, rest),
            rest => ("", rest),
        };
        let (plural, name, subresource) = match rest {
            [plural] => (*plural, "", ""),
            [plural, name] => (*plural, *name, ""),
            [plural, name, subresource] => (*plural, *name, *subresource),
            _ => return None,
        };
        let params = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        });
        Some(Self {
            group: group.to_owned(),
            version: version.to_owned(),
            namespace: namespace.to_owned(),
            plural: plural.to_owned(),
            name: name.to_owned(),
            subresource: subresource.to_owned(),
            params: params.collect(),
        })
    }

    /// A parameter; empty when it is absent.
    pub(super) fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }

    /// Whether the selectors pick an object, or what is wrong with them.
    pub(super) fn picks(&self, object: &Json) -> Result<bool, String> {
        Ok(labels_match(self.param("labelSelector"), object)? && fields_match(self.param("fieldSelector"), object)?)
    }
}

/// Takes `%41` and `+` back.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, with commas between.
fn labels_match(selector: &str, object: &Json) -> Result<bool, String> {
    let label = |key: &str| object["metadata"]["labels"][key.trim()].as_str();
    for term in terms(selector) {
        let holds = if let Some((key, values)) = set(term, " notin ")? {
            label(key).is_none_or(|value| !values.contains(&value))
        } else if let Some((key, values)) = set(term, " in ")? {
            label(key).is_some_and(|value| values.contains(&value))
        } else if let Some((key, value)) = term.split_once("!=") {
            label(key) != Some(value.trim())
        } else if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
            label(key) == Some(value.trim())
        } else if let Some(key) = term.strip_prefix('!') {
            label(key).is_none()
        } else {
            label(term).is_some()
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `metadata.name=x` and `metadata.namespace=x`, which every resource has.
fn fields_match(selector: &str, object: &Json) -> Result<bool, String> {
    for term in terms(selector) {
        let (field, value) = term.split_once('=').ok_or_else(|| format!("field selector {term:?}"))?;
        let (field, negated) = field.strip_suffix('!').map_or((field, false), |field| (field, true));
        let have = match field.trim() {
            field @ ("metadata.name" | "metadata.namespace") => {
                object["metadata"][&field["metadata.".len()..]].as_str()
            }
            other => return Err(format!("field label not supported: {other}")),
        };
        let is_same = have.unwrap_or_default() == value.trim_start_matches('=').trim();
        if is_same == negated {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The parts between commas that are not in parentheses.
fn terms(selector: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_u32;
    let split = selector.split(move |char| {
        match char {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        char == ',' && depth == 0
    });
    split.map(str::trim).filter(|term| !term.is_empty())
}

/// A key and the values in parentheses behind `word`.
fn set<'a>(term: &'a str, word: &str) -> Result<Option<(&'a str, Vec<&'a str>)>, String> {
    let Some((key, values)) = term.split_once(word) else {
        return Ok(None);
    };
    let values = values.trim().strip_prefix('(').and_then(|values| values.strip_suffix(')'));
    let values = values.ok_or_else(|| format!("label selector {term:?}"))?;
    Ok(Some((key, values.split(',').map(str::trim).collect())))
}

#[cfg(test)]
mod tests;
