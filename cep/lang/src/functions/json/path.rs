//! Paths into a document: steps, and the subset of JSONPath (RFC 9535) that names one place.

use datafusion_common::{Result, exec_err};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Member of an object.
    Key(String),
    /// Element of an array from 0, or from the end for negative numbers.
    Index(i64),
}

/// Reads `$.a.b[0]['c d']["e"][-1]`. The leading `$` may be left out.
///
/// # Errors
/// Wildcards, slices, filters and `..` name many places and are refused; so is anything else that
/// does not read as a path.
pub(super) fn parse(text: &str) -> Result<Vec<Step>> {
    let mut rest = text.trim();
    rest = rest.strip_prefix('$').unwrap_or(rest);
    let mut steps = Vec::new();
    let mut first = true;
    while !rest.is_empty() {
        let (step, after) = match rest.as_bytes()[0] {
            b'.' if rest.starts_with("..") => return unsupported(text, "recursive descent (..)"),
            b'.' => member(text, &rest[1..])?,
            b'[' => bracket(text, &rest[1..])?,
            _ if first && !text.trim().starts_with('$') => member(text, rest)?,
            _ => return malformed(text, rest),
        };
        steps.push(step);
        rest = after;
        first = false;
    }
    Ok(steps)
}

fn malformed<T>(path: &str, at: &str) -> Result<T> {
    exec_err!(
        "the JSON path '{path}' cannot be read at '{at}'; a path looks like $.member[0]['other member']"
    )
}

fn unsupported<T>(path: &str, what: &str) -> Result<T> {
    exec_err!(
        "the JSON path '{path}' uses {what}, which names many places; name one place with .member, ['member'] and [index]"
    )
}

fn member<'a>(path: &str, rest: &'a str) -> Result<(Step, &'a str)> {
    if rest.starts_with('*') {
        return unsupported(path, "a wildcard");
    }
    let end = rest
        .find(|c: char| matches!(c, '.' | '[' | ']' | '\'' | '"' | '*' | '?' | '@') || c.is_whitespace())
        .unwrap_or(rest.len());
    if end == 0 {
        return malformed(path, rest);
    }
    Ok((Step::Key(rest[..end].to_string()), &rest[end..]))
}

fn bracket<'a>(path: &str, rest: &'a str) -> Result<(Step, &'a str)> {
    match rest.chars().next() {
        Some(quote @ ('\'' | '"')) => {
            let (key, after) = quoted(path, &rest[1..], quote)?;
            match after.strip_prefix(']') {
                Some(after) => Ok((Step::Key(key), after)),
                None => malformed(path, after),
            }
        }
        Some('*') => unsupported(path, "a wildcard"),
        Some('?') => unsupported(path, "a filter"),
        _ => {
            let Some((inside, after)) = rest.split_once(']') else {
                return malformed(path, rest);
            };
            if inside.contains(':') {
                return unsupported(path, "a slice");
            }
            if inside.contains(',') {
                return unsupported(path, "a list of selectors");
            }
            match inside.trim().parse::<i64>() {
                Ok(index) => Ok((Step::Index(index), after)),
                Err(_) => malformed(path, inside),
            }
        }
    }
}

/// The quoted key at the start of `rest` (its opening quote taken), and what follows its end.
fn quoted<'a>(path: &str, rest: &'a str, quote: char) -> Result<(String, &'a str)> {
    let mut key = String::new();
    let mut chars = rest.char_indices();
    while let Some((index, c)) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some((_, escaped @ ('\\' | '\'' | '"' | '/'))) => key.push(escaped),
                _ => return malformed(path, &rest[index..]),
            },
            c if c == quote => return Ok((key, &rest[index + quote.len_utf8()..])),
            c => key.push(c),
        }
    }
    malformed(path, rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(name: &str) -> Step {
        Step::Key(name.into())
    }

    #[test]
    fn paths_that_read() {
        let cases = [
            ("$", vec![]),
            ("", vec![]),
            ("$.a.b", vec![key("a"), key("b")]),
            ("a.b", vec![key("a"), key("b")]),
            ("$[0][-1]", vec![Step::Index(0), Step::Index(-1)]),
            ("$.a[ 2 ].b", vec![key("a"), Step::Index(2), key("b")]),
            ("$['c d'][\"e\"]", vec![key("c d"), key("e")]),
            ("$['it\\'s']", vec![key("it's")]),
            ("$.größe", vec![key("größe")]),
        ];
        for (text, steps) in cases {
            assert_eq!(parse(text).unwrap(), steps, "{text}");
        }
    }

    #[test]
    fn paths_that_name_many_places_or_none_are_refused_with_the_reason() {
        let cases = [
            ("$.*", "wildcard"),
            ("$[*]", "wildcard"),
            ("$..a", "recursive"),
            ("$[1:2]", "slice"),
            ("$[1,2]", "selectors"),
            ("$[?(@.a)]", "filter"),
            ("$a", "cannot be read"),
            ("$.", "cannot be read"),
            ("$[", "cannot be read"),
            ("$['a'", "cannot be read"),
            ("$['a", "cannot be read"),
            ("$[x]", "cannot be read"),
            ("$.a b", "cannot be read"),
        ];
        for (text, reason) in cases {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_path_or_an_error(text: String) {
            let _ = parse(&text);
        }

        #[test]
        fn quoted_keys_of_any_text_come_back(name: String) {
            let escaped = name.replace('\\', "\\\\").replace('\'', "\\'");
            prop_assert_eq!(parse(&format!("$['{escaped}']")).unwrap(), vec![Step::Key(name)]);
        }
    }
}
