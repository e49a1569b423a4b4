//! SIMILAR TO patterns as regular expressions (ISO 9075-2, 8.6).

use datafusion_common::ScalarValue;

use crate::diag::codes;
use crate::plan::{Expr, ExprKind};

use super::{Failure, literal};

/// The regular expression that matches what the SIMILAR TO pattern matches: the whole text,
/// `%` any characters, `_` one character, the rest as in regular expressions.
pub(super) fn similar_to(pattern: &Expr, escape: Option<char>) -> Result<Expr, Failure> {
    let ExprKind::Literal(ScalarValue::Utf8(text)) = &pattern.kind else {
        return Err(Failure::new(
            codes::EXPRESSION,
            "the pattern of SIMILAR TO must be written out",
            "use LIKE or regexp_like, which take patterns from columns",
        )
        .at(pattern.span));
    };
    let regex = text.as_ref().map(|text| translate(text, escape.unwrap_or('\\')));
    Ok(Expr { span: pattern.span, ..literal(ScalarValue::Utf8(regex)) })
}

fn translate(pattern: &str, escape: char) -> String {
    let mut out = String::from("^(?:");
    let mut chars = pattern.chars();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            c if c == escape => {
                if let Some(next) = chars.next() {
                    push_literally(&mut out, next);
                }
            }
            '[' => {
                in_class = true;
                out.push(c);
            }
            ']' => {
                in_class = false;
                out.push(c);
            }
            '%' if !in_class => out.push_str("(?s:.*)"),
            '_' if !in_class => out.push_str("(?s:.)"),
            '|' | '*' | '+' | '?' | '{' | '}' | '(' | ')' | '^' | '-' if in_class => out.push(c),
            '|' | '*' | '+' | '?' | '{' | '}' | '(' | ')' => out.push(c),
            other => push_literally(&mut out, other),
        }
    }
    out.push_str(")$");
    out
}

fn push_literally(out: &mut String, c: char) {
    out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

#[cfg(test)]
mod tests {
    use super::translate;

    #[test]
    fn similar_to_matches_the_whole_text() {
        let check = |pattern: &str, text: &str| regex::Regex::new(&translate(pattern, '\\')).unwrap().is_match(text);
        assert!(check("a%", "abc"));
        assert!(!check("b%", "abc"));
        assert!(check("(a|b)_", "bx"));
        assert!(!check("a.c", "abc"), "a dot is a dot");
        assert!(check("[a-c]{2}", "bb"));
        assert!(check("100\\%", "100%"));
        assert!(!check("100\\%", "1000"));
        assert!(check("a_b", "a\nb"));
    }
}
