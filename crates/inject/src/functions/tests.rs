//! What the functions answer, as Go's do.

use std::collections::BTreeMap;
use std::sync::Arc;

use lateen_gotemplate::{Elem, IntKind, List, Map, Record, Template, Value};

use super::engine;

fn container(name: &str, image: &str, ports: &[(i32, &str)]) -> Value {
    let port = |(number, protocol): &(i32, &str)| {
        let port = Record::new("v1.ContainerPort");
        Value::object(port.field("ContainerPort", "containerPort", *number).field("Protocol", "protocol", *protocol))
    };
    let ports = List::new(Elem::Named("v1.ContainerPort".into()), ports.iter().map(port).collect());
    let container = Record::new("v1.Container").field("Name", "name", name).field("Image", "image", image);
    Value::object(container.field("Ports", "ports", ports))
}

fn containers(items: Vec<Value>) -> Value {
    Value::List(List::new(Elem::Named("v1.Container".into()), items))
}

fn duration(seconds: i64, nanos: i32) -> Value {
    let duration = Record::new("*durationpb.Duration");
    let duration = duration.field("Seconds", "seconds", Value::Int(seconds, IntKind::Int64));
    Value::object(duration.field("Nanos", "nanos", Value::Int(nanos.into(), IntKind::Int32)))
}

fn mesh(enrichment: &str) -> Value {
    let otel = Value::map([("serviceAttributeEnrichment", enrichment)]);
    let providers = Value::list([Value::map([("name", Value::from("zipkin"))]), Value::map([("opentelemetry", otel)])]);
    Value::object(Record::new("*v1alpha1.MeshConfig").field("ExtensionProviders", "extensionProviders", providers))
}

fn data() -> Value {
    let annotations =
        Value::string_map([("a", "1"), ("empty", ""), ("json", "<&>\""), ("own", "example.org/annotated:3")]);
    let meta =
        Record::new("v1.ObjectMeta").field("Name", "name", "web").field("Annotations", "annotations", annotations);
    let app =
        container("app", "registry:5000/app:1.21@sha256:ab", &[(80, "TCP"), (53, "UDP"), (9000, ""), (7, "SCTP")]);
    let proxy = container("istio-proxy", "proxyv2", &[(15090, "TCP")]);
    let nested = serde_json::json!({"a": null, "b": {"c": null}, "d": [null, 1, {}], "e": [], "f": [null], "g": {}});
    let struct_ = Record::new("v1.Probe").field("Zeta", "zeta", 1_i64).field("Alpha", "alpha", "<b>");
    Value::map([
        ("meta", Value::object(meta)),
        (
            "bare",
            Value::object(Record::new("v1.ObjectMeta").field("Annotations", "annotations", Map::nil(Elem::String))),
        ),
        ("map", Value::string_map([("b", "2"), ("a", "1"), ("c", "3")])),
        ("nilmap", Map::nil(Elem::String).into()),
        ("nilptr", Value::object(Record::nil("*v1alpha1.ProxyConfig"))),
        ("app", containers(vec![app.clone()])),
        ("both", containers(vec![app, proxy])),
        ("none", containers(vec![])),
        ("t0", Value::object(Record::nil("*durationpb.Duration"))),
        ("t1", duration(23, 0)),
        ("t2", duration(3_690, 500_000_000)),
        ("t3", duration(0, 1_500_000)),
        ("t4", duration(0, 42)),
        ("t5", duration(-1, -500_000_000)),
        ("t6", duration(0, 1_001)),
        ("t7", duration(60, 0)),
        ("t8", duration(i64::MAX, 0)),
        ("nested", nested.into()),
        ("whole", serde_json::json!({"x": [1, {"y": 2.5}]}).into()),
        ("nils", serde_json::json!({"x": {"y": [null]}}).into()),
        ("struct", Value::object(struct_)),
        ("mesh", mesh("OTEL_SEMANTIC_CONVENTIONS")),
        ("plainmesh", mesh("ISTIO_CANONICAL")),
    ])
}

fn run(text: &str) -> String {
    let environment = BTreeMap::from([("SET".to_owned(), "x".to_owned()), ("EMPTY".to_owned(), String::new())]);
    let template = match Template::parse("t", text, &engine(Arc::new(environment))) {
        Ok(template) => template,
        Err(err) => return format!("parse: {err}"),
    };
    template.execute(&data()).unwrap_or_else(|err| format!("error: {}", err.message))
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(template, expected)| {
            let got = run(template);
            (got != *expected).then(|| format!("{template}\n     got {got:?}\nexpected {expected:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_of_istio_and_the_names_that_win_over_sprig() {
    let engine = engine(Arc::default());
    let names = engine.function_names();
    let istio = "formatDuration isset excludeInboundPort includeInboundPorts kubevirtInterfaces excludeInterfaces \
        applicationPorts annotation valueOrDefault toJSON fromJSON structToJSON protoToJSON toYaml indent directory \
        contains toLower appendMultusNetwork env omit strdict toJsonMap mergeMaps omitNil otelResourceAttributes \
        render nindent quote default";
    let missing: Vec<&str> = istio.split_whitespace().filter(|name| !names.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // Sprig's `indent` indents the first line, its `contains` takes the needle first, its `omit` a map of anything.
    check(&[
        (r#"{{ indent 2 "a\nb" }}"#, "a\n  b"),
        (r#"{{ contains "b" "abc" }} {{ contains "abc" "b" }} {{ contains "" "" }}"#, "true false true"),
        (r#"{{ .map | omit }}"#, "map[a:1 b:2 c:3]"),
        (r#"{{ nindent 2 "a" }}"#, "\n  a"),
    ]);
}

#[test]
fn durations() {
    check(&[
        ("{{ formatDuration .t0 }}", "0s"),
        ("{{ formatDuration nil }}", "0s"),
        ("{{ formatDuration .t1 }}", "23s"),
        ("{{ formatDuration .t2 }}", "1h1m30.5s"),
        ("{{ formatDuration .t3 }}", "1.5ms"),
        ("{{ formatDuration .t4 }}", "42ns"),
        ("{{ formatDuration .t5 }}", "-1.5s"),
        ("{{ formatDuration .t6 }}", "1.001µs"),
        ("{{ formatDuration .t7 }}", "1m0s"),
        ("{{ formatDuration .t8 }}", "2562047h47m16.854775807s"),
        (
            r#"{{ formatDuration "1s" }}"#,
            "error: error calling formatDuration: wrong type for value; expected *durationpb.Duration; got string",
        ),
    ]);
    let of_json = |text: &str| super::texts::format_duration(&[Value::object(Text(text.to_owned()))]);
    let printed = |text| of_json(text).unwrap().as_str().map(str::to_owned);
    assert_eq!(printed("1.500s").as_deref(), Some("1.5s"));
    assert_eq!(printed("-0.000000001s").as_deref(), Some("-1ns"));
    assert_eq!(printed("45s").as_deref(), Some("45s"));
    assert!(of_json("soon").is_err());
}

/// A message whose JSON is a text.
#[derive(Debug)]
struct Text(String);

impl lateen_gotemplate::Object for Text {
    fn type_name(&self) -> String {
        "*durationpb.Duration".to_owned()
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn to_json(&self) -> serde_json::Value {
        self.0.clone().into()
    }
}

#[test]
fn presence_and_defaults() {
    check(&[
        (r#"{{ isset .meta.Annotations "a" }} {{ isset .meta.Annotations "empty" }}"#, "true true"),
        (r#"{{ isset .meta.Annotations "x" }} {{ isset .nilmap "a" }} {{ isset nil "a" }}"#, "false false false"),
        (r#"{{ isset .none "a" }}"#, "error: wrong type for value; expected map[string]string; got []v1.Container"),
        (r#"{{ valueOrDefault nil "d" }}{{ valueOrDefault "" "d" }}{{ valueOrDefault .missing "d" }}"#, "ddd"),
        (r#"{{ valueOrDefault 0 1 }} {{ valueOrDefault false true }} {{ valueOrDefault .none "d" }}"#, "0 false []"),
        (r#"{{ valueOrDefault .nilmap "d" }} {{ valueOrDefault " " "d" }}"#, "map[]  "),
        (
            r#"{{ annotation .meta "a" "d" }} [{{ annotation .meta "empty" "d" }}] {{ annotation .meta "x" "d" }}"#,
            "1 [] d",
        ),
        (
            r#"{{ annotation .meta "x" nil }} {{ annotation .meta "x" 8080 }} {{ annotation .meta "x" true }}"#,
            "<nil> 8080 true",
        ),
        (r#"{{ annotation .meta "x" .missing }} {{ annotation .bare "x" "d" }}"#, "<nil> d"),
        (
            r#"{{ annotation .map "x" "d" }}"#,
            "error: error calling annotation: wrong type for value; expected v1.ObjectMeta; got map[string]string",
        ),
        (r#"{{ env "SET" "d" }} {{ env "EMPTY" "d" }} {{ env "ABSENT" "d" }}"#, "x d d"),
    ]);
}

#[test]
fn maps() {
    check(&[
        (r#"{{ omit .map "a" "c" "x" }} {{ omit .nilmap "a" }} {{ omit nil "a" | toJSON }}"#, "map[b:2] map[] {}"),
        (r#"{{ strdict "a" "1" "b" }} {{ strdict }} {{ strdict "a" "1" "a" "2" }}"#, "map[a:1 b:] map[] map[a:2]"),
        (r#"{{ strdict "a" 1 }}"#, "error: expected string; found 1"),
        (r#"{{ mergeMaps .map (strdict "a" "9" "d" "4") nil .nilmap }}"#, "map[a:9 b:2 c:3 d:4]"),
        (r#"{{ mergeMaps }} {{ toJSON (mergeMaps) }} {{ toJsonMap }} {{ toJsonMap nil }}"#, "map[] {} null {}"),
        (r#"{{ toJsonMap .map (strdict "a" "<") }}"#, r#"{"a":"\u003c","b":"2","c":"3"}"#),
        (
            r#"{{ toJsonMap (dict "a" "b") }}"#,
            "error: wrong type for value; expected map[string]string; got map[string]interface {}",
        ),
    ]);
}

#[test]
fn nil_goes_everywhere() {
    check(&[
        ("{{ omitNil .nested | toJson }}", r#"{"d":[1,{}],"e":[],"g":{}}"#),
        ("{{ omitNil .whole | toJson }}", r#"{"x":[1,{"y":2.5}]}"#),
        ("{{ omitNil .nils | toJson }} {{ omitNil nil | toJson }}", "null null"),
        (r#"{{ omitNil "x" }} {{ omitNil .map }} {{ omitNil .nilmap }}"#, "x map[a:1 b:2 c:3] map[]"),
        // What has no nil inside is passed on, and shared as in Go.
        (r#"{{ $m := omitNil .whole }}{{ $_ := set $m "z" 1 }}{{ .whole | toJson }}"#, r#"{"x":[1,{"y":2.5}],"z":1}"#),
    ]);
}

#[test]
fn values_that_nest_without_end_are_refused() {
    let deep = |step: &str, end: &str| {
        let loops = "{{ range until 300 }}";
        run(&format!("{{{{ $x := list nil }}}}{loops}{step}{{{{ end }}}}{end}"))
    };
    assert_eq!(deep("{{ $x = list $x }}", "{{ omitNil $x }}"), "error: error calling omitNil: value nests too deep");
    assert_eq!(deep("{{ $x = list $x }}", "[{{ toYaml $x }}]"), "[]");
    let wide = "{{ $x := list nil }}{{ range until 40 }}{{ $x = list $x $x }}{{ end }}";
    assert_eq!(run(&format!("{wide}{{{{ omitNil $x }}}}")), "error: error calling omitNil: value has too many parts");
    assert_eq!(run(&format!("{wide}[{{{{ toYaml $x }}}}]")), "[]");
    assert!(run(r#"{{ indent 9999999 "a\nb\nc\nd" }}"#).contains("exceeds 16777216 bytes"));
}

#[test]
fn json_and_yaml() {
    check(&[
        ("{{ toJSON .map }} {{ toJSON .nilmap }} {{ toJSON nil }}", r#"{"a":"1","b":"2","c":"3"} {} {}"#),
        (
            "{{ toJSON .meta.Annotations }}",
            r#"{"a":"1","empty":"","json":"\u003c\u0026\u003e\"","own":"example.org/annotated:3"}"#,
        ),
        (r#"{{ (fromJSON "{\"a\":[1,2.5,null]}").a }} {{ fromJSON "{" }} {{ fromJSON "" }}"#, "[1 2.5 <nil>] {} {}"),
        (r#"{{ fromJSON "null" }} {{ len (fromJSON "[1]") }}"#, "<no value> 1"),
        ("{{ structToJSON nil }} {{ structToJSON .nilmap }} {{ structToJSON .nilptr }}", "{} null null"),
        (
            "{{ structToJSON .struct }} {{ structToJSON .none }} {{ structToJSON 1.0 }}",
            r#"{"zeta":1,"alpha":"\u003cb\u003e"} [] 1"#,
        ),
        ("{{ protoToJSON nil }} {{ protoToJSON .nilptr }}", "{} {}"),
        (
            "{{ protoToJSON .map }}",
            "error: error calling protoToJSON: wrong type for value; expected protoreflect.ProtoMessage; got map[string]string",
        ),
        ("{{ toYaml .whole }}", "x:\n- 1\n- \"y\": 2.5\n"),
        (
            "{{ toYaml .struct }}{{ toYaml nil }}{{ toYaml .none }}{{ toYaml .nilmap }}",
            "alpha: <b>\nzeta: 1\nnull\n[]\nnull\n",
        ),
        (r#"{{ toYaml "yes" }}{{ toYaml .map | indent 2 }}"#, "\"yes\"\na: \"1\"\n  b: \"2\"\n  c: \"3\"\n  "),
    ]);
}

#[test]
fn texts() {
    check(&[
        (
            r#"[{{ indent 0 "a\n\nb\n" }}] [{{ indent 2 "" }}] [{{ indent 1 "a\n\n b\n" }}]"#,
            "[a\n\nb\n] [] [a\n \n  b\n ]",
        ),
        (r#"{{ indent -2 "a\nb" }}"#, "a\n  b"),
        (
            r#"{{ directory "/a/b/c.json" }} [{{ directory "c" }}] {{ directory "a/" }} {{ directory "/" }}"#,
            "/a/b/ [] a/ /",
        ),
        (r#"{{ toLower "ÄBC" }} {{ toLower "ΑΣ" }} {{ toLower "İ" }}"#, "äbc ασ i"),
        (r#"{{ kubevirtInterfaces "a,b" }} {{ excludeInterfaces "" }}."#, "a,b ."),
        (r#"{{ kubevirtInterfaces nil }}"#, "error: cannot assign nil to string"),
        ("{{ render \"x\" }}", "error: error calling render: `render` has no data to run a template over here"),
    ]);
}

#[test]
fn ports() {
    check(&[
        (r#"{{ excludeInboundPort 15021 "" }} {{ excludeInboundPort "15021" "80, 90," }}"#, "15021 80,90,15021"),
        (
            r#"[{{ excludeInboundPort 0 "80" }}] [{{ excludeInboundPort "" " 80" }}] [{{ excludeInboundPort " 0 " "" }}]"#,
            "[80] [ 80] []",
        ),
        (
            r#"{{ excludeInboundPort 80 "80,90" }} {{ excludeInboundPort 80 " 80" }} {{ excludeInboundPort nil "" }}"#,
            "80,90 80,80 <nil>",
        ),
        (r#"{{ excludeInboundPort 15020.0 "" }} {{ excludeInboundPort "*" "80" }}"#, "15020 80,*"),
        (
            "{{ includeInboundPorts .both }} [{{ includeInboundPorts .none }}] [{{ includeInboundPorts nil }}]",
            "80,9000,15090 [] []",
        ),
        ("{{ applicationPorts .both }}", "80,9000"),
        (
            r#"{{ applicationPorts "x" }}"#,
            "error: error calling applicationPorts: wrong type for value; expected []v1.Container; got string",
        ),
    ]);
}

#[test]
fn networks() {
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let cases = [
        ("", "istio-cni", "istio-cni"),
        ("", "ns/istio-cni", "ns/istio-cni"),
        ("flannel", "istio-cni", "flannel, istio-cni"),
        ("flannel, istio-cni", "istio-cni", "flannel, istio-cni"),
        ("flannel,ns/istio-cni", "ns/istio-cni", "flannel,ns/istio-cni"),
        (r#"[{"name": "a"}]"#, "istio-cni", r#"[{"name": "a"}, {"name": "istio-cni"}]"#),
        (r#"[{"name": "a"}] "#, "ns/istio-cni", r#"[{"name": "a"}, {"name": "istio-cni", "namespace": "ns"}] "#),
        (r#"[{"name": "istio-cni"}]"#, "istio-cni", r#"[{"name": "istio-cni"}]"#),
        (r#"[{"name": "c", "namespace": "ns"}]"#, "ns/c", r#"[{"name": "c", "namespace": "ns"}]"#),
        (
            r#"[{"name": "c", "namespace": "x"}]"#,
            "ns/c",
            r#"[{"name": "c", "namespace": "x"}, {"name": "c", "namespace": "ns"}]"#,
        ),
        (r#"[{"name": "c", "namespace": null}]"#, "c", r#"[{"name": "c", "namespace": null}]"#),
        ("[broken]", "istio-cni", "[broken]"),
        (r#"{"a": []}"#, "istio-cni", r#"{"a": []}"#),
        (r#"["a"]"#, "istio-cni", r#"["a"]"#),
    ];
    for (existing, network, expected) in cases {
        let template = format!("{{{{ appendMultusNetwork {} {} }}}}", quoted(existing), quoted(network));
        assert_eq!(run(&template), expected, "{existing} with {network}");
    }
}

#[test]
fn opentelemetry() {
    let a = "resource.opentelemetry.io/service.";
    check(&[
        (
            r#"[{{ otelResourceAttributes .plainmesh nil nil "ns" .app }}{{ otelResourceAttributes nil nil nil "ns" .app }}]"#,
            "[]",
        ),
        (
            r#"{{ otelResourceAttributes .mesh nil nil "ns" .app }}"#,
            "service.namespace=ns,service.version=1.21@sha256:ab,service.instance.id=ns.$(POD_NAME).app",
        ),
        (
            r#"{{ otelResourceAttributes .mesh nil (strdict "app.kubernetes.io/version" "v2") "" .both }}"#,
            "service.version=v2,service.instance.id=.$(POD_NAME).app",
        ),
        (r#"{{ otelResourceAttributes .mesh nil nil "" .none }}"#, ""),
        (
            &format!(
                r#"{{{{ otelResourceAttributes .mesh (strdict "{a}namespace" "n" "{a}version" "v" "{a}instance.id" "i") nil "ns" .none }}}}"#
            ),
            "service.namespace=n,service.version=v,service.instance.id=i",
        ),
    ]);
    for (image, version) in [
        ("nginx:1.21", Some("1.21")),
        ("nginx@sha256:ab", Some("sha256:ab")),
        ("registry:5000/nginx", None),
        ("registry:5000/nginx:1", Some("1")),
        ("nginx", None),
        ("nginx:", None),
    ] {
        assert_eq!(super::otel::image_version(image).as_deref(), version, "{image}");
    }
}

#[test]
fn an_image_with_a_slash_is_taken_as_it_is() {
    let template = |annotation: &str, of_values: &str| {
        let image = format!("annotation .meta {annotation} {of_values}");
        format!(r#"{{{{ if contains "/" ({image}) }}}}{{{{ {image} }}}}{{{{ else }}}}hub/proxyv2:1{{{{ end }}}}"#)
    };
    check(&[
        (&template("`image`", "`proxyv2`"), "hub/proxyv2:1"),
        (&template("`image`", "`example.org/own:2`"), "example.org/own:2"),
        (&template("`own`", "`proxyv2`"), "example.org/annotated:3"),
        (&template("`a`", "`example.org/own:2`"), "hub/proxyv2:1"),
        (&template("`image`", "`own/proxy`"), "own/proxy"),
    ]);
}
