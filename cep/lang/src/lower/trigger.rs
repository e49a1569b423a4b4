//! CREATE TRIGGER: a stream of one column whose rows time makes.

use std::sync::Arc;

use arrow_schema::Field;
use cep_types::StreamId;
use cep_types::options::StreamOptions;

use crate::ast::{CreateTrigger, Schedule, Span};
use crate::diag::Result;
use crate::plan::{Clock, StreamOrigin, Trigger};

use super::catalog::StreamEntry;
use super::types::TIMESTAMP;
use super::{stream, window};

/// The column of a trigger's rows: when it was due.
const COLUMN: &str = "triggered_time";

/// The stream of a trigger, and the trigger.
///
/// # Errors
/// A cron expression that is none.
pub(crate) fn create(id: StreamId, create: &CreateTrigger, span: Span) -> Result<(StreamEntry, Trigger)> {
    let CreateTrigger { name, schedule, schedule_span } = create;
    if let Schedule::Cron(expression) = schedule {
        window::check_cron(expression, *schedule_span)?;
    }
    let fields = vec![Arc::new(Field::new(COLUMN, TIMESTAMP, false))];
    let mut entry = stream::entry(id, &name.text, fields, StreamOptions::internal(), Clock::Event, true);
    entry.stream.origin = StreamOrigin::Derived;
    entry.stream.time.clock = Clock::Event;
    entry.stream.time.column = Some(0);
    // Its rows come in order.
    entry.stream.time.lateness_ns = 0;
    entry.times = vec![0];
    entry.is_fed = true;
    let trigger = Trigger { stream: id, schedule: schedule.clone(), span: Some(span) };
    Ok((entry, trigger))
}
