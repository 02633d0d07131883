//! The demo's `newleaf.yaml`: what a person would write, with everything shortened.

use std::{net::SocketAddr, path::Path};

/// The trust domain of the demo.
pub(crate) const DOMAIN: &str = "payments";

/// Its one trust point, which is also the namespace's name.
pub(crate) const NAMESPACE: &str = "payments.a2dd6";

/// The CA's common name, before the generation.
pub(crate) const CA_NAME: &str = "payments-ca";

/// Who presents identities of the domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Its name as a holder.
    pub(crate) name: &'static str,
    /// How a new leaf reaches it, for the picture.
    pub(crate) delivery: &'static str,
}

/// The client behind newleaf-proxy.
pub(crate) const PROXIED: Part = Part {
    name: "proxied",
    delivery: "newleaf-proxy",
};

/// The client that reads its files at each connection.
pub(crate) const RELOADING: Part = Part {
    name: "reloading",
    delivery: "reading at each connection",
};

/// The client that must be restarted.
pub(crate) const RESTARTED: Part = Part {
    name: "restarted",
    delivery: "a restart",
};

/// All of them, in the order of the waves.
pub(crate) const PARTS: [Part; 3] = [PROXIED, RELOADING, RESTARTED];

/// What must be known to write the file.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The Cloud Ops API.
    pub(crate) cloud: SocketAddr,
    /// The namespace's endpoint.
    pub(crate) endpoint: SocketAddr,
    /// Where the proxy tells what it presents.
    pub(crate) proxy_admin: SocketAddr,
    /// The command that restarts the third client.
    pub(crate) restart: [String; 4],
}

impl Settings {
    /// Writes the file.
    pub(crate) fn write(&self, path: &Path) -> std::io::Result<()> {
        fs_err::write(path, self.text())
    }

    fn text(&self) -> String {
        let Self {
            cloud,
            endpoint,
            proxy_admin,
            restart,
        } = self;
        let ca = SERVER_CA_FILE;
        let key = API_KEY_FILE;
        // JSON's strings are YAML's, so that no path needs a second thought.
        let restart = serde_json::json!(restart);
        format!(
            r#"# Written by `newleaf demo`. Every span is shortened; nothing else is special.
state: state
domains:
  {DOMAIN}:
    issuer: {{ directory: ca, common_name: {CA_NAME}, organization: acme, key: ecdsa-p256, lifetime: 365d, unencrypted: true }}
    leaf: {{ lifetime: 30d, key: ecdsa-p256 }}
    trust_points:
      {NAMESPACE}:
        temporal_cloud: {{ address: "https://localhost:{cloud_port}", api_key: "file:{key}", server_ca: {ca} }}
        endpoints:
          - {{ address: "{endpoint}", server_name: localhost, server_ca: {ca} }}
    holders:
      {proxied}:
        store: {{ directory: {proxied} }}
        organization: acme
        delivery: reload
        evidence: [{{ proxy: "{proxy_admin}" }}]
      {reloading}:
        store: {{ directory: {reloading} }}
        organization: acme
        delivery: reload
        evidence: [{{ pollers: {{ trust_point: {NAMESPACE}, task_queue: {reloading}, identity_prefix: "{reloading}@" }} }}]
      {restarted}:
        store: {{ directory: {restarted} }}
        organization: acme
        delivery: {{ restart: {restart} }}
        evidence: [{{ pollers: {{ trust_point: {NAMESPACE}, task_queue: {restarted}, identity_prefix: "{restarted}@" }} }}]
    waves: [[{proxied}], [{reloading}], [{restarted}]]
    approvals: [distrusted]
    # A poll of the demo takes 1 s: a client that is not seen within 2.5 s is not there.
    evidence_window: 2500ms
    # A person is in a hurry while the first wave soaks: long enough for that.
    timing: {{ trusted_soak: 500ms, wave_soak: 500ms, disused_soak: 500ms, final_soak: 500ms, poll: 100ms, patience: 40s, passes: 3, attempts: 5 }}
    limits: {{ skew: 5m, reserve: 7d }}
"#,
            cloud_port = cloud.port(),
            proxied = PROXIED.name,
            reloading = RELOADING.name,
            restarted = RESTARTED.name,
        )
    }
}

/// The CA of the sandbox's server certificates, beside the configuration.
pub(crate) const SERVER_CA_FILE: &str = "server-ca.crt";

/// The API key, beside the configuration.
pub(crate) const API_KEY_FILE: &str = "api-key";
