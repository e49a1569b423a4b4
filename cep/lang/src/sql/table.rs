//! CREATE TABLE, CREATE INDEX, UPDATE and DELETE.

use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::{ColumnDef, CreateIndex, CreateTable, Delete, Name, Span, Update};
use crate::diag::{Diagnostic, Result, codes};

use super::cursor::Cursor;

/// Words that a table may not be called by in UPDATE and DELETE, where a clause follows.
const CLAUSES: &[&str] = &["SET", "USING", "WHERE", "FROM"];

impl Cursor<'_> {
    /// `[IF NOT EXISTS] name (columns, PRIMARY KEY (…), INDEX (…)) [WITH (…)]`
    pub(super) fn create_table(&mut self) -> Result<CreateTable> {
        let if_not_exists = self.eat(&["IF", "NOT", "EXISTS"]);
        let name = self.object_name("the table's name")?;
        if !self.is_token(0, &Token::LParen) {
            return Err(Box::new(
                self.unexpected(&format!("the columns of `{}`", name.text))
                    .help("write CREATE TABLE name (column TYPE, …, PRIMARY KEY (column)); fill it with INSERT INTO name SELECT …"),
            ));
        }
        let mut table = CreateTable {
            name,
            if_not_exists,
            columns: Vec::new(),
            key: Vec::new(),
            indexes: Vec::new(),
            options: Vec::new(),
        };
        self.table_elements(&mut table)?;
        table.options = self.with_options()?;
        if self.is(0, "AS") {
            return Err(Box::new(
                self.error(codes::CLAUSE, "a table is declared with its columns")
                    .help("write CREATE TABLE name (…); and INSERT INTO name SELECT …"),
            ));
        }
        Ok(table)
    }

    fn table_elements(&mut self, table: &mut CreateTable) -> Result<()> {
        self.expect_token(&Token::LParen)?;
        loop {
            let start = self.span(0);
            if self.are(&["PRIMARY", "KEY"]) && self.is_token(2, &Token::LParen) {
                self.advance();
                self.advance();
                let key = self.name_list("a column name")?;
                self.set_key(table, key, start)?;
            } else if self.is_one_of(0, &["INDEX", "KEY"]) && self.is_index() {
                self.advance();
                if !self.is_token(0, &Token::LParen) {
                    self.name("the index's name")?;
                }
                table.indexes.push(self.name_list("a column name")?);
            } else {
                let (column, is_key) = self.table_column()?;
                self.check_new(&table.columns, &column)?;
                if is_key {
                    let key = vec![column.name.clone()];
                    self.set_key(table, key, start)?;
                }
                table.columns.push(column);
            }
            if !self.eat_token(&Token::Comma) {
                break;
            }
            if self.is_token(0, &Token::RParen) {
                return Err(Box::new(self.unexpected("a column").help("remove the comma before `)`")));
            }
        }
        self.expect_token(&Token::RParen)?;
        Ok(())
    }

    /// `INDEX (…)` or `INDEX name (…)`; a column of that name has a type behind it.
    fn is_index(&self) -> bool {
        self.is_token(1, &Token::LParen)
            || (self.word(1).is_some() && self.is_token(2, &Token::LParen) && !self.is_sized_type(1))
    }

    fn set_key(&self, table: &mut CreateTable, key: Vec<Name>, start: Span) -> Result<()> {
        if table.key.is_empty() {
            table.key = key;
            return Ok(());
        }
        let message = format!("`{}` has a PRIMARY KEY already", table.name.text);
        let help = "one key has several columns: PRIMARY KEY (a, b); others are INDEX (c)";
        Err(Box::new(Diagnostic::at(codes::CONSTRAINT, self.since(start), message).help(help)))
    }

    /// `[name] ON table (columns)`
    pub(super) fn create_index(&mut self) -> Result<CreateIndex> {
        let name = if self.is(0, "ON") { None } else { Some(self.object_name("the index's name")?) };
        self.expect("ON")?;
        let table = self.object_name("the name of a table")?;
        let columns = self.name_list("a column name")?;
        Ok(CreateIndex { name, table, columns })
    }

    /// `UPDATE t [AS a] SET c = expr, … FROM s [WHERE …]`
    pub(super) fn update(&mut self) -> Result<Update> {
        let start = self.expect("UPDATE")?;
        let table = self.object_name("the name of a table")?;
        let alias = self.table_alias()?;
        self.expect("SET")?;
        let set = self.comma_separated(|c| {
            let column = c.name("a column of the table")?;
            c.expect_token(&Token::Eq)?;
            Ok((column, c.expr()?))
        })?;
        for (at, (column, _value)) in set.iter().enumerate() {
            if set[..at].iter().any(|(earlier, _)| earlier.matches(&column.text)) {
                let message = format!("the column `{}` is set twice", column.text);
                return Err(Box::new(
                    Diagnostic::at(codes::COLUMN_TWICE, column.span, message).help("set it once"),
                ));
            }
        }
        if !self.is(0, "FROM") {
            return Err(Box::new(
                self.unexpected("FROM")
                    .help("rows of a stream update a table: UPDATE t SET c = s.c FROM s WHERE t.k = s.k"),
            ));
        }
        self.advance();
        let from = self.relation()?;
        let filter = if self.eat(&["WHERE"]) { Some(self.expr()?) } else { None };
        Ok(Update { table, alias, set, from, filter, span: self.since(start) })
    }

    /// `DELETE FROM t [AS a] USING s [WHERE …]`
    pub(super) fn delete(&mut self) -> Result<Delete> {
        let start = self.expect("DELETE")?;
        self.expect("FROM")?;
        let table = self.object_name("the name of a table")?;
        let alias = self.table_alias()?;
        if !self.is(0, "USING") {
            return Err(Box::new(
                self.unexpected("USING")
                    .help("rows of a stream delete rows of a table: DELETE FROM t USING s WHERE t.k = s.k"),
            ));
        }
        self.advance();
        let using = self.relation()?;
        let filter = if self.eat(&["WHERE"]) { Some(self.expr()?) } else { None };
        Ok(Delete { table, alias, using, filter, span: self.since(start) })
    }

    fn table_alias(&mut self) -> Result<Option<Name>> {
        let is_alias = self.eat(&["AS"]) || (self.peek_name().is_some() && !self.is_one_of(0, CLAUSES));
        if is_alias { Ok(Some(self.name("an alias")?)) } else { Ok(None) }
    }

    /// Refuses a column that is declared already.
    pub(super) fn check_new(&self, columns: &[ColumnDef], column: &ColumnDef) -> Result<()> {
        let Some(first) = columns.iter().find(|c| c.name.matches(&column.name.text)) else {
            return Ok(());
        };
        let message = format!("the column `{}` is declared twice", first.name.text);
        Err(Box::new(
            Diagnostic::at(codes::COLUMN_TWICE, column.name.span, message)
                .help("names match in any case; rename one of them"),
        ))
    }
}
