//! The kernel's keyring: a secret that lies on no disk, and that only this user or this session can read (keyrings(7)).
//!
//! `keyctl add user NAME SECRET @u` puts one there, and `keyctl padd user NAME @u` takes it from standard input.

use std::io;

use zeroize::Zeroizing;

/// Reads the key of type `user` that has this description: the session's, else the user's.
#[cfg(target_os = "linux")]
pub(super) fn read(name: &str) -> io::Result<Zeroizing<String>> {
    use linux_keyutils::{KeyError, KeyRing, KeyRingIdentifier};

    let refused = |error: KeyError| {
        use KeyError as E;
        let gone = [E::KeyDoesNotExist, E::KeyExpired, E::MissingFileOrDirectory];
        if gone.contains(&error) {
            return io::Error::new(io::ErrorKind::NotFound, "no such key, or it has expired");
        }
        io::Error::other(error.to_string())
    };
    let search = |ring| {
        let ring = KeyRing::from_special_id(ring, false)?;
        ring.search(name)
    };
    let key = search(KeyRingIdentifier::Session)
        .or_else(|_not_in_session| search(KeyRingIdentifier::User))
        .map_err(refused)?;
    let mut secret = Zeroizing::new([0; super::MAX_SIZE]);
    let length = key.read(&mut *secret).map_err(refused)?;
    let text = secret.get(..length).map(std::str::from_utf8);
    match text {
        Some(Ok(text)) => super::first_line(text.as_bytes()),
        Some(Err(_)) | None => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "expected a line of text",
        )),
    }
}

/// Other systems have keyrings of their own, which `command:` reaches.
#[cfg(not(target_os = "linux"))]
pub(super) fn read(_name: &str) -> io::Result<Zeroizing<String>> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "only Linux has this keyring; `command:` asks another",
    ))
}
