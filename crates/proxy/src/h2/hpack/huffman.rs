//! The Huffman code of HPACK (RFC 7541 §5.2 and appendix B).
//!
//! The code is canonical: codes of one length follow each other in the order of their symbols, and a longer code
//! begins where the shorter ones end. So the lengths alone are the whole code, and the compiler makes the tables from them.

use super::decode::Corruption;

/// The length in bits of each symbol's code, as appendix B lists them; the last one is EOS.
#[rustfmt::skip]
const LENGTHS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
     6, 10, 10, 12, 13,  6,  8, 11, 10, 10,  8, 11,  8,  6,  6,  6,
     5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8, 15,  6, 12, 10,
    13,  6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,
     7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8, 13, 19, 13, 14,  6,
    15,  5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,
     6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// All octets, and EOS.
const SYMBOLS: usize = 257;
/// The longest code, that of EOS.
const LONGEST: usize = 30;

/// The code of one symbol, its bits at the lower end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Code {
    bits: u32,
    length: u8,
}

/// What the next eight bits say: a symbol and the length of its code, or a length of 0 where the code is longer.
#[derive(Clone, Copy)]
struct Short {
    symbol: u8,
    length: u8,
}

/// All codes of one length, moved to the upper end of 32 bits: from `first` to `last`, where the bits after the last
/// code are ones. Their symbols begin at `symbols` in [`IN_ORDER`].
#[derive(Clone, Copy)]
struct Rank {
    length: u8,
    first: u32,
    last: u32,
    symbols: usize,
}

const TABLES: Tables = Tables::new();
static CODES: [Code; SYMBOLS] = TABLES.codes;
static SHORT: [Short; 256] = TABLES.short;
static RANKS: [Rank; LONGEST + 1] = TABLES.ranks;
static IN_ORDER: [u16; SYMBOLS] = TABLES.in_order;

struct Tables {
    codes: [Code; SYMBOLS],
    short: [Short; 256],
    ranks: [Rank; LONGEST + 1],
    in_order: [u16; SYMBOLS],
}

impl Tables {
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::indexing_slicing,
        reason = "evaluated by the compiler only: a wrong index would not build, and traits cannot be called here"
    )]
    const fn new() -> Self {
        let mut tables = Self {
            codes: [Code { bits: 0, length: 0 }; SYMBOLS],
            short: [Short {
                symbol: 0,
                length: 0,
            }; 256],
            ranks: [Rank {
                length: 0,
                first: u32::MAX,
                last: 0,
                symbols: 0,
            }; LONGEST + 1],
            in_order: [0; SYMBOLS],
        };
        let mut code = 0_u32;
        let mut assigned = 0;
        let mut length = 1;
        while length <= LONGEST {
            code <<= 1;
            let unused = 32 - length as u32;
            let first = code;
            tables.ranks[length].length = length as u8;
            tables.ranks[length].symbols = assigned;
            let mut symbol = 0;
            while symbol < SYMBOLS {
                if LENGTHS[symbol] as usize == length {
                    tables.codes[symbol] = Code {
                        bits: code,
                        length: length as u8,
                    };
                    tables.in_order[assigned] = symbol as u16;
                    assigned += 1;
                    let mut tail = 0;
                    while length <= 8 && tail < 1 << (8 - length) {
                        tables.short[(code as usize) << (8 - length) | tail] = Short {
                            symbol: symbol as u8,
                            length: length as u8,
                        };
                        tail += 1;
                    }
                    code += 1;
                }
                symbol += 1;
            }
            if code > first {
                tables.ranks[length].first = first << unused;
                tables.ranks[length].last = (code - 1) << unused | ((1 << unused) - 1);
            }
            length += 1;
        }
        tables
    }
}

/// Returns how many octets `text` takes in Huffman code.
pub(super) fn encoded_length(text: &[u8]) -> usize {
    let bits: usize = text
        .iter()
        .filter_map(|octet| CODES.get(usize::from(*octet)))
        .map(|code| usize::from(code.length))
        .sum();
    bits.div_ceil(8)
}

/// Appends `text` in Huffman code.
pub(super) fn encode(text: &[u8], out: &mut Vec<u8>) {
    // Bits wait at the upper end; before each code fewer than 32 do, and no code is longer than 30.
    let mut waiting = 0_u64;
    let mut n_waiting = 0_u32;
    for code in text
        .iter()
        .filter_map(|octet| CODES.get(usize::from(*octet)))
    {
        n_waiting += u32::from(code.length);
        waiting |= u64::from(code.bits) << (64 - n_waiting);
        if n_waiting >= 32 {
            out.extend_from_slice(&upper_half(waiting).to_be_bytes());
            waiting <<= 32;
            n_waiting -= 32;
        }
    }
    // The last octet is filled with ones, the first bits of EOS.
    waiting |= u64::MAX >> n_waiting;
    for octet in upper_half(waiting).to_be_bytes() {
        if n_waiting == 0 {
            break;
        }
        out.push(octet);
        n_waiting = n_waiting.saturating_sub(8);
    }
}

/// Appends what `coded` says.
pub(super) fn decode(coded: &[u8], out: &mut Vec<u8>) -> Result<(), Corruption> {
    // No code is shorter than five bits.
    out.reserve(coded.len() * 8 / 5);
    let mut bits = Bits::new(coded);
    loop {
        bits.refill();
        let [next, ..] = bits.window.to_be_bytes();
        match SHORT.get(usize::from(next)) {
            Some(short) if short.length > 0 && bits.skip(short.length) => out.push(short.symbol),
            _longer_or_the_end => match bits.long()? {
                Some(symbol) => out.push(symbol),
                None => return bits.end(),
            },
        }
    }
}

/// The bits that are still to be decoded.
struct Bits<'coded> {
    rest: &'coded [u8],
    /// The next bits at the upper end, zeros after them.
    window: u64,
    valid: u32,
}

impl<'coded> Bits<'coded> {
    fn new(coded: &'coded [u8]) -> Self {
        Self {
            rest: coded,
            window: 0,
            valid: 0,
        }
    }

    /// Sees to it that the window holds the longest code, if as much is left.
    fn refill(&mut self) {
        if self.valid >= 32 {
            return;
        }
        if let Some((word, rest)) = self.rest.split_first_chunk() {
            self.window |= u64::from(u32::from_be_bytes(*word)) << (32 - self.valid);
            self.valid += 32;
            self.rest = rest;
            return;
        }
        while let Some((octet, rest)) = self.rest.split_first() {
            self.window |= u64::from(*octet) << (56 - self.valid);
            self.valid += 8;
            self.rest = rest;
        }
    }

    /// Skips a code, or returns `false` if it is not there whole.
    fn skip(&mut self, length: u8) -> bool {
        let length = u32::from(length);
        let whole = length <= self.valid;
        if whole {
            self.window <<= length;
            self.valid -= length;
        }
        whole
    }

    /// Takes a symbol whose code is longer than eight bits. None is left if the bits end before the code does.
    fn long(&mut self) -> Result<Option<u8>, Corruption> {
        let window = upper_half(self.window);
        let Some(rank) = RANKS
            .iter()
            .find(|rank| rank.first <= window && window <= rank.last)
        else {
            return Ok(None);
        };
        if !self.skip(rank.length) {
            return Ok(None);
        }
        let nth = (window - rank.first) >> (32 - u32::from(rank.length));
        let symbol = usize::try_from(nth)
            .ok()
            .and_then(|nth| IN_ORDER.get(rank.symbols + nth));
        // The one symbol that is no octet is EOS.
        symbol
            .and_then(|symbol| u8::try_from(*symbol).ok())
            .map(Some)
            .ok_or(Corruption::EndOfString)
    }

    /// Judges what is left when no whole code is: at most seven bits, all ones (§5.2).
    fn end(&self) -> Result<(), Corruption> {
        let filled = self.window | u64::MAX.checked_shr(self.valid).unwrap_or(0);
        if self.valid < 8 && filled == u64::MAX {
            Ok(())
        } else {
            Err(Corruption::Padding)
        }
    }
}

fn upper_half(bits: u64) -> u32 {
    let [a, b, c, d, ..] = bits.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests;
