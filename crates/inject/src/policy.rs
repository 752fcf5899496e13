//! Whether a pod is injected.
//! In: a pod, selectors, policy. Out: yes or no, and why.
//! Never here: the pod's content.
