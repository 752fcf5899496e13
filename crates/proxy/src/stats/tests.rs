use super::*;
use std::time::Duration;

fn text(registry: &Registry, filter: &str, format: Format) -> String {
    let query =
        Query { format, filter: Some(regex::Regex::new(filter).expect("a regex")), used_only: true, kind: None };
    query.render(&registry.samples())
}

#[test]
fn sums_the_workers() {
    let registry = Registry::new();
    let (one, two) = (registry.worker(), registry.worker());
    one.cluster("outbound|80||a.b").response(200);
    two.cluster("outbound|80||a.b").response(201);
    two.cluster("outbound|80||a.b").response(503);
    assert_eq!(
        text(&registry, r"a\.b", Format::Text),
        "cluster.outbound|80||a.b.upstream_rq_200: 1\n\
         cluster.outbound|80||a.b.upstream_rq_201: 1\n\
         cluster.outbound|80||a.b.upstream_rq_2xx: 2\n\
         cluster.outbound|80||a.b.upstream_rq_503: 1\n\
         cluster.outbound|80||a.b.upstream_rq_5xx: 1\n\
         cluster.outbound|80||a.b.upstream_rq_completed: 3\n"
    );
}

#[test]
fn labels_for_prometheus() {
    let registry = Registry::new();
    let worker = registry.worker();
    let cluster = worker.cluster("c\"1");
    cluster.upstream_rq_total.inc();
    cluster.response(503);
    cluster.upstream_rq_time.record(Duration::from_millis(7));
    worker.http("ingress").response(204);
    worker.listener("127.0.0.1:80").downstream_cx_active.inc();
    let out = text(&registry, ".", Format::Prometheus);
    for line in [
        "# TYPE envoy_cluster_upstream_rq counter\nenvoy_cluster_upstream_rq{envoy_response_code=\"503\",envoy_cluster_name=\"c\\\"1\"} 1\n",
        "envoy_cluster_upstream_rq_xx{envoy_response_code_class=\"5\",envoy_cluster_name=\"c\\\"1\"} 1\n",
        "envoy_cluster_upstream_rq_total{envoy_cluster_name=\"c\\\"1\"} 1\n",
        "# TYPE envoy_cluster_upstream_rq_time histogram\n",
        "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"c\\\"1\",le=\"5\"} 0\n",
        "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"c\\\"1\",le=\"10\"} 1\n",
        "envoy_cluster_upstream_rq_time_sum{envoy_cluster_name=\"c\\\"1\"} 7\n",
        "envoy_http_downstream_rq_xx{envoy_response_code_class=\"2\",envoy_http_conn_manager_prefix=\"ingress\"} 1\n",
        "# TYPE envoy_listener_downstream_cx_active gauge\nenvoy_listener_downstream_cx_active{envoy_listener_address=\"127.0.0.1_80\"} 1\n",
    ] {
        assert!(out.contains(line), "{line} is not in\n{out}");
    }
}

#[test]
fn a_gauge_may_fall_on_another_worker() {
    let registry = Registry::new();
    let (one, two) = (registry.worker().http("a"), registry.worker().http("a"));
    one.downstream_cx_active.add(3);
    two.downstream_cx_active.dec();
    assert!(text(&registry, "cx_active", Format::Text).contains("http.a.downstream_cx_active: 2\n"));
    two.downstream_cx_active.add(-9);
    assert_eq!(text(&registry, "cx_active", Format::Text), "");
}

#[test]
fn counts_more_codes_than_a_block_has_slots() {
    let registry = Registry::new();
    let cluster = registry.worker().cluster("a");
    for status in 200..=220 {
        cluster.response(status);
        cluster.response(status);
    }
    let out = text(&registry, r"rq_2\d\d", Format::Text);
    assert_eq!(out.lines().count(), 21);
    assert!(out.lines().all(|line| line.ends_with(": 2")), "{out}");
}

#[test]
fn reset_and_forget() {
    let registry = Registry::new();
    let worker = registry.worker();
    worker.cluster("a").upstream_cx_active.inc();
    worker.cluster("a").response(200);
    registry.reset_counters();
    assert_eq!(text(&registry, "cluster", Format::Text), "cluster.a.upstream_cx_active: 1\n");
    registry.forget_cluster("a");
    assert_eq!(text(&registry, "cluster", Format::Text), "");
}

#[test]
fn quantiles_and_json() {
    let registry = Registry::new();
    let cluster = registry.worker().cluster("a");
    for _ in 0..10 {
        cluster.upstream_rq_time.record(Duration::from_millis(80));
    }
    assert!(
        text(&registry, "rq_time", Format::Text).starts_with("cluster.a.upstream_rq_time: P0(nan,50) P25(nan,62.5)")
    );
    let json: serde_json::Value = serde_json::from_str(&text(&registry, "rq_time", Format::Json)).expect("JSON");
    assert_eq!(json["stats"][0]["histograms"]["computed_quantiles"][0]["name"], "cluster.a.upstream_rq_time");
}
