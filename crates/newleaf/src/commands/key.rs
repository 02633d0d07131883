//! `newleaf key`: bring a private key into the form that another program wants.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use newleaf_keystore::{KeyForm, Pkcs12, Pkcs12Content, SealedKey};
use newleaf_x509::{Certificate, PrivateKey};
use zeroize::Zeroizing;

use crate::{
    code,
    console::{GOOD, WARN},
    failure::{Exit, Failure},
    files::{self, Existing, Readers},
    passphrase::Source,
    session::Session,
};

/// Convert private keys
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Convert(ConvertArgs),
}

/// Bring a private key into another form
///
/// IN is a key in PEM or DER: PKCS #8, encrypted PKCS #8 (as openssl writes it and AWS Certificate Manager exports it), PKCS
/// #1, SEC 1, or a PKCS #12 file. OUT is written with mode 0600. Passphrases are never arguments: each is named by its place,
/// `env:NAME`, `file:PATH`, `keyring:NAME`, `command:PROGRAM ARGUMENT …` or `prompt`.
#[derive(Debug, clap::Args)]
pub(crate) struct ConvertArgs {
    /// The key as it is; `-` for standard input
    #[arg(value_name = "IN")]
    from: PathBuf,
    /// Where the key shall lie
    #[arg(value_name = "OUT")]
    out: PathBuf,
    /// The form that is wanted
    #[arg(long, value_name = "FORM")]
    to: FormName,
    /// Write DER instead of PEM; PKCS #12 is always DER
    #[arg(long)]
    der: bool,
    /// Who knows the passphrase of IN
    #[arg(long, value_name = "PLACE", default_value = "prompt", value_parser = Source::parse)]
    passphrase: Source,
    /// Who knows the passphrase that OUT shall have
    #[arg(long, value_name = "PLACE", default_value = "prompt", value_parser = Source::parse)]
    out_passphrase: Source,
    /// The certificates to pack into PKCS #12, the key's own first; those of IN, if it is PKCS #12
    #[arg(long, value_name = "FILE")]
    chain: Option<PathBuf>,
    /// The name of the entry in PKCS #12: what Java calls its alias
    #[arg(long, value_name = "NAME", default_value = "newleaf")]
    alias: String,
    /// Write the certificates of a PKCS #12 file here, in PEM
    #[arg(long, value_name = "FILE")]
    chain_out: Option<PathBuf>,
    /// Replace the files that are there
    #[arg(long)]
    force: bool,
}

/// A form of a private key, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormName {
    /// PKCS #8: every kind of key; what Java, Go and newleaf read
    Pkcs8,
    /// Encrypted PKCS #8: PBES2 with PBKDF2-HMAC-SHA256 and AES-256-CBC
    EncryptedPkcs8,
    /// PKCS #1: RSA only
    Pkcs1,
    /// SEC 1: ECDSA only
    Sec1,
    /// PKCS #12: key and certificates in one file, for Java and Windows
    Pkcs12,
}

/// Runs `newleaf key`.
pub(crate) fn run(command: Command, session: &Session) -> Result<Exit, Failure> {
    let Command::Convert(args) = command;
    let existing = Existing::of_force(args.force);
    let mut out = vec![args.out.as_path()];
    out.extend(args.chain_out.as_deref());
    files::must_be_free(&out, existing)?;
    let Pkcs12Content { key, certificates } = files::open_key_file(&args.from, &args.passphrase)?;
    let certificates = match &args.chain {
        Some(chain) => files::read_certificates(chain)?,
        None => certificates,
    };
    let text = converted(&args, &key, &certificates)?;
    files::write(&args.out, &*text, Readers::Owner, existing)?;
    if let Some(path) = &args.chain_out {
        let chain: String = certificates.iter().map(Certificate::to_pem).collect();
        files::write(path, chain, Readers::Everybody, existing)?;
    }
    let console = session.console();
    let kind = key.public_key().algorithm();
    console.note(format_args!(
        "{} key {kind}  {}",
        console.paint_err(GOOD, "converted"),
        args.out.display()
    ));
    if args.to.is_open() {
        console.note(format_args!(
            "{}: whoever reads the file has the key (0600)",
            console.paint_err(WARN, "not encrypted")
        ));
    }
    Ok(Exit::Done)
}

fn converted(
    args: &ConvertArgs,
    key: &PrivateKey,
    certificates: &[Certificate],
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    match args.to {
        FormName::Pkcs8 => open(KeyForm::Pkcs8, key, args),
        FormName::Pkcs1 => open(KeyForm::Pkcs1, key, args),
        FormName::Sec1 => open(KeyForm::Sec1, key, args),
        FormName::EncryptedPkcs8 => {
            let passphrase = chosen(args)?;
            let sealed = SealedKey::seal(key, &passphrase);
            let sealed = sealed.map_err(|error| Failure::new(&code::GENERATE, error))?;
            Ok(Zeroizing::new(if args.der {
                sealed.der().to_vec()
            } else {
                sealed.to_pem().into_bytes()
            }))
        }
        FormName::Pkcs12 => {
            if certificates.is_empty() {
                let message = "expected the key's certificate for PKCS #12, found none";
                return Err(Failure::new(&code::KEY_FORM, message)
                    .hint("name it with `--chain`, as in `--chain tls.crt`"));
            }
            let passphrase = chosen(args)?;
            let packed = Pkcs12::pack(key, certificates, &args.alias, &passphrase);
            let packed = packed.map_err(|error| Failure::new(&code::KEY_FORM, error))?;
            Ok(Zeroizing::new(packed.der().to_vec()))
        }
    }
}

fn chosen(args: &ConvertArgs) -> Result<newleaf_keystore::Passphrase, Failure> {
    let what = format!("passphrase for `{}`", display(&args.out));
    args.out_passphrase.choose(&what)
}

fn open(
    form: KeyForm,
    key: &PrivateKey,
    args: &ConvertArgs,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let refused = |error| Failure::new(&code::KEY_FORM, error);
    if args.der {
        return form.der_of(key).map_err(refused);
    }
    let text = form.pem_of(key).map_err(refused)?;
    Ok(Zeroizing::new(text.as_bytes().to_vec()))
}

fn display(path: &Path) -> String {
    path.display().to_string()
}

impl FormName {
    fn is_open(self) -> bool {
        match self {
            Self::Pkcs8 | Self::Pkcs1 | Self::Sec1 => true,
            Self::EncryptedPkcs8 | Self::Pkcs12 => false,
        }
    }
}
