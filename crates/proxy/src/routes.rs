//! From the names in the options to the upstreams of the relay: every name leads somewhere before anything is listened on.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    options::{ListenerOptions, Route},
    relay::{self, UpstreamId},
};

/// Why the listeners and upstreams do not fit together.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// Nobody could call.
    #[error("expected one listener at least, found none")]
    NoListener,
    /// There would be nowhere to call.
    #[error("expected one upstream at least, found none")]
    NoUpstream,
    /// Two upstreams of one name.
    #[error("expected each upstream to have a name of its own, found `{name}` twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// A route to an upstream that is not there.
    #[error("expected a listener's route to name one of {known}, found `{name}`")]
    Unknown {
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// No caller could reach it, which nobody wants who configures it.
    #[error("expected some listener's route to lead to the upstream `{name}`, found none")]
    Unreachable {
        /// The name.
        name: String,
    },
    /// A namespace without a name.
    #[error("expected the namespaces of a listener's route to have names, found an empty one")]
    NoNamespace,
}

/// Resolves the names of all routes: one for each listener, in their order.
pub(crate) fn resolve(
    listeners: &[ListenerOptions],
    upstreams: &[(&str, UpstreamId)],
) -> Result<Vec<Arc<relay::Route>>, RouteError> {
    if listeners.is_empty() {
        return Err(RouteError::NoListener);
    }
    if upstreams.is_empty() {
        return Err(RouteError::NoUpstream);
    }
    let mut ids = BTreeMap::new();
    for &(name, id) in upstreams {
        if ids.insert(name, id).is_some() {
            let name = name.to_owned();
            return Err(RouteError::Twice { name });
        }
        let leads_here = |of: &ListenerOptions| names(&of.route).any(|named| named == name);
        if !listeners.iter().any(leads_here) {
            let name = name.to_owned();
            return Err(RouteError::Unreachable { name });
        }
    }
    let routes = listeners.iter().map(|of| resolve_one(&of.route, &ids));
    routes.collect()
}

fn resolve_one(
    route: &Route,
    upstreams: &BTreeMap<&str, UpstreamId>,
) -> Result<Arc<relay::Route>, RouteError> {
    let find = |name: &String| {
        let found = upstreams.get(name.as_str()).copied();
        found.ok_or_else(|| {
            let known: Vec<_> = upstreams.keys().map(|name| format!("`{name}`")).collect();
            RouteError::Unknown {
                name: name.clone(),
                known: known.join(", "),
            }
        })
    };
    let route = match route {
        Route::Upstream(name) => relay::Route::To(find(name)?),
        Route::ByNamespace {
            namespaces,
            otherwise,
            unnamed,
        } => {
            let mut known = BTreeMap::new();
            for (namespace, name) in namespaces {
                if namespace.is_empty() {
                    return Err(RouteError::NoNamespace);
                }
                known.insert(namespace.clone().into_bytes(), find(name)?);
            }
            relay::Route::ByNamespace {
                namespaces: known,
                otherwise: otherwise.as_ref().map(find).transpose()?,
                unnamed: unnamed.as_ref().map(find).transpose()?,
            }
        }
    };
    Ok(Arc::new(route))
}

/// Returns the names of the upstreams that a route may lead to.
fn names(route: &Route) -> impl Iterator<Item = &String> {
    let (only, namespaces, rest) = match route {
        Route::Upstream(name) => (Some(name), None, [None, None]),
        Route::ByNamespace {
            namespaces,
            otherwise,
            unnamed,
        } => (
            None,
            Some(namespaces.values()),
            [otherwise.as_ref(), unnamed.as_ref()],
        ),
    };
    let rest = rest.into_iter().flatten();
    only.into_iter()
        .chain(namespaces.into_iter().flatten())
        .chain(rest)
}

#[cfg(test)]
mod tests;
