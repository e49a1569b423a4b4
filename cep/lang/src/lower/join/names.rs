//! Columns of several relations side by side.

use arrow_schema::{Schema, SchemaRef};

use crate::ast::{JoinKind, Name};
use crate::diag::{Diagnostic, Result, codes};
use crate::lower::columns::{Columns, marked, schema_of};
use crate::lower::context::Context;
use crate::lower::sqlast::{Scope, ScopeRelation};

use super::side::Side;

/// A relation of FROM.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// The name that qualifies its columns.
    pub qualifier: Option<String>,
    /// Its columns under their declared names.
    pub schema: SchemaRef,
    /// What stands before the declared names in resolved ones.
    prefix: String,
    /// Its columns that are found without the qualifier: all but those that USING merged away.
    open: SchemaRef,
}

impl Source {
    /// The relation `at` of the FROM.
    pub(crate) fn new(qualifier: Option<&str>, schema: &SchemaRef, at: usize) -> Self {
        let has_dot = |name: &str| name.contains('.');
        // The prefix is seen in messages; with dots in names it would not tell relations apart.
        let prefix = match qualifier {
            Some(name) if !has_dot(name) && !schema.fields().iter().any(|f| has_dot(f.name())) => {
                format!("{}.", name.to_ascii_lowercase())
            }
            _ => format!("{at}:"),
        };
        Self { qualifier: qualifier.map(str::to_owned), schema: schema.clone(), prefix, open: schema.clone() }
    }

    /// The columns of the window that both sides share.
    pub(super) fn window(schema: &SchemaRef) -> Self {
        Self { qualifier: None, schema: schema.clone(), prefix: String::new(), open: schema.clone() }
    }

    fn is_window(&self) -> bool {
        self.prefix.is_empty()
    }

    /// The resolved name of the column `name`.
    pub(super) fn resolved(&self, name: &str) -> Option<String> {
        let field = self.schema.fields().iter().find(|f| f.name().eq_ignore_ascii_case(name))?;
        Some(marked(&format!("{}{}", self.prefix, field.name())))
    }

    /// The names of the columns among those of all sources.
    pub(super) fn full_names(&self) -> impl Iterator<Item = String> + '_ {
        self.schema.fields().iter().map(|field| format!("{}{}", self.prefix, field.name()))
    }

    fn is_open(&self, name: &str) -> bool {
        self.open.fields().iter().any(|field| field.name().eq_ignore_ascii_case(name))
    }
}

/// The relations of a FROM.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Names<'a> {
    /// One, perhaps with a name.
    One(Option<&'a str>),
    /// Joined ones.
    Joined(&'a [Source]),
}

impl<'a> Names<'a> {
    /// What expressions over a relation of columns `schema` may use.
    pub(crate) fn scope(self, schema: &'a Schema, context: &'a Context<'_>) -> Scope<'a> {
        match self {
            Names::One(qualifier) => Scope::of(qualifier, schema, context.registry()),
            Names::Joined(sources) => scope(sources.iter(), context),
        }
    }

    /// The columns under their resolved names.
    pub(crate) fn columns(self, schema: &SchemaRef) -> Columns {
        match self {
            Names::One(_) => Columns::named(schema),
            Names::Joined(sources) => {
                // Behind them stand columns that the query made itself.
                let mut names = resolved(sources.iter());
                names.extend(schema.fields()[names.len()..].iter().map(|field| marked(field.name())));
                Columns::with_names(schema, names)
            }
        }
    }
}

/// What an expression over these relations may use.
pub(super) fn scope<'a>(
    sources: impl Iterator<Item = &'a Source> + Clone,
    context: &'a Context<'_>,
) -> Scope<'a> {
    let relation = |source: &'a Source, open: bool| ScopeRelation {
        qualifier: source.qualifier.as_deref(),
        columns: if open { &source.open } else { &source.schema },
        prefix: &source.prefix,
        open,
        outer: false,
    };
    let open = sources.clone().map(|source| relation(source, true));
    let mut relations: Vec<_> = open.chain(sources.clone().map(|source| relation(source, false))).collect();
    // The window's columns are those of each side as well.
    if let Some(edges) = sources.clone().find(|source| source.is_window()) {
        let of_side = |source: &'a Source| ScopeRelation {
            qualifier: source.qualifier.as_deref(),
            columns: &edges.schema,
            prefix: &edges.prefix,
            open: false,
            outer: false,
        };
        relations.extend(sources.filter(|source| !source.is_window()).map(of_side));
    }
    let nothing: &'static Schema = empty();
    Scope { relations, joined: true, ..Scope::of(None, nothing, context.registry()) }
}

fn empty() -> &'static Schema {
    static EMPTY: std::sync::LazyLock<Schema> = std::sync::LazyLock::new(Schema::empty);
    &EMPTY
}

/// The resolved names of all columns.
pub(super) fn resolved<'a>(sources: impl Iterator<Item = &'a Source>) -> Vec<String> {
    sources.flat_map(Source::full_names).map(|name| marked(&name)).collect()
}

/// Refuses two relations of one name.
pub(super) fn check_different(sides: &[Side; 2]) -> Result<()> {
    for right in &sides[1].sources {
        let same = |left: &&Source| match (&left.qualifier, &right.qualifier) {
            (Some(left), Some(right)) => left.eq_ignore_ascii_case(right),
            _ => false,
        };
        if let Some(left) = sides[0].sources.iter().find(same) {
            let name = left.qualifier.as_deref().unwrap_or_default();
            return Err(Box::new(
                Diagnostic::at(codes::OBJECT_EXISTS, sides[1].span, format!("FROM reads `{name}` twice"))
                    .help(format!("tell them apart: {name} AS a JOIN {name} AS b ON a.id = b.id")),
            ));
        }
    }
    Ok(())
}

/// USING: of each pair of columns one is found without qualifier, that of the side whose rows are kept.
pub(super) fn hide(sides: &mut [Side; 2], columns: &[Name], kind: JoinKind) -> Result<()> {
    if kind == JoinKind::Full
        && let Some(column) = columns.first()
    {
        let name = &column.text;
        return Err(Box::new(
            Diagnostic::at(codes::JOIN, column.span, "USING in a FULL JOIN is not supported").help(format!(
                "write ON a.{name} = b.{name}, and coalesce(a.{name}, b.{name}) AS {name} in the select list"
            )),
        ));
    }
    let hidden = usize::from(kind != JoinKind::Right);
    for column in columns {
        for (at, side) in sides.iter_mut().enumerate() {
            let mut found = side.sources.iter_mut().filter(|source| source.is_open(&column.text));
            let (Some(source), more) = (found.next(), found.next()) else {
                let message = format!("the {} side has no column `{}`", ["left", "right"][at], column.text);
                let help = "USING names columns of both sides; write ON where they are called otherwise";
                return Err(Box::new(Diagnostic::at(codes::UNKNOWN_COLUMN, column.span, message).help(help)));
            };
            if more.is_some() {
                let message = format!(
                    "several relations of the {} side have a column `{}`",
                    ["left", "right"][at],
                    column.text
                );
                let help = "write ON with the relation's name before the column";
                return Err(Box::new(
                    Diagnostic::at(codes::AMBIGUOUS_COLUMN, column.span, message).help(help),
                ));
            }
            if at == hidden {
                let kept = source.open.fields().iter().filter(|f| !column.matches(f.name())).cloned();
                source.open = schema_of(kept.collect::<Vec<_>>());
            }
        }
    }
    Ok(())
}
