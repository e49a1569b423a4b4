//! CREATE: which object it is; STREAM and VIEW.

use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::{CreateStream, CreateView, StatementKind};
use crate::diag::{Result, codes};

use super::cursor::Cursor;
use super::refuse;

impl Cursor<'_> {
    pub(super) fn create(&mut self) -> Result<StatementKind> {
        self.expect("CREATE")?;
        if self.are(&["OR", "REPLACE"]) {
            return Err(Box::new(
                self.error(
                    codes::OR_REPLACE,
                    "OR REPLACE is refused: replacing a definition would silently throw away its state",
                )
                .help("DROP the old one first, or give the new one another name"),
            ));
        }
        if self.eat(&["STREAM"]) {
            return self.create_stream().map(StatementKind::CreateStream);
        }
        if self.eat(&["VIEW"]) {
            return self.create_view().map(StatementKind::CreateView);
        }
        if self.eat(&["AGGREGATION"]) {
            return self.create_aggregation().map(StatementKind::CreateAggregation);
        }
        if self.eat(&["TABLE"]) {
            return self.create_table().map(StatementKind::CreateTable);
        }
        if self.eat(&["FUNCTION"]) {
            return self.create_function().map(|create| StatementKind::CreateFunction(Box::new(create)));
        }
        if self.eat(&["TRIGGER"]) {
            return self.create_trigger().map(StatementKind::CreateTrigger);
        }
        if self.eat(&["INDEX"]) {
            return self.create_index().map(StatementKind::CreateIndex);
        }
        Err(refuse::created(self))
    }

    fn create_stream(&mut self) -> Result<CreateStream> {
        let if_not_exists = self.eat(&["IF", "NOT", "EXISTS"]);
        let name = self.object_name("the stream's name")?;
        let columns = if self.is_token(0, &Token::LParen) { self.column_definitions()? } else { Vec::new() };
        let options = self.with_options()?;
        let query = if self.eat(&["AS"]) { Some(self.query()?) } else { None };
        if columns.is_empty() && query.is_none() {
            return Err(Box::new(
                self.unexpected(&format!("the columns of `{}`", name.text))
                    .help("write CREATE STREAM name (column TYPE, …) or CREATE STREAM name AS SELECT …"),
            ));
        }
        if query.is_some() && self.is(0, "WITH") {
            return Err(Box::new(
                self.unexpected("the end of the statement").help("WITH (…) stands before AS"),
            ));
        }
        Ok(CreateStream { name, if_not_exists, columns, options, query })
    }

    fn create_view(&mut self) -> Result<CreateView> {
        if self.are(&["IF", "NOT", "EXISTS"]) {
            return Err(Box::new(
                self.error(codes::CLAUSE, "CREATE VIEW takes no IF NOT EXISTS")
                    .help("a view has no state: drop it and create it again"),
            ));
        }
        let name = self.object_name("the view's name")?;
        let columns =
            if self.is_token(0, &Token::LParen) { self.name_list("a column name")? } else { Vec::new() };
        if self.is(0, "WITH") {
            return Err(Box::new(
                self.error(codes::CLAUSE, "a view has no options: it only names a query")
                    .help("use CREATE STREAM … WITH (…) AS SELECT … for something with a sink"),
            ));
        }
        self.expect("AS")?;
        let query = self.query()?;
        Ok(CreateView { name, columns, query })
    }
}
