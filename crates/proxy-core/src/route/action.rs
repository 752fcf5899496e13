//! What a route does: cluster, redirect, direct response, mirrors, hash.

use super::{RouteContext, Selected};
use crate::access_log::Record;
use crate::headers::RequestHead;
use crate::ir::{DirectResponse, Forward, Mirror, Redirect, WeightedCluster};
use crate::local_reply::LocalReply;

/// The cluster of a request.
#[derive(Debug, Clone, Copy)]
pub struct ClusterChoice<'r> {
    /// Name; empty when it comes from a header that is not there.
    pub name: &'r str,
    /// The entry when the route has several clusters.
    pub weighted: Option<&'r WeightedCluster>,
}

/// Which cluster a request goes to. A name from a header borrows the head.
#[must_use]
pub fn cluster<'r>(forward: &'r Forward, head: &'r RequestHead, random: u64) -> ClusterChoice<'r> {
    let _ = (forward, head, random);
    ClusterChoice { name: "", weighted: None }
}

/// The answer of a redirect.
#[must_use]
pub fn redirect(selected: &Selected<'_>, redirect: &Redirect, head: &RequestHead, context: &RouteContext) -> LocalReply {
    let _ = (selected, redirect, head, context);
    LocalReply::default()
}

/// The answer of a direct response.
#[must_use]
pub fn direct(response: &DirectResponse, record: &Record<'_>) -> LocalReply {
    let _ = (response, record);
    LocalReply::default()
}

/// The clusters that get a copy of the request.
pub fn mirrors<'r>(forward: &'r Forward, random: u64) -> impl Iterator<Item = &'r Mirror> {
    forward.mirrors.iter().filter(move |mirror| random % 1_000_000 < u64::from(mirror.per_million))
}

/// The hash for consistent hashing, and a cookie to set when one was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HashKey {
    /// The hash; `None` for any endpoint.
    pub hash: Option<u64>,
    /// `set-cookie` for the response.
    pub set_cookie: Option<String>,
}

/// The hash of a request. `random` makes the value of a new cookie.
pub fn hash(forward: &Forward, head: &RequestHead, context: &RouteContext, random: &mut dyn FnMut() -> u64) -> HashKey {
    let _ = (forward, head, context, random);
    HashKey::default()
}
