//! What every command is given: where to speak, which configuration, and the clock.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::{config::Config, console::Console, failure::Failure};

/// The configuration file, if `--config` names no other.
pub(crate) const DEFAULT_CONFIG: &str = "newleaf.yaml";

/// Options that stand before or after any command.
#[derive(Debug, clap::Args)]
pub(crate) struct Global {
    /// The configuration file
    #[arg(long, global = true, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    pub(crate) config: PathBuf,
}

/// The surroundings of one command.
#[derive(Debug)]
pub(crate) struct Session {
    global: Global,
    console: Console,
}

impl Session {
    /// Takes the options that all commands share.
    pub(crate) fn new(global: Global, console: Console) -> Self {
        Self { global, console }
    }

    /// Returns where to speak.
    pub(crate) fn console(&self) -> Console {
        self.console
    }

    /// Returns the path of the configuration file, as it was given.
    pub(crate) fn config_path(&self) -> &Path {
        &self.global.config
    }

    /// Reads the configuration file.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        Ok(Config::load(self.config_path())?)
    }

    /// Reads the clock, to the second as certificates tell time: commands take the instant as an argument from here on.
    #[expect(
        clippy::disallowed_methods,
        clippy::unused_self,
        reason = "the one clock of the binary; asking the session for it keeps it visible"
    )]
    pub(crate) fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }
}
