//! PBES2 (RFC 8018 §6.2): a key derived from a passphrase by PBKDF2, and AES in CBC mode under it.

use std::num::NonZeroU32;

use aws_lc_rs::{
    cipher::{
        self, AES_128, AES_192, AES_256, DecryptionContext, EncryptionContext,
        PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey,
    },
    iv::FixedLength,
    pbkdf2, rand,
};
use der::Encode as _;
use pkcs5::{
    EncryptionScheme,
    pbes2::{EncryptionScheme as Cipher, Kdf, Parameters, Pbkdf2Params, Pbkdf2Prf},
};
use pkcs8::EncryptedPrivateKeyInfo;
use zeroize::Zeroizing;

use crate::{
    effort::{Effort, MAX_ROUNDS, ROUNDS},
    passphrase::Passphrase,
};

/// The longest key of the ciphers below.
const MAX_KEY_BYTES: usize = 32;

/// Why something encrypted was not opened. Neither it nor the passphrase is ever quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Encrypted in a way that is not supported.
    #[error(
        "expected encryption with PBES2, PBKDF2 and AES-CBC (RFC 8018), found another: convert the file with `openssl`, which reads old ones with `-legacy`"
    )]
    Unsupported,
    /// The file asks for more derivation than any honest one.
    #[error("expected at most {MAX_ROUNDS} rounds of key derivation, found more")]
    TooMuchEffort,
    /// The passphrase opens nothing, or what it opens is broken.
    #[error(
        "expected the passphrase that the key was encrypted with, found another (or a damaged file)"
    )]
    WrongPassphrase,
}

/// The system gave no random bytes, or the cipher failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("could not encrypt the key: no random bytes")]
pub struct SealError;

/// Decrypts. With a wrong passphrase the padding is almost always wrong; the rest is for the reader of what comes out.
pub(crate) fn decrypt(
    scheme: &EncryptionScheme<'_>,
    encrypted: &[u8],
    passphrase: &Passphrase,
    effort: &mut Effort,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let EncryptionScheme::Pbes2(Parameters { kdf, encryption }) = scheme else {
        return Err(OpenError::Unsupported);
    };
    let Kdf::Pbkdf2(kdf) = kdf else {
        return Err(OpenError::Unsupported);
    };
    let (algorithm, iv) = match encryption {
        Cipher::Aes128Cbc { iv } => (&AES_128, iv),
        Cipher::Aes192Cbc { iv } => (&AES_192, iv),
        Cipher::Aes256Cbc { iv } => (&AES_256, iv),
        // The library's list grows.
        _ => return Err(OpenError::Unsupported),
    };
    let key = derive(kdf, encryption.key_size(), passphrase, effort)?;
    let unbound =
        UnboundCipherKey::new(algorithm, &key).map_err(|_error| OpenError::Unsupported)?;
    let opener =
        PaddedBlockDecryptingKey::cbc_pkcs7(unbound).map_err(|_error| OpenError::Unsupported)?;
    let mut buffer = Zeroizing::new(encrypted.to_vec());
    let context = DecryptionContext::Iv128(FixedLength::from(*iv));
    let n = opener
        .decrypt(&mut buffer, context)
        .map_err(|_error| OpenError::WrongPassphrase)?
        .len();
    buffer.truncate(n);
    Ok(buffer)
}

/// Encrypts a private key: PBKDF2 with HMAC-SHA-256 and [`ROUNDS`], AES-256-CBC. Returns an `EncryptedPrivateKeyInfo`.
pub(crate) fn seal(pkcs8: &[u8], passphrase: &Passphrase) -> Result<Vec<u8>, SealError> {
    let (mut salt, mut iv) = ([0; 16], [0; cipher::AES_CBC_IV_LEN]);
    rand::fill(&mut salt).map_err(|_error| SealError)?;
    rand::fill(&mut iv).map_err(|_error| SealError)?;
    let parameters =
        Parameters::pbkdf2_sha256_aes256cbc(ROUNDS, &salt, &iv).map_err(|_error| SealError)?;
    let Kdf::Pbkdf2(kdf) = &parameters.kdf else {
        return Err(SealError);
    };
    let key =
        derive(kdf, MAX_KEY_BYTES, passphrase, &mut Effort::new()).map_err(|_error| SealError)?;
    let unbound = UnboundCipherKey::new(&AES_256, &key).map_err(|_error| SealError)?;
    let sealer = PaddedBlockEncryptingKey::cbc_pkcs7(unbound).map_err(|_error| SealError)?;
    // With room for the padding, so that no copy of the key is left behind by growing.
    let mut buffer = Zeroizing::new(Vec::with_capacity(pkcs8.len() + 2 * iv.len()));
    buffer.extend_from_slice(pkcs8);
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    sealer
        .less_safe_encrypt(&mut *buffer, context)
        .map_err(|_error| SealError)?;
    let sealed = EncryptedPrivateKeyInfo {
        encryption_algorithm: EncryptionScheme::Pbes2(parameters),
        encrypted_data: &buffer,
    };
    sealed.to_der().map_err(|_error| SealError)
}

fn derive(
    kdf: &Pbkdf2Params<'_>,
    n_bytes: usize,
    passphrase: &Passphrase,
    effort: &mut Effort,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let algorithm = match kdf.prf {
        Pbkdf2Prf::HmacWithSha1 => pbkdf2::PBKDF2_HMAC_SHA1,
        Pbkdf2Prf::HmacWithSha256 => pbkdf2::PBKDF2_HMAC_SHA256,
        Pbkdf2Prf::HmacWithSha384 => pbkdf2::PBKDF2_HMAC_SHA384,
        Pbkdf2Prf::HmacWithSha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        // The library's list grows.
        Pbkdf2Prf::HmacWithSha224 | _ => return Err(OpenError::Unsupported),
    };
    let wanted = kdf.key_length.map(usize::from);
    if wanted.is_some_and(|wanted| wanted != n_bytes) {
        return Err(OpenError::Unsupported);
    }
    effort
        .spend(kdf.iteration_count)
        .map_err(|_error| OpenError::TooMuchEffort)?;
    let rounds = NonZeroU32::new(kdf.iteration_count).ok_or(OpenError::Unsupported)?;
    let mut key = Zeroizing::new(vec![0; n_bytes]);
    let secret = passphrase.text().as_bytes();
    pbkdf2::derive(algorithm, rounds, kdf.salt, secret, &mut key);
    Ok(key)
}
