//! Any text as a template, over rich data, with tight limits.
//! In: bytes. Out: nothing, unless a promise is broken.
//! Never here: whether the answer is Go's.

#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use lateen_gotemplate::{Engine, Function, Limits, MissingKey, Options, Template, Value};
use libfuzzer_sys::fuzz_target;
use nix::time::{ClockId, clock_gettime};
use serde_json::Value as Json;

#[path = "../../tests/recorded/data.rs"]
mod data;

const LIMITS: Limits = Limits { output_size: 50_000, value_size: 50_000, steps: 100_000, depth: 50, nesting: 40 };

static DATA: LazyLock<Json> =
    LazyLock::new(|| include_str!("../../tests/differential/data.json").parse().expect("the data is JSON"));

static ENGINES: LazyLock<[Engine; 3]> = LazyLock::new(|| {
    [MissingKey::Invalid, MissingKey::Zero, MissingKey::Error].map(|missing_key| {
        let options = Options { missing_key, limits: LIMITS, now_unix_seconds: Some(1_700_000_000) };
        Engine::new().with_sprig().with_function("render", |_| Ok(Value::Nil)).with_options(options)
    })
});

/// Time on the processor, so that a busy machine is no finding.
fn worked() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("Linux has this clock").into()
}

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let engine = &ENGINES[bytes.len() % 3];
    let start = worked();
    let Ok(template) = Template::parse("fuzzed", &text, engine) else { return };
    let template = template.rebind("render", Function::new(|args| Ok(Value::list(args.iter().cloned()))));
    // Templates may change maps, so each execution has its own.
    let plain = template.execute(&data::decode(&DATA));
    let with_lines = template.execute_with_lines(&data::decode(&DATA));
    let took = worked() - start;
    assert!(took < Duration::from_secs(1), "took {took:?}");
    match (plain, with_lines) {
        (Ok(plain), Ok(rendered)) => {
            assert!(plain.len() <= LIMITS.output_size, "{} bytes of output", plain.len());
            assert_eq!(plain, rendered.text);
            let lines = text.matches('\n').count() + 1;
            let written = rendered.text.matches('\n').count() + 1;
            for line in [1, 2, written / 2, written - 1].into_iter().filter(|line| (1..written).contains(line)) {
                let origin = rendered.origin(line);
                assert!(origin.is_some_and(|(name, at)| name == "fuzzed" && (1..=lines).contains(&at)), "{origin:?}");
            }
        }
        (Err(plain), Err(with_lines)) => {
            assert_eq!(plain, with_lines);
            assert!(!plain.to_string().is_empty());
        }
        (plain, with_lines) => panic!("{plain:?} without lines and {with_lines:?} with them"),
    }
});
