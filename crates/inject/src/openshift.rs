//! The user and group that OpenShift gives to a namespace.
//! In: a namespace's annotations. Out: ids.
//! Never here: a client.
