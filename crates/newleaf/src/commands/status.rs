//! `newleaf status`: the picture of a rotation.

mod picture;
mod screen;

use std::time::Duration;

use newleaf_controller::{Journal, Snapshot};
use newleaf_rotation::RotationId;
use tokio::time::sleep;

use self::{picture::Picture, screen::Screen};
use crate::{
    code,
    failure::{Exit, Failure},
    rotation,
    session::Session,
};

/// How often the journal is read while watching.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// Show where a rotation stands: phase, gates with their evidence, and who presents what
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The rotation; the newest, if left out
    rotation: Option<String>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
    /// Follow the rotation until it is over: on a terminal the picture is drawn over, elsewhere only what changed is printed
    #[arg(long)]
    watch: bool,
}

/// Runs `newleaf status`.
pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let config = session.config()?;
    let journal = rotation::journal_read_only(&config)?;
    let id = match &args.rotation {
        Some(name) => RotationId::new(name.as_str()),
        None => newest(&journal)?,
    };
    if args.watch {
        return super::block_on(watch(args, session, &journal, &id));
    }
    show(args, session, &Snapshot::take(&journal, &id)?)?;
    Ok(Exit::Done)
}

fn newest(journal: &Journal) -> Result<RotationId, Failure> {
    let newest = journal.rotations()?.into_iter().next();
    newest.map(|entry| entry.rotation).ok_or_else(|| {
        Failure::new(&code::NO_ROTATION, "expected a rotation, found none")
            .hint("no rotation was ever started here; `newleaf rotate` starts one")
    })
}

async fn watch(
    args: &Args,
    session: &Session,
    journal: &Journal,
    id: &RotationId,
) -> Result<Exit, Failure> {
    let mut screen = Screen::of(session.console());
    let mut last: Option<Snapshot> = None;
    loop {
        let snapshot = Snapshot::take(journal, id)?;
        let is_over = snapshot.ended_at.is_some();
        if last.as_ref() != Some(&snapshot) {
            if args.json {
                show(args, session, &snapshot)?;
            } else {
                screen.show(&snapshot)?;
            }
            last = Some(snapshot);
        }
        if is_over {
            return Ok(Exit::Done);
        }
        sleep(BETWEEN_LOOKS).await;
    }
}

fn show(args: &Args, session: &Session, snapshot: &Snapshot) -> Result<(), Failure> {
    let console = session.console();
    if args.json {
        let text =
            serde_json::to_string(snapshot).map_err(|error| Failure::new(&code::BUG, error))?;
        return console.say(text);
    }
    console.print(Picture::new(snapshot, console))
}
