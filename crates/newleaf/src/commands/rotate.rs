//! `newleaf rotate` and `newleaf resume`: start a rotation and see it through, or go on with one.

use std::io::{self, BufRead as _, IsTerminal as _};

use clap::Subcommand;
use newleaf_controller::{Clock, OnAsk, decide};
use newleaf_rotation::{Plan, Verb};

use super::plan::{self, OfDomain, Printed};
use crate::{
    code,
    config::Config,
    failure::{Exit, Failure},
    rotation,
    session::Session,
};

/// Rotate a CA, or the leaves of one, and see it through
///
/// Every step is looked at before and after; what was seen is in the journal. Kill it at any instant: `newleaf resume` goes on
/// where the world is. SIGTERM and ctrl-c let it finish the deed in hand.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Roll a CA over: a new CA, new leaves for everybody, and the old CA distrusted when nobody presents it any more
    Ca(Args),
    /// Renew the leaves: new leaves of the CA that is there
    Leaf(Args),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    of: OfDomain,
    /// Start without asking whether the plan is right
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    leaving: Leaving,
}

/// Go on with a rotation from wherever it stands
///
/// After a crash, a stop, a pause, or a block whose cause is repaired.
#[derive(Debug, clap::Args)]
pub(crate) struct ResumeArgs {
    /// The rotation; the one that has not ended, if left out
    rotation: Option<String>,
    #[command(flatten)]
    leaving: Leaving,
}

/// When to leave.
#[derive(Debug, clap::Args)]
struct Leaving {
    /// Leave with exit code 4 when a person is asked, instead of waiting for the answer
    #[arg(long)]
    until_asked: bool,
}

impl Leaving {
    fn on_ask(&self) -> OnAsk {
        if self.until_asked {
            OnAsk::Leave
        } else {
            OnAsk::Stay
        }
    }
}

/// Runs `newleaf rotate`.
pub(crate) fn run(command: &Command, session: &Session) -> Result<Exit, Failure> {
    let config = session.config()?;
    match command {
        Command::Ca(args) => {
            let plan = plan::of_rollover(&config, &args.of.domain)?;
            super::block_on(start(session, &config, args, plan))
        }
        Command::Leaf(args) => {
            let plan = plan::of_renewal(&config, &args.of.domain)?;
            super::block_on(start(session, &config, args, plan))
        }
    }
}

async fn start(
    session: &Session,
    config: &Config,
    args: &Args,
    plan: Plan,
) -> Result<Exit, Failure> {
    // Secrets and files that are missing are told before anything is begun.
    config.domain(&args.of.domain)?.open().map(drop)?;
    confirm(session, args, &plan)?;
    let journal = rotation::journal(config)?;
    let writer = journal.writer(&plan.domain).await?;
    writer.begin(&plan, Clock::system().now())?;
    drop(writer);
    let console = session.console();
    console.note(format_args!(
        "rotation {} of `{}` begins",
        plan.rotation, plan.domain
    ));
    let on_ask = args.leaving.on_ask();
    rotation::see_through(session, config, &journal, &plan.rotation, on_ask).await
}

/// Shows the plan, and asks; where nobody can be asked, `--yes` must have said it.
fn confirm(session: &Session, args: &Args, plan: &Plan) -> Result<(), Failure> {
    if args.yes {
        return Ok(());
    }
    let console = session.console();
    console.note(Printed::new(plan, console));
    let unsure = |found: &str| {
        Failure::new(
            &code::UNCONFIRMED,
            format!("expected a yes to the plan, found {found}"),
        )
        .hint("nothing was started; `--yes` starts without asking")
    };
    if !io::stdin().is_terminal() {
        return Err(unsure("nobody who could give it"));
    }
    console.note("start? [y/N]");
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| Failure::new(&code::UNCONFIRMED, error))?;
    match answer.trim() {
        "y" | "yes" => Ok(()),
        "" => Err(unsure("no answer")),
        other => Err(unsure(&format!("`{other}`"))),
    }
}

/// Runs `newleaf resume`.
pub(crate) fn resume(args: &ResumeArgs, session: &Session) -> Result<Exit, Failure> {
    super::block_on(go_on(args, session))
}

async fn go_on(args: &ResumeArgs, session: &Session) -> Result<Exit, Failure> {
    let config = session.config()?;
    // A reader first: it makes no journal where there is none.
    drop(rotation::journal_read_only(&config)?);
    let journal = rotation::journal(&config)?;
    let id = rotation::meant(&journal, args.rotation.as_deref())?;
    rotation::is_free(&journal, &id).await?;
    let record = journal.record(&id)?;
    config
        .domain(record.plan.domain.as_str())?
        .open()
        .map(drop)?;
    if record.state().hold.is_some() {
        let resume = rotation::decision(Verb::Resume, Some("newleaf resume"));
        decide(&journal, &id, &resume, &Clock::system()).await?;
    }
    let on_ask = args.leaving.on_ask();
    rotation::see_through(session, &config, &journal, &id, on_ask).await
}
