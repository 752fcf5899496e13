//! Blocks of ids and shared users.

use serde_json::{Value as Json, json};

use super::{proxy_ids, reset_shared_user};
use crate::pod::Pod;

#[test]
fn ids_are_the_last_of_the_block() {
    let users = "openshift.io/sa.scc.uid-range";
    let groups = "openshift.io/sa.scc.supplemental-groups";
    let cases = [
        (json!({}), (1337, 1337)),
        (json!({users: "1000/10"}), (1009, 1009)),
        (json!({users: "1000650000/10000", groups: "2000/5"}), (1_000_659_999, 2004)),
        (json!({users: "1000-1999", groups: "10-20,30-40"}), (1999, 20)),
        (json!({groups: "3000/1"}), (1337, 3000)),
        // An annotation that is there and wrong does not fall back to the other.
        (json!({users: "1000/10", groups: ""}), (1009, 1337)),
        (json!({users: "1000/10", groups: "1000/10,x"}), (1009, 1337)),
        (json!({users: "1000/10,2000/10"}), (1009, 1009)),
        (json!({users: "1000"}), (1337, 1337)),
        (json!({users: "1000/"}), (1337, 1337)),
        (json!({users: "-1/10"}), (1337, 1337)),
        (json!({users: "1000 /10"}), (1337, 1337)),
        (json!({users: " 1000/ 10 and more"}), (1009, 1009)),
        (json!({users: "4294967296/1"}), (1337, 1337)),
        (json!({users: "5/0"}), (4, 4)),
        (json!({users: "0/0"}), (4_294_967_295, 4_294_967_295)),
        (json!({users: 7}), (1337, 1337)),
    ];
    for (annotations, expected) in cases {
        assert_eq!(proxy_ids(annotations.as_object()), expected, "{annotations}");
    }
    assert_eq!(proxy_ids(None), (1337, 1337));
}

fn container(name: &str, context: Json) -> Json {
    json!({"name": name, "securityContext": context})
}

#[test]
fn a_user_that_openshift_gave_to_all_is_taken_off_the_proxy() {
    let app = |user: i64| container("app", json!({"runAsUser": user}));
    let proxy =
        |user: i64| container("istio-proxy", json!({"runAsUser": user, "runAsGroup": user, "privileged": false}));
    let cases = [
        (vec![app(1000), proxy(1000)], vec![], true),
        (vec![app(1000), proxy(1337)], vec![], false),
        (vec![app(1000)], vec![proxy(1000)], true),
        (vec![app(7), container("b", json!({"runAsUser": 1000})), proxy(1000)], vec![], true),
        (vec![app(1000), container("b", json!({"runAsUser": 7})), proxy(1000)], vec![], false),
        (vec![app(7), proxy(1000)], vec![container("setup", json!({"runAsUser": 1000}))], true),
        (vec![app(7), proxy(1000)], vec![container("istio-init", json!({"runAsUser": 1000}))], false),
        (vec![app(7), proxy(1000)], vec![container("istio-validation", json!({"runAsUser": 1000}))], false),
        (
            vec![container("app", json!({})), container("istio-proxy", json!({"runAsGroup": 5, "privileged": false}))],
            vec![],
            true,
        ),
        (vec![app(1000)], vec![], false),
        (vec![json!({"name": "app"}), json!({"name": "istio-proxy"})], vec![], false),
    ];
    for (containers, init, expected) in cases {
        let json = json!({"spec": {"containers": containers, "initContainers": init}});
        let mut pod = Pod::from_json(json.clone());
        assert_eq!(reset_shared_user(&mut pod), expected, "{json}");
        match (expected, pod.find("istio-proxy")) {
            (true, Some(proxy)) => assert_eq!(proxy["securityContext"], json!({"privileged": false}), "{json}"),
            (true, None) => panic!("{json}"),
            (false, _) => assert_eq!(pod.into_json(), json),
        }
    }
}
