//! Names and other short texts.

use crate::limits::NAME_BYTES_MAX;
use crate::outcome::{Reason, Refusal};

/// Refuses `name` as the name of a node, space or definition: letters, digits, `_`, `-` and `.` of ASCII,
/// beginning with a letter or digit. Such names stand in paths, in config scopes and in metrics.
pub(crate) fn check_name(object: &str, name: &str) -> Result<(), Refusal> {
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let rest = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    if first && rest && name.len() <= NAME_BYTES_MAX {
        return Ok(());
    }
    let text = format!(
        "'{}' is not a name; use 1 to {NAME_BYTES_MAX} letters, digits, '_', '-' and '.', first a letter or digit",
        name.escape_debug()
    );
    Err(Refusal::new(Reason::Invalid, object, text))
}

/// What is wrong with `name` as an identifier of SQL (a stream or column): any text in quotes is one.
pub(crate) fn identifier_fault(name: &str) -> Option<String> {
    let good = !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.chars().any(char::is_control);
    (!good).then(|| {
        format!(
            "'{}' is not a name; use 1 to {NAME_BYTES_MAX} bytes without control characters",
            cut(&name.escape_debug().to_string(), 64)
        )
    })
}

/// The form in which identifiers of SQL are compared (R-SQL-3a): ASCII letters match in either case.
pub(crate) fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// The longest beginning of `text` of at most `bytes_max` bytes; one that was cut ends with `…`.
pub(crate) fn cut(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let mut end = bytes_max.saturating_sub('…'.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_identifiers_may_be_anything_in_quotes() {
        for good in ["app", "cell_qos.v2", "9-lives"] {
            assert!(check_name("x", good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a/b", "-a", "é", &"a".repeat(NAME_BYTES_MAX + 1)] {
            assert!(check_name("x", bad).is_err(), "{bad}");
        }
        assert_eq!(identifier_fault("Größe in m²"), None);
        assert!(identifier_fault("a\nb").is_some() && identifier_fault("").is_some());
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("äöüäöü", 8), "äö…");
        assert!(cut(&"€".repeat(100), 50).len() <= 50);
    }
}
