//! `cargo xtask bench-proxy`: what each call costs, target beside target. All targets stand in front of the same server
//! and get the same loads in turn, round after round; what is shown is the median of the rounds.

mod fresh;
mod loads;
mod reloads;
mod row;
mod stand;

use std::{error::Error, io::Write as _, path::PathBuf};

use jiff::Timestamp;

pub use self::{loads::Load, row::Row, stand::BenchError};
use self::{
    loads::{Extent, Kind},
    row::Cell,
    stand::Stand,
};
use crate::targets::{Running, Target};

/// What is to be measured.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Fewer rounds, shorter, and only the loads that decide.
    #[arg(long)]
    pub quick: bool,
    /// Whom to measure; all if not given.
    #[arg(long, value_delimiter = ',')]
    pub targets: Vec<Target>,
    /// Which loads; all if not given.
    #[arg(long, value_delimiter = ',')]
    pub loads: Vec<Load>,
    /// Print one JSON object a line, instead of a table.
    #[arg(long)]
    pub json: bool,
    /// The proxy's program.
    #[arg(long)]
    pub newleaf: PathBuf,
    /// Where the peers' programs lie.
    #[arg(long)]
    pub parts: PathBuf,
}

/// Measures, and prints one line for each load and target as soon as it is known.
pub fn run(options: &Options, now: Timestamp) -> Result<(), BenchError> {
    let directory = tempfile::tempdir()?;
    let stand = Stand::new(options, directory.path(), now)?;
    let extent = if options.quick {
        Extent::QUICK
    } else {
        Extent::FULL
    };
    let targets = if options.targets.is_empty() {
        Target::ALL.to_vec()
    } else {
        options.targets.clone()
    };
    let loads = extent.loads(&options.loads);
    let mut shown = Shown {
        json: options.json,
        missing: Vec::new(),
    };
    shown.head()?;
    let mut present = Vec::new();
    for target in targets {
        match stand.start(target) {
            Ok(running) => present.push(running),
            Err(error) => shown.missing(target, &error)?,
        }
    }
    let (beside, fresh): (Vec<_>, Vec<_>) = loads
        .into_iter()
        .partition(|load| matches!(load.kind(), Kind::Traffic(_) | Kind::Churn));
    for load in beside {
        rounds(&stand, load, &extent, &present, &mut shown)?;
    }
    let names: Vec<_> = present.iter().map(|running| running.target).collect();
    // Two processes of one program share pages, and each would seem smaller than it is.
    drop(present);
    for load in fresh {
        for target in &names {
            if let Some(row) = fresh::measure(&stand, load, *target, &extent)? {
                shown.row(&row)?;
            }
        }
    }
    shown.summary()
}

/// One load, every target in each round.
fn rounds(
    stand: &Stand,
    load: Load,
    extent: &Extent,
    present: &[Running],
    shown: &mut Shown,
) -> Result<(), BenchError> {
    let mut cells: Vec<Vec<Cell>> = present.iter().map(|_| Vec::new()).collect();
    for _ in 0..extent.rounds {
        for (running, cells) in present.iter().zip(&mut cells) {
            match stand.traffic(load, running, extent) {
                Ok(cell) => cells.push(cell),
                Err(error) => Shown::trouble(load, running.target, &error)?,
            }
        }
    }
    for (running, cells) in present.iter().zip(&cells) {
        if let Some(row) = Row::median(load, running.target, cells) {
            shown.row(&row)?;
        }
    }
    Ok(())
}

/// What the person, or the program, sees.
struct Shown {
    json: bool,
    missing: Vec<String>,
}

impl Shown {
    fn line(line: &str) -> Result<(), BenchError> {
        Ok(writeln!(std::io::stdout(), "{line}")?)
    }

    fn head(&self) -> Result<(), BenchError> {
        if self.json {
            return Ok(());
        }
        Self::line(row::HEAD)
    }

    fn row(&self, row: &Row) -> Result<(), BenchError> {
        if self.json {
            Self::line(&serde_json::to_string(row)?)
        } else {
            Self::line(&row.to_string())
        }
    }

    /// A target that is not there is named, so that nobody reads its absence as a result.
    fn missing(&mut self, target: Target, error: &dyn Error) -> Result<(), BenchError> {
        self.missing.push(target.to_string());
        Self::say(&format!("missing: {target}: {}", in_full(error)))
    }

    /// A round without a figure.
    fn trouble(load: Load, target: Target, error: &dyn Error) -> Result<(), BenchError> {
        Self::say(&format!("no figure: {load:?} {target}: {}", in_full(error)))
    }

    fn say(line: &str) -> Result<(), BenchError> {
        Ok(writeln!(std::io::stderr(), "{line}")?)
    }

    fn summary(&self) -> Result<(), BenchError> {
        if self.json {
            Self::line(&serde_json::json!({ "missing": self.missing }).to_string())
        } else {
            Self::line(&format!("missing: {}", self.missing.join(", ")))
        }
    }
}

fn in_full(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |error| (*error).source());
    causes.fold(error.to_string(), |said, cause| format!("{said}: {cause}"))
}
