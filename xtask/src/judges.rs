//! `cargo xtask judges`: what newleaf issues, before verifiers that are not newleaf. Certificates are issued by the command
//! line, as a user would; each is judged by each judge, and all must accept all.

mod court;
mod issued;

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use self::court::Judge;
use self::issued::Issued;
use crate::environment::Environment;
use crate::parts::{self, PARTS, Standing};
use crate::process;
use crate::programs::BuildError;
use crate::workspace::Workspace;

/// What `cargo xtask judges` is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Print the verdicts as JSON.
    #[arg(long)]
    json: bool,
}

/// Why there were no verdicts.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JudgesError {
    #[error("could not prepare the judges")]
    Prepare { source: parts::PrepareError },
    #[error("could not make a place for the certificates")]
    MakeRoom { source: std::io::Error },
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("could not issue a certificate")]
    Issue { source: process::RunError },
    #[error("cannot read the certificate that was issued, `{}`", path.display())]
    ReadIssued {
        path: PathBuf,
        source: newleaf_x509::certificate::CertificatesError,
    },
    #[error("could not read or write a certificate")]
    Keep { source: std::io::Error },
    #[error("cannot print the verdicts")]
    Print { source: serde_json::Error },
}

/// One certificate before one judge.
#[derive(Debug, Serialize)]
struct Verdict {
    /// What was issued: a root CA, an intermediate CA, a leaf.
    profile: &'static str,
    /// The certified key.
    algorithm: &'static str,
    /// The key that signed.
    signed_by: &'static str,
    /// Who judged.
    judge: &'static str,
    /// Whether the judge accepts.
    accepted: bool,
    /// What the judge said, if it does not accept.
    said: Option<String>,
}

/// All verdicts.
#[derive(Debug, Serialize)]
struct Report {
    accepted: bool,
    verdicts: Vec<Verdict>,
}

/// Issues, judges, reports.
pub(crate) fn run(
    workspace: &Workspace,
    environment: &Environment,
    arguments: &Arguments,
) -> Result<ExitCode, JudgesError> {
    let needed = PARTS.iter().filter(|part| {
        Judge::ALL
            .iter()
            .any(|judge| judge.part() == Some(part.name))
    });
    let prepared =
        parts::prepare(environment, needed).map_err(|source| JudgesError::Prepare { source })?;
    let absent = |judge: Judge| {
        let standing = prepared
            .parts
            .iter()
            .find(|(part, _)| Some(part.name) == judge.part());
        standing.and_then(|(_, standing)| match standing {
            Standing::Missing(reason) => Some(reason.in_short()),
            Standing::Real(_) | Standing::Fake(_) => None,
        })
    };
    let room = tempfile::tempdir().map_err(|source| JudgesError::MakeRoom { source })?;
    let issued = issued::all(workspace, room.path())?;
    let programs = prepared.directory.join("bin");
    let mut verdicts = Vec::new();
    for judge in Judge::ALL {
        let said = match absent(judge) {
            Some(reason) => vec![Err(format!("is not here: {reason}")); issued.len()],
            None => judge.judge(workspace, &programs, &issued),
        };
        verdicts.extend(
            issued
                .iter()
                .zip(said)
                .map(|(one, said)| verdict(judge, one, said)),
        );
    }
    let accepted = verdicts.iter().all(|verdict| verdict.accepted);
    let report = Report { accepted, verdicts };
    if arguments.json {
        let json = serde_json::to_string_pretty(&report);
        println!("{}", json.map_err(|source| JudgesError::Print { source })?);
    } else {
        print!("{}", table(&report));
    }
    Ok(ExitCode::from(u8::from(!accepted)))
}

fn verdict(judge: Judge, issued: &Issued, said: Result<(), String>) -> Verdict {
    Verdict {
        profile: issued.profile,
        algorithm: issued.algorithm,
        signed_by: issued.signed_by,
        judge: judge.name(),
        accepted: said.is_ok(),
        said: said.err(),
    }
}

/// One line for each verdict, and the sum.
fn table(report: &Report) -> String {
    let line = |verdict: &Verdict| {
        let Verdict {
            profile,
            algorithm,
            signed_by,
            judge,
            ..
        } = verdict;
        let said = verdict.said.as_deref().unwrap_or("accepted");
        format!("{profile:<21} {algorithm:<11} by {signed_by:<11} {judge:<8} {said}\n")
    };
    let lines: String = report.verdicts.iter().map(line).collect();
    let refused = report
        .verdicts
        .iter()
        .filter(|verdict| !verdict.accepted)
        .count();
    let all = report.verdicts.len();
    format!("{lines}{all} verdicts, {refused} against us\n")
}

#[cfg(test)]
mod tests;
