//! OUTPUT rates (R-SQL-8).

use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::{OutputRate, RateEvery, RateKind};
use crate::diag::{Diagnostic, Result, codes};

use super::cursor::Cursor;

const FORMS: &str =
    "OUTPUT ALL|FIRST|LAST EVERY n EVENTS, … EVERY 5 SECONDS, or OUTPUT SNAPSHOT EVERY 5 SECONDS";

impl Cursor<'_> {
    /// `OUTPUT … EVERY …` when it comes next.
    pub(super) fn output_rate(&mut self) -> Result<Option<OutputRate>> {
        if !self.is(0, "OUTPUT") {
            return Ok(None);
        }
        let start = self.span(0);
        self.advance();
        let kind = if self.eat(&["ALL"]) || self.is(0, "EVERY") {
            RateKind::All
        } else if self.eat(&["FIRST"]) {
            RateKind::First
        } else if self.eat(&["LAST"]) {
            RateKind::Last
        } else if self.eat(&["SNAPSHOT"]) {
            RateKind::Snapshot
        } else {
            return Err(Box::new(
                self.unexpected("ALL, FIRST, LAST or SNAPSHOT").help(FORMS),
            ));
        };
        self.expect("EVERY")?;
        let every = self.rate_every()?;
        let span = self.since(start);
        if kind == RateKind::Snapshot && matches!(every, RateEvery::Events(_)) {
            return Err(Box::new(
                Diagnostic::at(
                    codes::RATE,
                    span,
                    "a snapshot is taken by time, not by events",
                )
                .help(FORMS),
            ));
        }
        Ok(Some(OutputRate { kind, every, span }))
    }

    fn rate_every(&mut self) -> Result<RateEvery> {
        if matches!(self.token(0), Token::Number(_, _))
            && self.is_one_of(1, &["EVENTS", "EVENT", "ROWS", "ROW"])
        {
            let rows = self.count("the number of events")?;
            self.advance();
            return Ok(RateEvery::Events(rows));
        }
        if matches!(self.token(0), Token::Number(_, _)) && self.word(1).is_none() {
            return Err(Box::new(
                self.error(codes::RATE, "a rate needs a unit").help(FORMS),
            ));
        }
        self.fixed_duration("an output rate")
            .map(|duration| RateEvery::Time(duration.length))
    }
}
