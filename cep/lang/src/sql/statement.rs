//! Which statement it is, and the small ones: INSERT, UPSERT, EXPLAIN, SHOW, DESCRIBE, DROP.

use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::{DropKind, Insert, InsertSource, InsertVerb, ShowKind, Statement, StatementKind};
use crate::diag::{Diagnostic, Result, codes};

use super::Variables;
use super::cursor::Cursor;
use super::dialect::CeptraDialect;
use super::refuse;
use super::tokens::Piece;

/// Parses one statement, all of it.
pub(super) fn parse(text: &str, mut piece: Piece, variables: &Variables<'_>) -> Result<Statement> {
    piece.replace_variables(text, variables)?;
    let dialect = CeptraDialect::for_tokens(piece.tokens.len());
    let mut cursor = Cursor::new(text, &dialect, piece)?;
    let statement = cursor.statement()?;
    if !cursor.at_end() {
        return Err(cursor.left_over());
    }
    Ok(statement)
}

impl Cursor<'_> {
    fn statement(&mut self) -> Result<Statement> {
        let start = self.span(0);
        let kind = self.statement_kind()?;
        Ok(Statement { kind, span: self.since(start) })
    }

    fn statement_kind(&mut self) -> Result<StatementKind> {
        if self.is(0, "CREATE") {
            return self.create();
        }
        if self.is(0, "INSERT") {
            return self.insert(InsertVerb::Insert).map(StatementKind::Insert);
        }
        if self.is(0, "UPSERT") {
            return self.insert(InsertVerb::Upsert).map(StatementKind::Insert);
        }
        if self.is(0, "UPDATE") {
            return self.update().map(|update| StatementKind::Update(Box::new(update)));
        }
        if self.is(0, "DELETE") {
            return self.delete().map(|delete| StatementKind::Delete(Box::new(delete)));
        }
        if self.is_one_of(0, &["SELECT", "WITH"]) || self.is_token(0, &Token::LParen) {
            return self.query().map(StatementKind::Select);
        }
        if self.is(0, "EXPLAIN") {
            return self.explain();
        }
        if self.is(0, "SHOW") {
            return self.show();
        }
        if self.is_one_of(0, &["DESCRIBE", "DESC"]) {
            return self.describe();
        }
        if self.is(0, "DROP") {
            return self.drop_statement();
        }
        Err(refuse::statement(self))
    }

    /// Tokens behind a whole statement.
    fn left_over(&self) -> Box<Diagnostic> {
        refuse::clause(self).unwrap_or_else(|| {
            let error = self.unexpected("the end of the statement");
            if self.is_one_of(
                0,
                &["CREATE", "INSERT", "UPSERT", "UPDATE", "DELETE", "SELECT", "DROP", "SHOW", "DESCRIBE"],
            ) {
                Box::new(error.help("statements are separated by `;`"))
            } else {
                error
            }
        })
    }

    fn insert(&mut self, verb: InsertVerb) -> Result<Insert> {
        self.advance();
        if self.is_one_of(0, &["OR", "OVERWRITE", "REPLACE", "IGNORE"]) {
            return Err(Box::new(self.error(codes::CLAUSE, "INSERT has no variants").help(
                "write INSERT INTO stream SELECT …, or UPSERT INTO table SELECT … to replace rows by key",
            )));
        }
        self.expect("INTO")?;
        if self.is(0, "TABLE") {
            return Err(Box::new(
                self.unexpected("the name of a stream or table").help("leave out TABLE: INSERT INTO name …"),
            ));
        }
        let target = self.object_name("the name of a stream or table")?;
        let has_columns = self.is_token(0, &Token::LParen)
            && !(self.is_one_of(1, &["SELECT", "WITH"]) || self.is_token(1, &Token::LParen));
        let columns = if has_columns { self.name_list("a column name")? } else { Vec::new() };
        let source = if self.is(0, "VALUES") {
            InsertSource::Values(self.values()?)
        } else if self.are(&["DEFAULT", "VALUES"]) {
            return Err(Box::new(
                self.error(codes::CLAUSE, "columns have no default values")
                    .help("write VALUES with a value for each column, NULL where there is none"),
            ));
        } else if self.is_one_of(0, &["SELECT", "WITH"]) || self.is_token(0, &Token::LParen) {
            InsertSource::Query(self.query()?)
        } else {
            return Err(self.unexpected("SELECT or VALUES"));
        };
        Ok(Insert { verb, target, columns, source })
    }

    fn values(&mut self) -> Result<Vec<Vec<datafusion_sql::sqlparser::ast::Expr>>> {
        self.expect("VALUES")?;
        let rows = self.comma_separated(|c| {
            let start = c.expect_token(&Token::LParen)?;
            let row = c.comma_separated(Self::expr)?;
            c.expect_token(&Token::RParen)?;
            Ok((row, c.since(start)))
        })?;
        let arity = rows.first().map_or(0, |(row, _)| row.len());
        if let Some((row, span)) = rows.iter().find(|(row, _)| row.len() != arity) {
            return Err(Box::new(
                Diagnostic::at(
                    codes::COLUMN_COUNT,
                    *span,
                    format!("this row has {} values, the first has {arity}", row.len()),
                )
                .help("give every row the same number of values"),
            ));
        }
        Ok(rows.into_iter().map(|(row, _)| row).collect())
    }

    fn explain(&mut self) -> Result<StatementKind> {
        self.expect("EXPLAIN")?;
        if self.is_one_of(0, &["ANALYZE", "VERBOSE", "FORMAT", "QUERY", "PLAN", "EXTENDED"])
            || (self.is_token(0, &Token::LParen) && !self.is_one_of(1, &["SELECT", "WITH"]))
        {
            return Err(Box::new(
                self.error(codes::CLAUSE, "EXPLAIN takes no options")
                    .help("write EXPLAIN followed by the statement"),
            ));
        }
        if self.is_one_of(0, &["EXPLAIN", "SHOW", "DESCRIBE", "DESC", "DROP"]) {
            return Err(Box::new(self.unexpected("a statement with a plan").help(
                "EXPLAIN takes SELECT, INSERT, CREATE STREAM … AS, CREATE VIEW or CREATE AGGREGATION",
            )));
        }
        Ok(StatementKind::Explain(Box::new(self.statement()?)))
    }

    fn show(&mut self) -> Result<StatementKind> {
        const KINDS: &[(&str, ShowKind)] = &[
            ("STREAMS", ShowKind::Streams),
            ("VIEWS", ShowKind::Views),
            ("TABLES", ShowKind::Tables),
            ("AGGREGATIONS", ShowKind::Aggregations),
            ("QUERIES", ShowKind::Queries),
            ("FUNCTIONS", ShowKind::Functions),
            ("WINDOWS", ShowKind::Windows),
        ];
        self.expect("SHOW")?;
        if let Some((word, kind)) = KINDS.iter().find(|(word, _)| self.is(0, word)) {
            self.expect(word)?;
            return Ok(StatementKind::Show(*kind));
        }
        let error = self
            .unexpected("STREAMS, VIEWS, TABLES, AGGREGATIONS, QUERIES, FUNCTIONS or WINDOWS behind SHOW");
        let help = match self.word(0) {
            Some(word) => crate::diag::suggest(word, KINDS.iter().map(|(name, _)| *name))
                .map(|close| format!("did you mean `SHOW {close}`?")),
            None => None,
        };
        Err(match help {
            Some(help) => Box::new(error.help(help)),
            None => error,
        })
    }

    fn describe(&mut self) -> Result<StatementKind> {
        self.advance();
        if self.is_one_of(0, &["STREAM", "VIEW", "TABLE", "TRIGGER", "AGGREGATION"]) && self.word(1).is_some()
        {
            self.advance();
        }
        self.object_name("the name of a stream, view, table or aggregation").map(StatementKind::Describe)
    }

    fn drop_statement(&mut self) -> Result<StatementKind> {
        self.expect("DROP")?;
        let kind = if self.eat(&["STREAM"]) {
            DropKind::Stream
        } else if self.eat(&["VIEW"]) {
            DropKind::View
        } else if self.eat(&["AGGREGATION"]) {
            DropKind::Aggregation
        } else if self.eat(&["TABLE"]) {
            DropKind::Table
        } else if self.eat(&["TRIGGER"]) {
            DropKind::Trigger
        } else if self.eat(&["FUNCTION"]) {
            DropKind::Function
        } else {
            return Err(refuse::dropped(self));
        };
        let if_exists = self.eat(&["IF", "EXISTS"]);
        let name = self.object_name("its name")?;
        if self.is_one_of(0, &["CASCADE", "RESTRICT"]) {
            return Err(Box::new(
                self.error(
                    codes::CLAUSE,
                    "DROP takes no CASCADE or RESTRICT: what is still read is never dropped",
                )
                .help("drop the readers first"),
            ));
        }
        if self.is_token(0, &Token::Comma) {
            return Err(Box::new(
                self.unexpected("the end of the statement").help("drop one object with each statement"),
            ));
        }
        Ok(StatementKind::Drop { kind, if_exists, name })
    }
}
