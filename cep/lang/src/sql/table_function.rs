//! `TABLE(TUMBLE(TABLE s, DESCRIPTOR(ts), INTERVAL '1' MINUTE))`: the third spelling of windows,
//! with the argument order of Flink, and with names (`DATA => TABLE s, SIZE => …`).

use datafusion_sql::sqlparser::ast as sql;
use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::{Derived, Name, RelationSource, Window};
use crate::diag::{Diagnostic, Result, codes};
use crate::lower::sqlast;

use super::cursor::Cursor;
use super::window::{Args, unknown_window};
use super::window_params::window_doc;

/// What stands inside: the rows, the filter before the window, and the window.
pub(super) struct WindowedTable {
    pub(super) source: RelationSource,
    pub(super) pre_filter: Option<sql::Expr>,
    pub(super) window: Window,
}

impl Cursor<'_> {
    /// Whether `TABLE(` or `KIND(TABLE …` comes next.
    pub(super) fn at_window_function(&self) -> bool {
        if self.is(0, "TABLE") {
            return self.is_token(1, &Token::LParen);
        }
        self.word(0).is_some_and(|w| window_doc(w).is_some())
            && self.is_token(1, &Token::LParen)
            && (self.is(2, "TABLE") || (self.is(2, "DATA") && self.is_token(3, &Token::RArrow)))
    }

    /// `TABLE( KIND(…) )` or `KIND(…)`.
    pub(super) fn window_function(&mut self) -> Result<WindowedTable> {
        let wrapped = self.eat(&["TABLE"]);
        if wrapped {
            self.expect_token(&Token::LParen)?;
        }
        let table = self.window_call()?;
        if wrapped {
            self.expect_token(&Token::RParen)?;
        }
        Ok(table)
    }

    fn window_call(&mut self) -> Result<WindowedTable> {
        let start = self.span(0);
        let Some(word) = self.word(0) else {
            return Err(self.unexpected("a window such as TUMBLE(TABLE s, …)"));
        };
        let doc = window_doc(word).ok_or_else(|| unknown_window(word, start))?;
        self.advance();
        self.expect_token(&Token::LParen)?;
        let mut args = Args::new(doc, start);
        self.eat_arg_name("DATA");
        let (source, pre_filter) = self.table_argument()?;
        if self.are(&["PARTITION", "BY"]) {
            self.partition_by(&mut args)?;
        }
        let mut time_column = None;
        while self.eat_token(&Token::Comma) {
            self.eat_arg_name("TIMECOL");
            if self.is(0, "DESCRIPTOR") && self.is_token(1, &Token::LParen) {
                let span = self.span(0);
                let column = self.descriptor()?;
                if args.lacks("COLUMN") {
                    args.set_expr("COLUMN", sqlast::identifier(&column));
                } else if time_column.is_some() {
                    return Err(Box::new(Diagnostic::at(
                        codes::WINDOW_PARAM,
                        span,
                        "DESCRIPTOR is given twice",
                    )));
                } else {
                    time_column = Some(column);
                }
            } else {
                self.window_param(&mut args, doc.table_order)?;
            }
        }
        self.expect_token(&Token::RParen)?;
        let span = self.since(start);
        Ok(WindowedTable {
            source,
            pre_filter,
            window: Window {
                kind: args.kind()?,
                time_column,
                span,
            },
        })
    }

    fn eat_arg_name(&mut self, name: &str) {
        if self.is(0, name) && self.is_token(1, &Token::RArrow) {
            self.advance();
            self.advance();
        }
    }

    /// `TABLE s`, `TABLE s[cond]`, `TABLE (query)` or `(query)`.
    fn table_argument(&mut self) -> Result<(RelationSource, Option<sql::Expr>)> {
        let has_table = self.eat(&["TABLE"]);
        if self.is_token(0, &Token::LParen) {
            self.advance();
            let query = Box::new(self.query()?);
            self.expect_token(&Token::RParen)?;
            return Ok((RelationSource::Derived(Derived { query }), None));
        }
        if !has_table {
            return Err(Box::new(
                self.unexpected("`TABLE` and the name of a stream")
                    .help("write TUMBLE(TABLE stream, DESCRIPTOR(ts), INTERVAL '1' MINUTE)"),
            ));
        }
        let name = self.object_name("the name of a stream")?;
        let pre_filter = self.bracket_filter()?;
        Ok((RelationSource::Name(name), pre_filter))
    }

    /// `PARTITION BY k`, `PARTITION BY (k, l)` of SESSION.
    fn partition_by(&mut self, args: &mut Args) -> Result<()> {
        let span = self.span(0);
        if !args.lacks("KEY") {
            return Err(Box::new(
                Diagnostic::at(
                    codes::WINDOW_PARAM,
                    span,
                    format!("{} has no keys, so no PARTITION BY", args.doc().name),
                )
                .help("group with GROUP BY"),
            ));
        }
        self.advance();
        self.advance();
        let keys = if self.eat_token(&Token::LParen) {
            let keys = self.comma_separated(Self::expr)?;
            self.expect_token(&Token::RParen)?;
            keys
        } else {
            vec![self.expr()?]
        };
        args.set_exprs("KEY", keys);
        Ok(())
    }

    /// `DESCRIPTOR(column)`.
    fn descriptor(&mut self) -> Result<Name> {
        self.expect("DESCRIPTOR")?;
        self.expect_token(&Token::LParen)?;
        let column = self.name("the column with the event time")?;
        self.expect_token(&Token::RParen)?;
        Ok(column)
    }
}
