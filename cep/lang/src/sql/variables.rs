//! `${VAR}` and `${VAR:default}` in the strings of a statement, replaced before it is parsed.

use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::Span;
use crate::diag::{Diagnostic, Result, codes};

use super::Variables;
use super::tokens::Piece;

impl Piece {
    /// Replaces the variables in all strings of a statement of `text`.
    ///
    /// # Errors
    /// A variable that cannot be replaced, at its place.
    pub(super) fn replace_variables(&mut self, text: &str, variables: &Variables<'_>) -> Result<()> {
        for (token, literal) in self.tokens.iter_mut().zip(&self.spans) {
            let (Token::SingleQuotedString(value) | Token::EscapedStringLiteral(value)) = &mut token.token
            else {
                continue;
            };
            if !value.contains('$') {
                continue;
            }
            *value = substitute(value, variables).map_err(|error| {
                let inner = Span::new(literal.start + 1, literal.end.saturating_sub(1));
                let verbatim = text.get(inner.start..inner.end) == Some(value.as_str());
                let span = if verbatim {
                    Span::new(inner.start + error.span.start, inner.start + error.span.end)
                } else {
                    *literal
                };
                Box::new(Diagnostic::at(codes::VARIABLE, span, error.message).help(error.help))
            })?;
        }
        Ok(())
    }
}

/// A `${VAR}` that cannot be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VariableError {
    /// Byte range in the text that was substituted.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// Replaces `${VAR}` and `${VAR:default}` by what they stand for, `$$` by `$`. A default may be
/// empty and is taken as it stands, up to the next `}`. A `$` before anything else stays.
///
/// # Errors
/// A variable that is not set and has no default, a name that is no name, or a missing `}`.
pub(crate) fn substitute(text: &str, variables: &Variables<'_>) -> Result<String, VariableError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let start = text.len() - rest.len() + at;
        let behind = &rest[at + 1..];
        if let Some(after) = behind.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(body) = behind.strip_prefix('{') {
            let Some(close) = body.find('}') else {
                return Err(VariableError {
                    span: Span::new(start, text.len()),
                    message: "`${` without `}`".to_owned(),
                    help: "write ${VAR} or ${VAR:default}; a plain dollar sign before `{` is `$$`".to_owned(),
                });
            };
            let span = Span::new(start, start + 2 + close + 1);
            out.push_str(&variable(&body[..close], span, variables)?);
            rest = &body[close + 1..];
        } else {
            out.push('$');
            rest = behind;
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn variable(body: &str, span: Span, variables: &Variables<'_>) -> Result<String, VariableError> {
    let (name, default) = match body.split_once(':') {
        Some((name, default)) => (name, Some(default)),
        None => (body, None),
    };
    let mut chars = name.chars();
    let is_name = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name {
        return Err(VariableError {
            span,
            message: format!("`{name}` is no name of an environment variable"),
            help: "write ${VAR} or ${VAR:default} with letters, digits and `_`".to_owned(),
        });
    }
    variables(name, default).ok_or_else(|| VariableError {
        span,
        message: format!("the environment variable `{name}` is not set"),
        help: format!(
            "set it, or give a default: ${{{name}:default}}; a plain dollar sign before `{{` is `$$`"
        ),
    })
}
