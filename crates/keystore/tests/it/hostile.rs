//! What strangers send: files that are almost keys never panic and never take long.

use newleaf_keystore::{KeyFile, Pkcs12, SealedKey, container};
use proptest::{collection::vec, prelude::*};

use crate::bench::{key, passphrase};

/// Opens whatever there is to open.
fn interrogate(bytes: &[u8]) {
    match container::read(bytes) {
        Ok(KeyFile::Sealed(sealed)) => drop(sealed.open(&passphrase("s"))),
        Ok(KeyFile::Pkcs12(file)) => drop(file.open(&passphrase("s"))),
        Ok(KeyFile::Plain(_)) | Err(_) => {}
    }
}

/// One of each form, made once.
fn seeds() -> &'static [Vec<u8>; 3] {
    static SEEDS: std::sync::OnceLock<[Vec<u8>; 3]> = std::sync::OnceLock::new();
    SEEDS.get_or_init(|| {
        let key = key("P-256");
        let chain = crate::pkcs12::chain(&key);
        let packed = Pkcs12::pack(&key, &chain, "w", &passphrase("s")).unwrap();
        let sealed = SealedKey::seal(&key, &passphrase("s")).unwrap();
        [
            key.secret_der().to_vec(),
            sealed.der().to_vec(),
            packed.der().to_vec(),
        ]
    })
}

#[test]
fn a_file_that_is_too_large_is_not_looked_at() {
    let zeros = vec![0x30; container::MAX_BYTES + 1];
    let refused = container::read(&zeros).err().unwrap();
    assert_eq!(
        refused,
        container::ReadError::TooLarge { found: zeros.len() }
    );
}

proptest! {
    // Each case may derive a key from a passphrase, which is meant to take long.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn spoiled_files_do_not_panic(which in 0usize..3, at: prop::sample::Index, value: u8, cut: prop::sample::Index) {
        let mut bytes = seeds()[which].clone();
        let n = bytes.len();
        bytes[at.index(n)] = value;
        interrogate(&bytes);
        bytes.truncate(cut.index(n));
        interrogate(&bytes);
    }

    #[test]
    fn noise_does_not_panic(bytes in vec(any::<u8>(), 0..400)) {
        interrogate(&bytes);
    }
}
