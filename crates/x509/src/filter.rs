//! Certificate filters: Temporal Cloud's allow-list on the names of a leaf.
//!
//! A namespace accepts every leaf under its CAs, unless it has filters; then the leaf must match one of them.
//! Within a filter every field that is set must match; across filters one match is enough. Case does not count,
//! and one `*` at the beginning or at the end of a field stands for any text, the empty text included
//! (docs.temporal.io/cloud/certificates, "Manage certificate filters").
//!
//! Two things are not documented and are assumed here: a field matches if *any* value of that attribute does, and
//! the field for subject alternative names looks at DNS names, URIs, email addresses and IP addresses as text.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    certificate::Certificate,
    extension::GeneralName,
    issue::{San, Subject},
    name::oid,
};

/// The most filters that Temporal Cloud keeps for a namespace (docs.temporal.io/cloud/limits).
pub const MAX_FILTERS: usize = 25;

/// What one field of a filter accepts: an exact text, or one that begins or ends as written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    written: String,
    rule: Rule,
}

/// The folded text, and which part of a value it must be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    Exact(String),
    StartsWith(String),
    EndsWith(String),
}

/// One filter. At least one field is set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Filter {
    common_name: Option<Pattern>,
    organization: Option<Pattern>,
    organizational_unit: Option<Pattern>,
    subject_alternative_name: Option<Pattern>,
}

/// The filters of a namespace: at most [`MAX_FILTERS`], none twice. No filter at all admits every leaf.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "FiltersText", into = "FiltersText")]
pub struct Filters(Vec<Filter>);

/// A filter as it is written: in Temporal's messages, in `tcld`'s JSON, in a configuration. An empty field is not set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FilterText {
    /// The pattern for `CN`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub common_name: String,
    /// The pattern for `O`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub organization: String,
    /// The pattern for `OU`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub organizational_unit: String,
    /// The pattern for subject alternative names.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subject_alternative_name: String,
}

/// The document that `tcld namespace certificate-filters` imports and exports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FiltersText {
    /// The filters.
    pub filters: Vec<FilterText>,
}

/// Why a text is not a filter, or filters are not a namespace's filters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// A filter that sets no field would admit nobody or everybody, depending on who reads it.
    #[error("expected a certificate filter with at least one field, found none")]
    NoField,
    /// A field of white space only.
    #[error("expected a pattern, found only white space")]
    Blank,
    /// A `*` with nothing beside it.
    #[error(
        "expected text beside the `*`, found a bare `*`; leave the field out to accept any value"
    )]
    BareWildcard,
    /// A `*` elsewhere than at one end, or more than one.
    #[error("expected one `*` at the beginning or at the end, found `{found}`")]
    InnerWildcard {
        /// The pattern.
        found: String,
    },
    /// More than [`MAX_FILTERS`].
    #[error("expected at most {MAX_FILTERS} certificate filters, found {found}")]
    TooMany {
        /// How many.
        found: usize,
    },
    /// The same filter twice.
    #[error("expected each certificate filter once, found `{filter}` twice")]
    Duplicate {
        /// The filter.
        filter: String,
    },
}

impl Pattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        if text.trim().is_empty() {
            return Err(FilterError::Blank);
        }
        if text == "*" {
            return Err(FilterError::BareWildcard);
        }
        let folded = folded(text);
        let (inner, rule) = if let Some(end) = folded.strip_prefix('*') {
            (end, Rule::EndsWith(end.to_owned()))
        } else if let Some(start) = folded.strip_suffix('*') {
            (start, Rule::StartsWith(start.to_owned()))
        } else {
            (folded.as_str(), Rule::Exact(folded.clone()))
        };
        if inner.contains('*') {
            let found = text.to_owned();
            return Err(FilterError::InnerWildcard { found });
        }
        let written = text.to_owned();
        Ok(Self { written, rule })
    }

    /// Returns the pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Returns whether a value is accepted, without regard to case.
    pub fn matches(&self, value: &str) -> bool {
        let value = folded(value);
        match &self.rule {
            Rule::Exact(text) => value == *text,
            Rule::StartsWith(text) => value.starts_with(text),
            Rule::EndsWith(text) => value.ends_with(text),
        }
    }

    /// Returns whether every value that `other` accepts is accepted by this pattern too.
    pub fn covers(&self, other: &Self) -> bool {
        match (&self.rule, &other.rule) {
            (Rule::Exact(a), Rule::Exact(b)) => a == b,
            (Rule::StartsWith(a), Rule::Exact(b) | Rule::StartsWith(b)) => b.starts_with(a),
            (Rule::EndsWith(a), Rule::Exact(b) | Rule::EndsWith(b)) => b.ends_with(a),
            (Rule::Exact(_), Rule::StartsWith(_) | Rule::EndsWith(_))
            | (Rule::StartsWith(_), Rule::EndsWith(_))
            | (Rule::EndsWith(_), Rule::StartsWith(_)) => false,
        }
    }
}

impl Filter {
    /// Returns the pattern for `CN`.
    pub fn common_name(&self) -> Option<&Pattern> {
        self.common_name.as_ref()
    }

    /// Returns the pattern for `O`.
    pub fn organization(&self) -> Option<&Pattern> {
        self.organization.as_ref()
    }

    /// Returns the pattern for `OU`.
    pub fn organizational_unit(&self) -> Option<&Pattern> {
        self.organizational_unit.as_ref()
    }

    /// Returns the pattern for subject alternative names.
    pub fn subject_alternative_name(&self) -> Option<&Pattern> {
        self.subject_alternative_name.as_ref()
    }

    /// Returns whether a leaf matches this filter.
    pub fn admits(&self, leaf: &Certificate) -> bool {
        self.matches(&Names::of(leaf))
    }

    /// Returns whether every leaf that `other` admits is admitted by this filter too.
    pub fn covers(&self, other: &Self) -> bool {
        let pairs = self.fields().into_iter().zip(other.fields());
        pairs.into_iter().all(|((_, ours), (_, theirs))| {
            ours.is_none_or(|ours| theirs.is_some_and(|theirs| ours.covers(theirs)))
        })
    }

    fn fields(&self) -> [(&'static str, Option<&Pattern>); 4] {
        [
            ("CN", self.common_name()),
            ("O", self.organization()),
            ("OU", self.organizational_unit()),
            ("SAN", self.subject_alternative_name()),
        ]
    }

    fn matches(&self, names: &Names) -> bool {
        let values = [
            &names.common,
            &names.organizations,
            &names.units,
            &names.sans,
        ];
        self.fields()
            .into_iter()
            .zip(values)
            .all(|((_, pattern), values)| {
                pattern.is_none_or(|pattern| values.iter().any(|value| pattern.matches(value)))
            })
    }
}

impl Filters {
    /// Makes a namespace's filters.
    pub fn new(filters: impl IntoIterator<Item = Filter>) -> Result<Self, FilterError> {
        let filters: Vec<_> = filters.into_iter().collect();
        if filters.len() > MAX_FILTERS {
            let found = filters.len();
            return Err(FilterError::TooMany { found });
        }
        let mut seen = std::collections::BTreeSet::new();
        match filters.iter().find(|filter| !seen.insert(*filter)) {
            Some(twice) => Err(FilterError::Duplicate {
                filter: twice.to_string(),
            }),
            None => Ok(Self(filters)),
        }
    }

    /// Returns the filters.
    pub fn as_slice(&self) -> &[Filter] {
        &self.0
    }

    /// Returns whether there is no filter, so that every leaf under the CAs is admitted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether a leaf is admitted.
    pub fn admits(&self, leaf: &Certificate) -> bool {
        self.admit(&Names::of(leaf))
    }

    /// Returns whether a leaf with these names would be admitted: to be asked before it is issued.
    pub fn would_admit(&self, subject: &Subject, sans: &[San]) -> bool {
        self.admit(&Names::planned(subject, sans))
    }

    fn admit(&self, names: &Names) -> bool {
        self.is_empty() || self.0.iter().any(|filter| filter.matches(names))
    }
}

/// Folds case letter by letter, as Go's `strings.ToLower` does: what a letter becomes must not depend on its neighbours, since
/// a pattern and its values do not share them. `str::to_lowercase` makes another letter of a sigma at the end of a word.
fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// The names of a leaf that filters look at, by the field that looks at them.
struct Names {
    common: Vec<String>,
    organizations: Vec<String>,
    units: Vec<String>,
    sans: Vec<String>,
}

impl Names {
    fn of(leaf: &Certificate) -> Self {
        let values = |oid| leaf.subject().values(oid).map(str::to_owned).collect();
        let sans = leaf.extensions().subject_alt_names.as_ref();
        Self {
            common: values(oid::COMMON_NAME),
            organizations: values(oid::ORGANIZATION),
            units: values(oid::ORGANIZATIONAL_UNIT),
            sans: sans.map_or_else(Vec::new, |sans| {
                sans.value.iter().filter_map(GeneralName::text).collect()
            }),
        }
    }

    fn planned(subject: &Subject, sans: &[San]) -> Self {
        let optional = |value: Option<&str>| value.map(str::to_owned).into_iter().collect();
        Self {
            common: vec![subject.common_name().to_owned()],
            organizations: optional(subject.organization()),
            units: optional(subject.organizational_unit()),
            sans: sans.iter().map(San::text).collect(),
        }
    }
}

impl TryFrom<FilterText> for Filter {
    type Error = FilterError;

    fn try_from(text: FilterText) -> Result<Self, FilterError> {
        let FilterText {
            common_name,
            organization,
            organizational_unit,
            subject_alternative_name,
        } = text;
        let pattern = |text: &str| (!text.is_empty()).then(|| Pattern::parse(text)).transpose();
        let filter = Self {
            common_name: pattern(&common_name)?,
            organization: pattern(&organization)?,
            organizational_unit: pattern(&organizational_unit)?,
            subject_alternative_name: pattern(&subject_alternative_name)?,
        };
        if filter.fields().iter().all(|(_, field)| field.is_none()) {
            return Err(FilterError::NoField);
        }
        Ok(filter)
    }
}

impl From<&Filter> for FilterText {
    fn from(filter: &Filter) -> Self {
        let text = |field: Option<&Pattern>| field.map_or("", Pattern::as_str).to_owned();
        Self {
            common_name: text(filter.common_name()),
            organization: text(filter.organization()),
            organizational_unit: text(filter.organizational_unit()),
            subject_alternative_name: text(filter.subject_alternative_name()),
        }
    }
}

impl TryFrom<FiltersText> for Filters {
    type Error = FilterError;

    fn try_from(text: FiltersText) -> Result<Self, FilterError> {
        let filters: Vec<Filter> = text
            .filters
            .into_iter()
            .map(Filter::try_from)
            .collect::<Result<_, _>>()?;
        Self::new(filters)
    }
}

impl From<Filters> for FiltersText {
    fn from(filters: Filters) -> Self {
        Self {
            filters: filters.0.iter().map(FilterText::from).collect(),
        }
    }
}

/// Prints the fields that are set, as `CN=payments-*, O=acme`.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = self
            .fields()
            .into_iter()
            .filter_map(|(name, field)| field.map(|field| (name, field)));
        for (i, (name, field)) in set.enumerate() {
            f.write_str(if i == 0 { "" } else { ", " })?;
            write!(f, "{name}={}", field.as_str().escape_debug())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
