//! The names of the proxy's images.
//! In: values, annotations. Out: `hub/name:tag`.
//! Never here: a registry.
