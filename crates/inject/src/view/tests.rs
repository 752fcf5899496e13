//! Templates over a pod: one row is a template and what Go prints, or how its error ends.

use lateen_gotemplate::{CallError, Engine, Function, Template, Value};
use serde_json::{Value as Json, json};

use super::{namespaced_name, object_meta, pod_spec, type_meta, view};
use crate::pod::Pod;
use crate::schema::pod;

fn sample() -> Json {
    json!({
        "metadata": {
            "name": "web",
            "labels": {"app": "web", "version": "v1"},
            "annotations": {"b": "2", "a": "1"},
            "creationTimestamp": "2024-05-06T07:08:09Z",
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "uid": "u", "controller": true}],
        },
        "spec": {
            "containers": [
                {
                    "name": "app",
                    "image": "app:1",
                    "args": ["-v"],
                    "env": [{"name": "A", "value": "1"}],
                    "ports": [{"containerPort": 8080, "name": "http"}, {"containerPort": 9090}],
                    "resources": {"limits": {"cpu": "100m", "memory": "1Gi"}},
                    "readinessProbe": {"httpGet": {"port": "http", "path": "/"}, "periodSeconds": 3},
                    "livenessProbe": {"tcpSocket": {"port": 8080}},
                    "securityContext": {"runAsUser": 0, "privileged": false},
                    "notInTheSchema": true,
                },
                {"name": "other"},
            ],
            "volumes": [
                {"name": "c", "configMap": {"name": "config", "items": [{"key": "k", "path": "p"}]}},
                {"name": "e", "emptyDir": {}},
            ],
            "hostNetwork": true,
            "shareProcessNamespace": false,
            "runtimeClassName": "fast",
            "terminationGracePeriodSeconds": 30,
        },
    })
}

fn json_of(args: &[Value]) -> Result<Value, CallError> {
    Ok(Json::from(args.first().unwrap_or(&Value::Nil)).to_string().into())
}

fn render(text: &str, pod_json: &Json) -> Result<String, String> {
    let engine = Engine::new().with("json", Function::new(json_of));
    let parts = Pod::from_json(pod_json.clone());
    let data = Value::map([
        ("Pod", view(pod_json.clone(), pod())),
        ("Meta", object_meta(&parts)),
        ("Spec", pod_spec(&parts)),
        ("Type", type_meta("apps/v1", "Deployment")),
        ("Owner", namespaced_name("shop", "web")),
    ]);
    let template = Template::parse("t", text, &engine).map_err(|err| err.to_string())?;
    template.execute(&data).map_err(|err| err.message.to_string())
}

#[track_caller]
fn rows(rows: &[(&str, &str)]) {
    let pod = sample();
    for (text, expected) in rows {
        assert_eq!(render(text, &pod), Ok((*expected).to_owned()), "{text}");
    }
}

#[test]
fn fields_have_the_names_and_types_of_go() {
    rows(&[
        ("{{ .Meta.Name }} {{ .Meta.Namespace | printf \"%q\" }}", "web \"\""),
        (
            "{{ .Pod.ObjectMeta.Name }} {{ .Pod.Name }} {{ .Pod.GetName }} {{ .Meta.GetLabels }}",
            "web web web map[app:web version:v1]",
        ),
        ("{{ index .Meta.Labels \"app\" }}|{{ index .Meta.Labels \"none\" }}|", "web||"),
        ("{{ .Meta.Labels.app }}", "web"),
        ("{{ .Type.APIVersion }} {{ .Type.Kind }} {{ .Owner.Name }} {{ .Owner }}", "apps/v1 Deployment web shop/web"),
        ("{{ range $k, $v := .Meta.Annotations }}{{ $k }}={{ $v }} {{ end }}", "a=1 b=2 "),
        ("{{ range .Spec.Containers }}{{ .Name }}:{{ len .Ports }} {{ end }}", "app:2 other:0 "),
        ("{{ (index .Spec.Containers 0).Image }}", "app:1"),
        (
            "{{ with index .Spec.Containers 0 }}{{ range .Ports }}{{ .ContainerPort }}{{ .Name }} {{ end }}{{ end }}",
            "8080http 9090 ",
        ),
        ("{{ (index .Spec.Containers 0).Args }} {{ (index .Spec.Containers 0).Command }}", "[-v] []"),
        (
            "{{ (index .Spec.Volumes 0).ConfigMap.Name }} {{ (index .Spec.Volumes 0).VolumeSource.ConfigMap.LocalObjectReference.Name }}",
            "config config",
        ),
        (
            "{{ if (index .Spec.Volumes 1).EmptyDir }}yes{{ end }}{{ if (index .Spec.Volumes 0).EmptyDir }}no{{ end }}",
            "yes",
        ),
        (
            "{{ (index .Spec.Containers 0).Resources.Limits.cpu }} {{ (index .Spec.Containers 0).Resources.Limits.memory.String }}",
            "100m 1Gi",
        ),
        (
            "{{ (index .Spec.Containers 0).ReadinessProbe.HTTPGet.Port }} {{ (index .Spec.Containers 0).LivenessProbe.ProbeHandler.TCPSocket.Port.IntVal }}",
            "http 8080",
        ),
        ("{{ .Meta.CreationTimestamp }} {{ .Meta.DeletionTimestamp }}", "2024-05-06 07:08:09 +0000 UTC <nil>"),
        ("{{ (index .Meta.OwnerReferences 0).Controller }}", "true"),
        (
            "{{ printf \"%T %T %T %T\" .Meta .Spec.Containers .Spec.SecurityContext .Spec.HostUsers }}",
            "v1.ObjectMeta []v1.Container *v1.PodSecurityContext *bool",
        ),
    ]);
}

#[test]
fn what_is_absent_is_the_zero_value() {
    rows(&[
        ("{{ .Spec.NodeName }}|{{ .Spec.HostPID }}|{{ .Spec.HostNetwork }}", "|false|true"),
        ("{{ .Spec.InitContainers }} {{ len .Spec.InitContainers }} {{ .Spec.NodeSelector }}", "[] 0 map[]"),
        ("{{ index .Spec.NodeSelector \"x\" }}|", "|"),
        ("{{ .Spec.NodeSelector.x }}", "<no value>"),
        ("{{ .Spec.SecurityContext }} {{ if .Spec.SecurityContext }}set{{ else }}nil{{ end }}", "<nil> nil"),
        (
            "{{ .Spec.Priority }} {{ .Spec.TerminationGracePeriodSeconds }} {{ .Spec.RuntimeClassName }}",
            "<nil> 30 fast",
        ),
        ("{{ if eq .Spec.SecurityContext nil }}nil{{ end }}", "nil"),
        // A pointer to false is not nil, hence true.
        ("{{ if .Spec.ShareProcessNamespace }}set{{ end }} {{ .Spec.ShareProcessNamespace }}", "set false"),
        ("{{ if (index .Spec.Containers 0).SecurityContext.RunAsUser }}set{{ end }}", "set"),
        ("{{ if .Meta }}a struct is true{{ end }}", "a struct is true"),
        ("{{ (index .Spec.Containers 1).Resources.Limits }}", "map[]"),
    ]);
    let empty =
        render("{{ .Meta.Name }}{{ .Meta.Labels }}{{ len .Spec.Containers }}{{ .Pod.Spec.NodeName }}", &json!({}));
    assert_eq!(empty, Ok("map[]0".to_owned()));
}

#[test]
fn structs_print_and_encode_as_gos() {
    rows(&[
        ("{{ index (index .Spec.Containers 0).Ports 0 }}", "{http 0 8080  }"),
        ("{{ printf \"%+v\" (index (index .Spec.Containers 0).Env 0) }}", "{Name:A Value:1 ValueFrom:<nil>}"),
        ("{{ (index .Spec.Volumes 0).ConfigMap }}", "{{config} [{k p <nil> <nil>}] <nil> <nil> <nil>}"),
        (
            "{{ index .Spec.Containers 1 }}",
            "{other  [] []  [] [] [] {map[] map[] []} [] <nil> [] [] [] <nil> <nil> <nil> <nil>    <nil> false false false}",
        ),
        ("{{ json (index .Spec.Containers 1) }}", r#"{"name":"other","resources":{}}"#),
        (
            "{{ json (index .Spec.Containers 0).Ports }}",
            r#"[{"name":"http","containerPort":8080},{"containerPort":9090}]"#,
        ),
        ("{{ json (index .Spec.Containers 0).SecurityContext }}", r#"{"privileged":false,"runAsUser":0}"#),
        ("{{ json .Meta.Annotations }} {{ json .Spec.SecurityContext }}", r#"{"a":"1","b":"2"} null"#),
        (
            "{{ json (index .Spec.Volumes 0) }}",
            r#"{"name":"c","configMap":{"name":"config","items":[{"key":"k","path":"p"}]}}"#,
        ),
        (
            "{{ json (index .Spec.Containers 0).ReadinessProbe }}",
            r#"{"httpGet":{"path":"/","port":"http"},"periodSeconds":3}"#,
        ),
    ]);
    let empty = render("{{ json .Spec }} {{ json .Meta }}", &json!({}));
    assert_eq!(empty, Ok(r#"{"containers":null} {}"#.to_owned()));
}

#[test]
fn what_does_not_exist_is_an_error_as_in_go() {
    let pod = sample();
    for (text, expected) in [
        ("{{ (index .Spec.Containers 0).Imge }}", "can't evaluate field Imge in type v1.Container"),
        ("{{ (index .Spec.Containers 0).NotInTheSchema }}", "can't evaluate field NotInTheSchema in type v1.Container"),
        ("{{ .Pod.ObjectMeta.name }}", "can't evaluate field name in type v1.ObjectMeta"),
        ("{{ .Spec.SecurityContext.RunAsUser }}", "nil pointer evaluating *v1.PodSecurityContext.RunAsUser"),
        ("{{ .Pod.Spec.Containers.Name }}", "can't evaluate field Name in type []v1.Container"),
        ("{{ .Spec.RuntimeClassName.Foo }}", "can't evaluate field Foo in type *string"),
        ("{{ len .Spec }}", "error calling len: len of type v1.PodSpec"),
        ("{{ index .Spec.Containers 7 }}", "error calling index: index out of range: 7"),
        (
            "{{ eq .Spec.RuntimeClassName \"fast\" }}",
            "error calling eq: incompatible types for comparison: *string and string",
        ),
    ] {
        assert_eq!(render(text, &pod), Err(expected.to_owned()), "{text}");
    }
}
