//! RSA public keys as vendors have them registered: the doubles verify signed logins with them.

use rustls::{
    SignatureScheme,
    pki_types::{CertificateDer, SubjectPublicKeyInfoDer, pem::PemObject as _},
    server::ParsedCertificate,
};

/// What stands behind the four bytes of outer length in every RSA `SubjectPublicKeyInfo`: the
/// algorithm `rsaEncryption` with its NULL.
const RSA: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// An RSA public key as an account registers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(Vec<u8>);

impl PublicKey {
    /// Reads `BEGIN PUBLIC KEY`, 2048 to 8192 bits.
    ///
    /// # Errors
    /// A sentence if it is anything else.
    pub fn from_pem(pem: &str) -> Result<Self, String> {
        let spki = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| format!("publicKey: no PEM public key: {error}"))?;
        Self::from_spki(&spki).ok_or_else(|| "publicKey: no RSA key of 2048 to 8192 bits".to_owned())
    }

    /// Reads `BEGIN CERTIFICATE` with such a key; nobody asks who signed it.
    ///
    /// # Errors
    /// A sentence if it is anything else.
    pub fn from_certificate(pem: &str) -> Result<Self, String> {
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| format!("certificate: no PEM certificate: {error}"))?;
        let parsed = ParsedCertificate::try_from(&certificate)
            .map_err(|error| format!("certificate: cannot be read: {error}"))?;
        Self::from_spki(&parsed.subject_public_key_info())
            .ok_or_else(|| "certificate: no RSA key of 2048 to 8192 bits".to_owned())
    }

    fn from_spki(spki: &[u8]) -> Option<Self> {
        // 30 82 LL LL, the algorithm, 03 82 LL LL 00: the lengths of such keys take two bytes each.
        let inner = spki
            .get(4..19)
            .filter(|algorithm| *algorithm == RSA)
            .and_then(|_| spki.get(19..24))
            .filter(|head| matches!(head, [0x03, 0x82, _, _, 0x00]))
            .and_then(|_| spki.get(24..))?;
        Some(Self(inner.to_vec()))
    }

    /// Whether `signature` over `message` was made with the private half.
    pub fn verify(&self, scheme: SignatureScheme, message: &[u8], signature: &[u8]) -> bool {
        let provider = rustls::crypto::ring::default_provider();
        let schemes = provider.signature_verification_algorithms.mapping;
        schemes
            .iter()
            .filter(|(known, _)| *known == scheme)
            .flat_map(|(_, algorithms)| algorithms.iter())
            .any(|algorithm| algorithm.verify_signature(&self.0, message, signature).is_ok())
    }
}
