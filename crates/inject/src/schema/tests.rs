//! The table against facts of Kubernetes' API.

use super::{Kind, Line, Member, Table, of, pod};

#[test]
fn every_line_of_the_table_is_read() {
    let text = include_str!("pod.txt");
    let Table { names, .. } = Table::parse(text);
    for line in text.lines().filter(|line| line.starts_with(' ')) {
        assert!(Line::parse(line, &names).is_some(), "{line}");
    }
}

#[test]
fn every_merged_list_of_messages_has_a_key_that_its_items_have() {
    for name in include_str!("pod.txt").lines().filter(|line| !line.starts_with(' ')) {
        for field in of(name).unwrap().fields() {
            let (true, Kind::List(elem)) = (field.strategy.merge, &field.kind) else { continue };
            if let Some(item) = elem.message() {
                assert!(item.field_by_json(field.strategy.key.unwrap()).is_some(), "{name}.{}", field.go);
            }
        }
    }
}

#[test]
fn inline_structs_lend_their_fields() {
    let volume = of("Volume").unwrap();
    assert_eq!(volume.field_by_json("configMap").unwrap().go, "ConfigMap");
    assert_eq!(volume.field_by_go("ConfigMap").unwrap().json, "configMap");
    assert_eq!(volume.members(), [Member::Field(0), Member::Embedded(0)]);
    let source = volume.field_by_go("ConfigMap").unwrap().kind.message().unwrap();
    assert_eq!(source.fields()[0].json, "name");
    let ephemeral = of("EphemeralContainer").unwrap().fields();
    assert_eq!((ephemeral[0].json, ephemeral.last().unwrap().json), ("name", "targetContainerName"));
}

#[test]
fn a_pod_reaches_all_of_its_parts() {
    let metadata = pod().field_by_json("metadata").unwrap();
    assert_eq!((metadata.go, metadata.kind.go_name().as_str()), ("ObjectMeta", "v1.ObjectMeta"));
    let spec = pod().field_by_json("spec").unwrap().kind.message().unwrap();
    let containers = spec.field_by_json("containers").unwrap();
    assert_eq!((containers.kind.go_name().as_str(), containers.strategy.key), ("[]v1.Container", Some("name")));
    for (ty, field, go) in [
        ("Container", "restartPolicyRules", "[]v1.ContainerRestartRule"),
        ("PodSpec", "hostUsers", "bool"),
        ("PodSpec", "os", "v1.PodOS"),
        ("VolumeProjection", "clusterTrustBundle", "v1.ClusterTrustBundleProjection"),
        ("ResourceRequirements", "limits", "map[string]resource.Quantity"),
        ("HTTPGetAction", "port", "intstr.IntOrString"),
        ("Probe", "grpc", "v1.GRPCAction"),
    ] {
        assert_eq!(of(ty).unwrap().field_by_json(field).unwrap().kind.go_name(), go, "{ty}.{field}");
    }
}
