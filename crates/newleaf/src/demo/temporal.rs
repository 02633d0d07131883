//! A real Temporal behind the sandbox, where one can be had.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use newleaf_sandbox::DevServer;

use crate::demo::{screen::Screen, settings::NAMESPACE, tied};

/// Finds the `temporal` command: among the prepared parts first, then on the search path.
pub(crate) fn find(parts: Option<&OsStr>, search_path: Option<&OsStr>) -> Option<PathBuf> {
    let prepared = parts.map(|parts| Path::new(parts).join("bin"));
    let searched = search_path.into_iter().flat_map(std::env::split_paths);
    prepared
        .into_iter()
        .chain(searched)
        .map(|directory| directory.join("temporal"))
        .find(|program| program.is_file())
}

/// Starts a real Temporal, if there is one; the demo is honest about which it was.
pub(crate) async fn start(
    newleaf: &Path,
    temporal: Option<&Path>,
    screen: &Screen,
) -> Option<DevServer> {
    let Some(temporal) = temporal else {
        screen.tell("found no `temporal` command: the sandbox answers by itself");
        return None;
    };
    match DevServer::start(tied::command(newleaf, temporal), NAMESPACE).await {
        Ok(server) => {
            screen.tell("started a real Temporal behind the sandbox");
            Some(server)
        }
        Err(error) => {
            let why = crate::demo::causes(&error);
            screen.tell(format_args!("the sandbox answers by itself: {why}"));
            None
        }
    }
}
