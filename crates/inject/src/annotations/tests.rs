//! Which values Istio takes and which it refuses.

use serde_json::{Map, json};

use super::{RULES, check as check_with};

fn check(pod: &Pod) -> Result<(), super::AnnotationErrors> {
    check_with(pod, |_| Vec::new())
}
use crate::pod::Pod;

fn pod(annotations: &[(&str, &str)]) -> Pod {
    let annotations: Map<_, _> = annotations.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    Pod::from_json(json!({"metadata": {"annotations": annotations}}))
}

#[track_caller]
fn verdicts(annotation: &str, right: &[&str], wrong: &[&str]) {
    assert!(RULES.iter().any(|(name, _)| *name == annotation), "{annotation} has no rule");
    for value in right {
        let result = check(&pod(&[(annotation, value)]));
        assert!(result.is_ok(), "{}", result.unwrap_err());
    }
    for value in wrong {
        assert!(check(&pod(&[(annotation, value)])).is_err(), "{annotation} takes {value:?}");
    }
}

#[test]
fn every_rule_has_right_and_wrong_values() {
    verdicts("sidecar.istio.io/interceptionMode", &["REDIRECT", "TPROXY", "NONE"], &["", "redirect", " NONE", "OTHER"]);
    let ports: (&[&str], &[&str]) = (
        &["", " ", "80", "80,443", " 80 , 443 ", "0", "65535", "0080"],
        &["80,", ",80", "65536", "-1", "+80", "8_0", "http", "80;443", "*,80", "80 443"],
    );
    for (annotation, star) in [
        ("traffic.sidecar.istio.io/includeInboundPorts", true),
        ("traffic.sidecar.istio.io/excludeInboundPorts", false),
        ("traffic.sidecar.istio.io/excludeOutboundPorts", false),
    ] {
        verdicts(annotation, ports.0, ports.1);
        if star {
            verdicts(annotation, &["*"], &[" *"]);
        } else {
            verdicts(annotation, &[], &["*"]);
        }
    }
    verdicts("status.sidecar.istio.io/port", &["0", "15021", " 15021 "], &["", "70000", "15021,15022", "none", "+1"]);
    for field in ["initialDelaySeconds", "periodSeconds", "failureThreshold"] {
        let annotation = format!("readiness.status.sidecar.istio.io/{field}");
        verdicts(&annotation, &["0", "30", "4294967295", "007"], &["", "4294967296", "-1", "+1", "1.5", " 1", "1_0"]);
    }
    let ranges: (&[&str], &[&str]) = (
        &[
            "",
            "10.0.0.0/8",
            "10.1.2.3/8,192.168.0.0/16",
            "0.0.0.0/0",
            "fd00::/8",
            "::ffff:1.2.3.4/96",
            "::/0",
            "1.1.1.1/32",
        ],
        &[
            "10.0.0.0",
            "10.0.0.0/33",
            "10.0.0.0/8,",
            "10.0.0.0/8, 10.1.0.0/16",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "10.0/8",
            "010.0.0.0/8",
            "fe80::1%eth0/64",
            "fd00::/129",
            "*,10.0.0.0/8",
            "all",
            "10.0.0.0/",
            "/8",
            "10.0.0.0/8/8",
        ],
    );
    verdicts("traffic.sidecar.istio.io/includeOutboundIPRanges", ranges.0, ranges.1);
    verdicts("traffic.sidecar.istio.io/excludeOutboundIPRanges", ranges.0, ranges.1);
    verdicts("traffic.sidecar.istio.io/includeOutboundIPRanges", &["*"], &["* "]);
    verdicts("traffic.sidecar.istio.io/excludeOutboundIPRanges", &[], &["*"]);
    for annotation in [
        "traffic.sidecar.istio.io/excludeInterfaces",
        "traffic.sidecar.istio.io/kubevirtInterfaces",
        "istio.io/reroute-virtual-interfaces",
    ] {
        let right = &["", "eth0", "eth0, net1", "br-0.100_a", "abcdefghijklmno"];
        verdicts(
            annotation,
            right,
            &[" ", "eth0,", "0eth", "eth0;reboot", "abcdefghijklmnop", "eth 0", "ëth0", "$(x)"],
        );
    }
    let right = &["true", "false", "1", "0", "t", "F", "TRUE", "False"];
    verdicts("prometheus.istio.io/merge-metrics", right, &["", "yes", "tRUE", " true", "2"]);
    for annotation in ["proxyCPU", "proxyMemory", "proxyCPULimit", "proxyMemoryLimit"] {
        verdicts(
            &format!("sidecar.istio.io/{annotation}"),
            &[
                "0", "100m", "2", "0.5", ".5", "1.", "128Mi", "1G", "1E", "1Ei", "2e3", "2E-3", "+1", "-1", "1n", "5u",
                "Mi",
            ],
            &[
                "",
                "100 m",
                " 1",
                "1 ",
                "1i",
                "1mi",
                "1MI",
                "1K",
                "1e",
                "1e+",
                "1.1.1",
                "1,5",
                "0x1",
                "1m\n",
                "abc",
                "1Mi2",
                "1e99999999999999999999",
                "--1",
                "1B",
                "128MB",
            ],
        );
    }
}

#[test]
fn all_wrong_annotations_are_told_with_what_would_be_right() {
    let pod = pod(&[
        ("sidecar.istio.io/interceptionMode", "BOTH"),
        ("sidecar.istio.io/inject", "perhaps"),
        ("example.org/own", "anything"),
        ("sidecar.istio.io/proxyCPU", "100M i"),
        ("proxy.istio.io/config", "concurency: 2"),
        ("traffic.sidecar.istio.io/includeInboundPorts", "80,http"),
    ]);
    let errors = check_with(&pod, |text| vec![format!("unknown field in {text}")]).unwrap_err();
    let lines: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "invalid value 'BOTH' for annotation 'sidecar.istio.io/interceptionMode': no such mode; use REDIRECT, TPROXY or NONE",
            "invalid value '100M i' for annotation 'sidecar.istio.io/proxyCPU': it does not end with a known unit, but with \
             'M i'; use a quantity such as 100m, 0.5 or 128Mi",
            "invalid value 'concurency: 2' for annotation 'proxy.istio.io/config': unknown field in concurency: 2",
            "invalid value '80,http' for annotation 'traffic.sidecar.istio.io/includeInboundPorts': 'http' is no port; \
             use a number from 0 to 65535, or * alone for all ports",
        ]
    );
    assert_eq!(errors.to_string(), lines.join("; "));
}

#[test]
fn long_values_and_line_ends_do_not_spoil_the_message() {
    let value = format!("a\n{}", "b".repeat(200));
    let message = check(&pod(&[("sidecar.istio.io/interceptionMode", &value)])).unwrap_err().to_string();
    assert!(message.starts_with("invalid value 'a\\nbbb"), "{message}");
    assert!(message.contains("b…' for annotation"), "{message}");
    assert!(message.len() < 250 && !message.contains('\n'), "{message}");
}

#[test]
fn pods_without_annotations_are_right() {
    assert!(check(&Pod::default()).is_ok());
    assert!(check_with(&Pod::default(), |_| vec!["never".to_owned()]).is_ok());
}
