//! Paths of requests: normalisation as Envoy's connection manager does it.

/// `path_with_escaped_slashes_action`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EscapedSlashes {
    /// Left as they are.
    #[default]
    Keep,
    /// 400.
    Reject,
    /// Unescaped, and the client is redirected.
    UnescapeAndRedirect,
    /// Unescaped.
    UnescapeAndForward,
}
