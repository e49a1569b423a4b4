//! Tuples of label values as keys, and the conditions of selectors on them.
//!
//! A key is the values in order, each as its length (`u32`, little-endian) and its bytes. A label
//! that is not there is the empty text, as Prometheus has it.

use cep_lang::plan::{LabelMatcher, MatchOp};
use regex::Regex;

use crate::keys::KeyTable;

/// Tuples kept at most: what is behind the numbers is found again after they are forgotten.
const TUPLES_MAX: usize = 1 << 16;

/// Appends a label's value to a key.
pub fn put_label(key: &mut Vec<u8>, value: &[u8]) {
    key.extend_from_slice(&(value.len() as u32).to_le_bytes());
    key.extend_from_slice(value);
}

/// The values of a key.
pub fn split_labels(key: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = key;
    std::iter::from_fn(move || {
        let (len, tail) = rest.split_first_chunk::<4>()?;
        let (value, tail) = tail.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        rest = tail;
        Some(value)
    })
}

/// Whether `key` is one of `count` texts.
pub(super) fn is_key(key: &[u8], count: usize) -> bool {
    let mut bytes = 0;
    let texts = split_labels(key).filter(|value| {
        bytes += 4 + value.len();
        std::str::from_utf8(value).is_ok()
    });
    texts.count() == count && bytes == key.len()
}

/// Writes the values at `places` of `key`, ascending, to `out`.
pub(super) fn project(key: &[u8], places: &[usize], out: &mut Vec<u8>) {
    out.clear();
    let mut wanted = places.iter().peekable();
    for (place, value) in split_labels(key).enumerate() {
        if wanted.next_if(|&&p| p == place).is_some() {
            put_label(out, value);
        }
    }
}

/// Numbers of the label tuples that rows have. A cache: nothing of it is state.
#[derive(Debug, Default)]
pub struct LabelTuples {
    table: KeyTable,
    /// How often it was emptied: what is kept by number is of one generation.
    generation: u64,
}

impl LabelTuples {
    /// The number of a tuple by its key.
    pub fn number(&mut self, key: &[u8]) -> u32 {
        if let Some(known) = self.table.find(key) {
            return known;
        }
        if self.table.len() >= TUPLES_MAX {
            self.table = KeyTable::new();
            self.generation += 1;
        }
        self.table.find_or_insert(key)
    }

    /// The key of a tuple.
    pub fn key(&self, tuple: u32) -> &[u8] {
        self.table.key(tuple)
    }

    /// Changes when numbers are given anew.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Heap bytes in use.
    pub fn bytes(&self) -> usize {
        self.table.bytes()
    }
}

/// A matcher, compiled.
#[derive(Debug)]
pub(super) struct Matcher {
    /// `None`: a label that is never there.
    place: Option<usize>,
    test: Test,
    negated: bool,
}

#[derive(Debug)]
enum Test {
    Equal(Vec<u8>),
    Regex(Regex),
}

impl Matcher {
    /// Compiles `matcher`.
    pub fn new(matcher: &LabelMatcher) -> Result<Self, String> {
        let (regex, negated) = match matcher.op {
            MatchOp::Equal => (false, false),
            MatchOp::NotEqual => (false, true),
            MatchOp::Matches => (true, false),
            MatchOp::NotMatches => (true, true),
        };
        let test = if regex {
            // As Prometheus anchors them; `.` takes newlines too since its version 3.
            let anchored = format!("^(?s:{})$", matcher.value);
            let size = regex::RegexBuilder::new(&anchored).size_limit(1 << 20).build();
            Test::Regex(size.map_err(|e| format!("the matcher '{}': {e}", matcher.value))?)
        } else {
            Test::Equal(matcher.value.clone().into_bytes())
        };
        Ok(Matcher { place: matcher.label, test, negated })
    }

    /// Whether it holds for the labels of `key`.
    pub fn holds(&self, key: &[u8]) -> bool {
        let value = self.place.and_then(|place| split_labels(key).nth(place)).unwrap_or_default();
        let found = match &self.test {
            Test::Equal(wanted) => wanted == value,
            Test::Regex(regex) => std::str::from_utf8(value).is_ok_and(|text| regex.is_match(text)),
        };
        found != self.negated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(op: MatchOp, value: &str, of: &str) -> bool {
        let mut key = Vec::new();
        put_label(&mut key, b"x");
        put_label(&mut key, of.as_bytes());
        let matcher = LabelMatcher { label: Some(1), op, value: value.into() };
        Matcher::new(&matcher).expect("it compiles").holds(&key)
    }

    #[test]
    fn regular_expressions_are_anchored_at_both_ends() {
        assert!(holds(MatchOp::Matches, "a|bc", "bc"));
        assert!(!holds(MatchOp::Matches, "a|bc", "abc"));
        assert!(!holds(MatchOp::Matches, "a|b", "ab"));
        assert!(holds(MatchOp::NotMatches, "a.*", "ba"));
        assert!(holds(MatchOp::Matches, "a.*", "a\nb"));
        assert!(holds(MatchOp::Equal, "", ""));
        assert!(holds(MatchOp::NotEqual, "", "x"));
    }

    #[test]
    fn a_label_that_is_never_there_is_the_empty_text() {
        let matcher = |op, value: &str| {
            Matcher::new(&LabelMatcher { label: None, op, value: value.into() }).expect("it compiles")
        };
        assert!(matcher(MatchOp::Equal, "").holds(b""));
        assert!(matcher(MatchOp::Matches, ".*").holds(b""));
        assert!(!matcher(MatchOp::Matches, ".+").holds(b""));
    }

    #[test]
    fn keys_are_split_and_projected() {
        let mut key = Vec::new();
        for value in ["a", "", "ccc"] {
            put_label(&mut key, value.as_bytes());
        }
        assert_eq!(split_labels(&key).collect::<Vec<_>>(), [&b"a"[..], b"", b"ccc"]);
        let mut out = Vec::new();
        project(&key, &[0, 2], &mut out);
        assert_eq!(split_labels(&out).collect::<Vec<_>>(), [&b"a"[..], b"ccc"]);
        assert!(is_key(&key, 3) && !is_key(&key, 2) && !is_key(&key[1..], 3));
    }
}
