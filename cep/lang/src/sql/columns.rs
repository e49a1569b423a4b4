//! The columns of CREATE STREAM and CREATE TABLE.

use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::ColumnDef;
use crate::diag::{Diagnostic, Result, codes};
use crate::lower::sqlast;

use super::cursor::Cursor;

impl Cursor<'_> {
    /// `( name TYPE [NOT NULL] {, …} )`
    pub(super) fn column_definitions(&mut self) -> Result<Vec<ColumnDef>> {
        self.expect_token(&Token::LParen)?;
        let mut columns: Vec<ColumnDef> = Vec::new();
        loop {
            let (column, _is_key) = self.column_definition(false)?;
            self.check_new(&columns, &column)?;
            columns.push(column);
            if !self.eat_token(&Token::Comma) {
                break;
            }
            if self.is_token(0, &Token::RParen) {
                return Err(Box::new(self.unexpected("a column").help("remove the comma before `)`")));
            }
        }
        self.expect_token(&Token::RParen)?;
        Ok(columns)
    }

    /// A column of a table, and whether `PRIMARY KEY` stands behind it.
    pub(super) fn table_column(&mut self) -> Result<(ColumnDef, bool)> {
        self.column_definition(true)
    }

    /// Whether the word `n` ahead may be a type with a size, as `DECIMAL(10, 2)`.
    pub(super) fn is_sized_type(&self, n: usize) -> bool {
        self.is_one_of(n, &["DECIMAL", "NUMERIC", "VARCHAR", "CHAR", "TIMESTAMP", "TIME", "FLOAT"])
    }

    fn column_definition(&mut self, in_table: bool) -> Result<(ColumnDef, bool)> {
        let is_constraint = self
            .is_one_of(0, &["PRIMARY", "UNIQUE", "FOREIGN", "CHECK", "CONSTRAINT", "WATERMARK", "PERIOD"])
            && !self.is_type_word(1);
        if is_constraint {
            return Err(self.constraint_refused());
        }
        let name = self.name("a column name")?;
        if self.is_token(0, &Token::Comma) || self.is_token(0, &Token::RParen) {
            return Err(Box::new(
                self.unexpected(&format!("the type of column `{}`", name.text))
                    .help("for example STRING, BIGINT, DOUBLE or TIMESTAMP"),
            ));
        }
        let start = self.span(0);
        let parsed = self.data_type()?;
        let span = self.since(start);
        let column_type = sqlast::column_type(&parsed).map_err(|refusal| {
            let error = Diagnostic::at(refusal.code, span, refusal.message);
            Box::new(match refusal.help {
                Some(help) => error.help(help),
                None => error,
            })
        })?;
        let (mut not_null, mut is_key) = (false, false);
        loop {
            if !not_null && self.eat(&["NOT", "NULL"]) {
                not_null = true;
            } else if in_table && !is_key && self.eat(&["PRIMARY", "KEY"]) {
                is_key = true;
            } else if self.is_token(0, &Token::Comma) || self.is_token(0, &Token::RParen) {
                break;
            } else {
                return Err(self.constraint_refused());
            }
        }
        let not_null = not_null || is_key;
        let column = ColumnDef { name, data_type: column_type.data_type, json: column_type.json, not_null };
        Ok((column, is_key))
    }

    /// Whether the word `n` ahead may be a type: then the word before it names a column.
    fn is_type_word(&self, n: usize) -> bool {
        self.word(n).is_some()
            && !self.is_one_of(n, &["KEY", "FOR"])
            && !self.is_token(n, &Token::LParen)
            && (self.is_token(n + 1, &Token::Comma)
                || self.is_token(n + 1, &Token::RParen)
                || self.is_token(n + 1, &Token::LParen)
                || self.is_token(n + 1, &Token::Lt)
                || self.is_token(n + 1, &Token::LBracket)
                || self.is(n + 1, "NOT")
                || self.is(n + 1, "PRECISION"))
    }

    fn constraint_refused(&self) -> Box<Diagnostic> {
        const KNOWN: &[(&str, &str, &str)] = &[
            (
                "PRIMARY",
                "a stream has no primary key: it is a sequence of events, not a set of rows",
                "leave it out, or declare a table: CREATE TABLE name (…, PRIMARY KEY (key))",
            ),
            (
                "UNIQUE",
                "a stream does not check uniqueness",
                "leave it out; WINDOW FIRSTUNIQUE (key) passes the first row of each key",
            ),
            (
                "DEFAULT",
                "columns have no default values",
                "leave it out and use coalesce(column, value) in the query",
            ),
            ("CHECK", "a stream does not check conditions", "leave it out and put the condition into WHERE"),
            ("REFERENCES", "a stream has no foreign keys", "leave it out"),
            ("FOREIGN", "a stream has no foreign keys", "leave it out"),
            (
                "CONSTRAINT",
                "a stream has no named constraints",
                "leave it out; NOT NULL is the only constraint",
            ),
            (
                "WATERMARK",
                "watermarks are options of the stream",
                "write WITH ('event.time' = 'ts', 'watermark.lateness' = '2s')",
            ),
            (
                "GENERATED",
                "columns of a stream cannot be computed",
                "compute them with CREATE VIEW … AS SELECT",
            ),
            ("AS", "columns of a stream cannot be computed", "compute them with CREATE VIEW … AS SELECT"),
            (
                "COLLATE",
                "text is compared by its UTF-8 bytes; collations are not supported",
                "leave it out; use lower(column) to ignore case",
            ),
            ("COMMENT", "columns have no comments in the schema", "write an SQL comment: -- text"),
        ];
        let known = KNOWN.iter().find(|(word, _, _)| self.is(0, word));
        Box::new(match known {
            Some((_, message, help)) => self.error(codes::CONSTRAINT, *message).help(*help),
            None if self.is(0, "NULL") => self
                .error(codes::CONSTRAINT, "columns accept NULL unless declared NOT NULL")
                .help("leave out NULL"),
            None => self
                .unexpected("`,`, `)` or NOT NULL behind the column's type")
                .help("a column is written: name TYPE [NOT NULL]"),
        })
    }
}
