//! A YAML document as a tree with places.

use crate::ast::Span;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Yaml {
    /// What it is.
    pub kind: YamlKind,
    /// Where it was written.
    pub span: Span,
}

/// Kinds of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum YamlKind {
    /// A text, a number, a truth value or nothing.
    Scalar(Scalar),
    /// A list.
    List(Vec<Yaml>),
    /// A mapping, in the order in which it was written.
    Map(Vec<Entry>),
}

/// An entry of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its key.
    pub key: Scalar,
    /// Its value.
    pub value: Yaml,
}

/// A scalar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar {
    /// Its value, `${VAR}` replaced.
    pub text: String,
    /// Written without quotes.
    pub plain: bool,
    /// Where it was written, quotes included.
    pub span: Span,
}

impl Scalar {
    /// Whether it is nothing: an empty place, `~` or `null`.
    pub(crate) fn is_null(&self) -> bool {
        self.plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }

    /// Whether it is a truth value.
    pub(crate) fn bool(&self) -> Option<bool> {
        match self.text.as_str() {
            "true" | "True" | "TRUE" if self.plain => Some(true),
            "false" | "False" | "FALSE" if self.plain => Some(false),
            _ => None,
        }
    }

    /// Whether it is written as a number.
    pub(crate) fn is_number(&self) -> bool {
        self.plain && self.text.parse::<f64>().is_ok_and(f64::is_finite)
    }
}

impl Yaml {
    /// The scalar that it is.
    pub(crate) fn scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            YamlKind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The list that it is.
    pub(crate) fn list(&self) -> Option<&[Yaml]> {
        match &self.kind {
            YamlKind::List(list) => Some(list),
            _ => None,
        }
    }

    /// The entries of the mapping that it is.
    pub(crate) fn entries(&self) -> Option<&[Entry]> {
        match &self.kind {
            YamlKind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// What stands under a key of the mapping that it is; nothing is as good as no entry.
    pub(crate) fn get(&self, key: &str) -> Option<&Yaml> {
        let entry = self.entries()?.iter().find(|entry| entry.key.text == key)?;
        let is_null = entry.value.scalar().is_some_and(Scalar::is_null);
        (!is_null).then_some(&entry.value)
    }

    /// What it is, for messages.
    pub(crate) fn kind_name(&self) -> &'static str {
        match &self.kind {
            YamlKind::Scalar(scalar) if scalar.is_null() => "nothing",
            YamlKind::Scalar(scalar) if scalar.bool().is_some() => "a truth value",
            YamlKind::Scalar(scalar) if scalar.is_number() => "a number",
            YamlKind::Scalar(_) => "a text",
            YamlKind::List(_) => "a list",
            YamlKind::Map(_) => "a mapping",
        }
    }
}
