//! The text of a question before it is parsed: `$n` becomes the value, `FROM definition.aggregation` loses
//! the definition, which is kept apart.

use arrow_array::RecordBatch;
use datafusion_sql::sqlparser::keywords::Keyword;
use datafusion_sql::sqlparser::tokenizer::{Token, Word};

use crate::diag::{Diagnostic, codes};
use crate::sql::tokens::{Located, tokenize};

use super::QUESTION_BYTES_MAX;
use super::literal::literal;

/// A text that can be parsed.
pub(super) struct Prepared {
    pub(super) text: String,
    pub(super) definition: Option<String>,
}

/// Puts values in the place of parameters, and takes the definition's name out.
pub(super) fn prepare(sql: &str, parameters: Option<&RecordBatch>) -> Result<Prepared, Diagnostic> {
    if sql.len() > QUESTION_BYTES_MAX {
        return Err(too_long(sql.len()));
    }
    let text = with_values(sql, parameters)?;
    if text.len() > QUESTION_BYTES_MAX {
        return Err(too_long(text.len()));
    }
    let (tokens, _) = significant(&text);
    let mut definition: Option<String> = None;
    let mut out = text.clone();
    for at in from_clauses(&tokens) {
        let [Some(first), Some(dot), Some(_)] = [at + 1, at + 2, at + 3].map(|at| tokens.get(at)) else {
            continue;
        };
        let (Token::Word(Word { value, .. }), Token::Period) = (&first.token.token, &dot.token.token) else {
            continue;
        };
        if let Some(other) = definition.as_ref().filter(|other| *other != value) {
            let message = format!("a query asks one definition, and this one names `{other}` and `{value}`");
            let error = Diagnostic::at(codes::NAME, first.span, message);
            return Err(error.help("ask each by itself"));
        }
        definition = Some(value.clone());
        // Blanks of the same length, so that places stay.
        out.replace_range(first.span.start..dot.span.end, &" ".repeat(dot.span.end - first.span.start));
    }
    Ok(Prepared { text: out, definition })
}

fn too_long(bytes: usize) -> Diagnostic {
    Diagnostic {
        code: codes::SCRIPT_TOO_LONG,
        message: format!("the query has {bytes} bytes; the limit is {QUESTION_BYTES_MAX}"),
        span: None,
        help: Some("ask for less at once".to_owned()),
    }
}

/// All tokens that mean something, and why it stops early if it does: the parser tells that.
fn significant(text: &str) -> (Vec<Located>, Option<Diagnostic>) {
    let (mut tokens, error) = tokenize(text, true);
    tokens.retain(|located| !matches!(located.token.token, Token::Whitespace(_)));
    (tokens, error)
}

fn with_values(sql: &str, parameters: Option<&RecordBatch>) -> Result<String, Diagnostic> {
    let count = parameters.map_or(0, RecordBatch::num_columns);
    let mut used = vec![false; count];
    let mut out = String::with_capacity(sql.len());
    let mut from = 0;
    for Located { token, span } in significant(sql).0 {
        let Token::Placeholder(name) = &token.token else { continue };
        let number = name.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok());
        let Some(number) = number.filter(|number| (1..=count).contains(number)) else {
            let message = format!("there is no value for `{name}`: {count} were given");
            let error = Diagnostic::at(codes::VARIABLE, span, message);
            return Err(error.help("parameters are $1, $2, …, as many as there are values"));
        };
        used[number - 1] = true;
        let row = parameters.expect("it has a column");
        let (field, array) = (row.schema_ref().field(number - 1), row.column(number - 1));
        let value = literal(field, array).map_err(|why| {
            Diagnostic::at(codes::VARIABLE, span, format!("the value of `{name}` cannot be used: {why}"))
        })?;
        out.push_str(&sql[from..span.start]);
        out.push_str(&value);
        from = span.end;
    }
    out.push_str(&sql[from..]);
    match used.iter().position(|used| !used) {
        Some(at) => Err(Diagnostic {
            code: codes::VARIABLE,
            message: format!("the query has no place for `${}`: {count} values were given", at + 1),
            span: None,
            help: Some("give as many values as the query has parameters".to_owned()),
        }),
        None => Ok(out),
    }
}

/// Places of `FROM` as a clause; that of `EXTRACT(hour FROM t)`, `IS DISTINCT FROM` and their kin is none.
fn from_clauses(tokens: &[Located]) -> Vec<usize> {
    let keyword = |at: usize| match tokens.get(at).map(|located| &located.token.token) {
        Some(Token::Word(word)) if word.quote_style.is_none() => Some(word.keyword),
        _ => None,
    };
    let mut open = vec![true];
    let mut out = Vec::new();
    for (at, located) in tokens.iter().enumerate() {
        match &located.token.token {
            Token::LParen => open.push(matches!(keyword(at + 1), Some(Keyword::SELECT | Keyword::WITH))),
            Token::RParen if open.len() > 1 => {
                open.pop();
            }
            Token::Word(_) if keyword(at) == Some(Keyword::FROM) && open.last() == Some(&true) => {
                let is_comparison = at > 1
                    && keyword(at - 1) == Some(Keyword::DISTINCT)
                    && matches!(keyword(at - 2), Some(Keyword::IS | Keyword::NOT));
                if !is_comparison {
                    out.push(at);
                }
            }
            _ => {}
        }
    }
    out
}
