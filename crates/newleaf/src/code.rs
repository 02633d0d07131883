//! The codes of errors: stable for ever, each with one page in `docs/codes`, compiled in.
//!
//! `C…` the configuration, `D…` the demo, `F…` files and what is in them, `I…` issuing, `J…` the journal, `R…` rotations,
//! `W…` the world, `Z…` newleaf itself. A new code is one constant here, a member of [`ALL`], and a page.

use crate::failure::Exit;

/// One code.
#[derive(Debug)]
pub(crate) struct Code {
    /// What stands in brackets after `error`.
    pub(crate) id: &'static str,
    /// How the program ends.
    pub(crate) exit: Exit,
    /// What `newleaf explain` prints.
    pub(crate) page: &'static str,
}

/// Every code, in order.
pub(crate) const ALL: &[&Code] = &[
    &CONFIG_READ,
    &CONFIG_SYNTAX,
    &CONFIG_VALUE,
    &CONFIG_SECRET,
    &UNKNOWN_NAME,
    &DEMO,
    &FILE_READ,
    &NOT_CERTIFICATES,
    &PRIVATE_KEY_FOUND,
    &NOT_A_KEY,
    &FILE_EXISTS,
    &FILE_WRITE,
    &NOT_FILTERS,
    &STORE,
    &PASSPHRASE,
    &NOT_A_REQUEST,
    &NOT_A_CRL,
    &KEY_FORM,
    &ISSUE,
    &GENERATE,
    &CA_EXISTS,
    &CA_STORE,
    &TOKEN,
    &JOURNAL,
    &ROTATION_UNDER_WAY,
    &PLAN,
    &NO_ROTATION,
    &DRIVEN,
    &BLOCKED,
    &DECISION_REFUSED,
    &DECISION_UNHEARD,
    &UNCONFIRMED,
    &UNSOUND_PLAN,
    &LISTEN,
    &QUIRK,
    &PROXY_OPTIONS,
    &GREETING,
    &TRUST_POINT,
    &UNKNOWN_CODE,
    &OUTPUT,
    &BUG,
];

/// The configuration file cannot be read.
pub(crate) const CONFIG_READ: Code = Code {
    id: "C001",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/C001.md"),
};
/// The configuration file does not have the shape of one.
pub(crate) const CONFIG_SYNTAX: Code = Code {
    id: "C002",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/C002.md"),
};
/// A value of the configuration cannot be used.
pub(crate) const CONFIG_VALUE: Code = Code {
    id: "C003",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/C003.md"),
};
/// A secret that the configuration refers to cannot be had.
pub(crate) const CONFIG_SECRET: Code = Code {
    id: "C004",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/C004.md"),
};
/// A name on the command line that the configuration does not have.
pub(crate) const UNKNOWN_NAME: Code = Code {
    id: "C005",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/C005.md"),
};
/// A file or directory cannot be read.
pub(crate) const FILE_READ: Code = Code {
    id: "F001",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/F001.md"),
};
/// A file does not hold certificates.
pub(crate) const NOT_CERTIFICATES: Code = Code {
    id: "F002",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/F002.md"),
};
/// A private key stands where only certificates may.
pub(crate) const PRIVATE_KEY_FOUND: Code = Code {
    id: "F003",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/F003.md"),
};
/// A file does not hold the private key that is needed.
pub(crate) const NOT_A_KEY: Code = Code {
    id: "F004",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/F004.md"),
};
/// A file is there already.
pub(crate) const FILE_EXISTS: Code = Code {
    id: "F005",
    exit: Exit::Refused,
    page: include_str!("../../../docs/codes/F005.md"),
};
/// A file cannot be written.
pub(crate) const FILE_WRITE: Code = Code {
    id: "F006",
    exit: Exit::Refused,
    page: include_str!("../../../docs/codes/F006.md"),
};
/// A file does not hold certificate filters.
pub(crate) const NOT_FILTERS: Code = Code {
    id: "F007",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/F007.md"),
};
/// A certificate is not issued.
pub(crate) const ISSUE: Code = Code {
    id: "I001",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/I001.md"),
};
/// A key or a serial number cannot be generated.
pub(crate) const GENERATE: Code = Code {
    id: "I002",
    exit: Exit::Refused,
    page: include_str!("../../../docs/codes/I002.md"),
};
/// A holder's identity directory cannot be used.
pub(crate) const STORE: Code = Code {
    id: "F008",
    exit: Exit::Refused,
    page: include_str!("../../../docs/codes/F008.md"),
};
/// A passphrase cannot be had, or opens nothing.
pub(crate) const PASSPHRASE: Code = Code {
    id: "F009",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/F009.md"),
};
/// A file does not hold a certification request that can be used.
pub(crate) const NOT_A_REQUEST: Code = Code {
    id: "F010",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/F010.md"),
};
/// A file does not hold a revocation list that can be used.
pub(crate) const NOT_A_CRL: Code = Code {
    id: "F011",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/F011.md"),
};
/// A key cannot be brought into the form that was asked for.
pub(crate) const KEY_FORM: Code = Code {
    id: "F012",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/F012.md"),
};
/// A CA is there already.
pub(crate) const CA_EXISTS: Code = Code {
    id: "I003",
    exit: Exit::Refused,
    page: include_str!("../../../docs/codes/I003.md"),
};
/// A CA of a trust domain cannot be used.
pub(crate) const CA_STORE: Code = Code {
    id: "I004",
    exit: Exit::Refused,
    page: include_str!("../../../docs/codes/I004.md"),
};

/// A token would not sign.
pub(crate) static TOKEN: Code = Code {
    id: "I005",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/I005.md"),
};
/// The journal cannot be used.
pub(crate) const JOURNAL: Code = Code {
    id: "J001",
    exit: Exit::Refused,
    page: include_str!("../../../docs/codes/J001.md"),
};
/// A rotation of the trust domain is under way.
pub(crate) const ROTATION_UNDER_WAY: Code = Code {
    id: "J002",
    exit: Exit::Refused,
    page: include_str!("../../../docs/codes/J002.md"),
};
/// No plan can be made.
pub(crate) const PLAN: Code = Code {
    id: "R001",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/R001.md"),
};
/// No such rotation.
pub(crate) const NO_ROTATION: Code = Code {
    id: "R002",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/R002.md"),
};
/// Another process drives.
pub(crate) const DRIVEN: Code = Code {
    id: "R003",
    exit: Exit::Refused,
    page: include_str!("../../../docs/codes/R003.md"),
};
/// The rotation is blocked.
pub(crate) const BLOCKED: Code = Code {
    id: "R004",
    exit: Exit::Unsafe,
    page: include_str!("../../../docs/codes/R004.md"),
};
/// A decision is refused.
pub(crate) const DECISION_REFUSED: Code = Code {
    id: "R005",
    exit: Exit::Refused,
    page: include_str!("../../../docs/codes/R005.md"),
};
/// A decision was not answered.
pub(crate) const DECISION_UNHEARD: Code = Code {
    id: "R006",
    exit: Exit::Refused,
    page: include_str!("../../../docs/codes/R006.md"),
};
/// Nobody said yes to the plan.
pub(crate) const UNCONFIRMED: Code = Code {
    id: "R007",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/R007.md"),
};
/// A plan breaks one of its rules.
pub(crate) const UNSOUND_PLAN: Code = Code {
    id: "R008",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/R008.md"),
};
/// An address cannot be listened on, or a listener cannot be set up.
pub(crate) const LISTEN: Code = Code {
    id: "W001",
    exit: Exit::Refused,
    page: include_str!("../../../docs/codes/W001.md"),
};
/// The sandbox has no such quirk.
pub(crate) const QUIRK: Code = Code {
    id: "W002",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/W002.md"),
};
/// The proxy cannot run as it was told to.
pub(crate) const PROXY_OPTIONS: Code = Code {
    id: "W003",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/W003.md"),
};
/// A server does not say what it presents.
pub(crate) const GREETING: Code = Code {
    id: "W004",
    exit: Exit::Refused,
    page: include_str!("../../../docs/codes/W004.md"),
};
/// A trust point cannot be read.
pub(crate) const TRUST_POINT: Code = Code {
    id: "W005",
    exit: Exit::Refused,
    page: include_str!("../../../docs/codes/W005.md"),
};
/// The demo did not show what it promises.
pub(crate) const DEMO: Code = Code {
    id: "D001",
    exit: Exit::Refused,
    page: include_str!("../../../docs/codes/D001.md"),
};
/// A code that nobody has.
pub(crate) const UNKNOWN_CODE: Code = Code {
    id: "Z001",
    exit: Exit::Usage,
    page: include_str!("../../../docs/codes/Z001.md"),
};
/// The output cannot be written.
pub(crate) const OUTPUT: Code = Code {
    id: "Z002",
    exit: Exit::Refused,
    page: include_str!("../../../docs/codes/Z002.md"),
};
/// A bug of newleaf.
pub(crate) const BUG: Code = Code {
    id: "Z070",
    exit: Exit::Bug,
    page: include_str!("../../../docs/codes/Z070.md"),
};

impl Code {
    /// Returns what the code stands for: the first line of its page, `# C001: …`.
    pub(crate) fn title(&self) -> &'static str {
        let first = self.page.lines().next().unwrap_or_default();
        first.split_once(": ").map_or(first, |(_, title)| title)
    }
}

/// Returns the code with this name, whatever its case.
pub(crate) fn find(id: &str) -> Option<&'static Code> {
    ALL.iter()
        .copied()
        .find(|code| code.id.eq_ignore_ascii_case(id))
}

#[cfg(test)]
mod tests;
