//! Istio's functions of injection templates.
//! In: Go values. Out: Go values.
//! Never here: the environment; `env` reads what the host hands over.
