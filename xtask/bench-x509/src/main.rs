//! Measures newleaf's certificates against other libraries, in one process on one core: issuing, reading, describing,
//! linting. `cargo xtask bench-x509` runs it, and other tools beside it, and prints the table.
//!
//! ```text
//! bench-x509 make N FILE     issue N leaves into one PEM file
//! bench-x509 time FILE       nanoseconds of a core a certificate for each work, as JSON: the median of rounds that take turns
//! bench-x509 do WORK N FILE  one work on N certificates, to be counted by callgrind
//! ```

use std::{env, error::Error, hint::black_box};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use jiff::{SignedDuration, Timestamp};
use newleaf_x509::{
    Certificate, PrivateKey,
    describe::Description,
    issue::{self, CaTemplate, Issuer, LeafTemplate, LeafUse, San, Serial, Subject, Validity},
    lint::{self, Context, Family, Lint, Profile},
};
use x509_lint::{CertificateLintRegistry, rfc_lints};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How often each work is measured; the works take turns, so that a busy machine is busy for all of them.
const ROUNDS: usize = 15;

/// The instant at which everything happens, so that every run does the same.
const NOW: Timestamp = Timestamp::constant(1_795_000_000, 0);

/// One thing that is measured, on one certificate.
struct Work {
    name: &'static str,
    run: fn(&Stage, &[u8]),
}

const WORKS: &[Work] = &[
    Work {
        name: "parse, x509-parser",
        run: |_, der| {
            black_box(x509_parser::parse_x509_certificate(der).is_ok());
        },
    },
    Work {
        name: "parse",
        run: |_, der| {
            black_box(Certificate::from_der(der).is_ok());
        },
    },
    Work {
        name: "parse and describe",
        run: |_, der| {
            drop(black_box(
                Certificate::from_der(der).map(|one| Description::of(&one, NOW)),
            ));
        },
    },
    Work {
        name: "parse and lint",
        run: |stage, der| {
            let lint = |one| lint::certificate(&one, &stage.context);
            drop(black_box(Certificate::from_der(der).map(lint)));
        },
    },
    Work {
        name: "parse and lint, x509_lint",
        run: |stage, der| {
            if let Ok((_, parsed)) = x509_lint::x509_parser::parse_x509_certificate(der) {
                black_box(stage.registry.run_lints(&parsed));
            }
        },
    },
    Work {
        name: "sign, P-256 alone",
        run: |stage, _| {
            black_box(stage.signer.sign(&stage.random, &stage.tbs).is_ok());
        },
    },
    Work {
        name: "issue a P-256 leaf",
        run: |stage, _| {
            black_box(stage.issue(1).is_ok());
        },
    },
];

/// Everything that the works need and that is not measured.
struct Stage {
    ca: Certificate,
    ca_key: PrivateKey,
    leaf_key: PrivateKey,
    context: Context,
    registry: CertificateLintRegistry<'static>,
    signer: EcdsaKeyPair,
    random: SystemRandom,
    /// As many bytes as the part of a leaf that is signed.
    tbs: Vec<u8>,
}

impl Stage {
    fn new() -> Result<Self> {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let signer =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pair.serialized_der())?;
        let ca_key = PrivateKey::new(pair)?;
        let leaf_key = PrivateKey::new(rcgen::KeyPair::generate_for(
            &rcgen::PKCS_ECDSA_P256_SHA256,
        )?)?;
        let ca = issue::ca(
            &CaTemplate {
                subject: Subject::new("payments-ca g1", Some("acme".to_owned()), None)?,
                serial: Serial::from_random([1; 16]),
                validity: validity(365),
            },
            &ca_key,
        )?;
        Ok(Self {
            ca,
            ca_key,
            leaf_key,
            context: Context {
                profile: Profile::TemporalCloud,
                now: NOW,
            },
            registry: rfc_lints(),
            signer,
            random: SystemRandom::new(),
            tbs: vec![0x5a; 435],
        })
    }

    fn issue(&self, serial: u128) -> Result<Certificate> {
        let template = LeafTemplate {
            subject: Subject::new("worker-a", Some("acme".to_owned()), None)?,
            sans: vec![
                San::Dns("worker-a.payments.example".to_owned()),
                San::Uri("spiffe://example/payments/worker-a".to_owned()),
            ],
            serial: Serial::from_random(serial.to_be_bytes()),
            validity: validity(30),
            usage: LeafUse::Client,
        };
        let issuer = Issuer::new(&self.ca, &self.ca_key)?;
        Ok(issue::leaf(&template, &self.leaf_key, &issuer)?)
    }
}

fn validity(days: i64) -> Validity {
    Validity {
        not_before: NOW - SignedDuration::from_hours(24),
        not_after: NOW + SignedDuration::from_hours(24 * days),
    }
}

fn main() -> Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let stage = Stage::new()?;
    match words.as_slice() {
        ["make", n, file] => {
            let mut text = String::new();
            for serial in 0..n.parse::<u128>()? {
                text.push_str(&stage.issue(serial)?.to_pem());
            }
            Ok(fs_err::write(file, text)?)
        }
        ["time", file] => time(&stage, &read(file)?),
        ["do", name, n, file] => {
            let work = WORKS.iter().find(|work| work.name == *name);
            let work = work.ok_or("no such work")?;
            for der in read(file)?.iter().cycle().take(n.parse()?) {
                (work.run)(&stage, der);
            }
            Ok(())
        }
        _ => Err("expected `make N FILE`, `time FILE` or `do WORK N FILE`".into()),
    }
}

fn read(file: &str) -> Result<Vec<Vec<u8>>> {
    let certificates = Certificate::all_from_pem(&fs_err::read_to_string(file)?)?;
    Ok(certificates.iter().map(|one| one.der().to_vec()).collect())
}

/// Returns whether a lint looks at one certificate by itself, and not at a text, a chain or a set.
fn judges_certificates(lint: &Lint) -> bool {
    use Family as F;
    let family = matches!(
        lint.family,
        F::Encoding | F::Name | F::Key | F::Validity | F::Usage
    );
    family && lint.code >= "NL009"
}

/// Returns the nanoseconds that this thread has had a core: others on the machine do not count.
fn cpu_time() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let (seconds, nanoseconds) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    seconds.unwrap_or_default() * 1_000_000_000 + nanoseconds.unwrap_or_default()
}

/// Prints nanoseconds of a core a certificate, and how many rules each linter ran.
fn time(stage: &Stage, certificates: &[Vec<u8>]) -> Result<()> {
    let mut rounds: Vec<Vec<u64>> = vec![Vec::new(); WORKS.len()];
    for _ in 0..ROUNDS {
        for (work, measured) in WORKS.iter().zip(&mut rounds) {
            let began = cpu_time();
            for der in certificates {
                (work.run)(stage, der);
            }
            let each = (cpu_time() - began) / u64::try_from(certificates.len().max(1))?;
            measured.push(each);
        }
    }
    let mut said = serde_json::Map::new();
    for (work, mut measured) in WORKS.iter().zip(rounds) {
        measured.sort_unstable();
        let median = measured.get(ROUNDS / 2).copied().unwrap_or_default();
        said.insert(work.name.to_owned(), median.into());
    }
    let rules = serde_json::json!({
        "newleaf, a leaf": lint::table().filter(|lint| judges_certificates(lint)).count(),
        "x509_lint": stage.registry.lints().count(),
    });
    let found = lint::certificate(&stage.issue(0)?, &stage.context);
    let all = serde_json::json!({ "nanoseconds": said, "rules": rules, "findings": found.len() });
    println!("{all}");
    Ok(())
}
