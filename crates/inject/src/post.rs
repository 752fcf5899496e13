//! What happens to a pod after the templates.
//! In: the merged pod. Out: the pod with probes, metrics, order and status.
//! Never here: templates.
