//! Text to bytes and back (RFC 7468), nothing else.
//!
//! A PEM text is a sequence of labelled blocks. Lines outside the blocks are allowed by RFC 7468 §2 and §5.2 and
//! are counted, not judged: whether a verifier minds them is a lint's business.

use zeroize::Zeroizing;

/// The white space that Go passes over, beside the ends of lines.
const SPACES: [char; 2] = [' ', '\t'];

/// What editors of Windows write before a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// One `-----BEGIN …-----` block.
///
/// The bytes may be a private key, so they are wiped when dropped and never printed. While it decodes, the `pem` library makes a
/// copy of the base64, and frees it without wiping it.
#[expect(
    missing_debug_implementations,
    reason = "a block may hold a private key"
)]
pub struct Block {
    /// The label between `BEGIN` and the dashes, for example `CERTIFICATE`.
    pub label: String,
    /// The decoded bytes.
    pub der: Zeroizing<Vec<u8>>,
    /// The line of the `BEGIN`, counted from 1.
    pub line: usize,
}

/// A PEM text, read.
#[expect(
    missing_debug_implementations,
    reason = "a block may hold a private key"
)]
pub struct Document {
    /// The blocks, in the order of the text.
    pub blocks: Vec<Block>,
    /// Lines outside any block that are not blank, counted from 1.
    pub stray_lines: Vec<usize>,
}

/// Why a text is not PEM.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// A `BEGIN` without its `END`.
    #[error("line {line}: expected `-----END {label}-----` before the text ends, found none")]
    Unterminated {
        /// The line of the `BEGIN`.
        line: usize,
        /// The label of the `BEGIN`.
        label: String,
    },
    /// An `END` that does not close the block that is open.
    #[error("line {line}: expected `-----END {expected}-----`, found `-----END {found}-----`")]
    MismatchedEnd {
        /// The line of the `END`.
        line: usize,
        /// The label that was opened.
        expected: String,
        /// The label that was closed.
        found: String,
    },
    /// A second `BEGIN` inside a block.
    #[error(
        "line {line}: expected the end of the `{label}` block that began on line {begin}, found another BEGIN"
    )]
    Nested {
        /// The line of the second `BEGIN`.
        line: usize,
        /// The line of the first `BEGIN`.
        begin: usize,
        /// The label of the open block.
        label: String,
    },
    /// A block whose body is not base64.
    #[error(
        "line {line}: expected base64 in the `{label}` block that begins here, found something else"
    )]
    NotBase64 {
        /// The line of the `BEGIN`.
        line: usize,
        /// The label of the block.
        label: String,
    },
    /// A block with header lines, which RFC 7468 has no more. A key with a passphrase looks like that (RFC 1421).
    #[error(
        "line {line}: expected base64 in the `{label}` block that begins here, found header lines, as of a key with a passphrase"
    )]
    Headers {
        /// The line of the `BEGIN`.
        line: usize,
        /// The label of the block.
        label: String,
    },
    /// A `BEGIN` or `END` that does not stand alone at the beginning of its line, or an `END` of nothing. A lenient
    /// reader would skip the block in silence.
    #[error(
        "line {line}: expected a BEGIN alone at the beginning of its line, found a misplaced boundary"
    )]
    MisplacedBoundary {
        /// The line.
        line: usize,
    },
    /// A byte order mark before everything else. Go passes over a first block that does not begin its line, and nobody sees why.
    #[error(
        "expected the text to begin without a byte order mark, found one, behind which some readers miss the first block"
    )]
    ByteOrderMark,
    /// No block at all.
    #[error("expected at least one `-----BEGIN …-----` block, found none")]
    Empty,
}

/// Reads all blocks of a PEM text; an empty text is an [`PemError::Empty`].
pub fn parse(text: &str) -> Result<Document, PemError> {
    if text.starts_with(BYTE_ORDER_MARK) {
        return Err(PemError::ByteOrderMark);
    }
    let mut document = Document {
        blocks: Vec::new(),
        stray_lines: Vec::new(),
    };
    // One for all blocks, with room for all there is, so that no copy of a key is left behind by growing.
    let mut body = Zeroizing::new(String::with_capacity(text.len() + 1));
    let mut open: Option<(String, usize)> = None;
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let boundary = Boundary::of(line);
        match (open.take(), boundary) {
            (None, Some(Boundary::Begin(label))) => {
                body.clear();
                open = Some((label.to_owned(), number));
            }
            (None, Some(Boundary::End(_))) => {
                return Err(PemError::MisplacedBoundary { line: number });
            }
            (None, None) if line.contains("-----BEGIN ") || line.contains("-----END ") => {
                return Err(PemError::MisplacedBoundary { line: number });
            }
            (None, None) if line.trim().is_empty() => {}
            (None, None) => document.stray_lines.push(number),
            (Some(begun), None) => {
                body.push_str(line);
                body.push('\n');
                open = Some(begun);
            }
            (Some((label, begin)), Some(Boundary::Begin(_))) => {
                return Err(PemError::Nested {
                    line: number,
                    begin,
                    label,
                });
            }
            (Some((label, begin)), Some(Boundary::End(found))) => {
                if found != label {
                    let found = found.to_owned();
                    return Err(PemError::MismatchedEnd {
                        line: number,
                        expected: label,
                        found,
                    });
                }
                document.blocks.push(decode(label, begin, &body)?);
            }
        }
    }
    match open {
        Some((label, line)) => Err(PemError::Unterminated { line, label }),
        None if document.blocks.is_empty() => Err(PemError::Empty),
        None => Ok(document),
    }
}

/// Prints one block, 64 characters a line, ending in a newline.
pub fn encode(label: &str, der: &[u8]) -> String {
    let config = ::pem::EncodeConfig::new().set_line_ending(::pem::LineEnding::LF);
    ::pem::encode_config(&::pem::Pem::new(label, der), config)
}

enum Boundary<'a> {
    Begin(&'a str),
    End(&'a str),
}

impl<'a> Boundary<'a> {
    /// RFC 7468 §3: a boundary stands alone on its line; only white space may follow it. Of white space Go takes spaces and
    /// tabs only: behind anything else it misses the block.
    fn of(line: &'a str) -> Option<Self> {
        let inner = line
            .trim_end_matches(SPACES)
            .strip_prefix("-----")?
            .strip_suffix("-----")?;
        let boundary = match inner.strip_prefix("BEGIN ") {
            Some(label) => Self::Begin(label),
            None => Self::End(inner.strip_prefix("END ")?),
        };
        let (Self::Begin(label) | Self::End(label)) = boundary;
        is_label(label).then_some(boundary)
    }
}

/// Labels are quoted in errors, so a text without proper line ends must not pass a key off as a label
/// (RFC 7468 §3: printable characters, with single spaces and hyphens between them).
fn is_label(label: &str) -> bool {
    label.chars().all(|c| c == ' ' || c.is_ascii_graphic()) && !label.contains("--")
}

fn decode(label: String, line: usize, body: &str) -> Result<Block, PemError> {
    if body.contains(':') {
        return Err(PemError::Headers { line, label });
    }
    // The library passes over every white space, and Go, which misses a block that has a strange one, does not.
    let fits = |c: char| c.is_ascii_alphanumeric() || "+/=\n".contains(c) || SPACES.contains(&c);
    if !body.chars().all(fits) {
        return Err(PemError::NotBase64 { line, label });
    }
    // The library decodes; the boundaries are rewritten so that a strange label is no obstacle.
    let (begin, end) = ("-----BEGIN X-----\n", "-----END X-----\n");
    let mut text = Zeroizing::new(String::with_capacity(begin.len() + body.len() + end.len()));
    for part in [begin, body, end] {
        text.push_str(part);
    }
    match ::pem::parse(text.as_bytes()) {
        Ok(block) => Ok(Block {
            label,
            der: Zeroizing::new(block.into_contents()),
            line,
        }),
        // The library's own error may quote the body, which may be a key.
        Err(_) => Err(PemError::NotBase64 { line, label }),
    }
}

#[cfg(test)]
mod tests;
