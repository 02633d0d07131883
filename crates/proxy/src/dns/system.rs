//! How the machine is set up to ask: `/etc/resolv.conf`, `/etc/hosts`, and the bounds within which they are followed.

use std::{
    io::Read as _,
    net::{IpAddr, SocketAddr, SocketAddrV6},
    path::Path,
    time::Duration,
};

use fs_err::File;
use resolv_conf::{Config, ScopedIp};

use super::ResolverOptions;
use crate::limits;

/// How to ask.
#[derive(Debug)]
pub(super) struct Setup {
    /// One at least.
    pub(super) servers: Vec<SocketAddr>,
    pub(super) search: Vec<String>,
    /// A name with so many dots is asked for as it stands first.
    pub(super) n_dots: usize,
    /// For one server to answer one question.
    pub(super) timeout: Duration,
    /// How often each is asked.
    pub(super) attempts: usize,
    /// Whether to say how much fits in a datagram (RFC 6891).
    pub(super) edns: bool,
    /// Whether to ask over TCP only.
    pub(super) tcp: bool,
    pub(super) no_aaaa: bool,
}

/// Reads how to ask. A file that is not there, or holds what nobody understands, counts for as much of it as can be understood,
/// as with the C library.
pub(super) fn setup(options: &ResolverOptions) -> Setup {
    let text = text(&options.resolv_conf);
    let (mut config, _misunderstood) = Config::parse_with_errors(&text);
    config.glibc_normalize();
    let (servers, search) = if options.servers.is_empty() {
        let servers = config.get_nameservers_or_local();
        let servers = servers.iter().map(|server| socket(server, options.port));
        let search = config.get_last_search_or_domain().cloned();
        (servers.collect(), search.collect())
    } else {
        (options.servers.clone(), Vec::new())
    };
    let seconds = Duration::from_secs(u64::from(config.timeout));
    let attempts = usize::try_from(config.attempts).unwrap_or(limits::DNS_ATTEMPTS);
    Setup {
        servers,
        search,
        n_dots: usize::try_from(config.ndots).unwrap_or(usize::MAX),
        timeout: seconds.clamp(limits::DNS_SERVER_MIN, limits::DNS_SERVER),
        attempts: attempts.clamp(1, limits::DNS_ATTEMPTS),
        edns: config.edns0,
        tcp: config.use_vc,
        no_aaaa: config.no_aaaa,
    }
}

impl Setup {
    /// Names the servers, for a person.
    pub(super) fn told(&self) -> String {
        let servers: Vec<_> = self.servers.iter().map(ToString::to_string).collect();
        servers.join(", ")
    }
}

/// Returns what `/etc/hosts` says of a host (`hosts(5)`).
pub(super) fn hosts(path: &Path, host: &str) -> Vec<IpAddr> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let text = text(path);
    let mut found = Vec::new();
    for line in String::from_utf8_lossy(&text).lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        let address = words.next().and_then(|word| word.parse().ok());
        if let Some(address) = address
            && words.any(|name| name.eq_ignore_ascii_case(host))
            && !found.contains(&address)
            && found.len() < limits::ADDRESSES_KNOWN
        {
            found.push(address);
        }
    }
    found
}

fn socket(server: &ScopedIp, port: u16) -> SocketAddr {
    match server {
        ScopedIp::V4(address) => SocketAddr::from((*address, port)),
        // A scope by name needs the kernel's word for it; one by number is understood.
        ScopedIp::V6(address, scope) => {
            let scope = scope.as_deref().and_then(|scope| scope.parse().ok());
            SocketAddr::V6(SocketAddrV6::new(*address, port, 0, scope.unwrap_or(0)))
        }
    }
}

/// Reads as much of a file as anybody would write into it by hand; of one that cannot be read, nothing.
fn text(path: &Path) -> Vec<u8> {
    let mut text = Vec::new();
    let read =
        File::open(path).and_then(|file| file.take(limits::HOSTS_BYTES).read_to_end(&mut text));
    if let Err(error) = read {
        tracing::debug!(path = %path.display(), %error, "could not read how names are looked up");
    }
    text
}

#[cfg(test)]
mod tests;
