//! The fields of pods, as Kubernetes' core/v1 and meta/v1 declare them.
//! In: the table `schema/pod.txt`, one type after the other with its fields in Go's order. Out: types, names, merge rules.
//! Never here: values.
//!
//! A line of a type is its name. A line of a field is its Go name, its JSON name (`-` when it has none of its own),
//! its Go type, and words: `embedded`, `omitempty`, `omitzero`, the patch strategies, `key=` and the merge key.

use std::collections::HashMap;
use std::sync::OnceLock;

use lateen_gotemplate::IntKind;

mod path;
#[cfg(test)]
mod tests;

pub(crate) use path::Path;

/// What a field holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    String,
    Bool,
    Int(IntKind),
    /// An amount such as `100m` or `128Mi`; text in JSON.
    Quantity,
    /// A time in RFC 3339; text in JSON.
    Time,
    /// A port or a share by number or by name.
    IntOrString,
    /// Any JSON.
    Raw,
    Message(TypeRef),
    List(Box<Kind>),
    /// A map from strings.
    Map(Box<Kind>),
}

impl Kind {
    /// The type's name in Go, such as `v1.Container` or `[]string`.
    pub(crate) fn go_name(&self) -> String {
        match self {
            Kind::String => "string".to_owned(),
            Kind::Bool => "bool".to_owned(),
            Kind::Int(kind) => kind.name().to_owned(),
            Kind::Quantity => "resource.Quantity".to_owned(),
            Kind::Time => "v1.Time".to_owned(),
            Kind::IntOrString => "intstr.IntOrString".to_owned(),
            Kind::Raw => "v1.FieldsV1".to_owned(),
            Kind::Message(ty) => ty.get().go_name(),
            Kind::List(elem) => format!("[]{}", elem.go_name()),
            Kind::Map(elem) => format!("map[string]{}", elem.go_name()),
        }
    }

    /// The type of a message; nothing for every other kind.
    pub(crate) fn message(&self) -> Option<&'static Type> {
        match self {
            Kind::Message(ty) => Some(ty.get()),
            _ => None,
        }
    }
}

/// A type by its place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TypeRef(usize);

impl TypeRef {
    pub(crate) fn get(self) -> &'static Type {
        &table().types[self.0]
    }
}

/// How a strategic merge patch treats a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Strategy {
    /// Lists: items of both stay.
    pub(crate) merge: bool,
    /// Maps and lists: the patch stands alone.
    pub(crate) replace: bool,
    /// What tells the items of a list apart.
    pub(crate) key: Option<&'static str>,
}

/// A field of a type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    /// Its name in Go, such as `HTTPGet`.
    pub(crate) go: &'static str,
    /// Its name in JSON, such as `httpGet`.
    pub(crate) json: &'static str,
    pub(crate) kind: Kind,
    /// Whether Go has a pointer to the kind.
    pub(crate) pointer: bool,
    /// Whether Go's JSON leaves it out when it is empty; structs are never empty.
    pub(crate) omit_empty: bool,
    /// Whether Go's JSON leaves it out when it is the zero value.
    pub(crate) omit_zero: bool,
    pub(crate) strategy: Strategy,
}

/// A struct that stands without a name of its own in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Embedded {
    /// The name of its type, by which Go reaches it.
    pub(crate) go: &'static str,
    pub(crate) ty: TypeRef,
    /// Its name in JSON; nothing when its fields stand among those of the outer type.
    pub(crate) json: Option<&'static str>,
}

/// One declared member, as Go prints structs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    /// By place in [`Type::fields`].
    Field(usize),
    /// By place in [`Type::embedded`].
    Embedded(usize),
}

/// A struct of Kubernetes' API.
#[derive(Debug)]
pub(crate) struct Type {
    name: &'static str,
    fields: Vec<Field>,
    embedded: Vec<Embedded>,
    members: Vec<Member>,
}

impl Type {
    /// The bare name, such as `Container`.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The name with Go's package, such as `v1.Container`.
    pub(crate) fn go_name(&self) -> String {
        format!("v1.{}", self.name)
    }

    /// All fields as JSON has them, in Go's order; those of structs without a JSON name are among them.
    pub(crate) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The embedded structs.
    pub(crate) fn embedded(&self) -> &[Embedded] {
        &self.embedded
    }

    /// What the struct declares, in order.
    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// A field by its JSON name.
    pub(crate) fn field_by_json(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.json == name)
    }

    /// A field by its Go name, promoted ones of structs without a JSON name too.
    pub(crate) fn field_by_go(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.go == name)
    }
}

/// The type of a pod.
pub(crate) fn pod() -> &'static Type {
    &table().types[0]
}

/// A type by its bare name, such as `Container`.
pub(crate) fn of(name: &str) -> Option<&'static Type> {
    table().names.get(name).map(|place| &table().types[*place])
}

struct Table {
    types: Vec<Type>,
    names: HashMap<&'static str, usize>,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| Table::parse(include_str!("schema/pod.txt")))
}

/// A field as the table has it.
enum Line {
    Field(Field),
    Embedded(Embedded),
}

impl Table {
    fn parse(text: &'static str) -> Table {
        let is_type = |line: &&'static str| !line.starts_with(' ') && !line.is_empty();
        let names: HashMap<_, _> = text.lines().filter(is_type).enumerate().map(|(i, name)| (name, i)).collect();
        let mut declared: Vec<(&'static str, Vec<Line>)> = Vec::new();
        for line in text.lines() {
            if is_type(&line) {
                declared.push((line, Vec::new()));
            } else if let (Some((_, lines)), Some(field)) = (declared.last_mut(), Line::parse(line, &names)) {
                lines.push(field);
            }
        }
        let types = (0..declared.len()).map(|place| Type::of(place, &declared)).collect();
        Table { types, names }
    }
}

impl Type {
    fn of(place: usize, declared: &[(&'static str, Vec<Line>)]) -> Type {
        let (name, lines) = &declared[place];
        let mut ty = Type { name, fields: Vec::new(), embedded: Vec::new(), members: Vec::new() };
        for line in lines {
            match line {
                Line::Field(field) => {
                    ty.members.push(Member::Field(ty.fields.len()));
                    ty.fields.push(field.clone());
                }
                Line::Embedded(inner) => {
                    ty.members.push(Member::Embedded(ty.embedded.len()));
                    ty.embedded.push(*inner);
                    match inner.json {
                        None => ty.fields.extend(Type::of(inner.ty.0, declared).fields),
                        Some(json) => ty.fields.push(Field {
                            go: inner.go,
                            json,
                            kind: Kind::Message(inner.ty),
                            pointer: false,
                            omit_empty: true,
                            omit_zero: false,
                            strategy: Strategy::default(),
                        }),
                    }
                }
            }
        }
        ty
    }
}

impl Line {
    fn parse(line: &'static str, names: &HashMap<&'static str, usize>) -> Option<Line> {
        let mut words = line.split_ascii_whitespace();
        let (go, json, ty) = (words.next()?, words.next()?, words.next()?);
        let words: Vec<&'static str> = words.collect();
        let has = |word: &str| words.contains(&word);
        if has("embedded") {
            let ty = TypeRef(*names.get(ty)?);
            return Some(Line::Embedded(Embedded { go, ty, json: (json != "-").then_some(json) }));
        }
        let (pointer, bare) = ty.strip_prefix('*').map_or((false, ty), |bare| (true, bare));
        let key = words.iter().find_map(|word| word.strip_prefix("key="));
        let strategy = Strategy { merge: has("merge"), replace: has("replace"), key };
        let (omit_empty, omit_zero) = (has("omitempty"), has("omitzero"));
        Some(Line::Field(Field { go, json, kind: kind(bare, names)?, pointer, omit_empty, omit_zero, strategy }))
    }
}

fn kind(text: &'static str, names: &HashMap<&'static str, usize>) -> Option<Kind> {
    if let Some(elem) = text.strip_prefix("[]") {
        return Some(Kind::List(Box::new(kind(elem, names)?)));
    }
    if let Some(elem) = text.strip_prefix("map[string]") {
        return Some(Kind::Map(Box::new(kind(elem, names)?)));
    }
    Some(match text {
        "string" => Kind::String,
        "bool" => Kind::Bool,
        "int32" => Kind::Int(IntKind::Int32),
        "int64" => Kind::Int(IntKind::Int64),
        "Quantity" => Kind::Quantity,
        "Time" => Kind::Time,
        "IntOrString" => Kind::IntOrString,
        "Raw" => Kind::Raw,
        name => Kind::Message(TypeRef(*names.get(name)?)),
    })
}
