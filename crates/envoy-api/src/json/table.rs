//! The field table: which messages exist, and the name, number and kind of
//! each of their fields.
//!
//! In: a full name or an index. Out: rows. The rows are made by `build.rs`.
//! Nothing is allocated and nothing is parsed at run time.

/// A place in the blob of names.
#[derive(Debug, Clone, Copy)]
struct Text {
    at: u32,
    len: u16,
}

#[derive(Debug)]
pub(super) struct Message {
    name: Text,
    first: u32,
    count: u16,
}

#[derive(Debug)]
pub(super) struct Field {
    name: Text,
    json: Text,
    pub(super) number: u32,
    pub(super) kind: Kind,
    pub(super) shape: Shape,
    /// Index of the oneof within its message, negative without one.
    oneof: i16,
    /// Whether a default value is told from an absent one.
    pub(super) presence: bool,
}

#[derive(Debug)]
pub(super) struct Enum {
    name: Text,
    first: u32,
    count: u16,
}

#[derive(Debug)]
pub(super) struct EnumValue {
    name: Text,
    pub(super) number: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Single,
    List,
    Map,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code)] // protobuf knows kinds that Envoy's files happen not to use
pub(super) enum Kind {
    Double,
    Float,
    Int64,
    Uint64,
    Int32,
    Fixed64,
    Fixed32,
    Bool,
    String,
    Bytes,
    Uint32,
    Sfixed32,
    Sfixed64,
    Sint32,
    Sint64,
    Enum(u16),
    Message(u16),
}

static NAMES: &str = include_str!(concat!(env!("OUT_DIR"), "/names.txt"));
include!(concat!(env!("OUT_DIR"), "/table.rs"));

impl Text {
    fn get(self) -> &'static str {
        let at = self.at as usize;
        // The build script wrote both the blob and the offsets; an empty name matches nothing.
        NAMES.get(at..at + usize::from(self.len)).unwrap_or_default()
    }
}

/// The rows of one message, by its full name.
pub(super) fn message(full_name: &str) -> Option<&'static Message> {
    MESSAGES.binary_search_by(|row| row.name.get().cmp(full_name)).ok().and_then(|at| MESSAGES.get(at))
}

impl Message {
    pub(super) fn full_name(&self) -> &'static str {
        self.name.get()
    }

    /// In the order of their numbers.
    pub(super) fn fields(&self) -> &'static [Field] {
        let first = self.first as usize;
        FIELDS.get(first..first + usize::from(self.count)).unwrap_or_default()
    }

    pub(super) fn by_name(&self, name: &str) -> Option<&'static Field> {
        self.fields().iter().find(|field| field.name() == name || field.json() == name)
    }

    pub(super) fn by_number(&self, number: u32) -> Option<usize> {
        self.fields().binary_search_by_key(&number, |field| field.number).ok()
    }
}

impl Field {
    pub(super) fn name(&self) -> &'static str {
        self.name.get()
    }

    /// The lowerCamelCase name.
    pub(super) fn json(&self) -> &'static str {
        self.json.get()
    }

    pub(super) fn oneof(&self) -> Option<i16> {
        (self.oneof >= 0).then_some(self.oneof)
    }
}

impl Kind {
    pub(super) fn message(self) -> Option<&'static Message> {
        match self {
            Self::Message(at) => MESSAGES.get(usize::from(at)),
            _ => None,
        }
    }

    pub(super) fn enumeration(self) -> Option<&'static Enum> {
        match self {
            Self::Enum(at) => ENUMS.get(usize::from(at)),
            _ => None,
        }
    }

    /// Whether a list of this kind goes into one length-delimited field.
    pub(super) fn is_packed(self) -> bool {
        !matches!(self, Self::String | Self::Bytes | Self::Message(_))
    }
}

impl Enum {
    pub(super) fn full_name(&self) -> &'static str {
        self.name.get()
    }

    pub(super) fn values(&self) -> &'static [EnumValue] {
        let first = self.first as usize;
        ENUM_VALUES.get(first..first + usize::from(self.count)).unwrap_or_default()
    }
}

impl EnumValue {
    pub(super) fn name(&self) -> &'static str {
        self.name.get()
    }
}
