//! A rustls client that presents the identity of the moment: connects each time a line is read from standard input.
//!
//! `cargo run -p newleaf-identity --example watching -- HOST:PORT IDENTITY-DIRECTORY SERVER-CA.pem`
#![expect(clippy::print_stdout, reason = "an example speaks")]

use std::{env, error::Error, sync::Arc};

use jiff::Timestamp;
use newleaf_identity::{Reloader, Source, tls};
use newleaf_x509::TrustBundle;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, stdin},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::disallowed_methods, reason = "a program reads the clock")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [address, directory, server_ca] = arguments.as_slice() else {
        return Err("expected HOST:PORT IDENTITY-DIRECTORY SERVER-CA.pem".into());
    };
    let host = address
        .rsplit_once(':')
        .map_or(address.as_str(), |(host, _)| host);
    let roots = tls::bundle_roots(&TrustBundle::from_pem(&fs_err::read_to_string(server_ca)?)?)?;

    let source = Source::Directory(directory.into());
    let (reloader, identities) = Reloader::start(source, Timestamp::now)?;
    tokio::spawn(reloader.run(|reload| println!("{reload:?}")));
    // A configuration of one's own would go through `tls::present` instead.
    let config = tls::client_config(roots, Arc::new(identities.clone()))?;
    let connector = TlsConnector::from(Arc::new(config));

    let mut lines = BufReader::new(stdin()).lines();
    while lines.next_line().await?.is_some() {
        let stream = TcpStream::connect(address).await?;
        let stream = connector.connect(tls::server_name(host)?, stream).await?;
        println!(
            "connected under {:?}, {:?}",
            identities.current(),
            stream.get_ref().1.protocol_version()
        );
    }
    Ok(())
}
