//! The declarative macros behind every kind: `message!`, `oneof!` and `choice!`.

/// Declares a message: the struct, with `at` in front, and its decoder.
///
/// `closed` messages report fields that they do not know, `open` ones pass over them. A field may
/// name its JSON spellings in parentheses where they do not follow from the field's name. Members
/// of oneofs are declared in a second block and are `Option`s in the struct.
macro_rules! message {
    (
        $(#[$meta:meta])*
        pub struct $name:ident: $mode:ident {
            $( $(#[$fmeta:meta])* $field:ident $(($($spelling:literal),+))? : $ty:ty ),* $(,)?
        } $(oneof {
            $( $(#[$ometa:meta])* $oneof:ident: $oty:ty ),* $(,)?
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

        impl $crate::decode::Decode for $name {
            // Messages without fields or oneofs leave parts of this unused.
            #[allow(unused_mut, unused_variables, clippy::never_loop, clippy::needless_update)]
            fn decode(
                node: &$crate::yaml::Node,
                cx: &mut $crate::decode::Context,
            ) -> Option<Self> {
                use $crate::decode::names;
                let entries = cx.mapping(node)?;
                let mut out = Self { at: node.at, ..Self::default() };
                let mut seen = names::Seen::default();
                for entry in entries {
                    $(
                        if names::matches(&entry.key, stringify!($field), &[$($($spelling),+)?]) {
                            if !entry.value.is_null()
                                && cx.claim(&mut seen, stringify!($field), entry)
                                && let Some(value) = cx.field(entry)
                            {
                                out.$field = value;
                            }
                            continue;
                        }
                    )*
                    $($(
                        if let Some(index) = names::member::<$oty>(&entry.key) {
                            if !entry.value.is_null()
                                && cx.claim(&mut seen, stringify!($oneof), entry)
                            {
                                out.$oneof = cx.member(entry, index);
                            }
                            continue;
                        }
                    )*)?
                    $crate::decode::macros::unknown!($mode cx entry
                        [$( (stringify!($field), &[$($($spelling),+)?]) ),*]
                        [$($( <$oty as $crate::decode::Oneof>::MEMBERS ),*)?]);
                }
                Some(out)
            }
        }
    };
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
    };
}

pub(crate) use {choice, message, oneof, unknown};
