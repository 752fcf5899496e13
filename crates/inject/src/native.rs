//! Whether a proxy runs as a native sidecar.
//! In: versions of nodes. Out: yes or no.
//! Never here: a client.
