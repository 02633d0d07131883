//! The list of mutations, as people write it.

use serde::Deserialize;

use super::MutantsError;

/// A package and the ways to break it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    /// Whose tests must notice.
    pub(super) package: String,
    #[serde(default, rename = "mutation")]
    pub(super) mutations: Vec<Mutation>,
}

/// One way to break it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mutation {
    /// A few words that tell it from the others.
    pub(super) name: String,
    /// The invariant that it breaks, by number and in words.
    pub(super) invariant: String,
    /// The source to change, from the top of the checkout.
    pub(super) file: String,
    /// What stands there, exactly once.
    pub(super) find: String,
    /// What shall stand there instead.
    pub(super) replace: String,
}

impl List {
    /// Reads a list. One without a mutation would prove nothing and is refused.
    pub(super) fn parse(text: &str) -> Result<Self, MutantsError> {
        let list: Self =
            toml::from_str(text).map_err(|source| MutantsError::ParseList { source })?;
        if list.mutations.is_empty() {
            return Err(MutantsError::EmptyList);
        }
        Ok(list)
    }
}

impl Mutation {
    /// The text after this mutation.
    pub(super) fn apply(&self, text: &str) -> Result<String, MutantsError> {
        if self.find == self.replace {
            return Err(MutantsError::ChangesNothing {
                name: self.name.clone(),
            });
        }
        match text.matches(&self.find).count() {
            1 => Ok(text.replacen(&self.find, &self.replace, 1)),
            found => {
                let (name, file) = (self.name.clone(), self.file.clone());
                Err(MutantsError::Place { name, file, found })
            }
        }
    }
}
