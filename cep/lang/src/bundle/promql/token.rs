//! Where the words of an expression stand. The parser's tree has no places, but its functions, operators and
//! metrics come in the order of their words.

/// Longest expression, in bytes.
pub(super) const EXPRESSION_BYTES_MAX: usize = 16 << 10;
/// Deepest nesting of parentheses.
pub(super) const DEPTH_MAX: usize = 32;
/// Digits of a number in a duration: more do not fit what the parser keeps them in.
const DURATION_DIGITS_MAX: usize = 9;

/// A word or sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Number,
    Text,
    Sign,
}

/// A function, operator or metric in the order of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// Where it was written.
    pub place: (usize, usize),
    /// It is `distinct`, given to the parser as `count`.
    pub distinct: bool,
}

/// An expression as the parser takes it.
#[derive(Debug)]
pub(super) struct Prepared {
    /// Its text, with `distinct by (…)(m[w])` as `count by (…)(count_over_time(m[w]))`.
    pub text: String,
    /// Its heads, without those that were put in.
    pub heads: Vec<Head>,
    /// Its tokens.
    pub tokens: Vec<Token>,
}

/// What is wrong before the parser sees it.
#[derive(Debug)]
pub(super) struct Wrong {
    pub place: (usize, usize),
    pub message: String,
    pub help: &'static str,
}

const KEYWORDS: &[&str] = &[
    "by",
    "without",
    "offset",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "bool",
    "and",
    "or",
    "unless",
    "atan2",
    "inf",
    "nan",
];
const LISTS: &[&str] = &["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Cuts and prepares an expression.
///
/// # Errors
/// What the parser must not see.
pub(super) fn prepare(text: &str) -> Result<Prepared, Wrong> {
    let wrong = |place, message: String, help| Err(Wrong { place, message, help });
    if text.len() > EXPRESSION_BYTES_MAX {
        let message = format!("the expression has {} bytes; the limit is {EXPRESSION_BYTES_MAX}", text.len());
        return wrong((0, 0), message, "write several queries");
    }
    let tokens = cut(text)?;
    let is = |at: usize, sign: &str| tokens.get(at).is_some_and(|t| &text[t.start..t.end] == sign);
    let (mut heads, mut inserts) = (Vec::new(), Vec::new());
    let (mut braces, mut brackets, mut parens) = (0_usize, 0_usize, 0_usize);
    let mut in_list: Option<usize> = None;
    for (at, token) in tokens.iter().enumerate() {
        let written = &text[token.start..token.end];
        match (token.kind, written) {
            (Kind::Sign, "{") => braces += 1,
            (Kind::Sign, "}") => braces = braces.saturating_sub(1),
            (Kind::Sign, "[") => brackets += 1,
            (Kind::Sign, "]") => brackets = brackets.saturating_sub(1),
            (Kind::Sign, "(") => {
                parens += 1;
                if parens > DEPTH_MAX {
                    let message = format!("the expression is nested deeper than {DEPTH_MAX} levels");
                    return wrong((token.start, token.end), message, "take it apart");
                }
            }
            (Kind::Sign, ")") => {
                if in_list == Some(parens) {
                    in_list = None;
                }
                parens = parens.saturating_sub(1);
            }
            (Kind::Number, digits) => check_digits(token, digits)?,
            (Kind::Word, word) if braces == 0 && brackets == 0 && in_list.is_none() => {
                let lower = word.to_ascii_lowercase();
                if LISTS.contains(&lower.as_str()) && is(at + 1, "(") {
                    in_list = Some(parens + 1);
                } else if !KEYWORDS.contains(&lower.as_str()) {
                    let distinct =
                        lower == "distinct" && (is(at + 1, "(") || LISTS.iter().any(|list| is(at + 1, list)));
                    if distinct {
                        inserts.push(distinct_argument(text, &tokens, at)?);
                    }
                    heads.push(Head { place: (token.start, token.end), distinct });
                }
            }
            _ => {}
        }
    }
    Ok(Prepared { text: rewritten(text, &heads, &inserts), heads, tokens })
}

fn check_digits(token: &Token, digits: &str) -> Result<(), Wrong> {
    let mut longest = 0;
    let mut run = 0;
    for c in digits.chars() {
        run = if c.is_ascii_digit() { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    // A number such as 0.123456789012 is none of a duration.
    let is_duration = digits.ends_with(|c: char| c.is_ascii_alphabetic());
    if is_duration && longest > DURATION_DIGITS_MAX {
        let message = format!("`{digits}` is too long for a duration");
        return Err(Wrong { place: (token.start, token.end), message, help: "write it in a larger unit" });
    }
    Ok(())
}

/// The argument of `distinct` at token `at`, without its parentheses: a selector with a range.
fn distinct_argument(text: &str, tokens: &[Token], at: usize) -> Result<(usize, usize), Wrong> {
    let word = |at: usize| tokens.get(at).map(|t| &text[t.start..t.end]);
    let here = (tokens[at].start, tokens[at].end);
    let refused = || Wrong {
        place: here,
        message: "`distinct` counts the values of samples in a range".to_owned(),
        help: "write `distinct by (label)(metric[5m])`",
    };
    let mut open = at + 1;
    if word(open) != Some("(") {
        open += 1;
        while word(open).is_some_and(|w| w != ")") {
            open += 1;
        }
        open += 1;
    }
    if word(open) != Some("(") {
        return Err(refused());
    }
    // metric, braces, brackets, and perhaps an offset; no parenthesis within.
    let mut close = open + 1;
    let (mut braces, mut ranges) = (0_usize, 0);
    while let Some(w) = word(close) {
        match w {
            "{" => braces += 1,
            "}" => braces = braces.saturating_sub(1),
            "[" if braces == 0 => ranges += 1,
            "(" if braces == 0 => return Err(refused()),
            ")" if braces == 0 => break,
            _ => {}
        }
        close += 1;
    }
    match (word(close), ranges) {
        (Some(")"), 1) => Ok((tokens[open].end, tokens[close].start)),
        _ => Err(refused()),
    }
}

/// The text with `distinct` as what it is given to the parser.
fn rewritten(text: &str, heads: &[Head], arguments: &[(usize, usize)]) -> String {
    let mut edits: Vec<(usize, usize, &str)> = Vec::new();
    edits.extend(heads.iter().filter(|h| h.distinct).map(|h| (h.place.0, h.place.1, "count")));
    for (start, end) in arguments {
        edits.push((*start, *start, "count_over_time("));
        edits.push((*end, *end, ")"));
    }
    edits.sort_by_key(|edit| edit.0);
    let (mut out, mut last) = (String::with_capacity(text.len() + 32), 0);
    for (start, end, with) in edits {
        out.push_str(&text[last..start]);
        out.push_str(with);
        last = end;
    }
    out.push_str(&text[last..]);
    out
}

/// Words and signs. What is none of them is left to the parser to refuse.
fn cut(text: &str) -> Result<Vec<Token>, Wrong> {
    let mut out = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        let mut end = start + c.len_utf8();
        let kind = if c.is_whitespace() {
            continue;
        } else if c == '#' {
            while chars.next_if(|(_, c)| *c != '\n').is_some() {}
            continue;
        } else if c.is_ascii_alphabetic() || c == '_' || c == ':' {
            while let Some((at, c)) =
                chars.next_if(|(_, c)| c.is_ascii_alphanumeric() || *c == '_' || *c == ':')
            {
                end = at + c.len_utf8();
            }
            Kind::Word
        } else if c.is_ascii_digit() {
            while let Some((at, c)) = chars.next_if(|(_, c)| c.is_ascii_alphanumeric() || *c == '.') {
                end = at + c.len_utf8();
            }
            Kind::Number
        } else if matches!(c, '"' | '\'' | '`') {
            let mut closed = false;
            while let Some((at, next)) = chars.next() {
                end = at + next.len_utf8();
                if next == '\\' && c != '`' {
                    if let Some((at, escaped)) = chars.next() {
                        end = at + escaped.len_utf8();
                    }
                } else if next == c {
                    closed = true;
                    break;
                }
            }
            if !closed {
                let message = "a text is not closed".to_owned();
                return Err(Wrong { place: (start, end), message, help: "add the closing quote" });
            }
            Kind::Text
        } else {
            Kind::Sign
        };
        out.push(Token { kind, start, end });
    }
    Ok(out)
}
