//! Certificates in documents: a Kubernetes Secret, what AWS Secrets Manager and ACM print, any JSON or YAML with PEM in it.
//!
//! Every text of the document that holds PEM counts. What a Secret keeps below `data` is base64, and what Secrets Manager
//! keeps in `SecretString` is often JSON once more; both are opened.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use zeroize::Zeroizing;

/// Documents in documents, so deep.
const MAX_DEPTH: usize = 8;

/// A text in a document, and the way to it: `data.tls.crt`.
pub(super) struct Text {
    pub(super) at: String,
    pub(super) pem: Zeroizing<String>,
}

/// Returns every text with PEM in it; `None` if this is no document at all.
pub(super) fn texts(text: &str) -> Option<Vec<Text>> {
    let mut found = Vec::new();
    open(&parse(text)?, "", 0, &mut found);
    Some(found)
}

/// A document is a mapping or a list; a lone word is YAML too, and no document.
fn parse(text: &str) -> Option<Value> {
    let value: Value = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).ok()?
    } else {
        serde_saphyr::from_str(text).ok()?
    };
    (value.is_object() || value.is_array()).then_some(value)
}

fn open(value: &Value, at: &str, depth: usize, found: &mut Vec<Text>) {
    if depth > MAX_DEPTH {
        return;
    }
    let below = |key: &str| {
        if at.is_empty() {
            key.to_owned()
        } else {
            format!("{at}.{key}")
        }
    };
    match value {
        Value::Object(members) => {
            let is_secret = members.get("kind").is_some_and(|kind| kind == "Secret");
            for (key, member) in members {
                if is_secret && key == "data" {
                    decode(member, &below(key), depth + 1, found);
                } else {
                    open(member, &below(key), depth + 1, found);
                }
            }
        }
        Value::Array(members) => {
            for (n, member) in members.iter().enumerate() {
                open(member, &below(&n.to_string()), depth + 1, found);
            }
        }
        Value::String(text) => read(text, at, depth, found),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Opens the members of a Secret's `data`.
fn decode(data: &Value, at: &str, depth: usize, found: &mut Vec<Text>) {
    let Value::Object(members) = data else {
        return;
    };
    for (key, member) in members {
        let bytes = member.as_str().and_then(|text| STANDARD.decode(text).ok());
        // What is no text is no PEM.
        let text = bytes.map(Zeroizing::new).and_then(|bytes| {
            std::str::from_utf8(&bytes)
                .ok()
                .map(|text| Zeroizing::new(text.to_owned()))
        });
        if let Some(text) = text {
            read(&text, &format!("{at}.{key}"), depth, found);
        }
    }
}

fn read(text: &str, at: &str, depth: usize, found: &mut Vec<Text>) {
    if text.contains("-----BEGIN ") && !text.trim_start().starts_with('{') {
        found.push(Text {
            at: at.to_owned(),
            pem: Zeroizing::new(text.to_owned()),
        });
    } else if text.trim_start().starts_with('{')
        && let Some(inner) = parse(text)
    {
        open(&inner, at, depth + 1, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

    fn places(text: &str) -> Vec<String> {
        let texts = texts(text).unwrap();
        assert!(texts.iter().all(|text| *text.pem == PEM));
        texts.into_iter().map(|text| text.at).collect()
    }

    #[test]
    fn a_kubernetes_secret_is_opened() {
        let data = STANDARD.encode(PEM);
        let yaml = format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: worker\ndata:\n  tls.crt: {data}\n  other: AAECAw==\n"
        );
        assert_eq!(places(&yaml), ["data.tls.crt"]);
        let list = serde_json::json!({"kind": "List", "items": [{"kind": "Secret", "data": {"ca.crt": data}, "stringData": {"tls.crt": PEM}}]});
        assert_eq!(
            places(&list.to_string()),
            ["items.0.data.ca.crt", "items.0.stringData.tls.crt"]
        );
    }

    #[test]
    fn what_is_not_base64_of_pem_is_passed_over() {
        let yaml =
            "kind: Secret\ndata:\n  tls.crt: \"not base64!\"\n  ca.crt: bm90IFBFTQ==\n  n: 7\n";
        assert_eq!(places(yaml), [""; 0]);
    }

    #[test]
    fn what_aws_prints_is_opened() {
        let inner = serde_json::json!({"certificate": PEM, "private_key": PEM}).to_string();
        let secret = serde_json::json!({"Name": "worker", "SecretString": inner});
        assert_eq!(
            places(&secret.to_string()),
            ["SecretString.certificate", "SecretString.private_key"]
        );
        let export = serde_json::json!({"Certificate": PEM, "CertificateChain": PEM});
        assert_eq!(
            places(&export.to_string()),
            ["Certificate", "CertificateChain"]
        );
    }

    #[test]
    fn what_is_no_document_is_none() {
        for text in [PEM, "word", "", "{", "\u{0}", "a: b: c"] {
            assert!(texts(text).is_none(), "{text:?}");
        }
        assert!(texts("a: b\n").unwrap().is_empty());
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert!(texts(&deep).is_none_or(|texts| texts.is_empty()));
    }
}
