//! Rows of a match in expressions: `e1.price`, `e1[last - 1].price`, `PREV(LAST(A.price, 1), 2)`,
//! `FINAL sum(A.price)`, `count(e1)`, `CLASSIFIER()`.
//!
//! Binding replaces each of them by a resolved name, which whoever knows the pattern chooses; what is
//! left in the expression is plain SQL over these names.

use std::ops::ControlFlow;

use arrow_schema::DataType;
use datafusion_sql::sqlparser::ast::{self as sql, Expr, Ident, VisitMut, VisitorMut};
use datafusion_sql::sqlparser::tokenizer::Span;

use crate::diag::{Diagnostic, codes};
use crate::lower::columns::MARK;
use crate::lower::error::Failure;
use crate::plan::{End, Scope};

use super::resolve::{UNIT_FIRST, field_access, resolved, with_fields};
use super::{Checked, Item, Refusal, function_clauses, refuse, row_count};

/// Which row of a variable is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct At {
    /// From which end rows are counted.
    pub end: End,
    /// How many rows of the variable further.
    pub skip: u64,
    /// PREV (negative) and NEXT (positive); `None`: neither was written.
    pub offset: Option<i64>,
    /// FINAL or RUNNING, where written.
    pub scope: Option<Scope>,
    /// How it was written.
    pub form: Form,
}

/// How a reference was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `a.x`.
    Plain,
    /// `a[n].x`.
    Index,
    /// Inside FIRST, LAST, PREV or NEXT.
    Call,
    /// Inside an aggregate: every row of the variable.
    Every,
}

impl At {
    /// `a.x`.
    const PLAIN: At = At { end: End::Last, skip: 0, offset: None, scope: None, form: Form::Plain };
}

/// A reference that was understood.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    /// The resolved name it gets.
    pub name: String,
    /// The type of its value.
    pub data_type: DataType,
}

/// Knows the variables of a pattern. Errors have no place.
pub(crate) trait MatchNames {
    /// Whether `name` is a variable, a subset or an element.
    fn is_variable(&self, name: &str) -> bool;

    /// Whether there is an aggregate of this name.
    fn is_aggregate(&self, name: &str) -> bool;

    /// A column of a row; `None` when there is none of that name.
    ///
    /// # Errors
    /// A row that cannot be meant here.
    fn column(&mut self, variable: Option<&str>, column: &str, at: At) -> Result<Option<Bound>, Failure>;

    /// A row itself, for `count(a)`.
    ///
    /// # Errors
    /// As [`Self::column`].
    fn row(&mut self, variable: Option<&str>, at: At) -> Result<Bound, Failure>;

    /// CLASSIFIER.
    ///
    /// # Errors
    /// As [`Self::column`].
    fn classifier(&mut self, variable: Option<&str>, at: At) -> Result<Bound, Failure>;

    /// MATCH_NUMBER.
    ///
    /// # Errors
    /// Where matches have no number.
    fn match_number(&mut self) -> Result<Bound, Failure>;

    /// MATCH_ROWTIME: event time of the last row.
    ///
    /// # Errors
    /// Where it is not known yet.
    fn match_time(&mut self) -> Result<Bound, Failure>;
}

/// Replaces every reference to rows of a match in `expr`. Names that `names` does not know stay.
///
/// # Errors
/// The first reference, in reading order, that has no meaning.
pub(crate) fn bind(expr: &mut Expr, names: &mut dyn MatchNames) -> Checked {
    let mut binder = Binder { names, at: At::PLAIN, call: None, seen: Vec::new(), skip_root: false };
    match expr.visit(&mut binder) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(refusal) => Err(refusal),
    }
}

type Outcome<T> = Result<T, Box<Refusal>>;

struct Binder<'a> {
    names: &'a mut dyn MatchNames,
    /// Where references point that say nothing themselves.
    at: At,
    /// The FIRST, LAST, PREV, NEXT or aggregate around, upper case.
    call: Option<String>,
    /// Variables that were referred to inside the call around; `None`: without a variable.
    seen: Vec<Option<String>>,
    /// The next expression has been looked at already.
    skip_root: bool,
}

impl VisitorMut for Binder<'_> {
    type Break = Box<Refusal>;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        if std::mem::take(&mut self.skip_root) {
            return ControlFlow::Continue(());
        }
        match self.replacement(expr) {
            Ok(None) => ControlFlow::Continue(()),
            Ok(Some(bound)) => {
                *expr = bound;
                ControlFlow::Continue(())
            }
            Err(refusal) => ControlFlow::Break(refusal),
        }
    }
}

fn placed(failure: Failure, span: Span) -> Box<Refusal> {
    let Diagnostic { code, message, span: _nowhere, help } = failure.diagnostic;
    Box::new(Refusal { code, message, span, help })
}

impl Binder<'_> {
    fn replacement(&mut self, expr: &mut Expr) -> Outcome<Option<Expr>> {
        if let Expr::Identifier(name) = expr {
            return if name.value.starts_with(MARK) {
                Ok(None)
            } else {
                self.path(std::slice::from_ref(name), Vec::new())
            };
        }
        if let Expr::CompoundIdentifier(parts) = expr {
            return self.path(parts, Vec::new());
        }
        if let Expr::CompoundFieldAccess { root, access_chain } = expr {
            return self.access(root, access_chain);
        }
        let Expr::Function(function) = expr else {
            return Ok(None);
        };
        if function.over.is_some() {
            return Ok(None);
        }
        let Some((name, span)) = function_name(function) else {
            return Ok(None);
        };
        match name.as_str() {
            "FINAL" | "RUNNING" => self.finality(&name, span, function).map(Some),
            "FIRST" | "LAST" => self.navigation(name, span, function).map(Some),
            "PREV" | "NEXT" => self.physical(name, span, function).map(Some),
            "CLASSIFIER" => self.classifier(span, function).map(Some),
            "MATCH_NUMBER" => {
                arguments(&name, span, function, 0..=0)?;
                let bound = self.names.match_number().map_err(|f| placed(f, span))?;
                Ok(Some(Expr::Identifier(resolved(bound.name, span))))
            }
            "MATCH_ROWTIME" => {
                arguments(&name, span, function, 0..=1)?;
                let bound = self.names.match_time().map_err(|f| placed(f, span))?;
                Ok(Some(Expr::Identifier(resolved(bound.name, span))))
            }
            _other_function => {
                if self.names.is_aggregate(&name) {
                    self.aggregate(name, span, expr)?;
                } else if UNIT_FIRST.iter().any(|unit_first| unit_first.eq_ignore_ascii_case(&name)) {
                    self.unit_as_text(function)?;
                }
                Ok(None)
            }
        }
    }

    /// `a.b.c`: a column, perhaps of a variable, and fields of it; `rest` comes behind.
    fn path(&mut self, parts: &[Ident], rest: Vec<sql::AccessExpr>) -> Outcome<Option<Expr>> {
        let (first, more) = parts.split_first().expect("a path has parts");
        if let Some((column, fields)) = more.split_first()
            && self.names.is_variable(&first.value)
        {
            let span = first.span.union(&column.span);
            let found = self
                .names
                .column(Some(&first.value), &column.value, self.at)
                .map_err(|failure| placed(failure, span))?;
            let Some(bound) = found else {
                return Ok(None);
            };
            self.seen.push(Some(first.value.to_ascii_lowercase()));
            return Ok(Some(self.with_path(bound, span, fields, rest)));
        }
        let found = self.names.column(None, &first.value, self.at).map_err(|failure| {
            let mut refusal = placed(failure, first.span);
            if refusal.code == codes::UNKNOWN_COLUMN && !more.is_empty() {
                refusal.message = format!("`{}` is neither an element nor a column", first.value);
            }
            refusal
        })?;
        let Some(bound) = found else {
            return Ok(None);
        };
        self.seen.push(None);
        Ok(Some(self.with_path(bound, first.span, more, rest)))
    }

    fn with_path(&self, bound: Bound, span: Span, fields: &[Ident], rest: Vec<sql::AccessExpr>) -> Expr {
        let Bound { name, data_type } = bound;
        with_fields(Expr::Identifier(resolved(name, span)), &data_type, fields, rest)
    }

    /// `a[last].x`, `a.x[1].y`.
    fn access(&mut self, root: &Expr, chain: &[sql::AccessExpr]) -> Outcome<Option<Expr>> {
        if let Expr::Identifier(name) = root
            && !name.value.starts_with(MARK)
            && self.names.is_variable(&name.value)
            && let Some((sql::AccessExpr::Subscript(subscript), behind)) = chain.split_first()
        {
            return self.indexed(name, subscript, behind).map(Some);
        }
        let mut parts = if let Expr::Identifier(name) = root
            && !name.value.starts_with(MARK)
        {
            vec![name.clone()]
        } else if let Expr::CompoundIdentifier(parts) = root {
            parts.clone()
        } else {
            return Ok(None);
        };
        let mut rest = chain;
        while let Some((sql::AccessExpr::Dot(Expr::Identifier(name)), behind)) = rest.split_first() {
            parts.push(name.clone());
            rest = behind;
        }
        self.path(&parts, rest.iter().map(field_access).collect())
    }

    /// `a[n].x`, `a[last - n].x`.
    fn indexed(
        &mut self,
        variable: &Ident,
        subscript: &sql::Subscript,
        chain: &[sql::AccessExpr],
    ) -> Outcome<Expr> {
        let span = variable.span;
        let name = &variable.value;
        let no = |message: String, help: String| Err(refuse(codes::PATTERN_ROW, span, message, help));
        if self.at.form != Form::Plain {
            let call = self.call.clone().unwrap_or_default();
            return no(
                format!("{call} chooses the rows of `{name}` itself"),
                format!("leave out the index, or write {name}[…] without {call}"),
            );
        }
        let index = if let sql::Subscript::Index { index } = subscript { position(index) } else { None };
        let Some((end, skip)) = index else {
            return no(
                format!("`{name}[{subscript}]` is no row of `{name}`"),
                format!("write {name}[0], {name}[1], {name}[last] or {name}[last - 1]"),
            );
        };
        let Some((sql::AccessExpr::Dot(Expr::Identifier(column)), rest)) = chain.split_first() else {
            return no(
                format!("`{name}[{subscript}]` is a row, not a value"),
                format!("name one of its columns: {name}[{subscript}].price"),
            );
        };
        let at = At { end, skip, form: Form::Index, ..self.at };
        let whole = span.union(&column.span);
        let bound = self.names.column(Some(name), &column.value, at).map_err(|f| placed(f, whole))?;
        let Some(bound) = bound else {
            return no(
                format!("`{name}` has no column `{}`", column.value),
                "name a column of it".to_owned(),
            );
        };
        let mut fields = Vec::new();
        let mut rest = rest;
        while let Some((sql::AccessExpr::Dot(Expr::Identifier(field)), behind)) = rest.split_first() {
            fields.push(field.clone());
            rest = behind;
        }
        Ok(self.with_path(bound, whole, &fields, rest.iter().map(field_access).collect()))
    }

    /// FINAL and RUNNING around a call.
    fn finality(&mut self, name: &str, span: Span, function: &sql::Function) -> Outcome<Expr> {
        let args = arguments(name, span, function, 1..=1)?;
        let inner_name = if let Expr::Function(inner) = &args[0] { function_name(inner) } else { None };
        let is_row = |name: &str| matches!(name, "FIRST" | "LAST" | "CLASSIFIER");
        let fits = inner_name.is_some_and(|(inner, _span)| is_row(&inner) || self.names.is_aggregate(&inner));
        if !fits || self.at.scope.is_some() {
            return Err(refuse(
                codes::PATTERN_ROW,
                span,
                format!("{name} stands before FIRST, LAST and aggregates"),
                format!("write {name} LAST(A.price)"),
            ));
        }
        let scope = if name == "FINAL" { Scope::Final } else { Scope::Running };
        let at = At { scope: Some(scope), ..self.at };
        self.inside(at, self.call.clone(), args[0].clone())
    }

    /// FIRST and LAST.
    fn navigation(&mut self, name: String, span: Span, function: &sql::Function) -> Outcome<Expr> {
        let args = arguments(&name, span, function, 1..=2)?;
        self.check_nesting(&name, span, &["PREV", "NEXT"])?;
        let skip = count(&name, args.get(1), 0)?;
        let end = if name == "FIRST" { End::First } else { End::Last };
        let at = At { end, skip, form: Form::Call, ..self.at };
        self.one_variable(at, name, span, args[0].clone())
    }

    /// PREV and NEXT.
    fn physical(&mut self, name: String, span: Span, function: &sql::Function) -> Outcome<Expr> {
        let args = arguments(&name, span, function, 1..=2)?;
        self.check_nesting(&name, span, &[])?;
        let rows = count(&name, args.get(1), 1)?;
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        let offset = if name == "PREV" { -rows } else { rows };
        let at = At { offset: Some(offset), form: Form::Call, ..self.at };
        self.one_variable(at, name, span, args[0].clone())
    }

    fn check_nesting(&self, name: &str, span: Span, within: &[&str]) -> Checked {
        match &self.call {
            Some(outer) if !within.contains(&outer.as_str()) => Err(refuse(
                codes::PATTERN_ROW,
                span,
                format!("{name} cannot stand inside {outer}"),
                "PREV and NEXT stand around FIRST and LAST: PREV(LAST(A.price, 1), 2); aggregates take columns",
            )),
            Some(_outer) => Ok(()),
            None => Ok(()),
        }
    }

    /// The argument of a call, which must be of one variable.
    fn one_variable(&mut self, at: At, name: String, span: Span, arg: Expr) -> Outcome<Expr> {
        let outer = std::mem::take(&mut self.seen);
        let inner = self.inside(at, Some(name.clone()), arg)?;
        self.check_seen(&name, span, true)?;
        let seen = std::mem::replace(&mut self.seen, outer);
        self.seen.extend(seen);
        Ok(inner)
    }

    fn check_seen(&self, name: &str, span: Span, is_needed: bool) -> Checked {
        let Some(first) = self.seen.first() else {
            if !is_needed {
                return Ok(());
            }
            return Err(refuse(
                codes::PATTERN_ROW,
                span,
                format!("{name} needs a column of a row"),
                format!("write {name}(A.price)"),
            ));
        };
        if self.seen.iter().all(|other| other == first) {
            return Ok(());
        }
        Err(refuse(
            codes::PATTERN_ROW,
            span,
            format!("{name} reads columns of two variables"),
            format!("write one {name} for each of them"),
        ))
    }

    /// `arg` bound with other surroundings.
    fn inside(&mut self, at: At, call: Option<String>, mut arg: Expr) -> Outcome<Expr> {
        let at = std::mem::replace(&mut self.at, at);
        let call = std::mem::replace(&mut self.call, call);
        let outcome = arg.visit(self);
        self.at = at;
        self.call = call;
        match outcome {
            ControlFlow::Continue(()) => Ok(Expr::Nested(Box::new(arg))),
            ControlFlow::Break(refusal) => Err(refusal),
        }
    }

    /// CLASSIFIER(), CLASSIFIER(A).
    fn classifier(&mut self, span: Span, function: &sql::Function) -> Outcome<Expr> {
        let args = arguments("CLASSIFIER", span, function, 0..=1)?;
        if self.at.form == Form::Every {
            return Err(refuse(
                codes::PATTERN_ROW,
                span,
                "CLASSIFIER inside an aggregate is not supported",
                "count the rows of each variable: count(A.*)",
            ));
        }
        let variable = match args.first() {
            None => None,
            Some(arg) => Some(variable_name(arg, span)?),
        };
        if let Some(name) = &variable
            && !self.names.is_variable(name)
        {
            return Err(refuse(
                codes::PATTERN_NAME,
                span,
                format!("`{name}` is no variable of the pattern"),
                "CLASSIFIER takes a variable or a subset",
            ));
        }
        let bound = self.names.classifier(variable.as_deref(), self.at).map_err(|f| placed(f, span))?;
        self.seen.push(variable.map(|name| name.to_ascii_lowercase()));
        Ok(Expr::Identifier(resolved(bound.name, span)))
    }

    /// An aggregate over rows of the match; its arguments are bound in place.
    fn aggregate(&mut self, name: String, span: Span, expr: &mut Expr) -> Checked {
        self.check_nesting(&name, span, &[])?;
        let at = At { form: Form::Every, ..self.at };
        let outer = std::mem::take(&mut self.seen);
        if let Expr::Function(function) = expr {
            self.counted_rows(&name, function, at)?;
        }
        let before = (std::mem::replace(&mut self.at, at), self.call.replace(name.clone()));
        self.skip_root = true;
        let outcome = expr.visit(self);
        (self.at, self.call) = before;
        if let ControlFlow::Break(refusal) = outcome {
            return Err(refusal);
        }
        self.check_seen(&name, span, self.at.scope.is_some())?;
        self.seen = outer;
        Ok(())
    }

    /// The argument of `count(*)`, `count(a.*)` and `count(a)` as a value that every row has.
    fn counted_rows(&mut self, name: &str, function: &mut sql::Function, at: At) -> Checked {
        let sql::FunctionArguments::List(list) = &mut function.args else {
            return Ok(());
        };
        if name != "COUNT" {
            return Ok(());
        }
        let [sql::FunctionArg::Unnamed(arg)] = list.args.as_mut_slice() else {
            return Ok(());
        };
        let variable = if let sql::FunctionArgExpr::Wildcard = arg {
            None
        } else if let sql::FunctionArgExpr::QualifiedWildcard(name) = arg {
            Some(name.to_string().trim_matches(['"', '`']).to_owned())
        } else if let sql::FunctionArgExpr::Expr(Expr::Identifier(name)) = arg
            && !name.value.starts_with(MARK)
            && self.names.is_variable(&name.value)
        {
            Some(name.value.clone())
        } else {
            return Ok(());
        };
        let span = function.name.0.first().map_or(Span::empty(), sql::Spanned::span);
        if let Some(unknown) = variable.as_deref().filter(|name| !self.names.is_variable(name)) {
            return Err(refuse(
                codes::PATTERN_NAME,
                span,
                format!("`{unknown}` is no variable of the pattern"),
                "count(a.*) takes a variable or a subset",
            ));
        }
        let bound = self.names.row(variable.as_deref(), at).map_err(|failure| placed(failure, span))?;
        *arg = sql::FunctionArgExpr::Expr(Expr::Identifier(resolved(bound.name, span)));
        self.seen.push(variable.map(|name| name.to_ascii_lowercase()));
        Ok(())
    }

    /// `timestampdiff(MINUTE, a, b)`: a first argument that is no column is the name of a unit.
    fn unit_as_text(&mut self, function: &mut sql::Function) -> Checked {
        if let sql::FunctionArguments::List(list) = &mut function.args
            && let Some(sql::FunctionArg::Unnamed(sql::FunctionArgExpr::Expr(first))) = list.args.first_mut()
            && let Expr::Identifier(unit) = first
            && unit.quote_style.is_none()
            && !matches!(self.names.column(None, &unit.value, At::PLAIN), Ok(Some(_column)))
        {
            let text = sql::Value::SingleQuotedString(unit.value.to_lowercase()).with_span(unit.span);
            *first = Expr::Value(text);
        }
        Ok(())
    }
}

/// The name of a function, upper case, and where it stands.
pub(super) fn function_name(function: &sql::Function) -> Option<(String, Span)> {
    if let [sql::ObjectNamePart::Identifier(name)] = function.name.0.as_slice() {
        return Some((name.value.to_ascii_uppercase(), name.span));
    }
    None
}

/// The arguments of a call that takes no clause.
fn arguments<'a>(
    name: &str,
    span: Span,
    function: &'a sql::Function,
    wanted: std::ops::RangeInclusive<usize>,
) -> Outcome<Vec<&'a Expr>> {
    if let Some(clause) = function_clauses(function).first() {
        return Err(refuse(
            codes::CALL_CLAUSE,
            span,
            format!("{name} takes no {}", clause.name()),
            "leave it out",
        ));
    }
    let mut args = Vec::new();
    if let sql::FunctionArguments::List(list) = &function.args {
        for arg in &list.args {
            let sql::FunctionArg::Unnamed(sql::FunctionArgExpr::Expr(arg)) = arg else {
                return Err(refuse(
                    codes::ARGUMENTS,
                    span,
                    format!("{name} takes values only"),
                    format!("write {name}(A.price)"),
                ));
            };
            args.push(arg);
        }
    }
    if wanted.contains(&args.len()) {
        return Ok(args);
    }
    Err(refuse(
        codes::ARGUMENTS,
        span,
        format!("{name} takes {} to {} arguments, not {}", wanted.start(), wanted.end(), args.len()),
        "for example PREV(A.price, 2), LAST(A.price), CLASSIFIER()",
    ))
}

/// The number of rows in FIRST, LAST, PREV and NEXT.
fn count(name: &str, arg: Option<&&Expr>, default: u64) -> Outcome<u64> {
    let Some(arg) = arg else {
        return Ok(default);
    };
    row_count(arg).ok_or_else(|| {
        refuse(
            codes::ARGUMENTS,
            sql::Spanned::span(*arg),
            format!("the number of rows in {name} is a whole number, written out"),
            format!("for example {name}(A.price, 2)"),
        )
    })
}

/// `0`, `last`, `last - 2`.
fn position(index: &Expr) -> Option<(End, u64)> {
    let is_last = |expr: &Expr| {
        if let Expr::Identifier(name) = expr { name.value.eq_ignore_ascii_case("last") } else { false }
    };
    if is_last(index) {
        return Some((End::Last, 0));
    }
    if let Expr::BinaryOp { left, op: sql::BinaryOperator::Minus, right } = index {
        return if is_last(left) { row_count(right).map(|skip| (End::Last, skip)) } else { None };
    }
    row_count(index).map(|skip| (End::First, skip))
}

fn variable_name(arg: &Expr, span: Span) -> Outcome<String> {
    if let Expr::Identifier(name) = arg {
        return Ok(name.value.clone());
    }
    Err(refuse(
        codes::PATTERN_NAME,
        span,
        "CLASSIFIER takes a variable or a subset",
        "write CLASSIFIER() or CLASSIFIER(A)",
    ))
}

/// Both conditions, or the one there is.
pub(crate) fn and(first: Option<Expr>, second: Option<Expr>) -> Option<Expr> {
    match (first, second) {
        (Some(left), Some(right)) => Some(Expr::BinaryOp {
            left: Box::new(Expr::Nested(Box::new(left))),
            op: sql::BinaryOperator::And,
            right: Box::new(Expr::Nested(Box::new(right))),
        }),
        (one, None) => one,
        (None, one) => one,
    }
}

/// A select list of expressions that have their names.
pub(crate) fn named_items(items: Vec<Item>) -> Vec<sql::SelectItem> {
    let named = |Item { name, is_alias: _, expr }: Item| {
        let span = sql::Spanned::span(&expr);
        sql::SelectItem::ExprWithAlias { expr, alias: Ident { value: name, quote_style: Some('"'), span } }
    };
    items.into_iter().map(named).collect()
}

/// Replaces names of the select list by what they stand for.
pub(crate) fn with_aliases(expr: &mut Expr, items: &[Item]) {
    let outcome: ControlFlow<()> = sql::visit_expressions_mut(expr, |part| {
        if let Expr::Identifier(name) = part
            && !name.value.starts_with(MARK)
            && let Some(item) = items.iter().find(|item| item.name.eq_ignore_ascii_case(&name.value))
        {
            *part = Expr::Nested(Box::new(item.expr.clone()));
        }
        ControlFlow::Continue(())
    });
    debug_assert!(outcome.is_continue(), "nothing breaks the walk");
}
