//! Access log formats: text or JSON templates with Envoy's `%COMMAND%` operators.

/// A template with Envoy's command operators.
#[derive(Debug, Clone)]
pub struct Template;

/// The line of an access log.
#[derive(Debug, Clone)]
pub struct Format;

/// Which requests are logged.
#[derive(Debug, Clone)]
pub struct Filter;
