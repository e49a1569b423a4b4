//! Triggers: streams whose rows time makes.

use super::{Name, Span};

/// `CREATE TRIGGER name AT START | EVERY duration | CRON 'expression'`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTrigger {
    /// Its name, which is that of its stream.
    pub name: Name,
    /// When it fires.
    pub schedule: Schedule,
    /// Where the schedule stands.
    pub schedule_span: Span,
}

/// When a trigger fires, in log time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// Once, with the first stamp.
    Start,
    /// At the whole multiples since 1970 of so many nanoseconds.
    Every(i64),
    /// At the times of a cron expression, UTC.
    Cron(String),
}
