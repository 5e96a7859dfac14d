//! Keyed digests: enough to tell equal from different, useless to somebody who reads the store (R22).

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// 128 bits of a keyed hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(pub u128);

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Makes digests under the operator's key.
#[derive(Clone)]
pub struct Digester {
    key: [u8; 32],
}

impl Digester {
    /// A digester under this key, which never leaves it.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// The digest of bytes.
    pub fn bytes(&self, bytes: &[u8]) -> Digest {
        let hash = blake3::keyed_hash(&self.key, bytes);
        let mut first = [0u8; 16];
        first.copy_from_slice(&hash.as_bytes()[..16]);
        Digest(u128::from_le_bytes(first))
    }

    /// The digest of a JSON value, the same for every spelling of the same value.
    ///
    /// Objects are compared without order (`serde_json` keeps its maps sorted); numbers by their text, so a driver
    /// canonicalises them first.
    pub fn json(&self, value: &Value) -> Digest {
        self.bytes(value.to_string().as_bytes())
    }
}
