//! `WITH (key = value, …)`.

use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::{Name, OptionLiteral, WithOption};
use crate::diag::{Diagnostic, Result, codes};

use super::cursor::Cursor;

const DAY_NS: i64 = 86_400 * 1_000_000_000;

impl Cursor<'_> {
    /// `WITH ( key = value {, key = value} )` when it comes next.
    pub(super) fn with_options(&mut self) -> Result<Vec<WithOption>> {
        if !(self.is(0, "WITH") && self.is_token(1, &Token::LParen)) {
            return Ok(Vec::new());
        }
        self.advance();
        self.advance();
        if self.eat_token(&Token::RParen) {
            return Ok(Vec::new());
        }
        let mut options: Vec<WithOption> = Vec::new();
        loop {
            let option = self.with_option()?;
            if let Some(first) = options.iter().find(|o| o.key.matches(&option.key.text)) {
                return Err(Box::new(
                    Diagnostic::at(
                        codes::OPTION_TWICE,
                        option.key.span,
                        format!("the option `{}` is given twice", first.key.text),
                    )
                    .help("keep one of them"),
                ));
            }
            options.push(option);
            if !self.eat_token(&Token::Comma) {
                break;
            }
        }
        self.expect_token(&Token::RParen)?;
        Ok(options)
    }

    fn with_option(&mut self) -> Result<WithOption> {
        let key = self.option_key()?;
        if !self.is_token(0, &Token::Eq) {
            return Err(Box::new(
                self.unexpected(&format!("`=` behind the option `{}`", key.text))
                    .help("options are written 'key' = 'value'"),
            ));
        }
        self.advance();
        let start = self.span(0);
        let value = self.option_value(&key.text)?;
        Ok(WithOption { key, value, value_span: self.since(start) })
    }

    /// `'kafka.brokers'`, `"kafka.brokers"` or `kafka.brokers`, also `csv.has-header`.
    fn option_key(&mut self) -> Result<Name> {
        let start = self.span(0);
        if let Token::SingleQuotedString(text) = self.token(0) {
            let text = text.clone();
            self.advance();
            if text.is_empty() {
                return Err(Box::new(Diagnostic::at(codes::OPTION_VALUE, start, "an option needs a name")));
            }
            return Ok(Name { text, span: start });
        }
        let Some(mut key) = self.peek_name() else {
            return Err(self.unexpected("the name of an option"));
        };
        self.advance();
        loop {
            match self.token(0) {
                Token::Period => key.text.push('.'),
                Token::Minus => key.text.push('-'),
                // `x.3` is the word `x` and the number `.3`.
                Token::Number(number, _) if number.starts_with('.') => {
                    key.text.push_str(number);
                    self.advance();
                    continue;
                }
                _ => break,
            }
            self.advance();
            match self.token(0) {
                Token::Word(word) => key.text.push_str(&word.value),
                Token::Number(number, _) => key.text.push_str(number),
                _ => return Err(self.unexpected("the rest of the option's name")),
            }
            self.advance();
        }
        key.span = self.since(start);
        Ok(key)
    }

    fn option_value(&mut self, key: &str) -> Result<OptionLiteral> {
        if self.at_duration() {
            return self.option_interval(key);
        }
        let literal = match self.token(0) {
            Token::SingleQuotedString(text) => OptionLiteral::Text(text.clone()),
            Token::Number(number, _) => OptionLiteral::Number(number.clone()),
            Token::Minus | Token::Plus => return self.signed_option(key),
            Token::Word(word) if word.quote_style.is_some() => {
                return Err(Box::new(
                    self.unexpected(&format!("the value of `{key}`"))
                        .help(format!("strings take single quotes: '{}'", word.value)),
                ));
            }
            Token::Word(word) if word.value.eq_ignore_ascii_case("true") => OptionLiteral::Bool(true),
            Token::Word(word) if word.value.eq_ignore_ascii_case("false") => OptionLiteral::Bool(false),
            Token::Word(word) if word.value.eq_ignore_ascii_case("null") => {
                return Err(Box::new(
                    self.unexpected(&format!("the value of `{key}`"))
                        .help("leave the option out to get its default"),
                ));
            }
            Token::Word(word) => OptionLiteral::Text(word.value.clone()),
            _ => return Err(self.unexpected(&format!("the value of `{key}`"))),
        };
        self.advance();
        Ok(literal)
    }

    fn signed_option(&mut self, key: &str) -> Result<OptionLiteral> {
        let negative = self.is_token(0, &Token::Minus);
        self.advance();
        let Token::Number(number, _) = self.token(0) else {
            return Err(self.unexpected(&format!("the number for `{key}`")));
        };
        let sign = if negative { "-" } else { "" };
        let literal = OptionLiteral::Number(format!("{sign}{number}"));
        self.advance();
        Ok(literal)
    }

    fn option_interval(&mut self, key: &str) -> Result<OptionLiteral> {
        let value = self.any_duration(&format!("the value of `{key}`"))?;
        let error = |message: String| Box::new(Diagnostic::at(codes::DURATION, value.span, message));
        if value.length.months != 0 {
            return Err(Box::new(
                error(format!("`{key}` needs a fixed length of time"))
                    .help("months and years differ in length; count in days"),
            ));
        }
        i64::from(value.length.days)
            .checked_mul(DAY_NS)
            .and_then(|days| days.checked_add(value.length.nanos))
            .map(OptionLiteral::IntervalNs)
            .ok_or_else(|| error("this is longer than can be counted".to_owned()))
    }
}
