//! `newleaf plan`: what a rotation would do, step by step, before anything is done.

use std::fmt::{self, Write as _};

use clap::Subcommand;
use newleaf_rotation::{Kind, Phase, Plan, Step, plan, preflight::worst_case};

use crate::{
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
        let text =
            serde_json::to_string(&plan).map_err(|error| Failure::new(&crate::code::BUG, error))?;
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

fn of(domain: &DomainConfig, kind: Kind) -> Result<Plan, Failure> {
    Ok(plan(&domain.spec(rotation::new_name(), kind))?)
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
        let soaks = match plan.kind {
            Kind::CaRollover { .. } => worst_case(&plan.timing, n_waves),
            Kind::LeafRenewal { .. } => plan
                .forward
                .iter()
                .fold(jiff::SignedDuration::ZERO, |sum, step| {
                    sum.saturating_add(step.soak)
                }),
        };
        writeln!(f, "  takes at least {soaks:#} of soaks")
    }

    fn step(&self, f: &mut fmt::Formatter<'_>, step: &Step) -> fmt::Result {
        write!(f, "  {}", step.goal)?;
        if step.soak > jiff::SignedDuration::ZERO {
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
