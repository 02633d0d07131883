//! Key usage: what the certified key may do.

use std::fmt;

use x509_parser::extensions::KeyUsage as ParsedKeyUsage;

/// Key usage (RFC 5280 §4.2.1.3), as the set of its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage {
    pub(super) flags: u16,
}

/// One bit of [`KeyUsage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are those of RFC 5280 §4.2.1.3")]
pub enum Usage {
    DigitalSignature,
    NonRepudiation,
    KeyEncipherment,
    DataEncipherment,
    KeyAgreement,
    KeyCertSign,
    CrlSign,
    EncipherOnly,
    DecipherOnly,
}

impl KeyUsage {
    /// All usages, in the order of their bits.
    pub const ALL: [Usage; 9] = [
        Usage::DigitalSignature,
        Usage::NonRepudiation,
        Usage::KeyEncipherment,
        Usage::DataEncipherment,
        Usage::KeyAgreement,
        Usage::KeyCertSign,
        Usage::CrlSign,
        Usage::EncipherOnly,
        Usage::DecipherOnly,
    ];

    /// Makes the set of these usages.
    pub(crate) fn of(usages: &[Usage]) -> Self {
        let bits = Self::ALL.iter().enumerate();
        let set = bits.filter(|(_, usage)| usages.contains(usage));
        let flags = set.fold(0, |flags, (bit, _)| flags | (1 << bit));
        Self { flags }
    }

    /// Returns whether this usage is allowed.
    pub fn allows(self, usage: Usage) -> bool {
        let parsed = ParsedKeyUsage { flags: self.flags };
        match usage {
            Usage::DigitalSignature => parsed.digital_signature(),
            Usage::NonRepudiation => parsed.non_repudiation(),
            Usage::KeyEncipherment => parsed.key_encipherment(),
            Usage::DataEncipherment => parsed.data_encipherment(),
            Usage::KeyAgreement => parsed.key_agreement(),
            Usage::KeyCertSign => parsed.key_cert_sign(),
            Usage::CrlSign => parsed.crl_sign(),
            Usage::EncipherOnly => parsed.encipher_only(),
            Usage::DecipherOnly => parsed.decipher_only(),
        }
    }

    /// Returns the usages that are allowed.
    pub fn usages(self) -> impl Iterator<Item = Usage> {
        Self::ALL
            .into_iter()
            .filter(move |usage| self.allows(*usage))
    }
}

impl Usage {
    /// Returns the name that RFC 5280 gives the bit.
    pub fn name(self) -> &'static str {
        match self {
            Self::DigitalSignature => "digitalSignature",
            Self::NonRepudiation => "nonRepudiation",
            Self::KeyEncipherment => "keyEncipherment",
            Self::DataEncipherment => "dataEncipherment",
            Self::KeyAgreement => "keyAgreement",
            Self::KeyCertSign => "keyCertSign",
            Self::CrlSign => "cRLSign",
            Self::EncipherOnly => "encipherOnly",
            Self::DecipherOnly => "decipherOnly",
        }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
