//! Builds the field table that `src/json` reads: names, numbers and kinds of
//! every message of Envoy's v3 API.
//!
//! In: the .proto files inside the package of `envoy-types`, so that table and
//! types cannot differ in version. Out: `table.rs` and `names.txt` in `OUT_DIR`.
//! Rows hold offsets and no pointers, so the table stays in read-only, shared
//! pages that cost memory only where a message is looked up.

use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet};
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Include roots below the `proto` folder of `envoy-types`.
const ROOTS: [&str; 8] = [
    "data-plane-api",
    "xds",
    "googleapis",
    "protoc-gen-validate",
    "cel-spec/proto",
    "client_model",
    "opentelemetry-proto",
    "ratelimit",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=Cargo.toml");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let set = compile(&proto_folder()?, &out.join("descriptors.bin"))?;
    let (rows, names) = Table::collect(&set).render()?;
    fs::write(out.join("table.rs"), rows)?;
    fs::write(out.join("names.txt"), names)?;
    Ok(())
}

/// Where cargo keeps the .proto files that belong to the `envoy-types` in use.
fn proto_folder() -> Result<PathBuf, Box<dyn Error>> {
    // A machine that has only ever built this project lacks what other platforms and tests need, which cargo wants to
    // have when it lists the packages; then it may fetch them.
    let metadata = packages(&["--offline"]).or_else(|_| packages(&[]))?;
    metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|package| package["name"] == "envoy-types")
        .and_then(|package| package["manifest_path"].as_str())
        .and_then(|manifest| Path::new(manifest).parent())
        .map(|folder| folder.join("proto"))
        .ok_or_else(|| "cargo metadata names no package envoy-types".into())
}

fn packages(more: &[&str]) -> Result<serde_json::Value, Box<dyn Error>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--filter-platform"])
        .arg(env::var_os("TARGET").ok_or("no TARGET")?)
        .args(more)
        .current_dir(env::var_os("CARGO_MANIFEST_DIR").ok_or("no CARGO_MANIFEST_DIR")?)
        .output()?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn compile(protos: &Path, target: &Path) -> Result<FileDescriptorSet, Box<dyn Error>> {
    let mut files = Vec::new();
    for root in ["data-plane-api", "xds"] {
        let root = protos.join(root);
        list(&root, &root, &mut files)?;
    }
    files.sort();
    let mut protoc = Command::new(protoc_bin_vendored::protoc_bin_path()?);
    for root in ROOTS {
        protoc.arg("-I").arg(protos.join(root));
    }
    let output = protoc
        .arg("-I")
        .arg(protoc_bin_vendored::include_path()?)
        .arg("--include_imports")
        .arg("-o")
        .arg(target)
        .args(files)
        .output()?;
    if !output.status.success() {
        return Err(format!("protoc: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(FileDescriptorSet::decode(fs::read(target)?.as_slice())?)
}

/// Every .proto file below `folder`, as a path relative to `root`.
fn list(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(root, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path.strip_prefix(root)?.to_owned());
        }
    }
    Ok(())
}

/// All messages and enums by full name, in the order of their names.
#[derive(Default)]
struct Table<'a> {
    messages: BTreeMap<String, &'a DescriptorProto>,
    enums: BTreeMap<String, &'a EnumDescriptorProto>,
}

impl<'a> Table<'a> {
    fn collect(set: &'a FileDescriptorSet) -> Self {
        let mut table = Self::default();
        for file in &set.file {
            // The messages that describe .proto files are no part of any config.
            if file.name() == "google/protobuf/descriptor.proto" {
                continue;
            }
            for message in &file.message_type {
                table.message(file.package(), message);
            }
            for kind in &file.enum_type {
                let name = format!("{}.{}", file.package(), kind.name());
                table.enums.insert(name, kind);
            }
        }
        table
    }

    fn message(&mut self, scope: &str, message: &'a DescriptorProto) {
        let name = format!("{scope}.{}", message.name());
        for nested in &message.nested_type {
            self.message(&name, nested);
        }
        for kind in &message.enum_type {
            self.enums.insert(format!("{name}.{}", kind.name()), kind);
        }
        self.messages.insert(name, message);
    }

    fn render(&self) -> Result<(String, String), Box<dyn Error>> {
        let mut names = Names::default();
        let index = |keys: Vec<&'_ String>| -> HashMap<String, usize> {
            keys.into_iter().enumerate().map(|(at, name)| (name.clone(), at)).collect()
        };
        let message_at = index(self.messages.keys().collect());
        let enum_at = index(self.enums.keys().collect());

        let (mut messages, mut fields, mut field_count) = (String::new(), String::new(), 0);
        for (name, message) in &self.messages {
            let mut sorted: Vec<&FieldDescriptorProto> = message.field.iter().collect();
            sorted.sort_by_key(|field| field.number());
            writeln!(messages, "Message{{name:{},first:{field_count},count:{}}},", names.text(name), sorted.len(),)?;
            field_count += sorted.len();
            for field in sorted {
                let kind = kind(field, &message_at, &enum_at)?;
                let shape = shape(field, &self.messages);
                let oneof = match field.oneof_index {
                    Some(at) if !field.proto3_optional() => at,
                    _ => -1,
                };
                let presence = field.oneof_index.is_some();
                writeln!(
                    fields,
                    "Field{{name:{},json:{},number:{},kind:{kind},shape:Shape::{shape},oneof:{oneof},presence:{presence}}},",
                    names.text(field.name()),
                    names.text(field.json_name()),
                    field.number(),
                )?;
            }
        }

        let (mut enums, mut values, mut value_count) = (String::new(), String::new(), 0);
        for (name, kind) in &self.enums {
            writeln!(enums, "Enum{{name:{},first:{value_count},count:{}}},", names.text(name), kind.value.len(),)?;
            value_count += kind.value.len();
            for value in &kind.value {
                let (name, number) = (names.text(value.name()), value.number());
                writeln!(values, "EnumValue{{name:{name},number:{number}}},")?;
            }
        }

        let rows = format!(
            "static MESSAGES: [Message; {}] = [\n{messages}];\n\
             static FIELDS: [Field; {field_count}] = [\n{fields}];\n\
             static ENUMS: [Enum; {}] = [\n{enums}];\n\
             static ENUM_VALUES: [EnumValue; {value_count}] = [\n{values}];\n",
            self.messages.len(),
            self.enums.len(),
        );
        Ok((rows, names.blob))
    }
}

fn kind(
    field: &FieldDescriptorProto,
    messages: &HashMap<String, usize>,
    enums: &HashMap<String, usize>,
) -> Result<String, Box<dyn Error>> {
    let target = field.type_name().trim_start_matches('.');
    let unknown = || format!("{}: `{target}` is not among the compiled files", field.name());
    Ok(match field.r#type() {
        Type::Message => format!("Kind::Message({})", messages.get(target).ok_or_else(unknown)?),
        Type::Enum => format!("Kind::Enum({})", enums.get(target).ok_or_else(unknown)?),
        Type::Group => return Err(format!("{}: groups are not supported", field.name()).into()),
        // `Type` spells its scalars as the table does: Double, Sint32, ...
        scalar => format!("Kind::{scalar:?}"),
    })
}

fn shape(field: &FieldDescriptorProto, messages: &BTreeMap<String, &DescriptorProto>) -> &'static str {
    if field.label() != Label::Repeated {
        return "Single";
    }
    let is_map = messages
        .get(field.type_name().trim_start_matches('.'))
        .and_then(|message| message.options.as_ref())
        .is_some_and(|options| options.map_entry());
    if is_map { "Map" } else { "List" }
}

/// One string that holds every name once; rows point into it.
#[derive(Default)]
struct Names {
    blob: String,
    seen: HashMap<String, usize>,
}

impl Names {
    fn text(&mut self, name: &str) -> String {
        let at = *self.seen.entry(name.to_owned()).or_insert_with(|| {
            self.blob.push_str(name);
            self.blob.len() - name.len()
        });
        format!("Text{{at:{at},len:{}}}", name.len())
    }
}
