//! `cargo xtask generate`: files that are made by the program itself and checked in, so that a
//! reader needs no build. With `--check` nothing is written and a stale file is a failure.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use crate::process;
use crate::workspace::Workspace;

/// What `cargo xtask generate` is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Compare instead of writing; fail if a file is stale.
    #[arg(long)]
    check: bool,
}

/// A generated file.
#[derive(Debug)]
struct Product {
    /// Where it lies in the checkout.
    path: &'static str,
    /// What `newleaf` is asked to print it.
    command: &'static [&'static str],
}

/// Every generated file. A new one is one more row, and a command of `newleaf` that prints it.
const PRODUCTS: &[Product] = &[
    Product {
        path: "docs/newleaf.schema.json",
        command: &["generate", "schema"],
    },
    Product {
        path: "docs/cli.md",
        command: &["generate", "cli"],
    },
    Product {
        path: "docs/lints.md",
        command: &["generate", "lints"],
    },
    Product {
        path: "docs/plan-rules.md",
        command: &["generate", "plan-rules"],
    },
];

/// Why files could not be made or compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GenerateError {
    #[error("could not make `{path}`")]
    Make {
        path: &'static str,
        source: process::RunError,
    },
    #[error("could not read or write a generated file")]
    Keep { source: io::Error },
}

/// Makes or compares every product.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<ExitCode, GenerateError> {
    let mut stale = Vec::new();
    for product in PRODUCTS {
        let mut cargo = workspace.cargo();
        cargo
            .args(["run", "--quiet", "--bin", "newleaf", "--"])
            .args(product.command);
        let made = process::capture(&mut cargo).map_err(|source| GenerateError::Make {
            path: product.path,
            source,
        })?;
        let fresh = is_fresh(workspace.root(), product.path, &made)?;
        if !fresh && !arguments.check {
            write(workspace.root(), product.path, &made)?;
            println!("wrote {}", product.path);
        } else if !fresh {
            stale.push(product.path);
        }
    }
    for path in &stale {
        eprintln!("{path}: is stale; run `cargo xtask generate` and commit it");
    }
    Ok(ExitCode::from(u8::from(!stale.is_empty())))
}

/// Whether the file at `path` holds exactly what was made. A file that is not there does not.
fn is_fresh(root: &Path, path: &str, made: &str) -> Result<bool, GenerateError> {
    match fs_err::read_to_string(root.join(path)) {
        Ok(kept) => Ok(kept == made),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(GenerateError::Keep { source }),
    }
}

fn write(root: &Path, path: &str, made: &str) -> Result<(), GenerateError> {
    let file = root.join(path);
    let directory = file.parent().unwrap_or(root);
    fs_err::create_dir_all(directory)
        .and_then(|()| fs_err::write(&file, made))
        .map_err(|source| GenerateError::Keep { source })
}

#[cfg(test)]
mod tests;
