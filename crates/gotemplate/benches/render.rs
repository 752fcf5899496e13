//! How long a template of some size takes to parse and to render.
//! In: a template as deployments have it, with data. Out: the best time of several rounds, in microseconds.
//! Never here: a bound; machines differ.

#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use lateen_gotemplate::{Engine, Record, Template, Value};

/// One part of the template; a real one has some dozens like it.
const PART: &str = r#"
{{- define "part NUMBER" }}
  - name: {{ .Meta.Name | trunc 20 | lower }}-NUMBER
    image: {{ default "registry/app:1" .Meta.Labels.image | quote }}
  {{- with .Settings.resources }}
    resources: {{ toJson . }}
  {{- end }}
{{- end }}
{{- $name := .Meta.Name }}
{{- if and (eq .Settings.mode "full") (not (index .Meta.Labels "skip")) }}
parts-NUMBER:
  {{- template "part NUMBER" . }}
  {{- range $key, $value := .Settings.environment }}
  - name: {{ $key }}
    {{- if kindIs "map" $value }}
    from: {{ $value.secret | default (printf "%s-%s" $name "secret") | quote }}
    {{- else if $value }}
    value: {{ $value | quote }}
    {{- else }}
    value: ""
    {{- end }}
  {{- end }}
  {{- range $i, $port := .Ports }}
  - port: {{ $port }}
    name: {{ index $.Meta.Labels "protocol" | default "http" }}-{{ $i }}
  {{- end }}
{{- else }}
parts-NUMBER: []
{{- end }}
"#;

/// The best of nine rounds.
fn best(runs: u32, mut run: impl FnMut()) -> Duration {
    let rounds = (0..9).map(|_| {
        let start = Instant::now();
        (0..runs).for_each(|_| run());
        start.elapsed() / runs
    });
    rounds.min().unwrap_or_default()
}

fn main() {
    let text: String = (0..30).map(|number| PART.replace("NUMBER", &number.to_string())).collect();
    let meta = Record::new("v1.ObjectMeta").field("Name", "name", "a-service-of-some-length").field(
        "Labels",
        "labels",
        Value::string_map([("app", "shop"), ("protocol", "grpc")]),
    );
    let settings = serde_json::json!({
        "mode": "full",
        "resources": {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "100m"}},
        "environment": {"A": "1", "B": "", "C": {"secret": "s"}, "D": {}, "E": "longer text"},
    });
    let data = Record::new("Data")
        .field("Meta", "meta", Value::object(meta))
        .field("Settings", "settings", Value::from(settings))
        .field("Ports", "ports", Value::list([80_i64, 8080, 9090]));
    let data = Value::object(data);
    let engine = Engine::new().with_sprig();

    let template = Template::parse("bench", &text, &engine).unwrap();
    let written = template.execute(&data).unwrap();
    println!("{} bytes of template, {} lines of output", text.len(), written.lines().count());
    let parse = best(20, || drop(black_box(Template::parse("bench", black_box(&text), &engine).unwrap())));
    let render = best(200, || drop(black_box(template.execute(black_box(&data)).unwrap())));
    let with_lines = best(200, || drop(black_box(template.execute_with_lines(black_box(&data)).unwrap())));
    println!("parse             {:8.1} us", parse.as_secs_f64() * 1e6);
    println!("render            {:8.1} us", render.as_secs_f64() * 1e6);
    println!("render with lines {:8.1} us", with_lines.as_secs_f64() * 1e6);
}
