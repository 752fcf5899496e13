//! The declarative macros behind every kind: `message!`, `oneof!` and `choice!`.

/// Declares a message: the struct, with `at` in front, its decoder, and `apply`, which decodes over
/// values that are there.
///
/// `closed` messages report fields that they do not know, `open` ones pass over them; the closed
/// ones can be walked over (`reflect::Message`). A field may name its JSON spellings in parentheses
/// where they do not follow from the field's name. Members of oneofs are declared in a second block
/// and are `Option`s in the struct; `before` names the field that follows them in the API.
macro_rules! message {
    (
        $(#[$meta:meta])*
        pub struct $name:ident: $mode:ident {
            $( $(#[$fmeta:meta])* $field:ident $(($($spelling:literal),+))? : $ty:ty ),* $(,)?
        } $(oneof {
            $( $(#[$ometa:meta])* $oneof:ident $(before $before:ident)? : $oty:ty ),* $(,)?
        })?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $name {
            /// Where this is written.
            pub at: $crate::place::At,
            $( $(#[$fmeta])* pub $field: $ty, )*
            $($( $(#[$ometa])* pub $oneof: Option<$oty>, )*)?
        }

        impl $name {
            /// Decodes over what is here: fields that are written replace theirs, others stay.
            /// Nothing after a finding when the node is no map.
            // Messages without fields or oneofs leave parts of this unused.
            #[allow(unused_mut, unused_variables, clippy::never_loop)]
            pub(crate) fn apply(
                &mut self,
                node: &$crate::yaml::Node,
                cx: &mut $crate::decode::Context,
            ) -> Option<()> {
                use $crate::decode::names;
                let entries = cx.mapping(node)?;
                self.at = node.at;
                let mut seen = names::Seen::default();
                for entry in entries {
                    $(
                        if names::matches(&entry.key, stringify!($field), &[$($($spelling),+)?]) {
                            if !entry.value.is_null()
                                && cx.claim(&mut seen, stringify!($field), 0, entry)
                                && let Some(value) = cx.field(entry)
                            {
                                self.$field = value;
                            }
                            continue;
                        }
                    )*
                    $($(
                        if let Some(index) = names::member::<$oty>(&entry.key) {
                            if !entry.value.is_null()
                                && cx.claim(&mut seen, stringify!($oneof), index, entry)
                                && let Some(value) = cx.member(entry, index)
                            {
                                self.$oneof = Some(value);
                            }
                            continue;
                        }
                    )*)?
                    $crate::decode::macros::unknown!($mode cx entry
                        [$( (stringify!($field), &[$($($spelling),+)?]) ),*]
                        [$($( <$oty as $crate::decode::Oneof>::MEMBERS ),*)?]);
                }
                Some(())
            }
        }

        impl $crate::decode::Decode for $name {
            fn decode(
                node: &$crate::yaml::Node,
                cx: &mut $crate::decode::Context,
            ) -> Option<Self> {
                let mut out = Self::default();
                out.apply(node, cx)?;
                Some(out)
            }
        }

        $crate::decode::macros::reflected!($mode $name
            [$( ($field [$($($spelling),+)?]) )*]
            [$($( ($oneof [$($before)?]) )*)?]);
    };
}

/// The walk over the fields of a closed message.
macro_rules! reflected {
    (closed $name:ident
        [$( ($field:ident [$($spelling:literal),*]) )*]
        [$( ($oneof:ident [$($before:ident)?]) )*]
    ) => {
        impl $crate::reflect::Message for $name {
            fn message_name(&self) -> &'static str {
                stringify!($name)
            }

            // Few messages have oneofs, and some have no fields.
            #[allow(unused_mut, unused_imports)]
            fn fields(&self) -> Vec<$crate::reflect::Field<'_>> {
                use $crate::reflect::{Field, Reflect};
                let mut fields = vec![
                    $( Field::new(stringify!($field), &[$($spelling),*], self.$field.reflect()) ),*
                ];
                $(
                    let before = None$(.or(Some(stringify!($before))))?;
                    $crate::reflect::add_members(&mut fields, stringify!($oneof), before, self.$oneof.as_ref());
                )*
                fields
            }

            fn to_shared(&self) -> std::sync::Arc<dyn $crate::reflect::Message> {
                std::sync::Arc::new(self.clone())
            }
        }

        impl $crate::reflect::Reflect for $name {
            fn reflect(&self) -> $crate::reflect::Value<'_> {
                $crate::reflect::Value::Message($crate::reflect::Slot::Set(self))
            }
        }

        impl $crate::reflect::Single for $name {
            fn zero() -> $crate::reflect::Value<'static> {
                $crate::reflect::Value::Message($crate::reflect::Slot::Unset(|| {
                    std::sync::Arc::new(Self::default())
                }))
            }
        }
    };
    (open $($rest:tt)*) => {};
}

/// What happens to an unknown field, by the mode of the message.
macro_rules! unknown {
    (closed $cx:ident $entry:ident [$($field:expr),*] [$($members:expr),*]) => {
        $cx.unknown_field($entry, &[$($field),*], &[$($members),*])
    };
    (open $cx:ident $entry:ident [$($field:expr),*] [$($members:expr),*]) => {
        ()
    };
}

/// Declares the members of a oneof.
macro_rules! oneof {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $(#[$vmeta:meta])* $field:ident: $variant:ident($ty:ty) ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        pub enum $name {
            $( $(#[$vmeta])* $variant($ty), )+
        }

        impl $crate::decode::Oneof for $name {
            const MEMBERS: &'static [&'static str] = &[$(stringify!($field)),+];

            fn decode_member(
                index: usize,
                node: &$crate::yaml::Node,
                cx: &mut $crate::decode::Context,
            ) -> Option<Self> {
                let field = Self::MEMBERS.get(index).copied()?;
                $(
                    if field == stringify!($field) {
                        return <$ty as $crate::decode::Decode>::decode(node, cx).map(Self::$variant);
                    }
                )+
                None
            }
        }

        impl $crate::reflect::Members for $name {
            fn members(value: Option<&Self>) -> Vec<(&'static str, bool, $crate::reflect::Value<'_>)> {
                use $crate::reflect::{Reflect, Single};
                vec![$(
                    match value {
                        Some(Self::$variant(value)) => (stringify!($field), true, value.reflect()),
                        _ => (stringify!($field), false, <$ty>::zero()),
                    }
                ),+]
            }
        }
    };
}

/// Declares an enum of the API, decoded by name or by number; the first variant is the default.
macro_rules! choice {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $(#[$fmeta:meta])* $first:ident = $fnumber:literal $fjson:literal
            $(, $(#[$vmeta:meta])* $variant:ident = $number:literal $json:literal )* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub enum $name {
            $(#[$fmeta])*
            #[default]
            $first = $fnumber,
            $( $(#[$vmeta])* $variant = $number, )*
        }

        impl $name {
            /// The name that the API writes.
            pub fn as_str(self) -> &'static str {
                match self {
                    Self::$first => $fjson,
                    $( Self::$variant => $json, )*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::decode::Decode for $name {
            fn decode(
                node: &$crate::yaml::Node,
                cx: &mut $crate::decode::Context,
            ) -> Option<Self> {
                let all = [
                    (Self::$first, $fnumber, $fjson),
                    $( (Self::$variant, $number, $json) ),*
                ];
                cx.choice(node, &all)
            }
        }

        impl $crate::reflect::Reflect for $name {
            fn reflect(&self) -> $crate::reflect::Value<'_> {
                $crate::reflect::Value::Enum($crate::reflect::EnumValue {
                    type_name: stringify!($name),
                    name: self.as_str(),
                    number: *self as i32,
                })
            }
        }

        impl $crate::reflect::Single for $name {
            fn zero() -> $crate::reflect::Value<'static> {
                $crate::reflect::Value::Enum($crate::reflect::EnumValue {
                    type_name: stringify!($name),
                    name: $fjson,
                    number: $fnumber,
                })
            }
        }
    };
}

pub(crate) use {choice, message, oneof, reflected, unknown};
