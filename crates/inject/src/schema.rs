//! The fields of pods.
//! In: a table. Out: types, Go names, merge rules.
//! Never here: values.
