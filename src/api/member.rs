//! A member of an object, as text while nobody has asked for its type.
//!
//! Reading the text straight into its type takes a fraction of what a tree of values takes. Only a
//! tree can say what is wrong and where, and what can be read nevertheless; so one is built where
//! reading fails, and where the text nests so deep that a parser might give up.

use std::{borrow::Cow, fmt, sync::LazyLock};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned, DeserializeSeed, IgnoredAny},
    forward_to_deserialize_any,
};
use serde_json::{Map, Value, value::RawValue};

/// How deep a member may nest and still be looked at. Validation allows 16 for free-form parts.
pub const DEPTH: usize = 64;

/// A member on its way.
pub enum Member<'a> {
    /// Its text, with no error but perhaps within a string.
    Text(Cow<'a, str>),
    /// What a source without text gives: a watch event whose `object` precedes its `type`.
    Tree(Tree),
}

impl Default for Member<'_> {
    fn default() -> Self {
        Self::Tree(Tree::default())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Member<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(&RAW, MemberVisitor)
    }
}

impl Member<'_> {
    /// The value, where the text gives it away at once.
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        match self {
            Self::Text(text) if is_shallow(text) => serde_json::from_str(text).ok(),
            _ => None,
        }
    }

    /// The tree of values.
    ///
    /// # Errors
    /// A string that is none: an escaped half of a character.
    pub fn tree(self) -> Result<Tree, serde_json::Error> {
        match self {
            Self::Text(text) => {
                let mut deserializer = serde_json::Deserializer::from_str(&text);
                // Branches stop long before the stack does, and what lies below them is skipped without recursion.
                Tree::deserialize(&mut deserializer)
            }
            Self::Tree(tree) => Ok(tree),
        }
    }
}

/// Whether a text nests less deep than [`DEPTH`].
fn is_shallow(text: &str) -> bool {
    // A text with few brackets, the usual one, need not be followed. Counted in pieces whose count
    // fits into a byte, which the compiler turns into a few instructions.
    let opening = |piece: &[u8]| piece.iter().map(|byte| u8::from(matches!(byte, b'{' | b'['))).sum::<u8>();
    if text.as_bytes().chunks(128).map(|piece| usize::from(opening(piece))).sum::<usize>() < DEPTH {
        return true;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    text.bytes().all(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth < DEPTH
    })
}

/// The name under which a [`RawValue`] asks for its text. `RawValue` itself cannot be used: where
/// there is no text it fails, and what it failed on is lost.
static RAW: LazyLock<&'static str> = LazyLock::new(|| {
    let mut name = "";
    let _ = <&RawValue>::deserialize(Listener(&mut name));
    name
});

/// Listens for the name of what is asked for.
struct Listener<'a>(&'a mut &'static str);

impl<'de> Deserializer<'de> for Listener<'_> {
    type Error = de::value::Error;

    fn deserialize_newtype_struct<V: de::Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = name;
        self.deserialize_any(visitor)
    }

    fn deserialize_any<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct MemberVisitor;

impl<'de> de::Visitor<'de> for MemberVisitor {
    type Value = Member<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    /// The form in which `serde_json` hands out text: its only member, by that name.
    fn visit_map<A: de::MapAccess<'de>>(self, mut members: A) -> Result<Member<'de>, A::Error> {
        match members.next_key::<&str>()? {
            Some(name) if name == *RAW => members.next_value_seed(TextVisitor).map(Member::Text),
            _ => Err(de::Error::custom("neither a text nor a tree")),
        }
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Member<'de>, D::Error> {
        Tree::deserialize(deserializer).map(Member::Tree)
    }
}

struct TextVisitor;

impl<'de> DeserializeSeed<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> de::Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(text.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(text.to_owned().into())
    }
}

/// A tree of values down to [`DEPTH`]; what lies deeper is skipped, and `cut` says so.
#[derive(Default)]
pub struct Tree {
    /// Everything that lies less deep.
    pub value: Value,
    /// Whether something was left out.
    pub cut: bool,
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut cut = false;
        let value = Branch { left: DEPTH, cut: &mut cut }.deserialize(deserializer)?;
        Ok(Self { value, cut })
    }
}

struct Branch<'a> {
    left: usize,
    cut: &'a mut bool,
}

impl Branch<'_> {
    fn below(&mut self) -> Branch<'_> {
        Branch { left: self.left.saturating_sub(1), cut: self.cut }
    }
}

impl<'de> DeserializeSeed<'de> for Branch<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.left > 0 {
            return deserializer.deserialize_any(self);
        }
        *self.cut = true;
        IgnoredAny::deserialize(deserializer).map(|_| Value::Null)
    }
}

impl<'de> de::Visitor<'de> for Branch<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.below())? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: de::MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let value = members.next_value_seed(self.below())?;
            object.insert(key, value);
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests;
