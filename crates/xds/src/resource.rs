//! What a server serves: named, versioned resources, grouped by type.
//!
//! In: packed Envoy messages. Out: immutable sets that are cheap to share and
//! to compare. A version is a fingerprint of the content, so the same content
//! has the same version in every set.

use lateen_envoy_api::{Any, fingerprint};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

/// One resource under the name that clients subscribe to.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// The name within its type.
    pub name: String,
    /// Fingerprint of the content.
    pub version: u64,
    /// The message, packed under the type url of its type.
    pub body: Any,
}

impl Resource {
    /// A resource whose version is the fingerprint of `body`; the order of map
    /// entries in `body` does not count.
    #[must_use]
    pub fn new(name: impl Into<String>, body: Any) -> Self {
        Self { name: name.into(), version: fingerprint(&body), body }
    }
}

/// All resources of one type, by name.
#[derive(Debug, Clone, Default)]
pub struct TypeSet {
    version: u64,
    resources: BTreeMap<String, Arc<Resource>>,
}

impl TypeSet {
    /// Changes exactly when a resource is added, changed or removed.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The resource of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Resource>> {
        self.resources.get(name)
    }

    /// In the order of names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.resources.values()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.resources.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }
}

impl PartialEq for TypeSet {
    fn eq(&self, other: &Self) -> bool {
        self.version == other.version
    }
}

impl FromIterator<Arc<Resource>> for TypeSet {
    /// Of two resources with one name the later one counts.
    fn from_iter<I: IntoIterator<Item = Arc<Resource>>>(resources: I) -> Self {
        let resources: BTreeMap<_, _> =
            resources.into_iter().map(|resource| (resource.name.clone(), resource)).collect();
        let mut hasher = DefaultHasher::new();
        for (name, resource) in &resources {
            (name, resource.version).hash(&mut hasher);
        }
        Self { version: hasher.finish(), resources }
    }
}

impl FromIterator<Resource> for TypeSet {
    fn from_iter<I: IntoIterator<Item = Resource>>(resources: I) -> Self {
        resources.into_iter().map(Arc::new).collect()
    }
}

/// All resources for one client, by type url.
///
/// ```
/// use lateen_envoy_api::{pack, type_url, v3};
/// use lateen_xds::{Resource, ResourceSet};
/// let cluster = v3::cluster::Cluster { name: "a".into(), ..Default::default() };
/// let set = ResourceSet::new()
///     .with(type_url::CLUSTER, [Resource::new("a", pack(&cluster))].into_iter().collect());
/// assert_eq!(set.get(type_url::CLUSTER).map(|clusters| clusters.len()), Some(1));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResourceSet {
    types: BTreeMap<String, Arc<TypeSet>>,
}

impl ResourceSet {
    /// Without any resource.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The set with all resources of one type put in place of what was there.
    #[must_use]
    pub fn with(self, type_url: impl Into<String>, resources: TypeSet) -> Self {
        self.with_shared(type_url, Arc::new(resources))
    }

    /// As [`ResourceSet::with`], for a set that several clients share.
    #[must_use]
    pub fn with_shared(mut self, type_url: impl Into<String>, resources: Arc<TypeSet>) -> Self {
        self.types.insert(type_url.into(), resources);
        self
    }

    /// The resources of one type; `None` when it was never set.
    #[must_use]
    pub fn get(&self, type_url: &str) -> Option<&Arc<TypeSet>> {
        self.types.get(type_url)
    }

    /// One resource.
    #[must_use]
    pub fn resource(&self, type_url: &str, name: &str) -> Option<&Arc<Resource>> {
        self.get(type_url)?.get(name)
    }

    /// Type urls and their resources, in the order of urls.
    pub fn types(&self) -> impl Iterator<Item = (&str, &Arc<TypeSet>)> {
        self.types.iter().map(|(url, set)| (url.as_str(), set))
    }
}
