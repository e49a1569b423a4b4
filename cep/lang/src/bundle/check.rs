//! A tree against the table of keys: after this the shape of a bundle is right.

use cep_types::options::{OPTION_KEYS, parse_duration};

use crate::ast::Span;
use crate::diag::{Diagnostic, codes, suggest};

use super::keys::{PHASE, Shape, Value, phase_type, phase_type_names};
use super::yaml::{Entry, Scalar, Yaml, YamlKind};

/// Checks a tree against a shape; what is wrong is added to `errors`.
pub(crate) fn check(yaml: &Yaml, shape: &Shape, errors: &mut Vec<Diagnostic>) {
    let Some(entries) = yaml.entries() else {
        errors.push(wrong(yaml, &format!("{} is a mapping", shape.name), &listed(shape)));
        return;
    };
    for entry in entries {
        check_entry(entry, shape, errors);
    }
    for key in shape.keys.iter().filter(|key| key.required && yaml.get(key.name).is_none()) {
        let message = format!("{} needs the key `{}`", shape.name, key.name);
        let at = beginning(yaml);
        errors.push(Diagnostic::at(codes::BUNDLE_KEY, at, message).help(key.doc));
    }
}

/// Where a mapping begins, for what is missing in it.
fn beginning(yaml: &Yaml) -> Span {
    let first = yaml.entries().and_then(<[Entry]>::first);
    first.map_or(yaml.span, |entry| entry.key.span)
}

fn check_entry(entry: &Entry, shape: &Shape, errors: &mut Vec<Diagnostic>) {
    let Entry { key, value } = entry;
    if let Some(known) = shape.key(&key.text) {
        // A key without a value is as good as none.
        if !value.scalar().is_some_and(Scalar::is_null) {
            check_value(value, known.value, &key.text, errors);
        }
        return;
    }
    if shape.takes_options {
        // What the options of a stream are, their own table says.
        if value.scalar().is_none() {
            errors.push(wrong(value, &format!("`{}` is a text, a number or a truth value", key.text), ""));
        }
        return;
    }
    let message = format!("{} has no key `{}`", shape.name, key.text);
    let help = match suggest(&key.text, shape.keys.iter().map(|key| key.name)) {
        Some(close) => format!("did you mean `{close}`?"),
        None => listed(shape),
    };
    errors.push(Diagnostic::at(codes::BUNDLE_KEY, key.span, message).help(help));
}

fn listed(shape: &Shape) -> String {
    let names: Vec<String> = shape.keys.iter().map(|key| format!("`{}`", key.name)).collect();
    let options = if shape.takes_options { ", and the options of a stream" } else { "" };
    format!("its keys are {}{options}", names.join(", "))
}

/// Names of what a source or a sink takes, for suggestions.
pub(crate) fn option_names() -> impl Iterator<Item = &'static str> {
    OPTION_KEYS.iter().map(|key| key.name)
}

fn wrong(yaml: &Yaml, what: &str, help: &str) -> Diagnostic {
    let error =
        Diagnostic::at(codes::BUNDLE_VALUE, yaml.span, format!("{what}, and this is {}", yaml.kind_name()));
    if help.is_empty() { error } else { error.help(help) }
}

fn check_value(yaml: &Yaml, value: Value, key: &str, errors: &mut Vec<Diagnostic>) {
    match value {
        Value::Shape(shape) => check(yaml, shape, errors),
        Value::Phase => check_phase(yaml, errors),
        Value::Map(inner) => match yaml.entries() {
            Some(entries) => entries.iter().for_each(|e| check_value(&e.value, *inner, &e.key.text, errors)),
            None => errors.push(wrong(yaml, &format!("`{key}` is a mapping"), "")),
        },
        Value::List(inner) => match yaml.list() {
            Some(items) => items.iter().for_each(|item| check_value(item, *inner, key, errors)),
            None => errors.push(wrong(yaml, &format!("`{key}` is a list"), "begin each item with `- `")),
        },
        Value::Options => match yaml.entries() {
            Some(entries) => {
                for entry in entries.iter().filter(|entry| entry.value.scalar().is_none()) {
                    let what = format!("`{}` is a text, a number or a truth value", entry.key.text);
                    errors.push(wrong(&entry.value, &what, ""));
                }
            }
            None => errors.push(wrong(yaml, &format!("`{key}` is a mapping"), "")),
        },
        Value::Texts => match &yaml.kind {
            YamlKind::List(items) => {
                items.iter().for_each(|item| check_value(item, Value::Text, key, errors))
            }
            _ => check_value(yaml, Value::Text, key, errors),
        },
        Value::TextsOrMap => match &yaml.kind {
            YamlKind::Map(entries) => {
                entries.iter().for_each(|e| check_value(&e.value, Value::Text, &e.key.text, errors));
            }
            _ => check_value(yaml, Value::Texts, key, errors),
        },
        Value::Text | Value::Name | Value::Whole(..) | Value::Duration | Value::Word(_) => {
            match yaml.scalar() {
                Some(scalar) => errors.extend(check_scalar(scalar, value, key)),
                None => errors.push(wrong(yaml, &format!("`{key}` is {}", kind(value)), "")),
            }
        }
    }
}

fn kind(value: Value) -> &'static str {
    match value {
        Value::Whole(..) => "a whole number",
        Value::Duration => "a duration",
        Value::Name => "a name",
        _ => "a text",
    }
}

fn check_scalar(scalar: &Scalar, value: Value, key: &str) -> Option<Diagnostic> {
    let at = |message: String, help: String| {
        let error = Diagnostic::at(codes::BUNDLE_VALUE, scalar.span, message);
        Some(if help.is_empty() { error } else { error.help(help) })
    };
    match value {
        Value::Text if scalar.text.trim().is_empty() => at(format!("`{key}` is empty"), String::new()),
        Value::Name if !is_name(&scalar.text) => at(
            format!("`{}` is no name", scalar.text),
            "a name has letters, digits and `_`, at most 64, and begins with a letter".to_owned(),
        ),
        Value::Whole(min, max) => match scalar.text.parse::<u64>() {
            Ok(number) if (min..=max).contains(&number) => None,
            _ => at(
                format!("`{key}` is a whole number from {min} to {max}, and this is `{}`", scalar.text),
                String::new(),
            ),
        },
        Value::Duration => match parse_duration(&scalar.text) {
            Ok(_) => None,
            Err(why) => at(why, "write a number and a unit: ms, s, m, h, d or w, as in `1m 30s`".to_owned()),
        },
        Value::Word(words) if !words.contains(&scalar.text.as_str()) => {
            let known: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            at(format!("`{key}` is {}, and this is `{}`", known.join(" or "), scalar.text), String::new())
        }
        _ => None,
    }
}

/// Whether a text can be a name.
pub(crate) fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    text.len() <= 64
        && chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn check_phase(yaml: &Yaml, errors: &mut Vec<Diagnostic>) {
    let Some(entries) = yaml.entries() else {
        errors.push(wrong(yaml, "a phase is a mapping", &listed(&PHASE)));
        return;
    };
    for entry in entries.iter().filter(|entry| entry.key.text != "options") {
        check_entry(entry, &PHASE, errors);
    }
    for key in PHASE.keys.iter().filter(|key| key.required && yaml.get(key.name).is_none()) {
        let message = format!("a phase needs the key `{}`", key.name);
        let at = beginning(yaml);
        errors.push(Diagnostic::at(codes::BUNDLE_KEY, at, message).help(key.doc));
    }
    let Some(name) = yaml.get("type").and_then(Yaml::scalar) else { return };
    let Some((known, _member)) = phase_type(&name.text) else {
        errors.push(unknown_type(name));
        return;
    };
    match yaml.get("options") {
        Some(options) => check(options, known.options, errors),
        None if known.options.keys.iter().any(|key| key.required) => {
            let message = format!("a phase of type {} needs options", name.text);
            errors.push(Diagnostic::at(codes::BUNDLE_KEY, name.span, message).help(listed(known.options)));
        }
        None => {}
    }
}

fn unknown_type(name: &Scalar) -> Diagnostic {
    let message = format!("there is no phase of type `{}`", name.text);
    let known = phase_type_names();
    let help = match suggest(&name.text, known.iter().map(String::as_str)) {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!("there are {}", known.join(", ")),
    };
    Diagnostic::at(codes::BUNDLE_PHASE, name.span, message).help(help)
}
