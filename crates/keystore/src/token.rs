//! Keys in a PKCS #11 token: a hardware security module, a smart card, or `SoftHSM`. They are made there, sign there, and
//! never come out.
//!
//! A module is loaded once in the life of the process and kept: PKCS #11 lets a process initialize it once (§5.4), and
//! unloading one that another thread uses is not survivable.

mod public;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use aws_lc_rs::digest::{SHA256, SHA384, digest};
use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error as Pkcs11Error, RvError},
    mechanism::Mechanism,
    object::{Attribute, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    types::AuthPin,
};
use newleaf_x509::{
    KeyAlgorithm, PublicKey,
    signer::{SignError, Signer},
};

use crate::passphrase::Passphrase;

/// Which token, and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenOptions {
    /// The shared library of the token's maker, for example `/usr/lib/softhsm/libsofthsm2.so`.
    pub module: PathBuf,
    /// The token's label.
    pub token: String,
}

/// A private key in a token: it signs, and is never seen.
#[expect(missing_debug_implementations, reason = "a session that may sign")]
pub struct TokenKey {
    // A PKCS #11 session does one thing at a time (§5.6).
    session: Mutex<Session>,
    handle: ObjectHandle,
    public: PublicKey,
}

/// Why a token did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The module cannot be loaded.
    #[error("cannot load the PKCS #11 module `{}`", module.display())]
    Module {
        /// The module.
        module: PathBuf,
        /// Why.
        source: Pkcs11Error,
    },
    /// No token of that name.
    #[error("expected a token labelled `{token}`, found {found}")]
    NoToken {
        /// The label.
        token: String,
        /// The labels that there are.
        found: String,
    },
    /// The token refused the PIN.
    #[error("expected the PIN of token `{token}`, found another")]
    Pin {
        /// The token.
        token: String,
    },
    /// The token has a key of that name already.
    #[error(
        "expected no key labelled `{label}` in the token, found one: a key is never overwritten"
    )]
    Exists {
        /// The key's label.
        label: String,
    },
    /// The token has two keys of that name.
    #[error("expected one key labelled `{label}` in the token, found {found}")]
    Ambiguous {
        /// The key's label.
        label: String,
        /// How many.
        found: usize,
    },
    /// A kind of key that tokens are not asked for.
    #[error("expected ECDSA P-256, ECDSA P-384 or RSA of 2048 to 4096 bits, found {found}")]
    Kind {
        /// The kind.
        found: KeyAlgorithm,
    },
    /// The public half cannot be read.
    #[error("cannot read the public half of key `{label}` in the token")]
    Public {
        /// The key's label.
        label: String,
    },
    /// The token answered with an error.
    #[error("could not {what} in the token")]
    Token {
        /// What was wanted.
        what: &'static str,
        /// What it said.
        source: Pkcs11Error,
    },
}

impl TokenKey {
    /// Makes a key pair in the token, which will never let the private half out.
    pub fn generate(
        options: &TokenOptions,
        pin: &Passphrase,
        label: &str,
        kind: KeyAlgorithm,
    ) -> Result<Self, TokenError> {
        let (mechanism, mut public) = public::recipe(kind)?;
        let session = open(options, pin)?;
        if private(&session, label)?.is_some() {
            let label = label.to_owned();
            return Err(TokenError::Exists { label });
        }
        public.extend([
            Attribute::Token(true),
            Attribute::Verify(true),
            Attribute::Label(label.into()),
            Attribute::Id(label.into()),
        ]);
        let secret = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
            Attribute::Label(label.into()),
            Attribute::Id(label.into()),
        ];
        session
            .generate_key_pair(&mechanism, &public, &secret)
            .map_err(failed("make a key"))?;
        Self::of(session, label)?.ok_or_else(|| TokenError::Public {
            label: label.to_owned(),
        })
    }

    /// Finds a key by its label.
    pub fn find(
        options: &TokenOptions,
        pin: &Passphrase,
        label: &str,
    ) -> Result<Option<Self>, TokenError> {
        Self::of(open(options, pin)?, label)
    }

    /// Destroys a key pair. One that is gone already is no error.
    pub fn destroy(
        options: &TokenOptions,
        pin: &Passphrase,
        label: &str,
    ) -> Result<(), TokenError> {
        let session = open(options, pin)?;
        // The private half last: while it is there the deed is not done, and is tried again.
        for class in [ObjectClass::PUBLIC_KEY, ObjectClass::PRIVATE_KEY] {
            for object in objects(&session, class, label)? {
                session
                    .destroy_object(object)
                    .map_err(failed("destroy a key"))?;
            }
        }
        Ok(())
    }

    fn of(session: Session, label: &str) -> Result<Option<Self>, TokenError> {
        let Some(handle) = private(&session, label)? else {
            return Ok(None);
        };
        let public = objects(&session, ObjectClass::PUBLIC_KEY, label)?;
        let public = public
            .first()
            .and_then(|public| public::read(&session, *public))
            .ok_or_else(|| TokenError::Public {
                label: label.to_owned(),
            })?;
        Ok(Some(Self {
            session: Mutex::new(session),
            handle,
            public,
        }))
    }
}

impl Signer for TokenKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let refused = |reason: String| SignError { reason };
        // Tokens hash as they please; ECDSA is asked for over a hash made here, which every token knows.
        let hashed = match self.public.algorithm() {
            KeyAlgorithm::EcdsaP256 => Some(digest(&SHA256, message)),
            KeyAlgorithm::EcdsaP384 => Some(digest(&SHA384, message)),
            KeyAlgorithm::Rsa(_) => None,
            other @ (KeyAlgorithm::EcdsaP521 | KeyAlgorithm::Ed25519 | KeyAlgorithm::Other) => {
                return Err(refused(format!("{other} is not asked of tokens")));
            }
        };
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let signed = match &hashed {
            Some(hash) => session.sign(&Mechanism::Ecdsa, self.handle, hash.as_ref()),
            None => session.sign(&Mechanism::Sha256RsaPkcs, self.handle, message),
        };
        drop(session);
        let signature = signed.map_err(|error| refused(error.to_string()))?;
        if hashed.is_none() {
            return Ok(signature);
        }
        public::ecdsa_der(&signature)
            .ok_or_else(|| refused("the token's signature is malformed".to_owned()))
    }
}

/// Opens a session in which keys may be used.
fn open(options: &TokenOptions, pin: &Passphrase) -> Result<Session, TokenError> {
    let module = module(&options.module)?;
    let slots = module
        .get_slots_with_initialized_token()
        .map_err(failed("look for tokens"))?;
    let mut labels = Vec::new();
    for slot in slots {
        let found = module
            .get_token_info(slot)
            .map_err(failed("look at a token"))?;
        if found.label() == options.token {
            let session = module
                .open_rw_session(slot)
                .map_err(failed("open a session"))?;
            return log_in(session, options, pin);
        }
        labels.push(format!("`{}`", found.label()));
    }
    let found = if labels.is_empty() {
        "no token at all".to_owned()
    } else {
        labels.join(", ")
    };
    Err(TokenError::NoToken {
        token: options.token.clone(),
        found,
    })
}

fn log_in(
    session: Session,
    options: &TokenOptions,
    pin: &Passphrase,
) -> Result<Session, TokenError> {
    let pin = AuthPin::from(pin.text());
    match session.login(UserType::User, Some(&pin)) {
        // Logging in is of the process, not of the session (PKCS #11 §5.6.8).
        Ok(()) | Err(Pkcs11Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
        Err(Pkcs11Error::Pkcs11(
            RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange,
            _,
        )) => Err(TokenError::Pin {
            token: options.token.clone(),
        }),
        Err(error) => Err(failed("log in")(error)),
    }
}

/// Loads a module, once.
fn module(path: &Path) -> Result<Pkcs11, TokenError> {
    static LOADED: Mutex<BTreeMap<PathBuf, Pkcs11>> = Mutex::new(BTreeMap::new());
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(module) = loaded.get(path) {
        return Ok(module.clone());
    }
    let refused = |source| TokenError::Module {
        module: path.to_owned(),
        source,
    };
    let module = Pkcs11::new(path).map_err(refused)?;
    module
        .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
        .map_err(refused)?;
    loaded.insert(path.to_owned(), module.clone());
    Ok(module)
}

fn private(session: &Session, label: &str) -> Result<Option<ObjectHandle>, TokenError> {
    match objects(session, ObjectClass::PRIVATE_KEY, label)?.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        several => Err(TokenError::Ambiguous {
            label: label.to_owned(),
            found: several.len(),
        }),
    }
}

fn objects(
    session: &Session,
    class: ObjectClass,
    label: &str,
) -> Result<Vec<ObjectHandle>, TokenError> {
    let template = [Attribute::Class(class), Attribute::Label(label.into())];
    session
        .find_objects(&template)
        .map_err(failed("look for a key"))
}

fn failed(what: &'static str) -> impl Fn(Pkcs11Error) -> TokenError {
    move |source| TokenError::Token { what, source }
}
