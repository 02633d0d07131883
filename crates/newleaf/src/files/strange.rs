//! What a file is that is not what it should be, and how to make it so.

/// Object identifier of `signedData` (RFC 2315 §14), as the first element of a PKCS #7 file.
const SIGNED_DATA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];

/// Version 3 (RFC 7292 §4), the first element of a PKCS #12 file.
const VERSION_3: &[u8] = &[2, 1, 3];

/// What the base64 of nearly every certificate begins with: a SEQUENCE of 256 octets or more.
const SEQUENCE_IN_BASE64: &[u8] = b"MII";

/// How much of a file is looked at for a label: bag attributes and remarks come before it.
const MAX_SEARCHED: usize = 64 * 1024;

/// Labels of PEM blocks that hold certificates in another way, and what takes them out.
const LABELS: [(&str, &str); 4] = [
    (
        "-----BEGIN PKCS7-----",
        "`openssl pkcs7 -in FILE -print_certs` takes the certificates out of PKCS #7",
    ),
    (
        "-----BEGIN CMS-----",
        "`openssl cms -cmsout -in FILE -inform PEM -certsout OUT -noout` takes the certificates out of CMS",
    ),
    (
        "-----BEGIN TRUSTED CERTIFICATE-----",
        "`openssl x509 -in FILE` writes it without OpenSSL's own additions",
    ),
    (
        "-----BEGIN X509 CERTIFICATE-----",
        "`openssl x509 -in FILE` writes it with the label that every reader knows",
    ),
];

/// Returns what helps whose file could not be read as certificates.
pub(super) fn hint(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'-', 0, ..] | [0, b'-', ..] => {
            Some("the text is in UTF-16: `iconv -f UTF-16 -t UTF-8 FILE` writes what can be read")
        }
        [0xef, 0xbb, 0xbf, ..] => {
            Some("`sed '1s/^\\xef\\xbb\\xbf//' FILE` writes it without the byte order mark")
        }
        [0x1f, 0x8b, ..] => Some("the file is compressed: `gzip -d` first"),
        [super::DER_SEQUENCE, ..] => in_der(bytes),
        [..] => in_text(bytes),
    }
}

fn in_der(bytes: &[u8]) -> Option<&'static str> {
    let ([_, 0..=0x80, content @ ..]
    | [_, 0x81, _, content @ ..]
    | [_, 0x82, _, _, content @ ..]
    | [_, 0x83, _, _, _, content @ ..]) = bytes
    else {
        return None;
    };
    if content.starts_with(SIGNED_DATA) {
        Some(
            "`openssl pkcs7 -inform der -in FILE -print_certs` takes the certificates out of PKCS #7",
        )
    } else if content.starts_with(VERSION_3) {
        Some("this is PKCS #12: `openssl pkcs12 -in FILE -nokeys` takes the certificates out")
    } else {
        Some("DER is one certificate a file; several go into one file as PEM, one behind the other")
    }
}

fn in_text(bytes: &[u8]) -> Option<&'static str> {
    let begin = bytes.get(..MAX_SEARCHED).unwrap_or(bytes);
    let has = |label: &str| {
        let label = label.as_bytes();
        begin.windows(label.len()).any(|window| window == label)
    };
    if begin.trim_ascii_start().starts_with(SEQUENCE_IN_BASE64) {
        return Some(
            "this is base64 alone: put `-----BEGIN CERTIFICATE-----` on a line before it, and `-----END CERTIFICATE-----` behind it",
        );
    }
    let found = LABELS.iter().find(|(label, _)| has(label));
    found.map(|(_, hint)| *hint)
}
