//! CREATE AGGREGATION (R-SQL-7).

use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::{CreateAggregation, Grain, Name};
use crate::diag::{Diagnostic, Result, codes, suggest};

use super::cursor::Cursor;

const GRAINS: &[(Grain, &[&str])] = &[
    (Grain::Second, &["SECONDS", "SECOND", "SEC"]),
    (Grain::Minute, &["MINUTES", "MINUTE", "MIN"]),
    (Grain::Hour, &["HOURS", "HOUR"]),
    (Grain::Day, &["DAYS", "DAY"]),
    (Grain::Week, &["WEEKS", "WEEK"]),
    (Grain::Month, &["MONTHS", "MONTH"]),
    (Grain::Year, &["YEARS", "YEAR"]),
];

/// The grain of a word, singular or plural, any case.
fn grain_of(word: &str) -> Option<Grain> {
    GRAINS
        .iter()
        .find(|(_, names)| names.iter().any(|n| n.eq_ignore_ascii_case(word)))
        .map(|(grain, _)| *grain)
}

impl Cursor<'_> {
    pub(super) fn create_aggregation(&mut self) -> Result<CreateAggregation> {
        if self.are(&["IF", "NOT", "EXISTS"]) {
            return Err(Box::new(
                self.error(codes::CLAUSE, "CREATE AGGREGATION takes no IF NOT EXISTS")
                    .help("leave it out"),
            ));
        }
        let name = self.object_name("the aggregation's name")?;
        let options = self.with_options()?;
        self.expect("AS")?;
        let query = self.query()?;
        if !self.is(0, "AGGREGATE") {
            return Err(Box::new(self.unexpected("AGGREGATE").help(
                "end the definition with AGGREGATE BY ts EVERY SECONDS … YEARS",
            )));
        }
        self.advance();
        let by = if self.eat(&["BY"]) {
            Some(self.time_column()?)
        } else {
            None
        };
        self.expect("EVERY")?;
        let grains = self.grains()?;
        Ok(CreateAggregation {
            name,
            options,
            query,
            by,
            grains,
        })
    }

    /// `ts` or `s.ts`: the last part names the column.
    fn time_column(&mut self) -> Result<Name> {
        let mut name = self.name("the column with the event time")?;
        while self.eat_token(&Token::Period) {
            name = self.name("the column with the event time")?;
        }
        Ok(name)
    }

    /// `SECONDS, MINUTES, DAYS` or `SECONDS … YEARS` (also `SECONDS...YEARS`).
    fn grains(&mut self) -> Result<Vec<Grain>> {
        let start = self.span(0);
        let first = self.grain()?;
        if self.eat_ellipsis() {
            let last = self.grain()?;
            if last < first {
                return Err(Box::new(
                    Diagnostic::at(
                        codes::GRAIN,
                        self.since(start),
                        "a range of grains goes from fine to coarse",
                    )
                    .help("write SECONDS … YEARS"),
                ));
            }
            // Weeks do not nest with months and years, so a range leaves them out; a list may
            // name them.
            return Ok(GRAINS
                .iter()
                .map(|(grain, _)| *grain)
                .filter(|g| (first..=last).contains(g))
                .filter(|g| *g != Grain::Week || first == Grain::Week || last == Grain::Week)
                .collect());
        }
        let mut grains = vec![first];
        while self.eat_token(&Token::Comma) {
            let span = self.span(0);
            let grain = self.grain()?;
            if grains.contains(&grain) {
                return Err(Box::new(
                    Diagnostic::at(codes::GRAIN, span, "this grain is given twice")
                        .help("name each grain once"),
                ));
            }
            grains.push(grain);
        }
        grains.sort();
        Ok(grains)
    }

    fn grain(&mut self) -> Result<Grain> {
        let Some(word) = self.word(0) else {
            return Err(
                self.unexpected("a grain: SECONDS, MINUTES, HOURS, DAYS, WEEKS, MONTHS or YEARS")
            );
        };
        match grain_of(word) {
            Some(grain) => {
                self.advance();
                Ok(grain)
            }
            None => {
                let error = self.error(codes::GRAIN, format!("`{word}` is no grain"));
                let close = suggest(word, GRAINS.iter().map(|(_, names)| names[0]));
                Err(Box::new(match close {
                    Some(close) => error.help(format!("did you mean `{close}`?")),
                    None => error.help("SECONDS, MINUTES, HOURS, DAYS, WEEKS, MONTHS or YEARS"),
                }))
            }
        }
    }

    /// `…` or `...`, or the word TO.
    fn eat_ellipsis(&mut self) -> bool {
        let dots = |c: &Self, n: usize| (0..n).all(|i| c.is_token(i, &Token::Period));
        if dots(self, 3) {
            self.advance();
            self.advance();
            self.advance();
            return true;
        }
        self.eat_token(&Token::Char('…')) || self.eat(&["TO"])
    }

    /// The grain of `PER 'hours'`, quoted or not.
    pub(super) fn per_grain(&mut self) -> Result<Grain> {
        if let Token::SingleQuotedString(text) = self.token(0) {
            let Some(grain) = grain_of(text.trim()) else {
                let error = self.error(codes::GRAIN, format!("'{text}' is no grain"));
                return Err(Box::new(error.help(
                    "'seconds', 'minutes', 'hours', 'days', 'weeks', 'months' or 'years'",
                )));
            };
            self.advance();
            return Ok(grain);
        }
        self.grain()
    }
}
