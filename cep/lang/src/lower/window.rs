//! Windows: parameters resolved over the input.

use arrow_schema::{DataType, SchemaRef, TimeUnit};

use crate::ast::{Duration, Span, Window, WindowKind};
use crate::diag::{Diagnostic, Result, codes, suggest};
use crate::plan::{BatchWindow, Calendar, Expr, SlidingWindow, SortKey};

use super::columns::Columns;
use super::condition;
use super::context::Context;
use super::expr::cast_to;
use super::sqlast::{Scope, SqlExpr, SqlOrderBy, ordering};
use super::types::{TIMESTAMP, type_name};

/// Nanoseconds of a day without a zone.
const DAY_NS: i64 = 86_400_000_000_000;

/// Windows of HOP and CUMULATE that a row may be in. Each of them is a piece of state (some 1 kB) and,
/// once the watermark has passed it, a row of output.
const WINDOWS_OF_ROW_MAX: i64 = 100_000;

/// A window by what it emits.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// On close.
    Batch(BatchWindow),
    /// For every row.
    Sliding(SlidingWindow),
    /// Rows pass later, ns.
    Delay(i64),
}

/// Builds windows over one input.
pub(crate) struct Builder<'a> {
    /// The statement.
    pub context: &'a Context<'a>,
    /// The input's columns.
    pub schema: &'a SchemaRef,
    /// Those that are its event time.
    pub times: &'a [usize],
    /// The input's name.
    pub qualifier: Option<&'a str>,
}

impl Builder<'_> {
    /// The window with its parameters resolved.
    ///
    /// # Errors
    /// Columns that do not exist or have the wrong type, lengths that do not fit the calendar, a
    /// time column that is not the event time.
    pub(crate) fn window(&self, window: &Window) -> Result<Kind> {
        let Window { kind, time_column, span } = window;
        if let Some(column) = time_column {
            self.check_time_column(column, kind)?;
        }
        let span = *span;
        Ok(match kind {
            WindowKind::Tumbling { size, offset, zone } => Kind::Batch(BatchWindow::Tumbling {
                size: *size,
                calendar: self.calendar(&[*size], *offset, zone.as_deref(), span)?,
            }),
            WindowKind::Hop { size, slide, offset, zone } => {
                let calendar = self.calendar(&[*size, *slide], *offset, zone.as_deref(), span)?;
                check_windows_of_row(*size, ("SLIDE", *slide), span)?;
                Kind::Batch(BatchWindow::Hop { size: *size, slide: *slide, calendar })
            }
            WindowKind::Cumulate { step, size, offset, zone } => {
                check_multiple(*size, *step, span)?;
                check_windows_of_row(*size, ("STEP", *step), span)?;
                Kind::Batch(BatchWindow::Cumulate {
                    step: *step,
                    size: *size,
                    calendar: self.calendar(&[*size, *step], *offset, zone.as_deref(), span)?,
                })
            }
            WindowKind::Session { gap, keys } => {
                Kind::Batch(BatchWindow::Session { gap_ns: fixed_ns(*gap, span)?, keys: self.exprs(keys)? })
            }
            WindowKind::Time { size } => {
                Kind::Sliding(SlidingWindow::Time { size_ns: fixed_ns(*size, span)? })
            }
            WindowKind::TimeBatch { size, start } => Kind::Batch(BatchWindow::TimeBatch {
                size_ns: fixed_ns(*size, span)?,
                start_ns: self.start(start.as_ref())?,
            }),
            WindowKind::Length { rows } => Kind::Sliding(SlidingWindow::Length { rows: *rows }),
            WindowKind::LengthBatch { rows } => Kind::Batch(BatchWindow::LengthBatch { rows: *rows }),
            WindowKind::TimeLength { size, rows } => {
                Kind::Sliding(SlidingWindow::TimeLength { size_ns: fixed_ns(*size, span)?, rows: *rows })
            }
            WindowKind::ExternalTime { column, size } => Kind::Sliding(SlidingWindow::ExternalTime {
                time: self.time(column)?,
                size_ns: fixed_ns(*size, span)?,
            }),
            WindowKind::ExternalTimeBatch { column, size, start, timeout } => {
                Kind::Batch(BatchWindow::ExternalTimeBatch {
                    time: self.time(column)?,
                    size_ns: fixed_ns(*size, span)?,
                    start_ns: self.start(start.as_ref())?,
                    timeout_ns: timeout.map(|t| fixed_ns(t, span)).transpose()?,
                })
            }
            WindowKind::Batch => Kind::Batch(BatchWindow::Batch),
            WindowKind::Sort { rows, order } => {
                Kind::Sliding(SlidingWindow::Sort { rows: *rows, order: self.orders(order)? })
            }
            WindowKind::Unique { keys } => Kind::Sliding(SlidingWindow::Unique { keys: self.exprs(keys)? }),
            WindowKind::FirstUnique { keys } => {
                Kind::Sliding(SlidingWindow::FirstUnique { keys: self.exprs(keys)? })
            }
            WindowKind::Delay { delay } => Kind::Delay(fixed_ns(*delay, span)?),
            WindowKind::Cron { expression } => {
                check_cron(expression, span)?;
                Kind::Batch(BatchWindow::Cron { expression: expression.clone() })
            }
            WindowKind::Expression { condition } => Kind::Sliding(SlidingWindow::Expression {
                condition: condition::lower(self.context, condition, self.schema, self.qualifier)?,
            }),
            WindowKind::ExpressionBatch { condition, include_triggering } => {
                Kind::Batch(BatchWindow::ExpressionBatch {
                    condition: condition::lower(self.context, condition, self.schema, self.qualifier)?,
                    include_triggering: *include_triggering,
                })
            }
            WindowKind::Frequent { counters, keys } => {
                Kind::Sliding(SlidingWindow::Frequent { counters: *counters, keys: self.exprs(keys)? })
            }
            WindowKind::LossyFrequent { support, error, keys } => {
                if error >= support {
                    return Err(wrong(
                        span,
                        "ERROR is smaller than SUPPORT",
                        "leave it out to get a tenth of SUPPORT",
                    ));
                }
                Kind::Sliding(SlidingWindow::LossyFrequent {
                    support: *support,
                    error: *error,
                    keys: self.exprs(keys)?,
                })
            }
        })
    }

    /// `DESCRIPTOR(col)`: the column must be the one by which the window is closed.
    fn check_time_column(&self, column: &crate::ast::Name, kind: &WindowKind) -> Result<()> {
        let fields = self.schema.fields();
        let Some(index) = fields.iter().position(|f| column.matches(f.name())) else {
            let help = match suggest(&column.text, fields.iter().map(|f| f.name().as_str())) {
                Some(close) => format!("did you mean `{close}`?"),
                None => "DESCRIPTOR names the column with the event time".to_owned(),
            };
            let message = format!("there is no column `{}`", column.text);
            return Err(Box::new(Diagnostic::at(codes::UNKNOWN_COLUMN, column.span, message).help(help)));
        };
        let by_event_time = matches!(
            kind,
            WindowKind::Tumbling { .. }
                | WindowKind::Hop { .. }
                | WindowKind::Cumulate { .. }
                | WindowKind::Session { .. }
        );
        if !by_event_time || self.times.contains(&index) {
            return Ok(());
        }
        let help = match self.times.first() {
            Some(time) => format!(
                "the event time is `{}`; or use WINDOW EXTERNALTIMEBATCH ({}, …)",
                fields[*time].name(),
                column.text
            ),
            None => format!(
                "set \"event.time\" = '{}' on the stream; or use WINDOW EXTERNALTIMEBATCH ({}, …)",
                column.text, column.text
            ),
        };
        let message =
            format!("`{}` is not the event time of this stream, by which windows close", column.text);
        Err(Box::new(Diagnostic::at(codes::WINDOW_TIME, column.span, message).help(help)))
    }

    fn calendar(
        &self,
        lengths: &[Duration],
        offset: Option<Duration>,
        zone: Option<&str>,
        span: Span,
    ) -> Result<Calendar> {
        for length in lengths {
            if length.months != 0 && (length.days != 0 || length.nanos != 0) {
                return Err(wrong(
                    span,
                    "a window's length is whole months, or days and shorter units, not both",
                    "write 1 MONTH or 30 DAYS",
                ));
            }
            if length.months == 0 {
                fixed_ns(*length, span)?;
            }
        }
        if lengths.iter().any(|l| l.months == 0) && lengths.iter().any(|l| l.months != 0) {
            return Err(wrong(
                span,
                "the lengths of one window are all in months or all in shorter units",
                "write both in months or both in days",
            ));
        }
        let zone = match zone {
            None => None,
            Some(name) => Some(self.zone(name, span)?),
        };
        Ok(Calendar { offset: offset.unwrap_or_default(), zone })
    }

    fn zone(&self, name: &str, span: Span) -> Result<chrono_tz::Tz> {
        zone(name, span)
    }

    fn scope(&self) -> Scope<'_> {
        Scope::of(self.qualifier, self.schema, self.context.registry())
    }

    fn exprs(&self, keys: &[SqlExpr]) -> Result<Vec<Expr>> {
        let columns = Columns::named(self.schema);
        keys.iter().map(|key| self.context.scalar(key, &self.scope(), &columns)).collect()
    }

    fn orders(&self, order: &[SqlOrderBy]) -> Result<Vec<SortKey>> {
        let columns = Columns::named(self.schema);
        order
            .iter()
            .map(|item| {
                let item = ordering(item);
                let expr = self.context.scalar(&item.expr, &self.scope(), &columns)?;
                Ok(SortKey { expr, descending: item.descending, nulls_first: item.nulls_first })
            })
            .collect()
    }

    /// A time column: TIMESTAMP or DATE, or whole milliseconds since 1970.
    fn time(&self, column: &SqlExpr) -> Result<Expr> {
        let expr = self.context.scalar(column, &self.scope(), &Columns::named(self.schema))?;
        let millis = DataType::Timestamp(TimeUnit::Millisecond, None);
        match expr.data_type {
            DataType::Timestamp(_, _) | DataType::Date32 => Ok(cast_to(expr, &TIMESTAMP)),
            DataType::Int64 => Ok(cast_to(cast_to(expr, &millis), &TIMESTAMP)),
            ref other => {
                let message = format!(
                    "a time is TIMESTAMP, or BIGINT milliseconds since 1970, not {}",
                    type_name(other)
                );
                let span = expr.span.unwrap_or_default();
                let help = "convert it: CAST(x AS TIMESTAMP)";
                Err(Box::new(Diagnostic::at(codes::EVENT_TIME_TYPE, span, message).help(help)))
            }
        }
    }

    fn start(&self, start: Option<&SqlExpr>) -> Result<Option<i64>> {
        start.map(|start| self.context.constant_time(start)).transpose()
    }
}

/// A zone by its IANA name.
///
/// # Errors
/// There is none of that name.
pub(crate) fn zone(name: &str, span: Span) -> Result<chrono_tz::Tz> {
    let known = chrono_tz::TZ_VARIANTS.iter();
    if let Some(zone) = known.clone().find(|zone| zone.name().eq_ignore_ascii_case(name)) {
        return Ok(*zone);
    }
    let help = match suggest(name, known.map(|zone| zone.name())) {
        Some(close) => format!("did you mean '{close}'?"),
        None => "write an IANA name such as 'Europe/Berlin'".to_owned(),
    };
    Err(Box::new(Diagnostic::at(codes::ZONE, span, format!("'{name}' is no time zone")).help(help)))
}

/// A length of time without months in nanoseconds.
pub(super) fn fixed_ns(duration: Duration, span: Span) -> Result<i64> {
    let ns = i64::from(duration.days).checked_mul(DAY_NS).and_then(|days| days.checked_add(duration.nanos));
    match ns {
        Some(ns) if ns > 0 && duration.months == 0 => Ok(ns),
        _ => Err(wrong(
            span,
            "this length must be fixed, positive, and below 292 years",
            "write it in days or shorter units",
        )),
    }
}

/// Months, or nanoseconds.
fn units(d: Duration) -> Option<i64> {
    match d.months {
        0 => i64::from(d.days).checked_mul(DAY_NS).and_then(|days| days.checked_add(d.nanos)),
        months => Some(i64::from(months)),
    }
}

/// A row is not in more windows than it can be answered for.
fn check_windows_of_row(size: Duration, (name, step): (&str, Duration), span: Span) -> Result<()> {
    match (units(size), units(step)) {
        (Some(size), Some(step)) if step > 0 && size / step > WINDOWS_OF_ROW_MAX => {
            let message =
                format!("a row would be in {} windows; it can be in {WINDOWS_OF_ROW_MAX}", size / step);
            let help =
                format!("make {name} longer, or take WINDOW TIME (size), which gives a value for every row");
            Err(Box::new(Diagnostic::at(codes::WINDOW_PARAM, span, message).help(help)))
        }
        _ => Ok(()),
    }
}

fn check_multiple(size: Duration, step: Duration, span: Span) -> Result<()> {
    let same_unit = (size.months == 0) == (step.months == 0);
    match (units(size), units(step)) {
        (Some(size), Some(step)) if !same_unit || (step > 0 && size % step == 0) => Ok(()),
        _ => Err(wrong(span, "SIZE is a multiple of STEP", "write for example STEP 1 MINUTE, SIZE 1 HOUR")),
    }
}

/// Checks a cron expression.
///
/// # Errors
/// It is none.
pub(crate) fn check_cron(expression: &str, span: Span) -> Result<()> {
    let parsed = croner::parser::CronParser::builder()
        .seconds(croner::parser::Seconds::Optional)
        .build()
        .parse(expression);
    match parsed {
        Ok(_) => Ok(()),
        Err(error) => {
            let message = format!("'{expression}' is no cron expression: {error}");
            let help = "five fields (minute hour day month weekday), or six with seconds first";
            Err(Box::new(Diagnostic::at(codes::CRON, span, message).help(help)))
        }
    }
}

fn wrong(span: Span, message: &str, help: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::at(codes::WINDOW_PARAM, span, message).help(help))
}
