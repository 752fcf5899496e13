use super::*;
use crate::ir::{FilterOverride, RouteConfiguration};
use crate::sample::{request, routes};

fn fault(fields: &str) -> Arc<Fault> {
    let config: Arc<RouteConfiguration> = routes(&format!(
        r#"{{"name": "r", "virtual_hosts": [{{"name": "v", "domains": ["*"], "typed_per_filter_config": {{"envoy.filters.http.fault":
        {{"@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault", {fields}}}}}}}]}}"#
    ));
    match &config.virtual_hosts[0].filters[0].1 {
        FilterOverride::Fault(fault) => fault.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn faults_hit_the_share_that_they_say() {
    let half = r#""percentage": {"numerator": 50}"#;
    for (fields, cluster, headers, random, delay, status) in [
        (format!(r#""delay": {{"fixed_delay": "2s", {half}}}"#), "c", &[][..], 499_999, Some(2), None),
        (format!(r#""delay": {{"fixed_delay": "2s", {half}}}"#), "c", &[], 500_000, None, None),
        (format!(r#""abort": {{"http_status": 418, {half}}}"#), "c", &[], 0, None, Some(418)),
        (format!(r#""abort": {{"http_status": 418, {half}}}, "upstream_cluster": "d""#), "c", &[], 0, None, None),
        (format!(r#""abort": {{"http_status": 418, {half}}}, "headers": [{{"name": "x"}}]"#), "c", &[], 0, None, None),
        (
            format!(r#""abort": {{"http_status": 418, {half}}}, "headers": [{{"name": "x"}}]"#),
            "c",
            &["x: 1"],
            0,
            None,
            Some(418),
        ),
        (r#""abort": {"http_status": 418}"#.to_owned(), "c", &[], 0, None, None),
    ] {
        let found = fault(&fields).decide(&request("GET h/", headers), cluster, &mut || random);
        let got = (found.delay.map(|delay| delay.as_secs()), found.abort.map(|reply| reply.status));
        assert_eq!(got, (delay, status), "{fields} {headers:?} {random}");
    }
}
