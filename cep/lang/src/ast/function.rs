//! User functions.

use datafusion_sql::sqlparser::ast as sql;

use super::{Name, Span};

/// `CREATE FUNCTION name (parameter TYPE [DEFAULT value], …) [RETURNS TYPE] AS expression`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateFunction {
    /// Its name.
    pub name: Name,
    /// Its parameters, in order; those with a default come last.
    pub parameters: Vec<Parameter>,
    /// `RETURNS`; `None`: the type of the expression.
    pub returns: Option<sql::DataType>,
    /// What it computes.
    pub body: sql::Expr,
    /// Where the expression stands.
    pub body_span: Span,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub data_type: sql::DataType,
    /// `DEFAULT`.
    pub default: Option<sql::Expr>,
}
