//! Keys derived from the operator's one secret, and what they protect (R15, R22).

use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use thiserror::Error;
use zeroize::Zeroize;

use super::StoreError;
use crate::model::{BackendId, Digester, ItemKey, LeafPath, Secret, memory::Sealed};

/// The operator's keys. Deliberately without `Debug`; wiped on drop.
#[derive(Clone)]
pub struct Keys {
    /// Encrypts values at rest.
    pub sealing: [u8; 32],
    /// Makes the digests that memory compares by.
    pub digest: [u8; 32],
    /// Authenticates what stands outside the store (R15).
    pub mac: [u8; 32],
}

impl Keys {
    /// Derives independent keys from the operator's secret.
    ///
    /// # Errors
    /// [`StoreError::WeakSecret`] for fewer than 32 bytes.
    pub fn derive(secret: &Secret) -> Result<Self, StoreError> {
        let material = secret.expose();
        if material.len() < 32 {
            return Err(StoreError::WeakSecret { bytes: material.len() });
        }
        Ok(Self {
            sealing: blake3::derive_key("ordain.dev v1 sealing of values at rest", material),
            digest: blake3::derive_key("ordain.dev v1 digests of settings", material),
            mac: blake3::derive_key("ordain.dev v1 authentication of recorded ids", material),
        })
    }

    /// Makes digests under these keys.
    pub fn digester(&self) -> Digester {
        Digester::new(self.digest)
    }

    /// Authenticates a list of words (R15); no two different lists give the same answer. The
    /// result compares in constant time.
    pub fn mac(&self, parts: &[&str]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.mac);
        for part in parts {
            framed(&mut hasher, part.as_bytes());
        }
        hasher.finalize()
    }

    /// Names the key of [`Keys::mac`] without telling it: eight hexadecimal characters.
    pub fn key_id(&self) -> String {
        let id = blake3::Hash::from_bytes(blake3::derive_key("ordain.dev v1 key id", &self.mac));
        id.to_hex().chars().take(8).collect()
    }

    /// A value that is equal for equal keys and tells nothing about them.
    pub(super) fn check_value(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("ordain.dev v1 key check value");
        hasher.update(&self.sealing).update(&self.digest).update(&self.mac);
        *hasher.finalize().as_bytes()
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.sealing.zeroize();
        self.digest.zeroize();
        self.mac.zeroize();
    }
}

/// Where a sealed value belongs: it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The account.
    pub account: &'a BackendId,
    /// The item.
    pub item: &'a ItemKey,
    /// The leaf, where the value is one leaf's.
    pub path: Option<&'a LeafPath>,
}

impl Place<'_> {
    fn associated_data(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("ordain.dev v1 place of a sealed value");
        framed(&mut hasher, self.account.to_string().as_bytes());
        framed(&mut hasher, self.item.0.as_bytes());
        if let Some(path) = self.path {
            framed(&mut hasher, path.0.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }
}

/// A sealed value does not open: another key, another place, or damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a sealed value does not open: it was sealed under another key or for another place, or is damaged")]
pub struct SealError;

/// Layout of a sealed value: version, nonce, ciphertext with tag.
const VERSION: u8 = 1;
const NONCE: usize = 24;

/// Encrypts values at rest (R22): XChaCha20-Poly1305 under a random nonce.
#[derive(Clone)]
pub struct Sealer {
    cipher: XChaCha20Poly1305,
}

impl Sealer {
    /// A sealer under these keys.
    pub fn new(keys: &Keys) -> Self {
        Self { cipher: XChaCha20Poly1305::new(&keys.sealing.into()) }
    }

    /// Seals a value for this place. The same value sealed twice looks different.
    pub fn seal(&self, place: &Place<'_>, plain: &[u8]) -> Sealed {
        let mut nonce = [0u8; NONCE];
        rand::fill(&mut nonce);
        let payload = Payload { msg: plain, aad: &place.associated_data() };
        #[expect(clippy::expect_used, reason = "the cipher refuses only values of 256 GiB and more")]
        let ciphertext = self.cipher.encrypt(&XNonce::from(nonce), payload).expect("value below 256 GiB");
        let mut sealed = Vec::with_capacity(1 + NONCE + ciphertext.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        Sealed(sealed)
    }

    /// The value that was sealed for this place.
    ///
    /// # Errors
    /// [`SealError`] if it was sealed under another key or for another place, or has changed since.
    pub fn open(&self, place: &Place<'_>, sealed: &Sealed) -> Result<Secret, SealError> {
        let (version, rest) = sealed.0.split_first().ok_or(SealError)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>().ok_or(SealError)?;
        if *version != VERSION {
            return Err(SealError);
        }
        let payload = Payload { msg: ciphertext, aad: &place.associated_data() };
        self.cipher.decrypt(&XNonce::from(*nonce), payload).map(Secret::new).map_err(|_| SealError)
    }
}

/// Feeds a part with its length, so that moving a border between parts changes the hash.
pub(super) fn framed(hasher: &mut blake3::Hasher, part: &[u8]) {
    hasher.update(&(part.len() as u64).to_le_bytes());
    hasher.update(part);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use crate::model::BackendKind;

    fn keys(byte: u8) -> Keys {
        Keys::derive(&Secret::new(vec![byte; 32])).unwrap()
    }

    fn account(name: &str) -> BackendId {
        BackendId { kind: BackendKind::Backend, namespace: "team".into(), name: name.into() }
    }

    #[test]
    fn a_sealed_value_opens_only_in_its_place_and_under_its_key() {
        let (here, item, path) = (account("emm"), ItemKey("a/1/win".into()), LeafPath("/x".into()));
        let place = Place { account: &here, item: &item, path: Some(&path) };
        let sealer = Sealer::new(&keys(1));
        let parcel = sealer.seal(&place, b"former");
        assert!(sealer.open(&place, &parcel).is_ok_and(|v| v.expose() == b"former"));

        let (elsewhere, other, deeper) = (account("emm2"), ItemKey("a/1/mac".into()), LeafPath("/y".into()));
        for (wrong, why) in [
            (Place { account: &elsewhere, ..place }, "another account"),
            (Place { item: &other, ..place }, "another item"),
            (Place { path: Some(&deeper), ..place }, "another leaf"),
            (Place { path: None, ..place }, "no leaf"),
        ] {
            assert!(sealer.open(&wrong, &parcel).is_err(), "{why}");
        }
        assert!(Sealer::new(&keys(2)).open(&place, &parcel).is_err(), "another key");
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_noticed() {
        let (here, item) = (account("emm"), ItemKey("a".into()));
        let place = Place { account: &here, item: &item, path: None };
        let sealer = Sealer::new(&keys(1));
        let parcel = sealer.seal(&place, b"v");
        for at in 0..parcel.0.len() {
            let mut damaged = parcel.clone();
            damaged.0[at] ^= 1;
            assert!(sealer.open(&place, &damaged).is_err(), "byte {at}");
            assert!(sealer.open(&place, &Sealed(parcel.0[..at].to_vec())).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn sealing_twice_looks_different() {
        let (here, item) = (account("emm"), ItemKey("a".into()));
        let place = Place { account: &here, item: &item, path: None };
        let sealer = Sealer::new(&keys(1));
        assert_ne!(sealer.seal(&place, b"v"), sealer.seal(&place, b"v"));
    }

    #[test]
    fn keys_are_stable_and_independent() {
        let (keys, again, others) = (keys(1), keys(1), keys(2));
        assert!(keys.sealing == again.sealing && keys.check_value() == again.check_value());
        assert!(keys.sealing != keys.digest && keys.digest != keys.mac && keys.mac != keys.sealing);
        assert_ne!(keys.check_value(), others.check_value());
        assert_ne!(keys.key_id(), others.key_id());
        assert_eq!(keys.key_id().len(), 8);
    }

    #[test]
    fn a_mac_depends_on_where_one_word_ends() {
        let keys = keys(1);
        assert_eq!(keys.mac(&["ab", "c"]), keys.mac(&["ab", "c"]));
        assert_ne!(keys.mac(&["ab", "c"]), keys.mac(&["a", "bc"]));
        assert_ne!(keys.mac(&["ab", "c"]), keys.mac(&["ab", "c", ""]));
    }

    #[test]
    fn a_short_secret_is_refused() {
        let refused = Keys::derive(&Secret::new(vec![7; 31])).err();
        assert_eq!(refused, Some(StoreError::WeakSecret { bytes: 31 }));
    }
}
