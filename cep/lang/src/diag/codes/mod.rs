//! Error codes: stable names for what can go wrong, each with an explanation.
//!
//! Groups: E01xx syntax · E02xx names · E03xx types · E04xx windows · E05xx options · E06xx
//! unsupported · E07xx streams and changelog · E08xx time · E09xx aggregates and functions · E10xx
//! errors of records at run time · E11xx patterns · E12xx bundles, W12xx their warnings.
//!
//! Invariants: a code never changes its meaning and is never used again after it is gone; codes
//! are sorted.

/// What `ceptra explain-error CODE` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeDoc {
    /// The code, e.g. `E0102`.
    pub code: &'static str,
    /// What it means, a few words.
    pub title: &'static str,
    /// Why it is an error, the mistake and the fix; Markdown.
    pub explanation: &'static str,
}

/// Declares the codes of a group: a constant for each, and their documentation.
macro_rules! codes {
    ($($name:ident $code:literal $title:literal $explanation:literal)*) => {
        $(
            #[doc = $title]
            pub const $name: &str = $code;
        )*
        pub(super) const DOCS: &[super::CodeDoc] = &[
            $(super::CodeDoc { code: $code, title: $title, explanation: $explanation },)*
        ];
    };
}

mod bundles;
mod functions;
mod names;
mod options;
mod patterns;
mod records;
mod streams;
mod syntax;
mod time;
mod types;
mod unsupported;
mod windows;

pub use bundles::*;
pub use functions::*;
pub use names::*;
pub use options::*;
pub use patterns::*;
pub use records::*;
pub use streams::*;
pub use syntax::*;
pub use time::*;
pub use types::*;
pub use unsupported::*;
pub use windows::*;

/// The groups, in order of their codes.
const GROUPS: &[&[CodeDoc]] = &[
    syntax::DOCS,
    names::DOCS,
    types::DOCS,
    windows::DOCS,
    options::DOCS,
    unsupported::DOCS,
    streams::DOCS,
    time::DOCS,
    functions::DOCS,
    records::DOCS,
    patterns::DOCS,
    bundles::DOCS,
];

/// All codes, sorted.
pub fn all() -> impl Iterator<Item = &'static CodeDoc> {
    GROUPS.iter().flat_map(|docs| docs.iter())
}

/// The documentation of a code, in any case; `None` when there is no such code.
pub fn explain(code: &str) -> Option<&'static CodeDoc> {
    all().find(|doc| doc.code.eq_ignore_ascii_case(code.trim()))
}
