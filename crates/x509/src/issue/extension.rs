//! The extensions of what is issued: written, and told as they will be read.

use std::net::IpAddr;

use super::{Constraint, Constraints, IssueError, LeafUse, San, write::KEY_ID_OCTETS};
use crate::{
    der::{Writer, tag},
    extension::{
        AuthorityKeyId, BasicConstraints, Extension, Extensions, GeneralName, KeyUsage, Purpose,
        Usage,
    },
};

// The extensions that never vary, as they stand in every certificate. Each begins with its object identifier below `id-ce`,
// 2.5.29.

/// Key usage of a CA, critical: `digitalSignature`, `keyCertSign`, `cRLSign`.
const CA_KEY_USAGE: [u8; 16] = [
    0x30, 14, 6, 3, 0x55, 0x1d, 15, 1, 1, 0xff, 4, 4, 3, 2, 1, 0x86,
];

/// Key usage of a leaf, critical: `digitalSignature`.
const LEAF_KEY_USAGE: [u8; 16] = [
    0x30, 14, 6, 3, 0x55, 0x1d, 15, 1, 1, 0xff, 4, 4, 3, 2, 7, 0x80,
];

/// Basic constraints of a leaf, critical and empty: it is no CA.
const LEAF_CONSTRAINTS: [u8; 14] = [0x30, 12, 6, 3, 0x55, 0x1d, 19, 1, 1, 0xff, 4, 2, 0x30, 0];

/// Extended key usage: `id-kp-clientAuth`, 1.3.6.1.5.5.7.3.2.
const FOR_CLIENT: [u8; 21] = [
    0x30, 19, 6, 3, 0x55, 0x1d, 37, 4, 12, 0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2,
];

/// Extended key usage: `id-kp-serverAuth`, 1.3.6.1.5.5.7.3.1.
const FOR_SERVER: [u8; 21] = [
    0x30, 19, 6, 3, 0x55, 0x1d, 37, 4, 12, 0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1,
];

/// Extended key usage: both, the server's first.
const FOR_BOTH: [u8; 31] = [
    0x30, 29, 6, 3, 0x55, 0x1d, 37, 4, 22, 0x30, 20, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1, 6, 8, 0x2b,
    6, 1, 5, 5, 7, 3, 2,
];

/// Subject key identifier, but for the [`KEY_ID_OCTETS`] octets that follow.
const SUBJECT_KEY_ID: [u8; 11] = [0x30, 29, 6, 3, 0x55, 0x1d, 14, 4, 22, 4, 20];

/// What the certified key may do.
#[derive(Clone, Copy)]
pub(super) enum Role<'a> {
    Ca {
        path_length: u8,
        names: &'a Constraints,
    },
    Leaf {
        usage: &'a LeafUse,
        sans: &'a [San],
    },
}

impl Role<'_> {
    /// Writes the extensions, and returns what they say. `authority` is the key identifier of another CA that signs.
    pub(super) fn write(
        self,
        writer: &mut Writer,
        authority: Option<Vec<u8>>,
        key_id: [u8; KEY_ID_OCTETS],
    ) -> Result<Extensions, IssueError> {
        let mut said = Extensions::default();
        if let Some(key_id) = authority {
            write_authority(writer, &key_id);
            let names_issuer_and_serial = false;
            said.authority_key_id = Some(Extension::plain(AuthorityKeyId {
                key_id: Some(key_id),
                names_issuer_and_serial,
            }));
        }
        match self {
            Role::Ca { path_length, names } => {
                writer.raw(&CA_KEY_USAGE);
                let usages = [Usage::DigitalSignature, Usage::KeyCertSign, Usage::CrlSign];
                said.key_usage = Some(Extension::critical(KeyUsage::of(&usages)));
                said.name_constraints = write_constraints(writer, names)?;
                said.basic_constraints = Some(write_path_length(writer, path_length));
            }
            Role::Leaf { usage, sans } => {
                if !sans.is_empty() {
                    write_sans(writer, sans)?;
                    said.subject_alt_names = Some(Extension::plain(
                        sans.iter().map(GeneralName::from).collect(),
                    ));
                }
                writer.raw(&LEAF_KEY_USAGE);
                let usage_of_leaf = KeyUsage::of(&[Usage::DigitalSignature]);
                said.key_usage = Some(Extension::critical(usage_of_leaf));
                said.extended_key_usage = Some(write_purposes(writer, usage));
                writer.raw(&LEAF_CONSTRAINTS);
                said.basic_constraints = Some(Extension::critical(BasicConstraints {
                    ca: false,
                    path_length: None,
                }));
            }
        }
        writer.raw(&SUBJECT_KEY_ID);
        writer.raw(&key_id);
        said.subject_key_id = Some(Extension::plain(key_id.to_vec()));
        Ok(said)
    }
}

/// Writes an extension below `id-ce`, 2.5.29; criticality is written only where it is not the default.
pub(crate) fn write_extension(
    writer: &mut Writer,
    arc: u8,
    critical: bool,
    write: impl FnOnce(&mut Writer),
) {
    writer.nested(tag::SEQUENCE, |extension| {
        extension.raw(&[tag::OID, 3, 0x55, 0x1d, arc]);
        if critical {
            extension.raw(&[tag::BOOLEAN, 1, 0xff]);
        }
        extension.nested(tag::OCTET_STRING, write);
    });
}

/// Writes the authority key identifier: by which key the signature is.
pub(crate) fn write_authority(writer: &mut Writer, key_id: &[u8]) {
    write_extension(writer, 35, false, |value| {
        value.nested(tag::SEQUENCE, |within| within.element(0x80, key_id));
    });
}

/// Writes the subject alternative names.
pub(crate) fn write_sans(writer: &mut Writer, sans: &[San]) -> Result<(), IssueError> {
    for san in sans {
        let (San::Dns(text) | San::Uri(text) | San::Email(text)) = san else {
            continue;
        };
        if !text.is_ascii() {
            let found = text.clone();
            return Err(IssueError::San { found });
        }
    }
    write_extension(writer, 17, false, |value| {
        value.nested(tag::SEQUENCE, |names| {
            for san in sans {
                match san {
                    San::Email(text) => names.element(0x81, text.as_bytes()),
                    San::Dns(text) => names.element(0x82, text.as_bytes()),
                    San::Uri(text) => names.element(0x86, text.as_bytes()),
                    San::Ip(IpAddr::V4(ip)) => names.element(0x87, &ip.octets()),
                    San::Ip(IpAddr::V6(ip)) => names.element(0x87, &ip.octets()),
                }
            }
        });
    });
    Ok(())
}

fn write_purposes(writer: &mut Writer, usage: &LeafUse) -> Extension<Vec<Purpose>> {
    let (der, purposes): (&[u8], _) = match usage {
        LeafUse::Client => (&FOR_CLIENT, vec![Purpose::ClientAuth]),
        LeafUse::Server => (&FOR_SERVER, vec![Purpose::ServerAuth]),
        LeafUse::ClientAndServer => (&FOR_BOTH, vec![Purpose::ServerAuth, Purpose::ClientAuth]),
    };
    writer.raw(der);
    Extension::plain(purposes)
}

/// Writes the basic constraints of a CA.
fn write_path_length(writer: &mut Writer, path_length: u8) -> Extension<BasicConstraints> {
    write_extension(writer, 19, true, |value| {
        value.nested(tag::SEQUENCE, |within| {
            within.element(tag::BOOLEAN, &[0xff]);
            within.positive(&[path_length]);
        });
    });
    Extension::critical(BasicConstraints {
        ca: true,
        path_length: Some(path_length.into()),
    })
}

/// Writes permitted `[0]` and excluded `[1]` subtrees; minimum and maximum are never written (RFC 5280 §4.2.1.10).
fn write_constraints(
    writer: &mut Writer,
    names: &Constraints,
) -> Result<Option<Extension<()>>, IssueError> {
    let Constraints {
        permitted,
        excluded,
    } = names;
    if permitted.is_empty() && excluded.is_empty() {
        return Ok(None);
    }
    permitted
        .iter()
        .chain(excluded)
        .try_for_each(Constraint::can_be_written)?;
    write_extension(writer, 30, true, |value| {
        value.nested(tag::SEQUENCE, |within| {
            for (branch, subtrees) in [(0xa0, permitted), (0xa1, excluded)] {
                if subtrees.is_empty() {
                    continue;
                }
                within.nested(branch, |list| {
                    for subtree in subtrees {
                        list.nested(tag::SEQUENCE, |base| subtree.write(base));
                    }
                });
            }
        });
    });
    Ok(Some(Extension::critical(())))
}
