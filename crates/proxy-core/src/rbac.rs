//! Role based access control.

/// Rules of an RBAC filter.
#[derive(Debug, Clone)]
pub struct Rbac;
