//! `newleaf explain`: the page of a code.

use newleaf_rotation::check::{self, Rule};
use newleaf_x509::lint::{self, Lint};

use crate::{
    code,
    failure::{Exit, Failure},
    session::Session,
};

/// Tell more about the code of an error, of a lint or of a plan's rule
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A code such as C002 or NL501; every code, if left out
    code: Option<String>,
}

/// Runs `newleaf explain`.
pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let console = session.console();
    let Some(wanted) = &args.code else {
        console.print(list())?;
        return Ok(Exit::Done);
    };
    let page = code::find(wanted)
        .map(|code| code.page.to_owned())
        .or_else(|| lint::find(wanted).map(page))
        .or_else(|| check::find(wanted).map(rule_page));
    let page = page.ok_or_else(|| {
        Failure::new(
            &code::UNKNOWN_CODE,
            format!("expected the code of an error, a lint or a rule, found `{wanted}`"),
        )
        .hint("`newleaf explain` without a code lists them all")
    })?;
    console.print(page)?;
    Ok(Exit::Done)
}

fn list() -> String {
    let errors = code::ALL
        .iter()
        .map(|code| format!("{:<7}{}\n", code.id, code.title()));
    let lints =
        lint::table().map(|lint| format!("{:<7}{} ({})\n", lint.code, lint.name, lint.severity));
    let rules = check::table().map(|rule| format!("{:<7}{}\n", rule.code, rule.name));
    errors.chain(lints).chain(rules).collect()
}

/// Makes the page of a plan's rule from the table.
pub(crate) fn rule_page(rule: &Rule) -> String {
    let Rule {
        code,
        name,
        says,
        advice,
        ..
    } = rule;
    format!("# {code}: {name}\n\n{says}\n\n**What to do.** {advice}\n")
}

/// Makes the page of a lint from the table.
pub(crate) fn page(lint: &Lint) -> String {
    let profiles: Vec<_> = lint
        .profiles
        .iter()
        .map(|profile| super::lint::profile_name(*profile))
        .collect();
    let Lint {
        code,
        name,
        severity,
        citation,
        says,
        advice,
        ..
    } = lint;
    format!(
        "# {code}: {name}\n\n{says}\n\n**What to do.** {advice}\n\nSeverity: {severity}. Profiles: {}. Rule: {citation}.\n",
        profiles.join(", ")
    )
}
