use super::lookup::Found;
use super::*;
use crate::process::fixture::Fixture;
use std::io;
use std::sync::Mutex;

/// Answers in turn; the last one again and again.
struct Script(Mutex<Vec<Result<Vec<&'static str>, ()>>>);

impl Lookup for Script {
    fn lookup<'a>(&'a self, _: &'a str) -> Found<'a> {
        let mut answers = self.0.lock().expect("a lock");
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Box::pin(async move {
            let addresses = answer.map_err(|()| io::Error::other("no such name"))?;
            Ok(addresses.iter().map(|address| address.parse().expect("an address")).collect())
        })
    }
}

fn cluster(kind: &str, host: &str) -> String {
    format!(
        r#"{{"static_resources": {{"clusters": [{{"name": "c", "type": "{kind}", "connect_timeout": "1s",
            "dns_lookup_family": "V4_ONLY", "dns_refresh_rate": "10s",
            "load_assignment": {{"cluster_name": "c", "endpoints": [{{"lb_endpoints": [{{"endpoint": {{
                "address": {{"socket_address": {{"address": "{host}", "port_value": 80}}}}}}}}]}}]}}}}]}}}}"#
    )
}

/// Runs one round of lookups after the other, without waiting for time to pass.
async fn rounds(kind: &str, answers: &[Result<Vec<&'static str>, ()>]) -> Vec<Vec<String>> {
    let proxy = Fixture::new(&cluster(kind, "db.example.com"), false);
    let script = Script(Mutex::new(answers.to_vec()));
    let cluster = Arc::clone(&proxy.shared.state().accepted.clusters["c"]);
    let (Discovery::StrictDns(dns) | Discovery::LogicalDns(dns)) = &cluster.discovery else { panic!("a DNS cluster") };
    let mut known = Addresses::default();
    let mut seen = Vec::new();
    for _ in answers {
        if known.refresh(dns, &script, "c").await {
            let endpoints = known.endpoints(&cluster.name, dns, kind == "LOGICAL_DNS");
            proxy.shared.resolved(&cluster.name, Arc::new(endpoints), proxy.start);
        }
        seen.push(proxy.workers.addresses("c"));
    }
    seen
}

#[tokio::test]
async fn a_failed_lookup_keeps_the_last_addresses() {
    let seen =
        rounds("STRICT_DNS", &[Err(()), Ok(vec!["10.0.0.2", "10.0.0.1", "::1"]), Err(()), Ok(vec!["10.0.0.3"])]).await;
    let two = vec!["10.0.0.1:80".to_owned(), "10.0.0.2:80".to_owned()];
    assert_eq!(seen, [vec![], two.clone(), two, vec!["10.0.0.3:80".to_owned()]]);
}

#[tokio::test]
async fn a_logical_cluster_has_one_address() {
    let seen = rounds("LOGICAL_DNS", &[Ok(vec!["10.0.0.1", "10.0.0.2"])]).await;
    assert_eq!(seen, [["10.0.0.1:80"]]);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_serves_after_its_first_lookup_and_is_looked_up_again() {
    let proxy = Fixture::new(&cluster("STRICT_DNS", "db.example.com"), false);
    assert!(!proxy.workers.serves_cluster("c"));
    let script = Script(Mutex::new(vec![Ok(vec!["10.0.0.1"]), Ok(vec!["10.0.0.2"])]));
    let mut lookups = Lookups::new(Arc::new(script));
    lookups.follow(&proxy.shared);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(proxy.workers.addresses("c"), ["10.0.0.1:80"]);
    assert!(proxy.workers.serves_cluster("c"));
    assert_eq!(*proxy.shared.phase.borrow(), crate::process::Phase::Live);
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(proxy.workers.addresses("c"), ["10.0.0.2:80"]);
}

#[test]
fn families() {
    let all: Vec<IpAddr> = ["10.0.0.1", "::1"].map(|text| text.parse().expect("an address")).to_vec();
    let v4 = vec![all[0]];
    for (family, found, expected) in [
        (DnsFamily::Auto, &all, vec![all[1]]),
        (DnsFamily::Auto, &v4, v4.clone()),
        (DnsFamily::V4Only, &all, v4.clone()),
        (DnsFamily::V6Only, &v4, vec![]),
        (DnsFamily::V4Preferred, &all, v4.clone()),
        (DnsFamily::V4Preferred, &vec![all[1]], vec![all[1]]),
        (DnsFamily::All, &all, all.clone()),
    ] {
        assert_eq!(of_family(found.clone(), family), expected, "{family:?}");
    }
}
