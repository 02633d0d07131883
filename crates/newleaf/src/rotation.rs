//! What the commands about rotations share: the journal, the choice of a rotation, the way from a name to a plan, and
//! seeing a rotation through.

mod progress;

use std::{env, sync::Arc};

use newleaf_controller::{Clock, Ended, Engine, Journal, JournalError, Local, Means, OnAsk};
use newleaf_rotation::{
    Again, Ask, Decision, Hold, Kind, Outcome, Plan, RotationId, Trouble, Verb,
};
use newleaf_systems::{Systems, issuer::LocalCa};
use tokio::sync::watch;

use self::progress::Progress;
use crate::{
    code,
    commands::leaf::signing_generation,
    config::{Config, DomainConfig},
    console::{Console, GOOD, WARN},
    failure::{Exit, Failure},
    session::Session,
    signals::Signals,
};

/// Opens the journal for writing, and makes it and its directory if there is none.
pub(crate) fn journal(config: &Config) -> Result<Arc<Journal>, Failure> {
    fs_err::create_dir_all(config.state())
        .map_err(|error| Failure::new(&code::FILE_WRITE, error))?;
    Ok(Arc::new(Journal::open(config.journal())?))
}

/// Opens the journal for reading.
pub(crate) fn journal_read_only(config: &Config) -> Result<Journal, Failure> {
    Ok(Journal::open_read_only(config.journal())?)
}

/// Returns the rotation that a person means: the one that is named, or the one that has not ended.
pub(crate) fn meant(journal: &Journal, name: Option<&str>) -> Result<RotationId, Failure> {
    if let Some(name) = name {
        return Ok(RotationId::new(name));
    }
    let entries = journal.rotations()?;
    let open: Vec<_> = entries.iter().filter(|e| e.ended_at.is_none()).collect();
    match open.as_slice() {
        [one] => Ok(one.rotation.clone()),
        [] => Err(Failure::new(
            &code::NO_ROTATION,
            "expected a rotation that has not ended, found none",
        )
        .hint("`newleaf status` shows the last one")),
        several => {
            let names: Vec<String> = several
                .iter()
                .map(|e| format!("`{}` of `{}`", e.rotation, e.domain))
                .collect();
            let found = names.join(", ");
            Err(Failure::new(
                &code::NO_ROTATION,
                format!(
                    "expected the name of one rotation, found several that have not ended: {found}"
                ),
            )
            .hint("name the one that you mean"))
        }
    }
}

/// Makes sure that no rotation of a trust domain is under way, before a new one is thought of.
pub(crate) fn is_idle(config: &Config, domain: &DomainConfig) -> Result<(), Failure> {
    let journal = match Journal::open_read_only(config.journal()) {
        Err(JournalError::Missing { .. }) => return Ok(()),
        journal => journal?,
    };
    match journal.current(&domain.id)? {
        None => Ok(()),
        Some(rotation) => Err(JournalError::NotEnded {
            domain: domain.id.clone(),
            rotation,
        }
        .into()),
    }
}

/// Gives a new rotation its name: the millisecond in which it was planned, so that names sort and none comes twice.
pub(crate) fn new_name() -> RotationId {
    RotationId::new(format!("r-{:x}", Clock::system().now().as_millisecond()))
}

/// Returns what a rollover of a domain's CA rotates: from the generation that signs to one that never was.
pub(crate) fn rollover(domain: &DomainConfig) -> Result<Kind, Failure> {
    let ca = LocalCa::new(&domain.id, &domain.issuer);
    let old = signing_generation(&ca, domain, Clock::system().now())?;
    let generations = ca.generations()?.into_iter();
    let newest = generations.map(|(generation, _)| generation).max();
    Ok(Kind::CaRollover {
        old,
        new: newest.unwrap_or(old).next(),
    })
}

/// Returns what a renewal of a domain's leaves rotates.
pub(crate) fn renewal(domain: &DomainConfig) -> Result<Kind, Failure> {
    let ca = LocalCa::new(&domain.id, &domain.issuer);
    Ok(Kind::LeafRenewal {
        generation: signing_generation(&ca, domain, Clock::system().now())?,
    })
}

/// Returns who decides, as far as this machine knows.
pub(crate) fn person() -> String {
    env::var_os("USER")
        .filter(|name| !name.is_empty())
        .map_or_else(
            || format!("uid {}", rustix::process::getuid().as_raw()),
            |name| name.to_string_lossy().into_owned(),
        )
}

/// Puts a person's decision into words that the journal keeps.
pub(crate) fn decision(verb: Verb, reason: Option<&str>) -> Decision {
    Decision {
        by: person(),
        reason: reason.unwrap_or_default().to_owned(),
        verb,
    }
}

/// Drives a rotation until it is over, a person is asked, or this process is told to stop.
pub(crate) async fn see_through(
    session: &Session,
    config: &Config,
    journal: &Arc<Journal>,
    rotation: &RotationId,
    on_ask: OnAsk,
) -> Result<Exit, Failure> {
    let mut orders = Orders::listen()?;
    let progress = Progress::new(session.console());
    let means = Means {
        clock: Clock::system(),
        stop: orders.stop.subscribe(),
        on_ask,
        tell: Arc::new(move |told| progress.tell(told)),
    };
    let meet = |plan: &Plan| meet(config, journal, plan);
    let engine = Local::new(Arc::clone(journal), meet, means);
    let ended = tokio::select! {
        ended = Box::pin(engine.wait(rotation)) => ended?,
        () = orders.obey() => Ended::Stopped,
    };
    say_end(session.console(), rotation, ended)
}

/// Makes sure that nobody else drives a rotation. Whoever asks may be told who does.
pub(crate) async fn is_free(journal: &Journal, rotation: &RotationId) -> Result<(), JournalError> {
    let domain = journal.record(rotation)?.plan.domain;
    journal.writer(&domain).await.map(drop)
}

fn meet(config: &Config, journal: &Arc<Journal>, plan: &Plan) -> Result<Systems, Trouble> {
    let domain = config
        .domain(plan.domain.as_str())
        .and_then(DomainConfig::open)
        .map_err(|failure| Trouble {
            again: Again::Never,
            what: failure.what(),
        })?;
    let ledger = Arc::clone(journal);
    Ok(Systems::new(plan.clone(), domain, ledger))
}

/// The orders that a process gets by signals: SIGTERM and ctrl-c. The first says to finish the deed in hand; the second,
/// to leave at once, which is as good as a crash and as harmless.
struct Orders {
    signals: Signals,
    stop: watch::Sender<bool>,
}

impl Orders {
    fn listen() -> Result<Self, Failure> {
        Ok(Self {
            signals: Signals::listen().map_err(|error| Failure::new(&code::BUG, error))?,
            stop: watch::Sender::new(false),
        })
    }

    async fn obey(&mut self) {
        self.signals.next().await;
        self.stop.send_replace(true);
        self.signals.next().await;
    }
}

fn say_end(console: Console, rotation: &RotationId, ended: Ended) -> Result<Exit, Failure> {
    match ended {
        Ended::Over(outcome) => Ok(say_outcome(console, rotation, &outcome)),
        Ended::Stopped => {
            console.note(format_args!(
                "stopped; run `newleaf resume {rotation}` to go on"
            ));
            Ok(Exit::Waiting)
        }
        Ended::Asked(Ask::Approve(step)) => {
            console.note(format_args!(
                "waiting for an approval: run `newleaf approve {rotation} {step}`, then `newleaf resume {rotation}`"
            ));
            Ok(Exit::Waiting)
        }
        Ended::Asked(Ask::Confirm(step)) => {
            console.note(format_args!(
                "waiting for a person to do `{step}`: then run `newleaf approve {rotation} {step}` and `newleaf resume {rotation}`"
            ));
            Ok(Exit::Waiting)
        }
        Ended::Asked(Ask::Release(Hold::Paused { why })) => {
            let paused = console.paint_err(WARN, "paused");
            console.note(format_args!("{paused}: {why}"));
            console.note(format_args!(
                "run `newleaf resume {rotation}` to go on, or `newleaf rollback {rotation} --reason …` to turn round"
            ));
            Ok(Exit::Waiting)
        }
        Ended::Asked(Ask::Release(Hold::Blocked { why })) => Err(Failure::new(
            &code::BLOCKED,
            format!("rotation `{rotation}` is blocked: {why}"),
        )
        .hint(format!(
            "what was in use still is; repair the cause and run `newleaf resume {rotation}`, or `newleaf rollback {rotation} --reason …`"
        ))),
    }
}

/// Says how a rotation ended, and with which exit code: to have come back is not what was asked for.
fn say_outcome(console: Console, rotation: &RotationId, outcome: &Outcome) -> Exit {
    match outcome {
        Outcome::Rotated => {
            let rotated = console.paint_err(GOOD, "rotated");
            console.note(format_args!("{rotated}: {rotation} is over"));
            Exit::Done
        }
        Outcome::RolledBack { because } => {
            let back = console.paint_err(WARN, "rolled back");
            console.note(format_args!("{back}: {rotation} is over: {because}"));
            Exit::Refused
        }
    }
}
