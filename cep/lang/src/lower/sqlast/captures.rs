//! What a SELECT over a pattern takes from a match: these parts become columns, the rest of its
//! expressions is computed above them.

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{self as sql, Expr, VisitMut, VisitorMut};

use crate::diag::Diagnostic;
use crate::lower::columns::MARK;

use super::matched::function_name;
use super::resolve::resolved;

/// What a SELECT over a pattern takes from it.
pub(crate) trait Captures {
    /// Whether `name` is an element.
    fn is_variable(&self, name: &str) -> bool;

    /// Whether `name` is a value of a match without an element before it.
    fn is_value(&self, name: &str) -> bool;

    /// Whether there is an aggregate of this name.
    fn is_aggregate(&self, name: &str) -> bool;

    /// Whether a name that is no value may mean something later (an alias of the select list).
    fn may_be_alias(&self, name: &str) -> bool;

    /// The resolved name of the column that `expr` becomes.
    ///
    /// # Errors
    /// What is wrong with it.
    fn take(&mut self, expr: &Expr) -> Result<String, Box<Diagnostic>>;
}

/// Replaces what `expr` takes from a match, and nothing else, by columns.
///
/// # Errors
/// The first part that cannot be taken.
pub(crate) fn take_captures<T: VisitMut>(
    expr: &mut T,
    captures: &mut dyn Captures,
) -> Result<(), Box<Diagnostic>> {
    match expr.visit(&mut Taker { captures }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Taker<'a> {
    captures: &'a mut dyn Captures,
}

impl VisitorMut for Taker<'_> {
    type Break = Box<Diagnostic>;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        if !self.is_capture(expr) {
            return ControlFlow::Continue(());
        }
        match self.captures.take(expr) {
            Ok(name) => {
                *expr = Expr::Identifier(resolved(name, sql::Spanned::span(expr)));
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl Taker<'_> {
    fn is_capture(&self, expr: &Expr) -> bool {
        if let Expr::Identifier(name) = expr {
            return !name.value.starts_with(MARK)
                && (self.captures.is_value(&name.value) || !self.captures.may_be_alias(&name.value));
        }
        if let Expr::CompoundIdentifier(_parts) = expr {
            return true;
        }
        if let Expr::CompoundFieldAccess { root, access_chain: _fields } = expr {
            return if let Expr::Identifier(name) = root.as_ref() {
                !name.value.starts_with(MARK)
                    && (self.captures.is_variable(&name.value) || self.captures.is_value(&name.value))
            } else {
                matches!(root.as_ref(), Expr::CompoundIdentifier(_parts))
            };
        }
        let Expr::Function(function) = expr else {
            return false;
        };
        let Some((name, _span)) = function_name(function) else {
            return false;
        };
        function.over.is_none() && (is_match_function(&name) || self.captures.is_aggregate(&name))
    }
}

/// Functions of rows of a match, upper case.
fn is_match_function(name: &str) -> bool {
    ["FINAL", "RUNNING", "FIRST", "LAST", "PREV", "NEXT", "CLASSIFIER", "MATCH_NUMBER", "MATCH_ROWTIME"]
        .contains(&name)
}
