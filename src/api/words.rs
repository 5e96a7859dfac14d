//! Two macros for the two shapes of choice in the API: a word out of a list, and exactly one member.
//!
//! Derived enums do both, but their schemas lose the description of an optional field, and a
//! derived union silently takes the first of two members when it is flattened.

/// A word out of a fixed list: `type: string, enum: [...]`.
///
/// Gives `ALL`, `as_str`, `Display` and a schema without a description of its own, so that the
/// description of the field that holds it survives.
macro_rules! words {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$inner:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize,
        )]
        $vis enum $name {
            $($(#[$inner])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every word, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word as it stands in YAML.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                ::schemars::json_schema!({"type": "string", "enum": [$($text),+]})
            }
        }
    };
}

/// Exactly one member: `{wfbss: {...}}` or `{wso2: {...}}`.
///
/// None or two members do not decode, members this version does not know are ignored. `rules`
/// names the schema function that states "exactly one" (and more) to the API server; the
/// description of each member is its documentation.
macro_rules! union {
    (
        rules = $rules:path;
        $(#[$meta:meta])*
        $vis:vis enum $name:ident { $($(#[doc = $doc:literal])+ $variant:ident($type:ty) = $key:literal,)+ }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, ::serde::Serialize)]
        $vis enum $name {
            $($(#[doc = $doc])+ #[serde(rename = $key)] $variant($type),)+
        }

        impl $name {
            /// The members, one of which is there.
            pub const MEMBERS: &[&str] = &[$($key),+];

            /// Which member it is, as spelt in YAML.
            pub const fn member(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $key,)+
                }
            }

            /// The one that is there.
            ///
            /// # Errors
            /// There is none, or a second one.
            pub(crate) fn only<E: ::serde::de::Error>(
                members: impl IntoIterator<Item = Option<Self>>,
            ) -> Result<Self, E> {
                let mut found = members.into_iter().flatten();
                match (found.next(), found.next()) {
                    (Some(only), None) => Ok(only),
                    (None, _) => Err(E::custom(format_args!(
                        "exactly one of {} is required", Self::MEMBERS.join(", ")
                    ))),
                    (Some(first), Some(second)) => Err(E::custom(format_args!(
                        "exactly one of {} is allowed, not both {} and {}",
                        Self::MEMBERS.join(", "), first.member(), second.member()
                    ))),
                }
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[derive(::serde::Deserialize)]
                #[allow(non_snake_case)]
                struct Wire {
                    $(#[serde(default, rename = $key)] $variant: Option<$type>,)+
                }
                let wire = Wire::deserialize(deserializer)?;
                Self::only([$(wire.$variant.map(Self::$variant),)+])
            }
        }

        impl ::schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                let mut properties = ::serde_json::Map::new();
                $({
                    let mut member = generator.subschema_for::<$type>();
                    $crate::api::schema::describe(&mut member, &[$($doc),+]);
                    properties.insert($key.to_owned(), member.to_value());
                })+
                let mut schema = ::schemars::json_schema!({"type": "object", "properties": properties});
                $rules(&mut schema, Self::MEMBERS);
                schema
            }
        }
    };
}
