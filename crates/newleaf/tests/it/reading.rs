//! `diff`, `needs-renewal`, and the places beyond files that `inspect` reads.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::Stdio,
};

use serde_json::{Value, json};

use crate::{bench::Bench, sandbox::Sandbox};

/// Two CAs, `g1` and `g2`, and the bundles `old.pem` (g1) and `both.pem`.
fn bundles() -> Bench {
    let bench = Bench::new();
    bench.done("ca new --unencrypted --out g1 --organization acme --common-name ca-g1");
    bench.done("ca new --unencrypted --out g2 --organization acme --common-name ca-g2");
    let (g1, g2) = (bench.read("g1/ca.crt"), bench.read("g2/ca.crt"));
    bench.write("old.pem", &g1);
    bench.write("both.pem", &format!("# a comment\n{g2}\n{g1}"));
    bench
}

#[test]
fn a_difference_is_one_of_meaning() {
    let bench = bundles();
    let changes = |arguments: &str| {
        let told = bench.done(&format!("diff --json {arguments}")).json();
        let told = told.as_array().unwrap().clone();
        told.iter()
            .map(|ca| {
                let word = |name: &str| ca[name].as_str().unwrap().to_owned();
                (word("change"), word("subject"), word("leaves_accepted"))
            })
            .collect::<Vec<_>>()
    };
    let ca = |change: &str, n: u8, accepted: &str| {
        let subject = format!("O=acme, CN=ca-g{n}");
        (change.to_owned(), subject, accepted.to_owned())
    };
    assert_eq!(
        changes("old.pem both.pem"),
        [ca("kept", 1, "yes"), ca("added", 2, "yes")]
    );
    assert_eq!(
        changes("both.pem g2/ca.crt"),
        [ca("kept", 2, "yes"), ca("removed", 1, "no")]
    );
}

#[test]
fn an_exit_code_is_given_to_whoever_asks() {
    let bench = bundles();
    let exit = |arguments: &str| bench.run(arguments).code;
    assert_eq!(exit("diff old.pem both.pem"), 0);
    assert_eq!(exit("diff --exit-code old.pem both.pem"), 1);
    assert_eq!(exit("diff --exit-code old.pem g1/ca.crt"), 0);
    bench.fails("diff old.pem missing.pem", 2, "F001");
    bench.fails("diff old.pem g1/ca.key", 2, "F003");
}

#[test]
fn a_leaf_is_due_when_a_third_of_its_life_is_left() {
    let bench = Bench::with_identity();
    let leaf = bench.done("inspect --json worker/tls.crt").json()[0]["certificates"][0].clone();
    let instant = |name: &str| leaf[name].as_str().unwrap().parse::<jiff::Timestamp>();
    let (begin, end) = (
        instant("not_before").unwrap(),
        instant("not_after").unwrap(),
    );
    let third = jiff::SignedDuration::from_secs(end.duration_since(begin).as_secs() / 100 * 33);
    let second = jiff::SignedDuration::from_secs(1);
    let exit = |arguments: &str, at: jiff::Timestamp| {
        bench
            .run(&format!("needs-renewal {arguments} --at {at}"))
            .code
    };
    assert_eq!(exit("worker/tls.crt", end - third - second), 1);
    assert_eq!(exit("worker/tls.crt", end - third), 0);
    assert_eq!(
        exit("worker", end - third),
        0,
        "a directory stands for its tls.crt"
    );
    let day = jiff::SignedDuration::from_hours(24);
    assert_eq!(exit("worker --left 1d", end - day - second), 1);
    assert_eq!(exit("worker --left 1d", end - day), 0);
    assert_eq!(
        exit("worker ca/ca.crt --left 1d", end),
        0,
        "one of them is due"
    );
    let told = bench.done(&format!("needs-renewal --json worker --at {end}"));
    assert_eq!(told.json()[0]["due"], true);
}

/// systemd would skip a unit without a sound for any number from 1 to 254.
#[test]
fn what_cannot_be_told_is_never_nothing_to_do() {
    let bench = Bench::with_identity();
    bench.write("cut.pem", "-----BEGIN CERTIFICATE-----\nAAAA");
    for arguments in [
        "missing.pem",
        "cut.pem",
        "ca",
        "worker/tls.key",
        "worker missing.pem",
        "--left 0% worker",
        "--no-such-flag worker",
        "",
    ] {
        let said = bench.run(&format!("needs-renewal {arguments}"));
        assert_eq!(said.code, 255, "{arguments}: {}", said.err);
        assert!(!said.err.is_empty());
    }
}

fn fact(place: &Value, name: &str) -> Option<String> {
    let facts = place["facts"].as_array()?;
    let fact = facts.iter().find(|fact| fact["name"] == name)?;
    fact["value"].as_str().map(str::to_owned)
}

#[test]
fn a_server_is_asked_what_it_presents_and_whom_it_accepts() {
    let bench = Bench::with_identity();
    let sandbox = Sandbox::start(&bench);
    let address = sandbox.address();
    let said = bench.done(&format!(
        "inspect --json {address} --server-ca sandbox/server-ca.pem --server-name localhost"
    ));
    let place = &said.json()[0];
    assert_eq!(place["path"], json!(address));
    assert_eq!(fact(place, "speaks").unwrap(), "TLSv1.3, h2");
    assert_eq!(fact(place, "chain").unwrap(), "accepted for this name");
    assert!(
        fact(place, "client auth")
            .unwrap()
            .starts_with("it refuses whoever presents no client certificate"),
        "{place}"
    );
    assert!(!place["certificates"].as_array().unwrap().is_empty());
    // A chain that is not accepted is shown all the same, and called what it is.
    let said = bench.done(&format!(
        "inspect --json {address} --server-ca ca/ca.crt --server-name localhost"
    ));
    let verdict = fact(&said.json()[0], "chain").unwrap();
    assert!(verdict.starts_with("not accepted: "), "{verdict}");
}

/// openssl names the client CAs that it accepts, as many servers do and the sandbox does not.
#[test]
fn the_client_cas_that_a_server_names_are_shown() {
    let bench = Bench::with_identity();
    if bench.openssl("version").is_none() {
        return;
    }
    let mut server = std::process::Command::new("openssl")
        .args([
            "s_server",
            "-accept",
            "127.0.0.1:0",
            "-cert",
            "worker/tls.crt",
            "-key",
            "worker/tls.key",
        ])
        .args(["-CAfile", "ca/ca.crt", "-verify", "1"])
        .current_dir(bench.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // `ACCEPT 127.0.0.1:41234` is how it tells the port.
    let lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let address = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("ACCEPT ").map(str::to_owned))
        .unwrap();
    let said = bench.run(&format!("inspect --json {address} --server-ca ca/ca.crt"));
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(said.code, 0, "{}", said.err);
    let place = &said.json()[0];
    assert_eq!(fact(place, "client CA").unwrap(), "O=acme, CN=ca-g1");
    assert_eq!(place["certificates"][0]["subject"], "O=acme, CN=worker-a");
}

#[test]
fn a_port_without_tls_is_said_to_be_one() {
    let bench = Bench::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
    });
    let said = bench.fails(&format!("inspect {address}"), 1, "W004");
    assert!(
        said.err.contains("could not finish a TLS handshake"),
        "{}",
        said.err
    );
    answer.join().unwrap();
    // Nobody listens there any more.
    bench.fails(&format!("inspect {address}"), 1, "W004");
}

#[test]
fn a_secret_is_opened_and_its_key_is_not_shown() {
    let bench = Bench::with_identity();
    let (chain, key) = (bench.read("worker/tls.crt"), bench.read("worker/tls.key"));
    let secret = json!({
        "kind": "Secret",
        "stringData": {"tls.crt": chain, "tls.key": key},
    });
    bench.write("secret.json", &secret.to_string());
    let said = bench.done("inspect --json secret.json");
    let places = said.json();
    assert_eq!(places[0]["path"], "secret.json: stringData.tls.crt");
    assert_eq!(
        places[1]["private_keys"][0]["certificate"],
        places[0]["certificates"][0]["fingerprint"]
    );
    let secret_line = key.lines().nth(1).unwrap();
    assert!(!said.out.contains(secret_line));
    bench.write("none.yaml", "kind: Secret\ndata: {}\n");
    bench.fails("inspect none.yaml", 2, "F002");
}

#[test]
fn standard_input_is_read() {
    let bench = Bench::with_identity();
    let (leaf, ca) = (bench.read("worker/tls.crt"), bench.read("ca/ca.crt"));
    let told = bench.fed("inspect --json -", &leaf).json();
    assert_eq!(told[0]["certificates"][0]["subject"], "O=acme, CN=worker-a");
    for (arguments, input, code) in [
        ("lint -", &leaf, 0),
        ("lint --bundle - worker/tls.crt", &ca, 0),
        (
            "lint worker/tls.crt --key -",
            &bench.read("worker/tls.key"),
            0,
        ),
        ("lint worker/tls.crt --key -", &bench.read("ca/ca.key"), 3),
        ("verify --bundle ca/ca.crt -", &leaf, 0),
        ("verify --bundle - worker/tls.crt", &ca, 0),
        ("verify --bundle ca/ca.crt -", &ca, 3),
        ("needs-renewal -", &leaf, 1),
        ("diff --exit-code - ca/ca.crt", &ca, 0),
        (
            "key convert - sec1.key --to sec1",
            &bench.read("worker/tls.key"),
            0,
        ),
        ("crl new --ca ca --revoke -", &leaf, 0),
    ] {
        let said = bench.fed(arguments, input);
        assert_eq!(said.code, code, "{arguments}: {}{}", said.out, said.err);
    }
}

#[test]
fn standard_input_is_there_once() {
    let bench = Bench::with_identity();
    let leaf = bench.read("worker/tls.crt");
    for arguments in ["verify --bundle - -", "lint - -", "inspect - -", "diff - -"] {
        let said = bench.fed(arguments, &leaf);
        assert_eq!(said.code, 2, "{arguments}: {}", said.err);
        assert!(
            said.err.contains("found it twice"),
            "{arguments}: {}",
            said.err
        );
        assert!(said.out.is_empty(), "{arguments}: {}", said.out);
    }
}

#[test]
fn a_trust_point_is_asked_what_it_accepts() {
    let bench = Bench::with_identity();
    let sandbox = Sandbox::start(&bench);
    let (cloud, endpoint) = (sandbox.told["cloud"].as_str().unwrap(), sandbox.address());
    bench.write(
        "newleaf.yaml",
        &format!(
            "domains:
  payments:
    issuer: {{ unencrypted: true }}
    trust_points:
      cloud:
        temporal_cloud:
          namespace: payments.a2dd6
          address: {cloud}
          api_key: file:sandbox/api-key
          server_ca: sandbox/server-ca.pem
        endpoints:
          - {{address: \"{endpoint}\", server_name: localhost, server_ca: sandbox/server-ca.pem}}
    holders:
      worker-a:
        store: {{directory: worker}}
"
        ),
    );
    let said = bench.done("inspect --json --trust-point payments/cloud");
    let place = &said.json()[0];
    assert_eq!(fact(place, "accepts").unwrap(), "leaves of 1 CA");
    assert_eq!(place["certificates"][0]["subject"], "O=acme, CN=ca-g1");
    bench.fails("inspect --trust-point payments/other", 2, "C005");
    bench.fails("inspect --trust-point payments", 2, "C005");
}
