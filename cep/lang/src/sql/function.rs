//! CREATE FUNCTION.

use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::{CreateFunction, Parameter};
use crate::diag::{Diagnostic, Result, codes};

use super::cursor::Cursor;

impl Cursor<'_> {
    /// `name ( [parameter TYPE [DEFAULT value]], … ) [RETURNS TYPE] AS expression`
    pub(super) fn create_function(&mut self) -> Result<CreateFunction> {
        let name = self.object_name("the function's name")?;
        self.expect_token(&Token::LParen)?;
        let parameters = if self.is_token(0, &Token::RParen) {
            Vec::new()
        } else {
            self.comma_separated(Self::parameter)?
        };
        self.expect_token(&Token::RParen)?;
        for (at, parameter) in parameters.iter().enumerate() {
            let error = |code, message: String, help: &str| {
                Err(Box::new(Diagnostic::at(code, parameter.name.span, message).help(help)))
            };
            if parameters[..at].iter().any(|other| other.name.matches(&parameter.name.text)) {
                let message = format!("the parameter `{}` is declared twice", parameter.name.text);
                return error(codes::COLUMN_TWICE, message, "rename one of them");
            }
            if parameter.default.is_none() && parameters[..at].iter().any(|other| other.default.is_some()) {
                let message =
                    format!("`{}` has no default, and a parameter before it has one", parameter.name.text);
                return error(codes::SYNTAX, message, "parameters with a default come last");
            }
        }
        let returns = if self.eat(&["RETURNS"]) { Some(self.data_type()?) } else { None };
        if self.is(0, "LANGUAGE") {
            return Err(Box::new(
                self.error(
                    codes::CLAUSE,
                    "a function is an SQL expression; other languages are not supported yet",
                )
                .help("write CREATE FUNCTION f(a DOUBLE) AS a * 2"),
            ));
        }
        self.expect("AS")?;
        let start = self.span(0);
        let body = self.expr()?;
        Ok(CreateFunction { name, parameters, returns, body, body_span: self.since(start) })
    }

    fn parameter(&mut self) -> Result<Parameter> {
        let name = self.name("a parameter's name")?;
        let data_type = self.data_type()?;
        let default = if self.eat(&["DEFAULT"]) { Some(self.expr()?) } else { None };
        Ok(Parameter { name, data_type, default })
    }
}
