//! Secret text that cannot be printed by accident.

use zeroize::Zeroizing;

/// Secret bytes, wiped from memory on drop.
///
/// Deliberately without `Debug`, `Display` and `Serialize` (promise 9): the only way to the
/// content is [`Secret::expose`], so that every place that reads a secret can be found by name.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes over the bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The content. Never put it into a message, a label, a URL or a status.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The content as text, where it is UTF-8.
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
