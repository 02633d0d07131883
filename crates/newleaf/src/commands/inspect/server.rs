//! What a server presents, and which client CAs it asks for.

use newleaf_systems::greeting::{self, ClientAuth, Greeting};

use super::{Args, item::Found};
use crate::{code, commands, failure::Failure, files};

/// How many names of client CAs are shown; Temporal Cloud keeps at most 16 for a namespace.
const MAX_NAMES: usize = 32;

/// Connects to an address, and presents nothing.
pub(super) fn at(address: &str, args: &Args) -> Result<Found, Failure> {
    let bundle = args.server_ca.as_deref().map(files::read_bundle);
    let bundle = bundle.transpose()?;
    let heard = commands::block_on(async {
        greeting::hear(address, args.server_name.as_deref(), bundle.as_ref())
            .await
            .map_err(|error| Failure::new(&code::GREETING, error))
    })?;
    Ok(Found {
        name: address.to_owned(),
        facts: facts(&heard),
        certificates: heard.chain,
        keys: Vec::new(),
    })
}

fn facts(heard: &Greeting) -> Vec<(&'static str, String)> {
    let spoken = heard.protocol.as_ref().map_or_else(
        || heard.version.clone(),
        |protocol| format!("{}, {protocol}", heard.version),
    );
    let verdict = heard.refused.as_ref().map_or_else(
        || "accepted for this name".to_owned(),
        |why| format!("not accepted: {why}"),
    );
    let mut facts = vec![("speaks", spoken), ("chain", verdict)];
    match &heard.client_auth {
        ClientAuth::NotAsked => facts.push((
            "client CAs",
            "none: it does not ask for a client certificate".to_owned(),
        )),
        ClientAuth::Asked { names, required } => {
            let asks = if *required {
                "it refuses whoever presents no client certificate"
            } else {
                "it asks for a client certificate, and was not seen to refuse us for having none"
            };
            facts.push(("client auth", asks.to_owned()));
            let shown = names.iter().take(MAX_NAMES);
            facts.extend(shown.map(|name| ("client CA", name.to_string())));
            let left_out = names.len().saturating_sub(MAX_NAMES);
            if left_out > 0 {
                facts.push(("client CA", format!("and {left_out} more")));
            } else if names.is_empty() {
                facts.push((
                    "client CAs",
                    "none named: which it accepts cannot be seen".to_owned(),
                ));
            }
        }
    }
    facts
}
