//! Strings: positions and lengths are counted in Unicode code points.

use std::sync::Arc;

use regex::Regex;

use super::value::{Fault, Outcome, Value, no_overload};

/// Parts of a string at most that `split` makes, and characters that `join` or `replace` make.
const TEXT_BYTES_MAX: usize = 16 << 20;

fn misfit(name: &str, args: &[Value]) -> Fault {
    no_overload(name, &args.iter().collect::<Vec<_>>())
}

pub(super) fn contains(args: &[Value]) -> Outcome {
    match args {
        [Value::String(a), Value::String(b)] => Ok(Value::Bool(a.contains(&**b))),
        other => Err(misfit("contains", other)),
    }
}

pub(super) fn starts_with(args: &[Value]) -> Outcome {
    match args {
        [Value::String(a), Value::String(b)] => Ok(Value::Bool(a.starts_with(&**b))),
        other => Err(misfit("startsWith", other)),
    }
}

pub(super) fn ends_with(args: &[Value]) -> Outcome {
    match args {
        [Value::String(a), Value::String(b)] => Ok(Value::Bool(a.ends_with(&**b))),
        other => Err(misfit("endsWith", other)),
    }
}

/// `matches` with a pattern that is not constant.
pub(super) fn matches(args: &[Value]) -> Outcome {
    match args {
        [Value::String(text), Value::String(pattern)] => Ok(Value::Bool(pattern_of(pattern)?.is_match(text))),
        other => Err(misfit("matches", other)),
    }
}

/// A regular expression.
pub(super) fn pattern_of(text: &str) -> Outcome<Regex> {
    Regex::new(text).map_err(|error| Fault::new(format!("'{text}' is no regular expression: {error}")))
}

/// The character at an index; nothing at the end.
pub(super) fn char_at(args: &[Value]) -> Outcome {
    let [Value::String(text), Value::Int(at)] = args else { return Err(misfit("charAt", args)) };
    let out = || Fault::new(format!("index out of range: {at}"));
    let index = usize::try_from(*at).map_err(|_| out())?;
    match text.chars().nth(index) {
        Some(c) => Ok(Value::string(c.to_string())),
        None if index == text.chars().count() => Ok(Value::string("")),
        None => Err(out()),
    }
}

pub(super) fn index_of(args: &[Value]) -> Outcome {
    let (text, part, from) = match args {
        [Value::String(text), Value::String(part)] => (text, part, 0),
        [Value::String(text), Value::String(part), Value::Int(from)] => (text, part, *from),
        other => return Err(misfit("indexOf", other)),
    };
    let chars: Vec<char> = text.chars().collect();
    let from = usize::try_from(from).map_err(|_| Fault::new(format!("index out of range: {from}")))?;
    if part.is_empty() {
        return Ok(Value::Int(from as i64));
    }
    if from > chars.len() {
        return Err(Fault::new(format!("index out of range: {from}")));
    }
    let part: Vec<char> = part.chars().collect();
    let found = chars[from..].windows(part.len()).position(|window| window == part);
    Ok(Value::Int(found.map_or(-1, |at| (at + from) as i64)))
}

pub(super) fn last_index_of(args: &[Value]) -> Outcome {
    let (text, part, upto) = match args {
        [Value::String(text), Value::String(part)] => (text, part, None),
        [Value::String(text), Value::String(part), Value::Int(upto)] => (text, part, Some(*upto)),
        other => return Err(misfit("lastIndexOf", other)),
    };
    let chars: Vec<char> = text.chars().collect();
    let part: Vec<char> = part.chars().collect();
    let out = |at: i64| Fault::new(format!("index out of range: {at}"));
    let upto = match upto {
        None if part.is_empty() => return Ok(Value::Int(chars.len() as i64)),
        None => chars.len(),
        Some(at) => {
            let index = usize::try_from(at).map_err(|_| out(at))?;
            if part.is_empty() {
                return Ok(Value::Int(at));
            }
            if index >= chars.len() {
                return Err(out(at));
            }
            index
        }
    };
    if part.len() > chars.len() {
        return Ok(Value::Int(-1));
    }
    let last = upto.min(chars.len() - part.len());
    let found = (0..=last).rev().find(|&at| chars[at..at + part.len()] == part[..]);
    Ok(Value::Int(found.map_or(-1, |at| at as i64)))
}

pub(super) fn join(args: &[Value]) -> Outcome {
    let (list, between) = match args {
        [Value::List(list)] => (list, ""),
        [Value::List(list), Value::String(between)] => (list, &**between),
        other => return Err(misfit("join", other)),
    };
    let part = |value: &Value| match value {
        Value::String(text) => Ok(Arc::clone(text)),
        other => Err(no_overload("join", &[other])),
    };
    let parts = list.iter().map(part).collect::<Outcome<Vec<_>>>()?;
    Ok(Value::string(parts.join(between)))
}

pub(super) fn lower_ascii(args: &[Value]) -> Outcome {
    map_text("lowerAscii", args, |text| text.to_ascii_lowercase())
}

pub(super) fn upper_ascii(args: &[Value]) -> Outcome {
    map_text("upperAscii", args, |text| text.to_ascii_uppercase())
}

pub(super) fn trim(args: &[Value]) -> Outcome {
    map_text("trim", args, |text| text.trim_matches(is_space).to_owned())
}

pub(super) fn reverse(args: &[Value]) -> Outcome {
    map_text("reverse", args, |text| text.chars().rev().collect())
}

fn map_text(name: &str, args: &[Value], of: fn(&str) -> String) -> Outcome {
    match args {
        [Value::String(text)] => Ok(Value::string(of(text))),
        other => Err(misfit(name, other)),
    }
}

/// White space of Unicode, without what only separates words of other scripts.
fn is_space(c: char) -> bool {
    c.is_whitespace()
}

pub(super) fn replace(args: &[Value]) -> Outcome {
    let (text, from, to, count) = match args {
        [Value::String(text), Value::String(from), Value::String(to)] => (text, from, to, -1),
        [Value::String(text), Value::String(from), Value::String(to), Value::Int(count)] => {
            (text, from, to, *count)
        }
        other => return Err(misfit("replace", other)),
    };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let found = text.matches(&**from).count().min(count);
    if text.len().saturating_add(found.saturating_mul(to.len())) > TEXT_BYTES_MAX {
        return Err(Fault::new("the text would be too long"));
    }
    Ok(Value::string(text.replacen(&**from, to, count)))
}

pub(super) fn split(args: &[Value]) -> Outcome {
    let (text, by, count) = match args {
        [Value::String(text), Value::String(by)] => (text, by, -1),
        [Value::String(text), Value::String(by), Value::Int(count)] => (text, by, *count),
        other => return Err(misfit("split", other)),
    };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count == 0 {
        return Ok(Value::list(Vec::new()));
    }
    let parts: Vec<String> = if by.is_empty() {
        let chars: Vec<char> = text.chars().collect();
        let single = chars.len().min(count.saturating_sub(1));
        let mut parts: Vec<String> = chars[..single].iter().map(char::to_string).collect();
        if single < chars.len() {
            parts.push(chars[single..].iter().collect());
        }
        parts
    } else {
        text.splitn(count, &**by).map(str::to_owned).collect()
    };
    Ok(Value::list(parts.into_iter().map(Value::string).collect()))
}

pub(super) fn substring(args: &[Value]) -> Outcome {
    let (text, from, to) = match args {
        [Value::String(text), Value::Int(from)] => (text, *from, None),
        [Value::String(text), Value::Int(from), Value::Int(to)] => (text, *from, Some(*to)),
        other => return Err(misfit("substring", other)),
    };
    let chars: Vec<char> = text.chars().collect();
    let within = |at: i64| {
        let index = usize::try_from(at).ok().filter(|index| *index <= chars.len());
        index.ok_or_else(|| Fault::new(format!("index out of range: {at}")))
    };
    let (start, end) = (within(from)?, to.map_or(Ok(chars.len()), within)?);
    if start > end {
        return Err(Fault::new(format!("invalid substring range. start: {start}, end: {end}")));
    }
    Ok(Value::string(chars[start..end].iter().collect::<String>()))
}

/// A string as a literal.
pub(super) fn quote(args: &[Value]) -> Outcome {
    let [Value::String(text)] = args else { return Err(misfit("strings.quote", args)) };
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            c => out.push(c),
        }
    }
    out.push('"');
    Ok(Value::string(out))
}
