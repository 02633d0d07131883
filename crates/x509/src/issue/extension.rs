//! The extensions of what is issued: written, and told as they will be read.

use std::net::IpAddr;

use super::{Constraint, Constraints, IssueError, LeafUse, San};
use crate::{
    der::{Writer, tag},
    extension::{
        AuthorityKeyId, BasicConstraints, Extension, Extensions, GeneralName, KeyUsage, Purpose,
        Usage,
    },
};

/// `id-kp-serverAuth`, 1.3.6.1.5.5.7.3.1.
const SERVER_AUTH: [u8; 8] = [0x2b, 6, 1, 5, 5, 7, 3, 1];

/// `id-kp-clientAuth`, 1.3.6.1.5.5.7.3.2.
const CLIENT_AUTH: [u8; 8] = [0x2b, 6, 1, 5, 5, 7, 3, 2];

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
        key_id: Vec<u8>,
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
        let constraints = match self {
            Role::Ca { path_length, names } => {
                said.key_usage = Some(write_usage(
                    writer,
                    &[Usage::DigitalSignature, Usage::KeyCertSign, Usage::CrlSign],
                ));
                said.name_constraints = write_constraints(writer, names)?;
                BasicConstraints {
                    ca: true,
                    path_length: Some(path_length.into()),
                }
            }
            Role::Leaf { usage, sans } => {
                if !sans.is_empty() {
                    write_sans(writer, sans)?;
                    said.subject_alt_names = Some(Extension::plain(
                        sans.iter().map(GeneralName::from).collect(),
                    ));
                }
                said.key_usage = Some(write_usage(writer, &[Usage::DigitalSignature]));
                said.extended_key_usage = Some(write_purposes(writer, usage));
                BasicConstraints {
                    ca: false,
                    path_length: None,
                }
            }
        };
        write_extension(writer, 14, false, |value| {
            value.element(tag::OCTET_STRING, &key_id);
        });
        said.subject_key_id = Some(Extension::plain(key_id));
        said.basic_constraints = Some(write_basic_constraints(writer, constraints));
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
        extension.element(tag::OID, &[0x55, 0x1d, arc]);
        if critical {
            extension.element(tag::BOOLEAN, &[0xff]);
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

fn write_usage(writer: &mut Writer, usages: &[Usage]) -> Extension<KeyUsage> {
    let usage = KeyUsage::of(usages);
    write_extension(writer, 15, true, |value| {
        value.element(tag::BIT_STRING, &usage.to_bits());
    });
    Extension::critical(usage)
}

fn write_purposes(writer: &mut Writer, usage: &LeafUse) -> Extension<Vec<Purpose>> {
    let (server, client) = (
        (SERVER_AUTH, Purpose::ServerAuth),
        (CLIENT_AUTH, Purpose::ClientAuth),
    );
    let purposes = match usage {
        LeafUse::Client => vec![client],
        LeafUse::Server => vec![server],
        LeafUse::ClientAndServer => vec![server, client],
    };
    write_extension(writer, 37, false, |value| {
        value.nested(tag::SEQUENCE, |list| {
            for (oid, _) in &purposes {
                list.element(tag::OID, oid);
            }
        });
    });
    Extension::plain(purposes.into_iter().map(|(_, purpose)| purpose).collect())
}

fn write_basic_constraints(
    writer: &mut Writer,
    constraints: BasicConstraints,
) -> Extension<BasicConstraints> {
    write_extension(writer, 19, true, |value| {
        value.nested(tag::SEQUENCE, |within| {
            if constraints.ca {
                within.element(tag::BOOLEAN, &[0xff]);
            }
            if let Some(limit) = constraints.path_length {
                within.positive(&limit.to_be_bytes());
            }
        });
    });
    Extension::critical(constraints)
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
