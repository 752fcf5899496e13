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
pub(crate) struct Message {
    name: Text,
    first: u32,
    count: u16,
}

#[derive(Debug)]
pub(crate) struct Field {
    name: Text,
    json: Text,
    pub(crate) number: u32,
    pub(crate) kind: Kind,
    pub(crate) shape: Shape,
    /// Index of the oneof within its message, negative without one.
    oneof: i16,
    /// Whether a default value is told from an absent one.
    pub(crate) presence: bool,
}

#[derive(Debug)]
pub(crate) struct Enum {
    name: Text,
    first: u32,
    count: u16,
}

#[derive(Debug)]
pub(crate) struct EnumValue {
    name: Text,
    pub(crate) number: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Single,
    List,
    Map,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code)] // protobuf knows kinds that Envoy's files happen not to use
pub(crate) enum Kind {
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
pub(crate) fn message(full_name: &str) -> Option<&'static Message> {
    MESSAGES.binary_search_by(|row| row.name.get().cmp(full_name)).ok().and_then(|at| MESSAGES.get(at))
}

impl Message {
    pub(crate) fn full_name(&self) -> &'static str {
        self.name.get()
    }

    /// In the order of their numbers.
    pub(crate) fn fields(&self) -> &'static [Field] {
        let first = self.first as usize;
        FIELDS.get(first..first + usize::from(self.count)).unwrap_or_default()
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<&'static Field> {
        self.fields().iter().find(|field| field.name() == name || field.json() == name)
    }

    pub(crate) fn by_number(&self, number: u32) -> Option<usize> {
        self.fields().binary_search_by_key(&number, |field| field.number).ok()
    }
}

impl Field {
    pub(crate) fn name(&self) -> &'static str {
        self.name.get()
    }

    /// The lowerCamelCase name.
    pub(crate) fn json(&self) -> &'static str {
        self.json.get()
    }

    pub(crate) fn oneof(&self) -> Option<i16> {
        (self.oneof >= 0).then_some(self.oneof)
    }
}

impl Kind {
    pub(crate) fn message(self) -> Option<&'static Message> {
        match self {
            Self::Message(at) => MESSAGES.get(usize::from(at)),
            _ => None,
        }
    }

    pub(crate) fn enumeration(self) -> Option<&'static Enum> {
        match self {
            Self::Enum(at) => ENUMS.get(usize::from(at)),
            _ => None,
        }
    }

    /// Whether a list of this kind goes into one length-delimited field.
    pub(crate) fn is_packed(self) -> bool {
        !matches!(self, Self::String | Self::Bytes | Self::Message(_))
    }
}

impl Enum {
    pub(crate) fn full_name(&self) -> &'static str {
        self.name.get()
    }

    pub(crate) fn values(&self) -> &'static [EnumValue] {
        let first = self.first as usize;
        ENUM_VALUES.get(first..first + usize::from(self.count)).unwrap_or_default()
    }
}

impl EnumValue {
    pub(crate) fn name(&self) -> &'static str {
        self.name.get()
    }
}
