//! A self-hosted server's CA changes in its file, and nothing is restarted.

use newleaf_proxy::ServerTrust;
use newleaf_x509::TrustBundle;

use crate::{
    caller::Caller,
    pki::Ca,
    rig::{Running, eventually, options},
    server::Server,
};

#[tokio::test]
async fn from_a_ca_that_the_server_does_not_have_to_its_own() {
    let g1 = Ca::new("g1");
    let server = Server::start(&[&g1]).await;
    let directory = g1.directory_of_worker();
    let file = directory.path().join("server-ca.pem");
    let other = Ca::new("not the server's");
    fs_err::write(&file, other.certificate.to_pem()).unwrap();
    let mut options = options(server.address, &server.ca, directory.path());
    let upstream = options.upstreams.first_mut().unwrap();
    upstream.server_trust = ServerTrust::File(file.clone());
    let proxy = Running::start(options).await;
    eventually("the server is dialled and not trusted", || {
        server.seen(|seen| seen.n_refused_handshakes) >= 1
    })
    .await;
    let status = proxy.status();
    assert_eq!(
        (status.adopted, status.refused),
        (0, 0),
        "not our leaf's fault"
    );

    let trouble = || proxy.status().upstreams.first().unwrap().trouble.clone();
    let names_the_issuer = |why: String| why.contains("UnknownIssuer");
    eventually("why is told", || trouble().is_some_and(names_the_issuer)).await;

    // Half of a file is not taken for one.
    fs_err::write(&file, "-----BEGIN CERTIFICATE-----\nMIIB").unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    let both = [&other, &server.ca].map(|ca| ca.certificate.clone());
    fs_err::write(&file, TrustBundle::new(both).to_pem()).unwrap();
    eventually("it is trusted", || proxy.status().adopted == 1).await;
    let mut caller = Caller::connect(proxy.address).await;
    assert!(caller.echo().await.is_ok());
    assert_eq!(trouble(), None);
}
