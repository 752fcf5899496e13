//! Patches and what Kubernetes makes of them: one row is a name, a target, a patch and the result or the error.

use serde_json::{Value as Json, json};

use super::merge;
use crate::schema::pod;

fn merged(target: &Json, patch: &Json) -> Result<Json, String> {
    let mut target = target.clone();
    merge(&mut target, patch.clone(), pod()).map_err(|err| err.to_string())?;
    Ok(target)
}

/// Rows whose target and patch are specs.
#[track_caller]
fn specs(rows: &[(&str, Json, Json, Json)]) {
    for (name, target, patch, expected) in rows {
        let result = merged(&json!({"spec": target}), &json!({"spec": patch}));
        let expected = json!({"spec": expected});
        // Order of keys counts as well: what a user sees is the text.
        assert_eq!(result.map(|json| json.to_string()), Ok(expected.to_string()), "{name}");
    }
}

#[test]
fn maps_merge_and_null_deletes() {
    specs(&[
        ("new field", json!({"nodeName": "a"}), json!({"hostname": "h"}), json!({"nodeName": "a", "hostname": "h"})),
        ("scalar", json!({"nodeName": "a"}), json!({"nodeName": "b"}), json!({"nodeName": "b"})),
        ("null", json!({"nodeName": "a", "hostname": "h"}), json!({"nodeName": null}), json!({"hostname": "h"})),
        ("null of nothing", json!({}), json!({"nodeName": null}), json!({})),
        (
            "what is written without items, and not written at all",
            json!({"volumes": []}),
            json!({"volumes": [{"name": "a"}, {"name": "a"}]}),
            json!({"volumes": [{"name": "a"}, {"name": "a"}]}),
        ),
        (
            "null inside what is new",
            json!({}),
            json!({"securityContext": {"fsGroup": 1, "runAsUser": null}}),
            json!({"securityContext": {"fsGroup": 1}}),
        ),
        (
            "nested",
            json!({"securityContext": {"fsGroup": 1, "runAsUser": 2}}),
            json!({"securityContext": {"runAsUser": 3}}),
            json!({"securityContext": {"fsGroup": 1, "runAsUser": 3}}),
        ),
        (
            "map of strings",
            json!({"nodeSelector": {"a": "1", "b": "2"}}),
            json!({"nodeSelector": {"b": "3", "a": null}}),
            json!({"nodeSelector": {"b": "3"}}),
        ),
        ("null in the target", json!({"containers": null}), json!({"containers": []}), json!({"containers": []})),
        (
            "unknown fields as JSON merge patch",
            json!({"new": {"a": {"x": 1}, "l": [1, 2]}}),
            json!({"new": {"a": {"y": 2}, "l": [3]}}),
            json!({"new": {"a": {"x": 1, "y": 2}, "l": [3]}}),
        ),
    ]);
}

#[test]
fn lists_replace_or_merge_by_their_key() {
    let ports = |ports: Json| json!({"containers": [{"name": "a", "ports": ports}]});
    specs(&[
        (
            "atomic list",
            json!({"tolerations": [{"key": "a"}]}),
            json!({"tolerations": [{"key": "b"}]}),
            json!({"tolerations": [{"key": "b"}]}),
        ),
        (
            "by name",
            json!({"containers": [{"name": "a", "image": "x", "args": ["1"]}]}),
            json!({"containers": [{"name": "a", "image": "y", "args": ["2", "3"]}]}),
            json!({"containers": [{"name": "a", "image": "y", "args": ["2", "3"]}]}),
        ),
        (
            "by containerPort",
            ports(json!([{"containerPort": 80}])),
            ports(json!([{"containerPort": 80, "name": "http"}])),
            ports(json!([{"containerPort": 80, "name": "http"}])),
        ),
        (
            "by mountPath, not by name",
            json!({"containers": [{"name": "a", "volumeMounts": [{"name": "v", "mountPath": "/a"}]}]}),
            json!({"containers": [{"name": "a", "volumeMounts": [{"name": "w", "mountPath": "/a"}]}]}),
            json!({"containers": [{"name": "a", "volumeMounts": [{"name": "w", "mountPath": "/a"}]}]}),
        ),
        (
            "twice in the patch",
            json!({"volumes": [{"name": "u"}]}),
            json!({"volumes": [{"name": "v", "emptyDir": {}}, {"name": "v", "secret": {"secretName": "s"}}]}),
            json!({"volumes": [{"name": "v", "emptyDir": {}, "secret": {"secretName": "s"}}, {"name": "u"}]}),
        ),
        (
            "a port that lacks its number in the target",
            ports(json!([{"name": "p"}])),
            ports(json!([{"containerPort": 80}])),
            ports(json!([{"containerPort": 80}, {"name": "p"}])),
        ),
    ]);
}

#[test]
fn the_order_is_that_of_go() {
    // Names of containers: target, patch, result.
    let named = |names: &str| -> Vec<Json> { names.split_whitespace().map(|name| json!({"name": name})).collect() };
    for (target, patch, expected) in [
        ("", "x y", "x y"),
        ("a b", "", "a b"),
        ("a b", "x", "x a b"),
        ("a b", "b", "a b"),
        ("a b c", "b x", "a b x c"),
        ("a b c", "x b", "x a b c"),
        ("a b c", "c a", "b c a"),
        ("a b c", "c x a", "b c x a"),
    ] {
        let list = |names| json!({"spec": {"containers": named(names)}});
        assert_eq!(merged(&list(target), &list(patch)), Ok(list(expected)), "{target} + {patch}");
    }
}

#[test]
fn lists_of_scalars_merge_without_doubles() {
    for (target, patch, expected) in [
        (json!(["a", "b"]), json!({"finalizers": ["b", "c"]}), json!(["a", "b", "c"])),
        (json!(["a", "b"]), json!({"finalizers": ["c"]}), json!(["c", "a", "b"])),
        (json!(["a", "b"]), json!({"$deleteFromPrimitiveList/finalizers": ["a", "z"]}), json!(["b"])),
        (
            json!(["a", "b"]),
            json!({"$setElementOrder/finalizers": ["c", "b"], "finalizers": ["c"]}),
            json!(["c", "a", "b"]),
        ),
    ] {
        let target = json!({"metadata": {"finalizers": target}});
        let result = merged(&target, &json!({"metadata": patch}));
        assert_eq!(result, Ok(json!({"metadata": {"finalizers": expected}})), "{patch}");
    }
}

#[test]
fn directives_are_obeyed() {
    let volumes = |volumes: Json| json!({"volumes": volumes});
    let (a, b) = (json!({"name": "a", "emptyDir": {}}), json!({"name": "b", "emptyDir": {}}));
    specs(&[
        (
            "replace a map",
            json!({"securityContext": {"fsGroup": 1}}),
            json!({"securityContext": {"$patch": "replace", "runAsUser": 2}}),
            json!({"securityContext": {"runAsUser": 2}}),
        ),
        (
            "delete a map",
            json!({"securityContext": {"fsGroup": 1}}),
            json!({"securityContext": {"$patch": "delete"}}),
            json!({"securityContext": {}}),
        ),
        ("delete a map that is not there", json!({}), json!({"securityContext": {"$patch": "delete"}}), json!({})),
        (
            "delete an item",
            volumes(json!([a, b])),
            volumes(json!([{"$patch": "delete", "name": "a"}])),
            volumes(json!([b])),
        ),
        (
            "delete and add",
            volumes(json!([a])),
            volumes(json!([{"$patch": "delete", "name": "a"}, b])),
            volumes(json!([b])),
        ),
        ("replace a list", volumes(json!([a])), volumes(json!([{"$patch": "replace"}, b])), volumes(json!([b]))),
        (
            "directives where nothing stands",
            json!({}),
            volumes(json!([{"$patch": "delete", "name": "a"}, b])),
            volumes(json!([b])),
        ),
        (
            "directives inside a new item",
            json!({"containers": []}),
            json!({"containers": [{
                "name": "a",
                "securityContext": {"$patch": "replace", "runAsUser": 1},
                "resources": {"$patch": "delete"},
                "env": [{"$patch": "delete", "name": "x"}],
            }]}),
            json!({"containers": [{"name": "a", "securityContext": {"runAsUser": 1}, "env": []}]}),
        ),
        (
            "retainKeys",
            volumes(json!([a, b])),
            volumes(json!([{"name": "a", "$retainKeys": ["name", "secret"], "secret": {"secretName": "s"}}])),
            volumes(json!([{"name": "a", "secret": {"secretName": "s"}}, b])),
        ),
        (
            "order alone",
            volumes(json!([a, b])),
            json!({"$setElementOrder/volumes": [{"name": "b"}, {"name": "a"}]}),
            volumes(json!([b, a])),
        ),
        (
            "order of a new list",
            json!({}),
            json!({"$setElementOrder/volumes": [{"name": "a"}, {"name": "b"}], "volumes": [a, b]}),
            volumes(json!([a, b])),
        ),
    ]);
}

#[test]
fn what_is_no_patch_says_where_and_why() {
    for (patch, expected) in [
        (json!([]), "the patch is a list, where a map is wanted"),
        (
            json!({"spec": {"containers": [{"name": "a", "env": [{"value": "x"}]}]}}),
            "spec.containers[a].env[0] has no \"name\", which tells the items of this list apart; give every item its name",
        ),
        (
            json!({"spec": {"containers": [{"name": "a", "ports": [{"name": "http"}]}]}}),
            "spec.containers[a].ports[http] has no \"containerPort\", which tells the items of this list apart; \
             give every item its containerPort",
        ),
        (json!({"spec": {"$patch": "merge"}}), "spec has $patch: merge; a map takes replace and delete"),
        (
            json!({"spec": {"containers": [{"name": "a", "$patch": "merge"}]}}),
            "spec.containers[a] has $patch: merge; an item of a list takes replace and delete",
        ),
        (json!({"spec": {"containers": ["a"]}}), "spec.containers mixes text and a map; a list has items of one kind"),
        (json!({"spec": {"containers": [[]]}}), "spec.containers[0] is a list, where an item is wanted"),
        (
            json!({"spec": {"$retainKeys": ["hostname"], "nodeName": "n"}}),
            "spec.nodeName stands in the patch but not in $retainKeys beside it, so it would be set and removed at once",
        ),
        (
            json!({"spec": {"$setElementOrder/containers": [{"name": "b"}], "containers": [{"name": "a"}]}}),
            "spec.containers and its $setElementOrder disagree: \"a\" is missing there or stands in another order",
        ),
    ] {
        let target = json!({"spec": {"containers": [
            {"name": "a", "env": [{"name": "e", "value": "1"}], "ports": [{"containerPort": 80}]},
        ]}});
        assert_eq!(merged(&target, &patch), Err(expected.to_owned()), "{patch}");
    }
}
