//! Keys behind a passphrase.

use newleaf_keystore::{KeyFile, SealedKey, container, sealed::OpenError};

use crate::bench::{Bench, KEYS, SECRET, key, passphrase};

fn sealed(bytes: &[u8]) -> SealedKey {
    match container::read(bytes).unwrap() {
        KeyFile::Sealed(sealed) => sealed,
        KeyFile::Plain(_) | KeyFile::Pkcs12(_) => panic!("not a sealed key"),
    }
}

#[test]
fn what_is_sealed_opens_with_its_passphrase_and_no_other() {
    let key = key("P-256");
    let sealed_key = SealedKey::seal(&key, &passphrase(SECRET)).unwrap();
    assert_eq!(sealed(sealed_key.to_pem().as_bytes()), sealed_key);
    assert_eq!(sealed(sealed_key.der()), sealed_key);
    let opened = sealed_key.open(&passphrase(SECRET)).unwrap();
    assert_eq!(opened.secret_der(), key.secret_der());
    for wrong in ["", "correct horsf", "Correct horse"] {
        let refused = sealed_key.open(&passphrase(wrong)).err();
        assert_eq!(refused, Some(OpenError::WrongPassphrase), "{wrong}");
    }
    let again = SealedKey::seal(&key, &passphrase(SECRET)).unwrap();
    assert_ne!(again, sealed_key, "salt and vector are drawn anew");
}

#[test]
fn openssl_opens_what_is_sealed_here() {
    let bench = Bench::new();
    for (kind, _) in KEYS {
        let key = key(kind);
        let sealed = SealedKey::seal(&key, &passphrase("secret")).unwrap();
        bench.write("sealed.pem", sealed.to_pem());
        let open = "pkcs8 -in sealed.pem -passin pass:secret -out open.pem";
        if bench.done("openssl", open).is_none() {
            return;
        }
        let KeyFile::Plain(opened) = container::read(&bench.read("open.pem")).unwrap() else {
            panic!("openssl left it sealed");
        };
        assert_eq!(opened.public_key(), key.public_key(), "{kind}");
    }
}

/// The first is what AWS Certificate Manager exports.
#[test]
fn what_openssl_seals_opens_here() {
    let bench = Bench::new();
    bench.write("key.pem", key("RSA 2048").to_pem().as_bytes());
    for how in [
        "-v2 aes-256-cbc -v2prf hmacWithSHA256 -iter 2048",
        "-v2 aes-128-cbc -v2prf hmacWithSHA512 -iter 10000",
        "-v2 aes-192-cbc -v2prf hmacWithSHA1",
        "-v2 aes-256-cbc -v2prf hmacWithSHA384 -outform DER",
    ] {
        let seal = format!("pkcs8 -topk8 -in key.pem -passout pass:secret -out sealed {how}");
        if bench.done("openssl", &seal).is_none() {
            return;
        }
        let opened = sealed(&bench.read("sealed")).open(&passphrase("secret"));
        assert_eq!(
            opened.unwrap().public_key(),
            key("RSA 2048").public_key(),
            "{how}"
        );
    }
}

#[test]
fn other_ways_to_seal_are_refused_by_name() {
    let bench = Bench::new();
    bench.write("key.pem", key("P-256").to_pem().as_bytes());
    for how in [
        "-v2 des3",
        "-scrypt",
        "-v2 aes-256-cbc -v2prf hmacWithSHA224",
    ] {
        let seal = format!("pkcs8 -topk8 -in key.pem -passout pass:secret -out sealed {how}");
        if bench.done("openssl", &seal).is_none() {
            return;
        }
        let refused = match container::read(&bench.read("sealed")) {
            Ok(KeyFile::Sealed(sealed)) => sealed.open(&passphrase("secret")).err(),
            Ok(_) => panic!("{how}: opened"),
            // What the structures have no word for is not read at all.
            Err(_) => continue,
        };
        assert_eq!(refused, Some(OpenError::Unsupported), "{how}");
    }
}

#[test]
fn a_file_that_wants_to_burn_time_is_refused_at_once() {
    let key = key("P-256");
    let mut der = SealedKey::seal(&key, &passphrase("s"))
        .unwrap()
        .der()
        .to_vec();
    // 600,000 rounds, in DER; then the largest number of that length that is a multiple of 65,536: half a minute's worth would be
    // more than ten million, which needs another byte.
    let rounds = [0x02, 0x03, 0x09, 0x27, 0xc0];
    let at = der.windows(5).position(|five| five == rounds).unwrap();
    // One more byte for the number, so one more in every length around it.
    der.splice(at..at + 5, [0x02, 0x04, 0x01, 0x00, 0x00, 0x00]);
    for length in lengths_around(&der, at) {
        der[length] += 1;
    }
    let refused = sealed(&der).open(&passphrase("s")).err();
    assert_eq!(refused, Some(OpenError::TooMuchEffort));
}

/// Finds the length octets of the constructed values that hold the position; all of them are short enough for one octet
/// after the tag, but for the outermost.
fn lengths_around(der: &[u8], at: usize) -> Vec<usize> {
    let mut found = Vec::new();
    let mut start = 0;
    while start < at {
        let (length_at, content, length) = match der[start + 1] {
            0x81 => (start + 2, start + 3, usize::from(der[start + 2])),
            0x82 => {
                let length = usize::from(der[start + 2]) << 8 | usize::from(der[start + 3]);
                (start + 3, start + 4, length)
            }
            short => (start + 1, start + 2, usize::from(short)),
        };
        if content + length > at && der[start] & 0x20 != 0 {
            found.push(length_at);
            start = content;
        } else {
            start = content + length;
        }
    }
    found
}
