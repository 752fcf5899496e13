//! What the path of a webhook's URL says about the proxy: `/inject/cluster/one/net/two`.
//! In: the path as the API server asks for it. Out: environment variables of the proxy, by Istio's rules.
//! Never here: what the variables mean.

use std::collections::BTreeMap;

/// Words of the path that are short for a variable; every other word is the variable itself, in upper case.
const SHORT: [(&str, &str); 2] = [("cluster", "ISTIO_META_CLUSTER_ID"), ("net", "ISTIO_META_NETWORK")];
/// Stands for `/` in a value.
const SLASH: &str = "--slash--";
/// Begins a variable in the deprecated form `/inject/:ENV:NAME=value:ENV:OTHER=value`.
const DEPRECATED: &str = ":ENV:";

/// Variables of a path, and what was passed over.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PathVariables {
    /// By name.
    pub variables: BTreeMap<String, String>,
    /// What in the path has no effect, and why.
    pub warnings: Vec<String>,
}

/// Whether the path is one of the injection webhook's.
pub(crate) fn is_inject(path: &str) -> bool {
    path.strip_prefix("/inject").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Reads a path (Istio's `parseInjectEnvs`); percent codes count as what they stand for, as in Go's `URL.Path`.
///
/// # Errors
/// A text for the caller when a percent code is broken.
pub(crate) fn variables(path: &str) -> Result<PathVariables, String> {
    let path = decoded(path)?;
    let path = path.strip_suffix('/').unwrap_or(&path);
    let mut found = PathVariables::default();
    // Nothing, `inject`, and the rest.
    let Some(rest) = path.splitn(3, '/').nth(2) else { return Ok(found) };
    if rest.starts_with(DEPRECATED) {
        for pair in rest.split(DEPRECATED).skip(1) {
            match pair.split_once('=') {
                Some((name, value)) if !name.is_empty() => found.set(name, value.to_owned()),
                _ => found.warnings.push(format!(
                    "the path's `{DEPRECATED}{pair}` is passed over: after {DEPRECATED} comes NAME=value"
                )),
            }
        }
        return Ok(found);
    }
    let mut words = rest.split('/');
    while let Some(name) = words.next() {
        match words.next() {
            Some(value) => found.set(name, value.replace(SLASH, "/")),
            None => found.warnings.push(format!("the path's last word `{name}` is passed over: it has no value")),
        }
    }
    Ok(found)
}

impl PathVariables {
    fn set(&mut self, name: &str, value: String) {
        let short = SHORT.iter().find(|(word, _)| *word == name);
        let name = short.map_or_else(|| name.to_uppercase(), |(_, variable)| (*variable).to_owned());
        if !name.is_empty() {
            self.variables.insert(name, value);
        }
    }
}

/// The path without percent codes.
fn decoded(path: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        let code = digit().zip(digit()).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        bytes.push(code.ok_or("the path has a `%` without two hexadecimal digits after it")?);
    }
    String::from_utf8(bytes).map_err(|_| "the path's percent codes are not UTF-8".to_owned())
}

#[cfg(test)]
mod tests;
