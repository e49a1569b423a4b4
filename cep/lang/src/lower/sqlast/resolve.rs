//! Names in expressions: columns, fields of structs, aliases, named windows, functions.
//!
//! Resolving replaces every name by its resolved form (see `lower::columns`), so that the planner
//! looks names up exactly and SQL's rules about case and precedence live here alone.

use std::ops::ControlFlow;

use arrow_schema::{DataType, Schema};
use datafusion_sql::sqlparser::ast::{self as sql, Expr, Ident, VisitMut, VisitorMut};
use datafusion_sql::sqlparser::tokenizer::Span;

use crate::diag::{codes, suggest};
use crate::functions::FunctionRegistry;
use crate::lower::columns::{MARK, marked};

use super::subquery::is_subquery;
use super::{Checked, FunctionClause, Refusal, function_clauses, refuse};

/// Columns that a qualifier stands for.
#[derive(Debug, Clone)]
pub(crate) struct Relation<'a> {
    /// Its name: `s` in `s.price`.
    pub qualifier: Option<&'a str>,
    /// Its columns, by declared name.
    pub columns: &'a Schema,
    /// What goes between the mark and the declared name in the resolved form.
    pub prefix: &'a str,
    /// Whether its columns are found without the qualifier.
    pub open: bool,
    /// It belongs to the query around: its columns are found without the qualifier only where no other
    /// relation has one of that name.
    pub outer: bool,
}

/// Names that an expression may use.
#[derive(Debug, Clone)]
pub(crate) struct Scope<'a> {
    /// Relations, tried in order.
    pub relations: Vec<Relation<'a>>,
    /// The relations stand side by side: a name without qualifier must be of one of them.
    pub joined: bool,
    /// Select items by alias, resolved already.
    pub aliases: &'a [(String, Expr)],
    /// Whether an alias hides a column of the same name (ORDER BY).
    pub aliases_first: bool,
    /// The WINDOW clause.
    pub windows: &'a [sql::NamedWindowDefinition],
    /// Functions.
    pub registry: &'a FunctionRegistry,
}

impl<'a> Scope<'a> {
    /// The columns of one relation, without aliases and windows.
    pub(crate) fn of(
        qualifier: Option<&'a str>,
        columns: &'a Schema,
        registry: &'a FunctionRegistry,
    ) -> Self {
        let relation = Relation { qualifier, columns, prefix: "", open: true, outer: false };
        let relations = vec![relation];
        Self { relations, joined: false, aliases: &[], aliases_first: false, windows: &[], registry }
    }

    /// A relation whose columns are found with and without its name.
    pub(crate) fn relation(qualifier: &'a str, columns: &'a Schema, prefix: &'a str) -> Relation<'a> {
        Relation { qualifier: Some(qualifier), columns, prefix, open: true, outer: false }
    }

    /// Checks the definitions of the WINDOW clause, used or not.
    ///
    /// # Errors
    /// A name defined twice, names of columns and functions that stand for nothing.
    pub(crate) fn check_windows(&self) -> Checked {
        for (at, sql::NamedWindowDefinition(name, definition)) in self.windows.iter().enumerate() {
            let same = |sql::NamedWindowDefinition(other, _definition): &sql::NamedWindowDefinition| {
                other.value.eq_ignore_ascii_case(&name.value)
            };
            if self.windows[..at].iter().any(same) {
                let message = format!("the window `{}` is defined twice", name.value);
                return Err(refuse(codes::OVER, name.span, message, "give one of them another name"));
            }
            let sql::NamedWindowExpr::WindowSpec(spec) = definition else {
                continue;
            };
            let sql::WindowSpec { window_name: _, partition_by, order_by, window_frame: _ } = spec;
            for expr in partition_by.iter().chain(order_by.iter().map(|item| &item.expr)) {
                self.resolve(&mut expr.clone())?;
            }
        }
        Ok(())
    }

    /// Resolves every name in `expr`.
    ///
    /// # Errors
    /// The first name that stands for nothing, in reading order.
    pub(crate) fn resolve(&self, expr: &mut Expr) -> Checked {
        match expr.visit(&mut Resolver { scope: self }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(refusal) => Err(refusal),
        }
    }

    fn column(&self, qualifier: Option<&str>, name: &str) -> Option<Found<'a>> {
        // The query's own relations first, then those around it.
        let inner = self.relations.iter().filter(|relation| !relation.outer);
        inner.chain(self.relations.iter().filter(|relation| relation.outer)).find_map(|relation| {
            let applies = match qualifier {
                None => relation.open,
                Some(wanted) => relation.qualifier.is_some_and(|q| q.eq_ignore_ascii_case(wanted)),
            };
            if !applies {
                return None;
            }
            let field = relation.columns.fields().iter().find(|f| f.name().eq_ignore_ascii_case(name))?;
            Some(Found {
                resolved: marked(&format!("{}{}", relation.prefix, field.name())),
                declared: field.name(),
                data_type: field.data_type(),
            })
        })
    }

    /// Refuses a name without qualifier that columns of several relations have.
    fn check_unambiguous(&self, name: &Ident) -> Checked {
        let has = |relation: &&Relation<'_>| {
            self.joined
                && relation.open
                && relation.columns.fields().iter().any(|f| f.name().eq_ignore_ascii_case(&name.value))
        };
        // A name of the query itself hides those around it.
        let is_outer =
            !self.relations.iter().filter(|relation| !relation.outer).any(|relation| has(&relation));
        let of_level = self.relations.iter().filter(|relation| relation.outer == is_outer);
        let mut found = of_level.filter(has).map(|relation| relation.qualifier);
        let (Some(first), Some(second)) = (found.next(), found.next()) else {
            return Ok(());
        };
        let help = match first.or(second) {
            Some(qualifier) => format!("write {qualifier}.{}", name.value),
            None => "give the queries in FROM an alias, and write it before the name".to_owned(),
        };
        let message = format!("several relations of FROM have a column `{}`", name.value);
        Err(refuse(codes::AMBIGUOUS_COLUMN, name.span, message, help))
    }

    fn is_qualifier(&self, name: &str) -> bool {
        self.relations.iter().any(|r| r.qualifier.is_some_and(|q| q.eq_ignore_ascii_case(name)))
    }

    fn alias(&self, name: &str) -> Option<&'a Expr> {
        self.aliases.iter().find(|(alias, _expr)| alias.eq_ignore_ascii_case(name)).map(|(_alias, expr)| expr)
    }

    fn unknown_column(&self, name: &str, span: Span) -> Box<Refusal> {
        let open = self.relations.iter().filter(|r| r.open);
        let columns = open.clone().flat_map(|r| r.columns.fields().iter().map(|f| f.name().as_str()));
        let aliases = self.aliases.iter().map(|(alias, _expr)| alias.as_str());
        if let Some((_edge, help)) = EDGES.iter().find(|(edge, _help)| edge.eq_ignore_ascii_case(name)) {
            return refuse(codes::UNKNOWN_COLUMN, span, format!("there is no column `{name}`"), *help);
        }
        let help = match suggest(name, columns.clone().chain(aliases)) {
            Some(close) => format!("did you mean `{close}`?"),
            None if columns.clone().next().is_none() => {
                "there is no FROM, so there are no columns; text takes single quotes".to_owned()
            }
            None => {
                let names: Vec<&str> = columns.collect();
                format!("columns are {}; text takes single quotes", names.join(", "))
            }
        };
        refuse(codes::UNKNOWN_COLUMN, span, format!("there is no column `{name}`"), help)
    }
}

/// Functions whose first argument is a unit, which other engines write as a bare word.
pub(super) const UNIT_FIRST: &[&str] =
    &["date_diff", "datediff", "dateadd", "timestampadd", "timestamp_add", "timestampdiff"];

/// Columns that windows make, and what to write where there are none.
const EDGES: &[(&str, &str)] = &[
    ("window_start", "windows that emit when they close have it: FROM s WINDOW TUMBLING (SIZE 1 MINUTE)"),
    ("window_end", "windows that emit when they close have it: FROM s WINDOW TUMBLING (SIZE 1 MINUTE)"),
    ("window_time", "take `window_end`"),
];

struct Found<'a> {
    resolved: String,
    declared: &'a str,
    data_type: &'a DataType,
}

/// The declared name of the column that `expr` is; `None` for anything else.
pub(crate) fn column_name(scope: &Scope<'_>, expr: &Expr) -> Option<String> {
    if let Expr::Nested(inner) = expr {
        return column_name(scope, inner);
    }
    if let Expr::Identifier(name) = expr {
        return scope.column(None, &name.value).map(|found| found.declared.to_owned());
    }
    if let Expr::CompoundFieldAccess { root: _root, access_chain } = expr
        && let Some(sql::AccessExpr::Dot(Expr::Identifier(field))) = access_chain.last()
    {
        return Some(field.value.clone());
    }
    let Expr::CompoundIdentifier(parts) = expr else {
        return None;
    };
    if let [qualifier, column] = parts.as_slice()
        && let Some(found) = scope.column(Some(&qualifier.value), &column.value)
    {
        return Some(found.declared.to_owned());
    }
    parts.last().map(|last| last.value.clone())
}

struct Resolver<'a, 'b> {
    scope: &'b Scope<'a>,
}

impl VisitorMut for Resolver<'_, '_> {
    type Break = Box<Refusal>;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        let outcome = if is_subquery(expr) {
            Err(refuse(
                codes::SUBQUERY,
                sql::Spanned::span(expr),
                "a query inside an expression stands in the SELECT of a stream, before any window",
                "put it into WHERE or the select list of FROM (SELECT … FROM s WHERE x IN (SELECT …)), and the window behind",
            ))
        } else if let Expr::Identifier(name) = expr {
            self.identifier(name)
        } else if let Expr::CompoundIdentifier(parts) = expr {
            self.path(parts, Vec::new()).map(Some)
        } else if let Expr::CompoundFieldAccess { root, access_chain } = expr {
            self.access(root, access_chain)
        } else if let Expr::Function(function) = expr {
            self.function(function).map(|()| None)
        } else {
            Ok(None)
        };
        match outcome {
            Ok(None) => ControlFlow::Continue(()),
            Ok(Some(resolved)) => {
                *expr = resolved;
                ControlFlow::Continue(())
            }
            Err(refusal) => ControlFlow::Break(refusal),
        }
    }
}

impl Resolver<'_, '_> {
    fn identifier(&self, name: &Ident) -> Result<Option<Expr>, Box<Refusal>> {
        if name.value.starts_with(MARK) {
            return Ok(None);
        }
        let scope = self.scope;
        if !(scope.aliases_first && scope.alias(&name.value).is_some()) {
            scope.check_unambiguous(name)?;
        }
        let alias = || scope.alias(&name.value).map(|expr| Expr::Nested(Box::new(expr.clone())));
        let column = || {
            scope.column(None, &name.value).map(|found| Expr::Identifier(resolved(found.resolved, name.span)))
        };
        let found = if scope.aliases_first { alias().or_else(column) } else { column().or_else(alias) };
        found.map(Some).ok_or_else(|| scope.unknown_column(&name.value, name.span))
    }

    /// `a.b.c`: a column, perhaps qualified, and fields of it; `rest` comes behind.
    fn path(&self, parts: &[Ident], rest: Vec<sql::AccessExpr>) -> Result<Expr, Box<Refusal>> {
        let (first, more) = parts.split_first().expect("a path has parts");
        let qualified = more.split_first().and_then(|(second, fields)| {
            let found = self.scope.column(Some(&first.value), &second.value)?;
            Some((found, first.span.union(&second.span), fields))
        });
        let found = match qualified {
            Some(found) => Some(found),
            None => {
                self.scope.check_unambiguous(first)?;
                self.scope.column(None, &first.value).map(|found| (found, first.span, more))
            }
        };
        let Some((found, span, fields)) = found else {
            return Err(self.unknown_path(first, more));
        };
        let root = Expr::Identifier(resolved(found.resolved, span));
        Ok(with_fields(root, found.data_type, fields, rest))
    }

    fn unknown_path(&self, first: &Ident, more: &[Ident]) -> Box<Refusal> {
        if self.scope.is_qualifier(&first.value)
            && let Some(column) = more.first()
        {
            return self.scope.unknown_column(&column.value, column.span);
        }
        let mut known: Vec<&str> = self.scope.relations.iter().filter_map(|r| r.qualifier).collect();
        known.sort_unstable();
        known.dedup();
        let help = if known.is_empty() {
            "leave out the part before the dot".to_owned()
        } else {
            format!("columns belong to `{}` here", known.join("`, `"))
        };
        refuse(
            codes::UNKNOWN_COLUMN,
            first.span,
            format!("`{}` is neither a stream nor a column of this query", first.value),
            help,
        )
    }

    /// `a.b[1].c`: the leading names are one path.
    fn access(&self, root: &Expr, chain: &[sql::AccessExpr]) -> Result<Option<Expr>, Box<Refusal>> {
        let mut parts = if let Expr::Identifier(name) = root
            && !name.value.starts_with(MARK)
        {
            vec![name.clone()]
        } else if let Expr::CompoundIdentifier(parts) = root {
            parts.clone()
        } else {
            return Ok(with_field_names(root, chain));
        };
        let mut rest = chain;
        while let Some((sql::AccessExpr::Dot(Expr::Identifier(name)), behind)) = rest.split_first() {
            parts.push(name.clone());
            rest = behind;
        }
        let rest = rest.iter().map(field_access).collect();
        self.path(&parts, rest).map(Some)
    }

    fn function(&self, function: &mut sql::Function) -> Checked {
        let [sql::ObjectNamePart::Identifier(ident)] = function.name.0.as_slice() else {
            return Err(refuse(
                codes::NAME,
                Span::empty(),
                "a function's name has one part",
                "leave out the dots",
            ));
        };
        let (name, span) = (ident.value.clone(), ident.span);
        self.check_function(&name, span, function)?;
        if UNIT_FIRST.iter().any(|unit_first| unit_first.eq_ignore_ascii_case(&name)) {
            self.unit_as_text(&mut function.args);
        }
        if let Some(sql::WindowType::NamedWindow(window)) = &function.over {
            function.over = Some(sql::WindowType::WindowSpec(self.window(window)?.clone()));
        }
        Ok(())
    }

    /// `timestampdiff(MINUTE, a, b)`: a first argument that is no column is the name of a unit.
    fn unit_as_text(&self, args: &mut sql::FunctionArguments) {
        if let sql::FunctionArguments::List(list) = args
            && let Some(sql::FunctionArg::Unnamed(sql::FunctionArgExpr::Expr(first))) = list.args.first_mut()
            && let Expr::Identifier(unit) = first
            && unit.quote_style.is_none()
            && self.scope.column(None, &unit.value).is_none()
        {
            let text = sql::Value::SingleQuotedString(unit.value.to_lowercase()).with_span(unit.span);
            *first = Expr::Value(text);
        }
    }

    fn window(&self, name: &Ident) -> Result<&sql::WindowSpec, Box<Refusal>> {
        for sql::NamedWindowDefinition(defined, definition) in self.scope.windows {
            if defined.value.eq_ignore_ascii_case(&name.value)
                && let sql::NamedWindowExpr::WindowSpec(spec) = definition
            {
                return Ok(spec);
            }
        }
        let names = self
            .scope
            .windows
            .iter()
            .map(|sql::NamedWindowDefinition(name, _definition)| name.value.as_str());
        let help = match suggest(&name.value, names) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("define it: WINDOW {name} AS (PARTITION BY … ORDER BY …)"),
        };
        Err(refuse(codes::OVER, name.span, format!("there is no window `{}` for OVER", name.value), help))
    }

    fn check_function(&self, name: &str, span: Span, function: &sql::Function) -> Checked {
        let registry = self.scope.registry;
        if let Some(refusal) = registry.refused(name) {
            let message = format!("`{name}` cannot be used: {}", refusal.reason);
            return Err(refuse(codes::VOLATILE, span, message, refusal.alternative));
        }
        let clauses = function_clauses(function);
        if registry.scalar(name).is_some() {
            return match clauses.first() {
                None => Ok(()),
                Some(clause) => Err(refuse(
                    codes::CALL_CLAUSE,
                    span,
                    format!("`{name}` is computed from one row and takes no {}", clause.name()),
                    "leave the clause out",
                )),
            };
        }
        if registry.higher_order(name).is_some() {
            return Err(refuse(
                codes::UNKNOWN_FUNCTION,
                span,
                format!("`{name}` takes a function, which is not supported yet"),
                "work on the whole list with array_… functions",
            ));
        }
        let over = clauses.contains(&FunctionClause::Over);
        if registry.aggregate(name).is_some() || (over && registry.window(name).is_some()) {
            return Ok(());
        }
        if registry.window(name).is_some() {
            return Err(refuse(
                codes::CALL_CLAUSE,
                span,
                format!("`{name}` looks at other rows and needs an OVER clause"),
                format!("write {name}(…) OVER (ORDER BY ts)"),
            ));
        }
        Err(self.unknown_function(name, span))
    }

    fn unknown_function(&self, name: &str, span: Span) -> Box<Refusal> {
        let registry = self.scope.registry;
        let mut known = registry.scalar_names();
        known.extend(registry.aggregate_names());
        known.extend(registry.window_names());
        let help = match suggest(name, known.iter().map(String::as_str)) {
            Some(close) => format!("did you mean `{close}`?"),
            None => "SHOW FUNCTIONS lists the library".to_owned(),
        };
        refuse(codes::UNKNOWN_FUNCTION, span, format!("there is no function `{name}`"), help)
    }
}

/// Fields of `root`, whose type is `data_type`, then `rest`.
pub(super) fn with_fields(
    root: Expr,
    data_type: &DataType,
    fields: &[Ident],
    rest: Vec<sql::AccessExpr>,
) -> Expr {
    let mut data_type = Some(data_type);
    let mut chain = Vec::new();
    for field in fields {
        let (name, inner) = field_name(data_type, &field.value);
        data_type = inner;
        let text = sql::Value::SingleQuotedString(name).with_span(field.span);
        chain.push(sql::AccessExpr::Dot(Expr::Value(text)));
    }
    chain.extend(rest);
    if chain.is_empty() {
        root
    } else {
        Expr::CompoundFieldAccess { root: Box::new(root), access_chain: chain }
    }
}

pub(super) fn resolved(name: String, span: Span) -> Ident {
    Ident { value: name, quote_style: Some('"'), span }
}

/// `(expr).field`: names behind an expression are fields; `None` when there is none.
fn with_field_names(root: &Expr, chain: &[sql::AccessExpr]) -> Option<Expr> {
    let has_name = chain.iter().any(|access| matches!(access, sql::AccessExpr::Dot(Expr::Identifier(_name))));
    has_name.then(|| Expr::CompoundFieldAccess {
        root: Box::new(root.clone()),
        access_chain: chain.iter().map(field_access).collect(),
    })
}

pub(super) fn field_access(access: &sql::AccessExpr) -> sql::AccessExpr {
    if let sql::AccessExpr::Dot(Expr::Identifier(name)) = access {
        let text = sql::Value::SingleQuotedString(name.value.clone()).with_span(name.span);
        return sql::AccessExpr::Dot(Expr::Value(text));
    }
    access.clone()
}

/// The declared name of a field of a struct and its type; what was written when it is not known.
fn field_name<'a>(data_type: Option<&'a DataType>, written: &str) -> (String, Option<&'a DataType>) {
    if let Some(DataType::Struct(fields)) = data_type
        && let Some(field) = fields.iter().find(|f| f.name().eq_ignore_ascii_case(written))
    {
        return (field.name().clone(), Some(field.data_type()));
    }
    (written.to_owned(), None)
}
