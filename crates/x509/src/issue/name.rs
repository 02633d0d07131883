//! Names to be certified: subjects and subject alternative names.

use std::net::IpAddr;

use super::IssueError;
use crate::extension::GeneralName;

/// The upper bound of an attribute of a name: X.520 `ub-common-name` and its sisters.
pub const MAX_ATTRIBUTE_CHARS: usize = 64;

/// A subject to be certified. No attribute is empty or longer than [`MAX_ATTRIBUTE_CHARS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    common_name: String,
    organization: Option<String>,
    organizational_unit: Option<String>,
}

/// A subject alternative name to be certified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum San {
    /// A DNS name.
    Dns(String),
    /// A URI.
    Uri(String),
    /// An IP address.
    Ip(IpAddr),
    /// An email address.
    Email(String),
}

impl Subject {
    /// Makes a subject of a common name, and optionally organization and organizational unit.
    pub fn new(
        common_name: impl Into<String>,
        organization: Option<String>,
        organizational_unit: Option<String>,
    ) -> Result<Self, IssueError> {
        let subject = Self {
            common_name: common_name.into(),
            organization,
            organizational_unit,
        };
        let attributes = [
            ("a common name", Some(&subject.common_name)),
            ("an organization", subject.organization.as_ref()),
            (
                "an organizational unit",
                subject.organizational_unit.as_ref(),
            ),
        ];
        for (attribute, value) in attributes {
            let found = value.map(|v| v.chars().count());
            if let Some(found) = found.filter(|n| *n == 0 || *n > MAX_ATTRIBUTE_CHARS) {
                return Err(IssueError::AttributeLength { attribute, found });
            }
        }
        Ok(subject)
    }

    /// Returns the common name.
    pub fn common_name(&self) -> &str {
        &self.common_name
    }

    /// Returns the organization.
    pub fn organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }

    /// Returns the organizational unit.
    pub fn organizational_unit(&self) -> Option<&str> {
        self.organizational_unit.as_deref()
    }
}

impl San {
    /// Returns the name as text.
    pub fn text(&self) -> String {
        match self {
            Self::Dns(text) | Self::Uri(text) | Self::Email(text) => text.clone(),
            Self::Ip(ip) => ip.to_string(),
        }
    }
}

/// The name as it will be read.
impl From<&San> for GeneralName {
    fn from(san: &San) -> Self {
        match san {
            San::Dns(name) => Self::Dns(name.clone()),
            San::Uri(uri) => Self::Uri(uri.clone()),
            San::Ip(ip) => Self::Ip(*ip),
            San::Email(email) => Self::Email(email.clone()),
        }
    }
}
