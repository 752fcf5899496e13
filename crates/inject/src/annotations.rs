//! The checks of annotation values before injection.
//! In: a pod's annotations. Out: which value is wrong and why.
//! Never here: templates.
