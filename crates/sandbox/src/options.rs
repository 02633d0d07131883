//! What a sandbox is started with. Nothing here has a default: who starts a sandbox says what it plays.

use std::{net::SocketAddr, time::Duration};

use jiff::Timestamp;
use newleaf_x509::filter::Filter;

use crate::quirks::Quirks;

/// Everything that a sandbox plays.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the Cloud Ops API listens; port 0 takes a free one.
    pub cloud: SocketAddr,
    /// Who may call the Cloud Ops API.
    pub api_keys: Vec<ApiKey>,
    /// The account's namespaces, each with an mTLS endpoint of its own.
    pub namespaces: Vec<NamespaceOptions>,
    /// How long things take.
    pub timing: Timing,
    /// What to do where Temporal Cloud's behaviour is not documented.
    pub quirks: Quirks,
    /// How much the account may do.
    pub limits: Limits,
}

/// A key to the Cloud Ops API.
#[derive(Clone)]
pub struct ApiKey {
    /// The secret that follows `Bearer `.
    pub secret: String,
    /// Whose key it is: the owner's name.
    pub name: String,
    /// What kind of principal owns it; the rate limits differ.
    pub owner: Owner,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// The secret is left out, because options are printed when a sandbox does not start.
impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            secret: _,
            name,
            owner,
            expires_at,
        } = self;
        f.debug_struct("ApiKey")
            .field("name", name)
            .field("owner", owner)
            .field("expires_at", expires_at)
            .finish_non_exhaustive()
    }
}

/// Who owns an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// A person.
    User,
    /// A machine.
    ServiceAccount,
}

/// One namespace and its endpoint.
#[derive(Clone, Debug)]
pub struct NamespaceOptions {
    /// The namespace with its account, such as `payments.a2dd6`.
    pub name: String,
    /// Where its mTLS endpoint listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The accepted client CAs at the start, as PEM. They are taken as they are, so that a test can begin with a
    /// bundle that the API would refuse, such as one with an expired member.
    pub accepted_client_cas: String,
    /// The certificate filters at the start; none admits every leaf of the accepted CAs.
    pub filters: Vec<Filter>,
    /// A real Temporal frontend (plaintext HTTP/2) to relay to; without one, the sandbox answers by itself.
    pub upstream: Option<SocketAddr>,
}

/// How long things take.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// From the acceptance of an update to the end of its asynchronous operation.
    pub operation: Duration,
    /// From the end of the operation to the first handshake that is judged by the new trust.
    pub propagation: Duration,
    /// The `check_duration` that operations recommend.
    pub check: Duration,
    /// The age, give or take a tenth, at which an endpoint asks a connection to go (GOAWAY).
    pub connection_age: Duration,
    /// From that GOAWAY to the hard close.
    pub age_grace: Duration,
    /// The longest that a poll without work is held. With [`Timing::age_grace`] shorter than this, ageing
    /// connections cut polls; Temporal keeps 70 s of grace for polls of 60 s.
    pub long_poll: Duration,
}

impl Timing {
    /// What Temporal documents or its clients assume: operations are looked at every 10 s, connections live 5 min
    /// with 70 s of grace (`frontend.keepAliveMaxConnectionAge`), polls 60 s. How long an operation takes and how
    /// long it takes to reach the data plane is not documented; these two are guesses.
    pub const USUAL: Self = Self {
        operation: Duration::from_secs(20),
        propagation: Duration::from_secs(5),
        check: Duration::from_secs(10),
        connection_age: Duration::from_mins(5),
        age_grace: Duration::from_secs(70),
        long_poll: Duration::from_mins(1),
    };

    /// The same in small, for demonstrations and tests: no wait is longer than a few seconds, and the grace still
    /// outlasts a poll.
    pub const QUICK: Self = Self {
        operation: Duration::from_millis(300),
        propagation: Duration::from_millis(200),
        check: Duration::from_millis(100),
        connection_age: Duration::from_secs(4),
        age_grace: Duration::from_millis(2_500),
        long_poll: Duration::from_millis(1_500),
    };
}

/// How much the account may do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests a second of the whole account.
    pub account_rps: u32,
    /// Requests a second of one user.
    pub user_rps: u32,
    /// Requests a second of one service account.
    pub service_account_rps: u32,
    /// Mutating operations under way at once in the account.
    pub concurrent_operations: usize,
}

impl Limits {
    /// The limits of Temporal's page "Cloud Operations API".
    pub const DOCUMENTED: Self = Self {
        account_rps: 160,
        user_rps: 40,
        service_account_rps: 80,
        concurrent_operations: 10,
    };
}
