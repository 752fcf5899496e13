//! Mesh and proxy configuration as templates see them.
//! In: typed configuration. Out: values with Go's field names and getters.
//! Never here: defaults of their own.
