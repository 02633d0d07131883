//! Names lead somewhere, or nothing is listened on.

use std::time::Duration;

use super::*;
use crate::{
    options::Listen,
    relay::{Relay, Terms},
};

fn listener(route: Route) -> ListenerOptions {
    ListenerOptions {
        listen: Listen::Tcp("127.0.0.1:0".parse().unwrap()),
        tls: None,
        route,
    }
}

fn to(name: &str) -> Route {
    Route::Upstream(name.to_owned())
}

fn by_namespace(namespaces: &[(&str, &str)], rest: [Option<&str>; 2]) -> Route {
    let owned = |(namespace, name): &(&str, &str)| ((*namespace).to_owned(), (*name).to_owned());
    let [otherwise, unnamed] = rest.map(|name| name.map(str::to_owned));
    Route::ByNamespace {
        namespaces: namespaces.iter().map(owned).collect(),
        otherwise,
        unnamed,
    }
}

/// Resolves routes among upstreams of these names.
fn check(
    routes: Vec<Route>,
    names: &[&str],
) -> (Result<Vec<relay::Route>, String>, Vec<UpstreamId>) {
    let terms = Terms {
        drain_timeout: Duration::from_mins(1),
    };
    let mut relay = Relay::new(terms, tokio::time::Instant::now().into_std());
    let ids: Vec<_> = names.iter().map(|name| relay.add_upstream(name)).collect();
    let named: Vec<_> = names.iter().copied().zip(ids.iter().copied()).collect();
    let listeners: Vec<_> = routes.into_iter().map(listener).collect();
    let resolved = resolve(&listeners, &named);
    let routes = resolved.map(|routes| routes.iter().map(|route| (**route).clone()).collect());
    (routes.map_err(|error| error.to_string()), ids)
}

#[test]
fn names_become_upstreams() {
    let by = by_namespace(&[("payments", "a"), ("orders", "b")], [None, Some("b")]);
    let (routes, ids) = check(vec![to("b"), by], &["a", "b"]);
    let [a, b] = ids[..] else {
        panic!("expected two upstreams");
    };
    let expected = relay::Route::ByNamespace {
        namespaces: [(b"payments".to_vec(), a), (b"orders".to_vec(), b)].into(),
        otherwise: None,
        unnamed: Some(b),
    };
    assert_eq!(routes, Ok(vec![relay::Route::To(b), expected]));
}

#[test]
fn what_does_not_fit_is_told_by_name() {
    let cases = [
        (vec![], &["a"][..], "one listener"),
        (vec![to("a")], &[], "one upstream"),
        (vec![to("a")], &["a", "a"], "found `a` twice"),
        (vec![to("a"), to("c")], &["a"], "one of `a`, found `c`"),
        (vec![to("a")], &["a", "b"], "lead to the upstream `b`"),
        (
            vec![to("a"), by_namespace(&[], [None, Some("c")])],
            &["a"],
            "found `c`",
        ),
        (
            vec![by_namespace(&[("", "a")], [None, None])],
            &["a"],
            "found an empty one",
        ),
    ];
    for (routes, names, words) in cases {
        let (resolved, _) = check(routes, names);
        let error = resolved.err().unwrap();
        assert!(error.contains(words), "{error}");
    }
}
