//! CREATE TRIGGER.

use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::{CreateTrigger, Schedule};
use crate::diag::{Diagnostic, Result, codes};

use super::cursor::Cursor;

const DAY_NS: i64 = 86_400 * 1_000_000_000;

impl Cursor<'_> {
    /// `name [AT] START | EVERY duration | [CRON] 'expression'`
    pub(super) fn create_trigger(&mut self) -> Result<CreateTrigger> {
        let name = self.object_name("the trigger's name")?;
        self.eat(&["AT"]);
        let start = self.span(0);
        let schedule = self.schedule()?;
        Ok(CreateTrigger { name, schedule, schedule_span: self.since(start) })
    }

    fn schedule(&mut self) -> Result<Schedule> {
        if self.eat(&["START"]) {
            return Ok(Schedule::Start);
        }
        if self.eat(&["EVERY"]) {
            let every = self.any_duration("the time between two rows")?;
            let ns = i64::from(every.length.days)
                .checked_mul(DAY_NS)
                .and_then(|days| days.checked_add(every.length.nanos))
                .filter(|ns| every.length.months == 0 && *ns > 0);
            return ns.map(Schedule::Every).ok_or_else(|| {
                Box::new(
                    Diagnostic::at(
                        codes::DURATION,
                        every.span,
                        "a trigger needs a fixed length of time above 0",
                    )
                    .help("count in days, or name the days of a month: CRON '0 0 1 * *'"),
                )
            });
        }
        let is_cron = self.eat(&["CRON"]);
        if let Token::SingleQuotedString(_) = self.token(0) {
            let text = self.string("a cron expression")?;
            return Ok(match text.trim() {
                start if !is_cron && start.eq_ignore_ascii_case("start") => Schedule::Start,
                cron => Schedule::Cron(cron.to_owned()),
            });
        }
        Err(Box::new(
            self.unexpected("when the trigger fires")
                .help("write AT START, AT EVERY 5 SECONDS or AT CRON '0 */5 * * * *'"),
        ))
    }
}
