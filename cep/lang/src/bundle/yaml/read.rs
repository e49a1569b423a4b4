//! From the events of the parser to a tree.

use std::collections::BTreeSet;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use crate::ast::Span;
use crate::diag::{Diagnostic, Result, codes};
use crate::sql::substitute;

use super::{BUNDLE_BYTES_MAX, DEPTH_MAX, Entry, NODES_MAX, Scalar, Yaml, YamlKind};

/// Reads the one document of `text`; `environment` answers for `${VAR}`.
///
/// # Errors
/// What cannot be read, where.
pub(crate) fn read(text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Yaml> {
    if text.len() > BUNDLE_BYTES_MAX {
        let message = format!("the bundle has {} bytes; the limit is {BUNDLE_BYTES_MAX}", text.len());
        let help = "split it into several bundles";
        return Err(Box::new(Diagnostic::at(codes::BUNDLE_YAML, Span::default(), message).help(help)));
    }
    let mut reader =
        Reader { text, chars: Chars::of(text), environment, open: Vec::new(), nodes: 0, root: None };
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            let at = reader.chars.byte(error.marker());
            let message = format!("this is not YAML: {}", error.info());
            let help = "quote texts that have `: `, ` #`, braces or brackets in them";
            refused(Span::new(at, at), message, help)
        })?;
        let start = reader.chars.byte(&span.start);
        let span = Span::new(start, reader.chars.byte(&span.end).max(start));
        if reader.event(event, span)? {
            break;
        }
    }
    reader.root.ok_or_else(|| {
        refused(Span::default(), "the bundle is empty", "it begins with the keys `bundle` and `workflow`")
    })
}

fn refused(span: Span, message: impl Into<String>, help: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::at(codes::BUNDLE_YAML, span, message).help(help))
}

/// A list or mapping that is not complete.
enum Open {
    List { span: Span, items: Vec<Yaml> },
    Map { span: Span, entries: Vec<Entry>, key: Option<Scalar>, seen: BTreeSet<String> },
}

struct Reader<'a> {
    text: &'a str,
    chars: Chars,
    environment: &'a dyn Fn(&str) -> Option<String>,
    open: Vec<Open>,
    nodes: usize,
    root: Option<Yaml>,
}

impl Reader<'_> {
    /// Takes an event; whether it was the last one.
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<bool> {
        match event {
            Event::Nothing | Event::StreamStart | Event::DocumentEnd => {}
            Event::StreamEnd => return Ok(true),
            Event::DocumentStart(_) if self.root.is_some() => {
                return Err(refused(span, "a second document begins here", "a bundle is one YAML document"));
            }
            Event::DocumentStart(_) => {}
            Event::Alias(_) => {
                let help = "write it out; a bundle has no anchors and aliases";
                return Err(refused(span, "this is an alias", help));
            }
            Event::Scalar(value, style, anchor, tag) => {
                self.check(anchor, tag.is_some(), span)?;
                let scalar = self.scalar(&value, style, span)?;
                self.put(Yaml { span: scalar.span, kind: YamlKind::Scalar(scalar) })?;
            }
            Event::SequenceStart(anchor, tag) => {
                self.check(anchor, tag.is_some(), span)?;
                self.open.push(Open::List { span, items: Vec::new() });
            }
            Event::MappingStart(anchor, tag) => {
                self.check(anchor, tag.is_some(), span)?;
                self.open.push(Open::Map { span, entries: Vec::new(), key: None, seen: BTreeSet::new() });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let end = span.end;
                let whole = |span: Span, last: Option<Span>| {
                    // In block style the end is where the next thing begins.
                    let is_flow = self.text[span.start..].starts_with(['{', '[']);
                    Span::new(span.start, if is_flow { end } else { last.map_or(span.end, |last| last.end) })
                };
                let yaml = match self.open.pop() {
                    Some(Open::List { span, items }) => {
                        let last = items.last().map(|item| item.span);
                        Yaml { span: whole(span, last), kind: YamlKind::List(items) }
                    }
                    Some(Open::Map { span, entries, key: _, seen: _ }) => {
                        let last = entries.last().map(|entry| entry.key.span.to(entry.value.span));
                        Yaml { span: whole(span, last), kind: YamlKind::Map(entries) }
                    }
                    None => return Err(refused(span, "this closes nothing", "remove it")),
                };
                self.put(yaml)?;
            }
        }
        Ok(false)
    }

    fn check(&mut self, anchor: usize, tag: bool, span: Span) -> Result<()> {
        self.nodes += 1;
        if anchor > 0 {
            let help = "write it out; a bundle has no anchors and aliases";
            return Err(refused(span, "this has an anchor", help));
        }
        if tag {
            return Err(refused(span, "this has a tag", "leave it out; a bundle needs no tags"));
        }
        if self.nodes > NODES_MAX {
            let message = format!("the bundle has more than {NODES_MAX} values");
            return Err(refused(span, message, "split it into several bundles"));
        }
        if self.open.len() >= DEPTH_MAX {
            let message = format!("this is nested deeper than {DEPTH_MAX} levels");
            return Err(refused(span, message, "a bundle has seven levels at most"));
        }
        Ok(())
    }

    fn scalar(&self, value: &str, style: ScalarStyle, span: Span) -> Result<Scalar> {
        let written = &self.text[span.start..span.end];
        let span = Span::new(span.start, span.start + written.trim_end().len());
        let mut scalar = Scalar { text: value.to_owned(), plain: style == ScalarStyle::Plain, span };
        if scalar.text.contains('$') {
            let found = substitute(&scalar.text, &|name, default| {
                (self.environment)(name).or_else(|| default.map(str::to_owned))
            });
            scalar.text = found.map_err(|error| {
                let place = scalar.place(self.text, error.span.start, error.span.end);
                Box::new(Diagnostic::at(codes::VARIABLE, place, error.message).help(error.help))
            })?;
        }
        Ok(scalar)
    }

    /// Puts a complete value where it belongs.
    fn put(&mut self, yaml: Yaml) -> Result<()> {
        match self.open.last_mut() {
            None => self.root = Some(yaml),
            Some(Open::List { items, .. }) => items.push(yaml),
            Some(Open::Map { entries, key, seen, span: _ }) => match (key.take(), yaml.kind) {
                (None, YamlKind::Scalar(scalar)) => {
                    if scalar.text == "<<" && scalar.plain {
                        return Err(refused(scalar.span, "mappings are not merged", "write the keys out"));
                    }
                    if !seen.insert(scalar.text.clone()) {
                        let message = format!("the key `{}` is given twice", scalar.text);
                        return Err(refused(scalar.span, message, "give it once"));
                    }
                    *key = Some(scalar);
                }
                (None, _) => {
                    return Err(refused(yaml.span, "a key is a text", "quote it, if it is meant to be one"));
                }
                (Some(key), kind) => entries.push(Entry { key, value: Yaml { kind, span: yaml.span } }),
            },
        }
        Ok(())
    }
}

/// Where characters are, in bytes: the parser counts characters.
enum Chars {
    /// Each is a byte.
    Ascii(usize),
    /// Byte of each character, and the end.
    Wide(Vec<u32>),
}

impl Chars {
    fn of(text: &str) -> Self {
        if text.is_ascii() {
            return Chars::Ascii(text.len());
        }
        let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
        Chars::Wide(text.char_indices().map(|(at, _)| at as u32).chain([end]).collect())
    }

    fn byte(&self, marker: &Marker) -> usize {
        match self {
            Chars::Ascii(end) => marker.index().min(*end),
            Chars::Wide(bytes) => bytes.get(marker.index()).or(bytes.last()).map_or(0, |&at| at as usize),
        }
    }
}
