//! Every resource as it came, for `/config_dump`: the last good form and the last rejected one.
//! In: resources with what became of them. Out: entries by type and name.
//! Never here: what a resource means.

use lateen_envoy_api::Any;
use std::collections::BTreeMap;
use std::time::SystemTime;

/// A resource in one version.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// As it came.
    pub body: Any,
    /// `version_info` of the response.
    pub version: String,
    /// When it came.
    pub at: SystemTime,
}

/// A resource that was not accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// What was refused.
    pub form: Form,
    /// Why.
    pub reason: String,
}

/// One resource.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry {
    /// From the bootstrap.
    pub is_static: bool,
    /// What is served.
    pub accepted: Option<Form>,
    /// What is not, when it came after `accepted`.
    pub rejected: Option<Failure>,
}

/// All resources of one type.
#[derive(Debug, Clone, Default)]
pub struct Kind {
    /// `version_info` of the last response.
    pub version: String,
    /// By name.
    pub entries: BTreeMap<String, Entry>,
}

/// All resources, by type url.
#[derive(Debug, Clone, Default)]
pub struct Resources(BTreeMap<String, Kind>);

impl Resources {
    /// Of one type.
    pub fn kind(&self, type_url: &str) -> Option<&Kind> {
        self.0.get(type_url)
    }

    /// Of one type.
    pub fn kind_mut(&mut self, type_url: &str) -> &mut Kind {
        // Most calls find it; only the first of a type copies the url.
        if !self.0.contains_key(type_url) {
            self.0.insert(type_url.to_owned(), Kind::default());
        }
        self.0.entry(type_url.to_owned()).or_default()
    }

    /// Everything that is refused now: type url, name, reason.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.0.iter().flat_map(|(type_url, kind)| {
            kind.entries.iter().filter_map(|(name, entry)| {
                let failure = entry.rejected.as_ref()?;
                Some((type_url.as_str(), name.as_str(), failure.reason.as_str()))
            })
        })
    }
}

impl Kind {
    /// A resource is served.
    pub fn accept(&mut self, name: &str, form: Form, is_static: bool) {
        let entry = self.entries.entry(name.to_owned()).or_default();
        *entry = Entry { is_static, accepted: Some(form), rejected: None };
    }

    /// A resource is not served in this form.
    pub fn reject(&mut self, name: &str, form: Form, reason: String) {
        self.entries.entry(name.to_owned()).or_default().rejected = Some(Failure { form, reason });
    }

    /// A resource is gone. Static ones stay.
    pub fn remove(&mut self, name: &str) {
        if self.entries.get(name).is_some_and(|entry| !entry.is_static) {
            self.entries.remove(name);
        }
    }
}
