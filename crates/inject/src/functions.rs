//! Istio's functions of injection templates, over Go's own and Sprig's.
//! In: the arguments of a template. Out: what Istio's functions answer, empty and nil cases included.
//! Never here: the environment; `env` reads what the host hands over.

use std::collections::BTreeMap;
use std::sync::Arc;

use lateen_gotemplate::{CallError, Engine, Function, Signature, Type, Value};

mod dicts;
mod encode;
mod otel;
mod pods;
mod texts;

type Answer = Result<Value, CallError>;
type Body = fn(&[Value]) -> Answer;

/// The largest text that one of these functions makes, in bytes.
const LARGEST_TEXT: usize = 16 << 20;

/// All functions of injection templates; `environment` is what `env` reads.
///
/// `render` of Istio 1.7 is there and fails until it is bound, for it runs over the data of an execution.
pub(crate) fn engine(environment: Arc<BTreeMap<String, String>>) -> Engine {
    use Type::{Any, Int, String as Str, StringMap};
    let fixed = |types: &[Type]| Signature::fixed(types);
    let rows: [(&str, Signature, Body); 26] = [
        ("formatDuration", fixed(&[Any]), texts::format_duration),
        ("isset", fixed(&[StringMap, Str]), dicts::isset),
        ("excludeInboundPort", fixed(&[Any, Str]), pods::exclude_inbound_port),
        ("includeInboundPorts", fixed(&[Any]), pods::include_inbound_ports),
        ("kubevirtInterfaces", fixed(&[Str]), |args| Ok(text(args, 0).into())),
        ("excludeInterfaces", fixed(&[Str]), |args| Ok(text(args, 0).into())),
        ("applicationPorts", fixed(&[Any]), pods::application_ports),
        ("annotation", fixed(&[Any, Str, Any]), pods::annotation),
        ("valueOrDefault", fixed(&[Any, Any]), dicts::value_or_default),
        ("toJSON", fixed(&[StringMap]), encode::to_json),
        ("fromJSON", fixed(&[Str]), encode::from_json),
        ("structToJSON", fixed(&[Any]), encode::struct_to_json),
        ("protoToJSON", fixed(&[Any]), encode::proto_to_json),
        ("toYaml", fixed(&[Any]), encode::to_yaml),
        ("indent", fixed(&[Int, Str]), texts::indent),
        ("directory", fixed(&[Str]), texts::directory),
        ("contains", fixed(&[Str, Str]), |args| Ok(text(args, 1).contains(text(args, 0)).into())),
        ("toLower", fixed(&[Str]), texts::to_lower),
        ("appendMultusNetwork", fixed(&[Str, Str]), pods::append_multus_network),
        ("omit", Signature::variadic([StringMap], Str), dicts::omit),
        ("strdict", Signature::variadic([], Str), dicts::strdict),
        ("toJsonMap", Signature::variadic([], StringMap), encode::to_json_map),
        ("mergeMaps", Signature::variadic([], StringMap), dicts::merge_maps),
        ("omitNil", fixed(&[Any]), dicts::omit_nil),
        ("otelResourceAttributes", fixed(&[Any, StringMap, StringMap, Str, Any]), otel::resource_attributes),
        ("render", fixed(&[Str]), |_| Err(CallError::new("`render` has no data to run a template over here"))),
    ];
    let engine = rows.into_iter().fold(Engine::new().with_sprig(), |engine, (name, signature, body)| {
        engine.with_typed_function(name, signature, body)
    });
    engine.with("env", env(environment))
}

/// Go's `os.Getenv` with a default for what is absent or empty.
fn env(environment: Arc<BTreeMap<String, String>>) -> Function {
    Function::typed(Signature::fixed([Type::String, Type::String]), move |args| {
        let set = environment.get(text(args, 0)).filter(|value| !value.is_empty());
        Ok(set.map_or_else(|| text(args, 1), String::as_str).into())
    })
}

/// An argument that the signature promises to be a text.
fn text(args: &[Value], i: usize) -> &str {
    args.get(i).and_then(Value::as_str).unwrap_or_default()
}

/// An argument.
fn arg(args: &[Value], i: usize) -> &Value {
    args.get(i).unwrap_or(&Value::Nil)
}

/// An argument of another type than the function takes, worded as Go does.
fn wrong_type(expected: &str, got: &Value) -> CallError {
    CallError::new(format!("wrong type for value; expected {expected}; got {}", got.type_name()))
}

#[cfg(test)]
mod tests;
