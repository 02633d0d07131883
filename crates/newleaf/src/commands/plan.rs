//! `newleaf plan`: what a rotation would do, step by step, before anything is done.

use std::fmt::{self, Write as _};

use clap::Subcommand;
use jiff::{SignedDuration, Timestamp};
use newleaf_controller::Clock;
use newleaf_rotation::{
    HolderId, Kind, Phase, Plan, Step,
    check::{self, Finding, Lives},
    plan,
};
use newleaf_systems::{
    domain::{Holder, Store},
    file::IdentityDirectory,
    issuer::LocalCa,
};

use crate::{
    code,
    config::{Config, DomainConfig},
    console::{Console, HEAD, WARN},
    failure::{Exit, Failure},
    rotation,
    session::Session,
};

/// Show what a rotation would do, without doing it
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Plan a rollover: a new CA, and new leaves for everybody
    Ca(Args),
    /// Plan a renewal: new leaves of the CA that is there
    Leaf(Args),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    of: OfDomain,
    /// Print the plan as one line of JSON
    #[arg(long)]
    json: bool,
}

/// Whose identities a plan or a rotation is about.
#[derive(Debug, clap::Args)]
pub(crate) struct OfDomain {
    /// The trust domain, as newleaf.yaml names it
    pub(crate) domain: String,
}

/// Runs `newleaf plan`.
pub(crate) fn run(command: &Command, session: &Session) -> Result<Exit, Failure> {
    let config = session.config()?;
    let (plan, json) = match command {
        Command::Ca(args) => (of_rollover(&config, &args.of.domain)?, args.json),
        Command::Leaf(args) => (of_renewal(&config, &args.of.domain)?, args.json),
    };
    let console = session.console();
    if json {
        let text = serde_json::to_string(&plan).map_err(|error| Failure::new(&code::BUG, error))?;
        console.say(text)?;
    } else {
        console.print(Printed::new(&plan, console))?;
    }
    Ok(Exit::Done)
}

/// Plans a rollover of a domain's CA.
pub(crate) fn of_rollover(config: &Config, domain: &str) -> Result<Plan, Failure> {
    let domain = config.domain(domain)?;
    rotation::is_idle(config, domain)?;
    of(domain, rotation::rollover(domain)?)
}

/// Plans a renewal of a domain's leaves.
pub(crate) fn of_renewal(config: &Config, domain: &str) -> Result<Plan, Failure> {
    let domain = config.domain(domain)?;
    rotation::is_idle(config, domain)?;
    of(domain, rotation::renewal(domain)?)
}

/// Makes the plan, and checks it: one that breaks a rule is neither shown as good nor started.
fn of(domain: &DomainConfig, kind: Kind) -> Result<Plan, Failure> {
    let plan = plan(&domain.spec(rotation::new_name(), kind))?;
    let findings = check::check(&plan, Some(&lives(domain, kind)?));
    let Some(Finding { code, .. }) = findings.first() else {
        return Ok(plan);
    };
    let said: Vec<String> = findings.iter().map(Finding::to_string).collect();
    let failure = Failure::new(&code::UNSOUND_PLAN, said.join("; "));
    Err(match check::find(code) {
        Some(rule) => failure.hint(rule.advice),
        None => failure,
    })
}

/// Returns when what is in use ends: the CA, and the leaf in each store that can be read. What cannot be read is the
/// preflight's to judge.
fn lives(domain: &DomainConfig, kind: Kind) -> Result<Lives, Failure> {
    let (Kind::CaRollover { old, .. } | Kind::LeafRenewal { generation: old }) = kind;
    let ca = LocalCa::new(&domain.id, &domain.issuer).existing(old)?;
    let end = |holder: &Holder| -> Option<(HolderId, Timestamp)> {
        let Store::Directory(path) = &holder.store;
        let chain = IdentityDirectory::new(path).chain().ok().flatten()?;
        Some((holder.id.clone(), chain.leaf().not_after()))
    };
    Ok(Lives {
        now: Clock::system().now(),
        ca: ca.not_after(),
        reserve: domain.reserve,
        leaves: domain.holders.iter().filter_map(end).collect(),
    })
}

/// A plan as a person reads it.
#[derive(Debug)]
pub(crate) struct Printed<'a> {
    plan: &'a Plan,
    console: Console,
}

impl<'a> Printed<'a> {
    /// Prepares a plan for printing.
    pub(crate) fn new(plan: &'a Plan, console: Console) -> Self {
        Self { plan, console }
    }

    fn head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.plan;
        let what = match plan.kind {
            Kind::CaRollover { old, new } => format!("CA rollover {old} to {new}"),
            Kind::LeafRenewal { generation } => format!("leaf renewal of {generation}"),
        };
        let n_waves = plan.forward.iter().filter(|s| is_wave(s)).count();
        writeln!(
            f,
            "{} of trust domain `{}`",
            self.console.paint(HEAD, what),
            plan.domain
        )?;
        writeln!(
            f,
            "  {} trust points, {} identities in {n_waves} waves",
            plan.trust_points.len(),
            plan.holders.len()
        )?;
        writeln!(f, "  takes at least {:#} of soaks", plan.soaks())?;
        self.traffic(f)
    }

    /// Says aloud what no gate will ask: a gate that nobody configured must not look passed.
    fn traffic(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unwatched: Vec<&str> = self.plan.unwatched().iter().map(|h| h.as_str()).collect();
        if unwatched.is_empty() {
            return writeln!(
                f,
                "  the traffic of all of them is held against its baseline"
            );
        }
        let not_watched = self.console.paint(WARN, "traffic is not watched");
        let names = unwatched.join(", ");
        writeln!(
            f,
            "  {not_watched}: no proxy and no pollers are configured for {names}, so no gate will notice if their calls fail"
        )
    }

    fn step(&self, f: &mut fmt::Formatter<'_>, step: &Step) -> fmt::Result {
        write!(f, "  {}", step.goal)?;
        if step.soak > SignedDuration::ZERO {
            write!(f, ", and that for {:#}", step.soak)?;
        }
        if step.approval {
            let asks = self.console.paint(WARN, "a person must approve");
            write!(f, "  ({asks}: {})", step.id)?;
        }
        f.write_char('\n')
    }
}

impl fmt::Display for Printed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head(f)?;
        let mut phase: Option<Phase> = None;
        for step in &self.plan.forward {
            if phase != Some(step.phase) {
                writeln!(f, "\n{}", self.console.paint(HEAD, step.phase))?;
                phase = Some(step.phase);
            }
            self.step(f, step)?;
        }
        if self.plan.backward.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\n{}, at any time until the old key is destroyed",
            self.console.paint(HEAD, "the way back")
        )?;
        for undo in &self.plan.backward {
            self.step(f, &undo.step)?;
        }
        Ok(())
    }
}

fn is_wave(step: &Step) -> bool {
    matches!(step.goal, newleaf_rotation::Goal::Presented { .. })
}
