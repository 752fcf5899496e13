//! Templates that users have: they parse, and every function and field that they name is known.
//! In: the seeds beside the checkout, if they are there. Out: parsed templates.
//! Never here: the meaning of what they render.

use std::fs;
use std::path::Path;

use lateen_gotemplate::{Engine, Template, Value};

/// Names of the functions that these templates get from their host.
const HOST_FUNCTIONS: [&str; 18] = [
    "annotation",
    "isset",
    "valueOrDefault",
    "toYaml",
    "toJSON",
    "fromJSON",
    "structToJSON",
    "protoToJSON",
    "toLower",
    "excludeInboundPort",
    "includeInboundPorts",
    "applicationPorts",
    "directory",
    "contains",
    "indent",
    "env",
    "omit",
    "render",
];

fn engine() -> Engine {
    HOST_FUNCTIONS.iter().fold(Engine::new().with_sprig(), |engine, name| {
        engine.with_function(name, |args| Ok(args.last().cloned().unwrap_or_default()))
    })
}

fn seed(path: &str) -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/seeds");
    fs::read_to_string(folder.join(path)).ok()
}

/// The block scalar under `template:`, without its indentation.
fn template_of(config: &str) -> String {
    let body = config.lines().skip_while(|line| *line != "template: |").skip(1);
    let body = body.take_while(|line| line.is_empty() || line.starts_with(' '));
    body.map(|line| line.get(2..).unwrap_or_default().to_owned() + "\n").collect()
}

#[test]
fn the_seeds_templates_parse() {
    let texts = [
        ("gateway", seed("gateway-injection/gateway-injection-template.txt")),
        ("sidecar", seed("injection-1.7.3/inject-config.yaml").map(|config| template_of(&config))),
    ];
    for (name, text) in texts {
        let Some(text) = text else {
            eprintln!("no seeds beside the checkout: {name} is not tested");
            continue;
        };
        assert!(text.len() > 1000, "{name}: only {} bytes", text.len());
        let template = Template::parse(name, &text, &engine()).unwrap_or_else(|err| panic!("{err}"));
        // The stubs answer anything, so only errors of evaluation may come.
        if let Err(err) = template.execute(&Value::map([("Spec", Value::map([("Containers", Value::Nil)]))])) {
            eprintln!("{err}");
        }
    }
}
