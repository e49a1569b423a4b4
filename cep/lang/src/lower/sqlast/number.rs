//! Small expressions that the parser itself makes or reads.

use datafusion_sql::sqlparser::ast as sql;
use datafusion_sql::sqlparser::tokenizer::Span;

use crate::ast::Name;

/// A number as a literal.
pub fn number(digits: &str) -> sql::Expr {
    sql::Expr::Value(sql::Value::Number(digits.to_owned(), false).with_span(Span::empty()))
}

/// A column by its name; its declared case and the need for quotes are kept by quoting it.
pub fn identifier(name: &Name) -> sql::Expr {
    sql::Expr::Identifier(sql::Ident::with_quote('"', name.text.clone()))
}

/// The value of a literal number of rows; `None` for anything else.
pub fn row_count(expr: &sql::Expr) -> Option<u64> {
    let sql::Expr::Value(literal) = expr else {
        return None;
    };
    let sql::Value::Number(digits, false) = &literal.value else {
        return None;
    };
    digits.parse().ok()
}
