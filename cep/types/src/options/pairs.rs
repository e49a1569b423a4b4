//! The pairs of one statement while they are being read.
//!
//! Reading a key takes it out; what is left at the end was not used and is refused, so no key can
//! be accepted without an effect.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::key::{OPTION_KEYS, lookup, refused_key};
use super::{OptionError, OptionValue, closest};

/// Unread options by key.
pub(super) struct Pairs {
    unread: BTreeMap<String, OptionValue>,
}

impl Pairs {
    /// Checks that every key is known and given once.
    pub(super) fn new(pairs: &[(String, OptionValue)]) -> Result<Pairs, OptionError> {
        let mut unread = BTreeMap::new();
        for (written, value) in pairs {
            if let Some(error) = refused_key(written) {
                return Err(error);
            }
            let Some(key) = lookup(written) else {
                return Err(unknown(written));
            };
            if unread.insert(key, value.clone()).is_some() {
                return Err(OptionError::new(written, "is given twice"));
            }
        }
        Ok(Pairs { unread })
    }

    /// Whether the key was given and not read yet.
    pub(super) fn has(&self, key: &str) -> bool {
        self.unread.contains_key(key)
    }

    /// The text of a key, if given.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        self.unread.remove(key).map(|value| value.text())
    }

    /// The text of a key, if given, without counting as read.
    pub(super) fn peek_text(&self, key: &str) -> Option<String> {
        self.unread.get(key).map(OptionValue::text)
    }

    /// The value of a key, if given.
    pub(super) fn value(&mut self, key: &str) -> Option<OptionValue> {
        self.unread.remove(key)
    }

    /// One of a few words, ignoring case.
    pub(super) fn word(
        &mut self,
        key: &str,
        default: &'static str,
        words: &[&'static str],
    ) -> Result<&'static str, OptionError> {
        let Some(text) = self.text(key) else {
            return Ok(default);
        };
        let text = text.trim();
        words.iter().copied().find(|word| word.eq_ignore_ascii_case(text)).ok_or_else(|| {
            OptionError::new(key, format!("'{text}' is not one of {}", words.join(", ")))
                .did_you_mean(closest(text, words.iter().copied()))
        })
    }

    /// TRUE or FALSE.
    pub(super) fn boolean(&mut self, key: &str, default: bool) -> Result<bool, OptionError> {
        Ok(match self.word(key, "", &["true", "false"])? {
            "true" => true,
            "false" => false,
            _ => default,
        })
    }

    /// A whole number within bounds.
    pub(super) fn integer(
        &mut self,
        key: &str,
        default: u64,
        bounds: RangeInclusive<u64>,
    ) -> Result<u64, OptionError> {
        let Some(text) = self.text(key) else {
            return Ok(default);
        };
        let number: u64 = text
            .trim()
            .replace('_', "")
            .parse()
            .map_err(|_| OptionError::new(key, format!("'{text}' is not a whole number from 0")))?;
        if !bounds.contains(&number) {
            let (least, most) = bounds.into_inner();
            return Err(OptionError::new(key, format!("{number} is outside {least} to {most}")));
        }
        Ok(number)
    }

    /// A duration in nanoseconds, at least 0.
    pub(super) fn duration(&mut self, key: &str, default_ns: i64) -> Result<i64, OptionError> {
        Ok(self.duration_if_given(key)?.unwrap_or(default_ns))
    }

    /// A duration in nanoseconds, at least 0, if given.
    pub(super) fn duration_if_given(&mut self, key: &str) -> Result<Option<i64>, OptionError> {
        let ns = match self.value(key) {
            None => return Ok(None),
            Some(OptionValue::Interval(ns)) => ns,
            Some(value) => super::parse_duration(&value.text()).map_err(|why| OptionError::new(key, why))?,
        };
        if ns < 0 {
            return Err(OptionError::new(key, "a negative duration"));
        }
        Ok(Some(ns))
    }

    /// One byte: a single ASCII character, or `\t` or `tab`.
    pub(super) fn byte(&mut self, key: &str) -> Result<Option<u8>, OptionError> {
        let Some(text) = self.text(key) else {
            return Ok(None);
        };
        match text.as_str() {
            "\\t" | "tab" | "TAB" => Ok(Some(b'\t')),
            other => match other.as_bytes() {
                [byte @ (0..=9 | 11..=12 | 14..=127)] => Ok(Some(*byte)),
                _ => Err(OptionError::new(
                    key,
                    format!("'{other}' is not one ASCII character (write '\\t' for a tab)"),
                )),
            },
        }
    }

    /// Every given key that starts with `prefix`, with the rest of its name, in order.
    pub(super) fn with_prefix(&mut self, prefix: &str) -> Vec<(String, OptionValue)> {
        let keys: Vec<String> = self.unread.keys().filter(|key| key.starts_with(prefix)).cloned().collect();
        keys.into_iter()
            .filter_map(|key| {
                let rest = key[prefix.len()..].to_owned();
                self.unread.remove(&key).map(|value| (rest, value))
            })
            .collect()
    }

    /// Refuses what nobody read.
    pub(super) fn finish(self) -> Result<(), OptionError> {
        match self.unread.keys().next() {
            None => Ok(()),
            Some(written) => {
                let key = OPTION_KEYS.iter().find(|key| key.covers(written));
                let reason = match key {
                    Some(key) if !key.needs.is_empty() => {
                        format!("has no effect on this stream: it needs {}", key.needs)
                    }
                    Some(key) => format!("has no effect on this stream: it is for {}", key.side.as_str()),
                    None => "has no effect on this stream".to_owned(),
                };
                Err(OptionError::new(written, reason))
            }
        }
    }
}

fn unknown(written: &str) -> OptionError {
    // Keys with a column in their name are compared with the column taken out.
    let names = || OPTION_KEYS.iter().map(|key| key.name);
    let parts: Vec<&str> = written.split('.').collect();
    let as_pattern = match parts.as_slice() {
        [first, _, .., last] if first.to_lowercase().starts_with("gen") => {
            format!("{first}.<col>.{last}")
        }
        [first, second, _, ..] => format!("{first}.{second}.<col>"),
        _ => written.to_owned(),
    };
    OptionError::new(written, "is not an option of a stream")
        .did_you_mean(closest(&as_pattern, names()).or_else(|| closest(written, names())))
}
