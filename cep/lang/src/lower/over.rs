//! OVER calls: functions and frames.

use arrow_schema::DataType;
use datafusion_common::ScalarValue;
use datafusion_expr::expr::{NullTreatment, WindowFunction, WindowFunctionParams};
use datafusion_expr::{
    Expr as Typed, ExprSchemable, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
};

use crate::diag::codes;
use crate::plan::{AggFunc, Expr, ExprKind, OverCall, OverFrame, OverFunc, SortKey, over_text};

use super::aggregate::{AggregateLimits, Parts};
use super::error::Failure;
use super::expr::{Conversion, cast_to, checked_cast};
use super::types::column_type;

/// What OVER sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OverInput {
    /// A result with an end: every frame and function is possible.
    Bounded,
    /// A stream: nothing behind the current row is known.
    Endless,
}

impl Conversion<'_> {
    /// An OVER call over the conversion's columns.
    ///
    /// # Errors
    /// Frames and functions that look ahead on a stream, arguments that must be constants and are
    /// not.
    pub(crate) fn over(
        &self,
        typed: &Typed,
        call: &WindowFunction,
        input: OverInput,
        limits: AggregateLimits,
    ) -> Result<OverCall, Failure> {
        let WindowFunction { fun, params } = call;
        let WindowFunctionParams {
            args,
            partition_by,
            order_by,
            window_frame,
            filter,
            null_treatment,
            distinct,
        } = params;
        let data_type = column_type(&typed.get_type(self.columns.planner().as_ref())?);
        let order_by = self.sort_keys(order_by)?;
        let parts = Parts {
            name: fun.name(),
            args: self.exprs(args)?,
            distinct: *distinct,
            ignore_nulls: *null_treatment == Some(NullTreatment::IgnoreNulls),
            limits,
        };
        let filter = match filter {
            Some(filter) => Some(cast_to(self.expr(filter)?, &DataType::Boolean)),
            None => None,
        };
        let func = self.over_func(fun, parts, filter, &data_type)?;
        if input == OverInput::Endless {
            refuse_ahead(&func, fun.name())?;
        }
        let mut call = OverCall {
            func,
            partition_by: self.exprs(partition_by)?,
            frame: frame(window_frame, &order_by, input)?,
            order_by,
            name: String::new(),
            data_type,
        };
        call.name = over_text(&call, self.columns.schema());
        Ok(call)
    }

    fn over_func(
        &self,
        fun: &WindowFunctionDefinition,
        parts: Parts<'_>,
        filter: Option<Expr>,
        data_type: &DataType,
    ) -> Result<OverFunc, Failure> {
        let name = fun.name().to_owned();
        let is_value = matches!(name.as_str(), "first_value" | "last_value" | "nth_value");
        if let WindowFunctionDefinition::AggregateUDF(_) = fun
            && !(is_value && filter.is_none())
        {
            let call = parts.call(filter, Vec::new(), data_type.clone(), self.columns.schema())?;
            let instead = match &call.func {
                AggFunc::MinForever => Some("min"),
                AggFunc::MaxForever => Some("max"),
                _of_the_frame => None,
            };
            if let Some(instead) = instead {
                let help = format!(
                    "a frame that starts unbounded keeps everything: {instead}(x) OVER (ORDER BY ts)"
                );
                return Err(refused(&name, "OVER", &help));
            }
            return Ok(OverFunc::Aggregate(call));
        }
        if filter.is_some() {
            return Err(refused(&name, "FILTER", "filter the rows in a view first"));
        }
        if parts.distinct {
            return Err(refused(&name, "DISTINCT", "leave it out"));
        }
        let takes_nulls = is_value || matches!(name.as_str(), "lag" | "lead");
        if parts.ignore_nulls && !takes_nulls {
            return Err(refused(&name, "IGNORE NULLS", "leave it out"));
        }
        window_func(&name, parts, data_type)
    }
}

fn window_func(name: &str, parts: Parts<'_>, data_type: &DataType) -> Result<OverFunc, Failure> {
    let ignore_nulls = parts.ignore_nulls;
    let mut args = parts.args.into_iter();
    let value = |args: &mut std::vec::IntoIter<Expr>| {
        args.next().ok_or_else(|| wrong(name, "takes the value as its first argument"))
    };
    Ok(match name {
        "row_number" => OverFunc::RowNumber,
        "rank" => OverFunc::Rank,
        "dense_rank" => OverFunc::DenseRank,
        "percent_rank" => OverFunc::PercentRank,
        "cume_dist" => OverFunc::CumeDist,
        "ntile" => match whole(name, args.next(), "the number of buckets")?.map(u64::try_from) {
            Some(Ok(buckets)) if buckets >= 1 => OverFunc::Ntile(buckets),
            _ => return Err(wrong(name, "takes the number of buckets, at least 1")),
        },
        "lag" | "lead" => {
            let value = value(&mut args)?;
            let offset = whole(name, args.next(), "the offset")?.unwrap_or(1);
            let offset = if name == "lag" { Some(offset) } else { offset.checked_neg() };
            let offset = offset.ok_or_else(|| wrong(name, "has an offset that is too large"))?;
            let default = args.next().map(|default| checked_cast(default, data_type)).transpose()?;
            OverFunc::Lag { value, offset, default, ignore_nulls }
        }
        "first_value" => OverFunc::FirstValue { value: value(&mut args)?, ignore_nulls },
        "last_value" => OverFunc::LastValue { value: value(&mut args)?, ignore_nulls },
        "nth_value" => {
            let value = value(&mut args)?;
            match whole(name, args.next(), "the position")? {
                Some(n) if n >= 1 => OverFunc::NthValue { value, n, ignore_nulls },
                _ => return Err(wrong(name, "takes a position, counted from 1")),
            }
        }
        other => {
            return Err(Failure::new(
                codes::UNKNOWN_FUNCTION,
                format!("`{other}` OVER (…) is not supported yet"),
                "SHOW FUNCTIONS lists the library",
            ));
        }
    })
}

/// A literal whole number; `None` when the argument is missing.
fn whole(name: &str, arg: Option<Expr>, what: &str) -> Result<Option<i64>, Failure> {
    let Some(arg) = arg else {
        return Ok(None);
    };
    match &arg.kind {
        ExprKind::Literal(ScalarValue::Int64(Some(number))) => Ok(Some(*number)),
        ExprKind::Literal(ScalarValue::Int32(Some(number))) => Ok(Some((*number).into())),
        _computed => Err(wrong(name, &format!("needs {what} written out as a whole number")).at(arg.span)),
    }
}

fn refuse_ahead(func: &OverFunc, name: &str) -> Result<(), Failure> {
    let ahead = match func {
        OverFunc::PercentRank | OverFunc::CumeDist | OverFunc::Ntile(_) => true,
        OverFunc::Lag { offset, .. } => *offset < 0,
        OverFunc::Aggregate(_)
        | OverFunc::RowNumber
        | OverFunc::Rank
        | OverFunc::DenseRank
        | OverFunc::FirstValue { .. }
        | OverFunc::LastValue { .. }
        | OverFunc::NthValue { .. } => false,
    };
    if !ahead {
        return Ok(());
    }
    Err(Failure::new(
        codes::OVER,
        format!("`{name}` needs rows that have not come yet"),
        "put a window around it: FROM s WINDOW TUMBLING (SIZE 1 MINUTE); then it works on each window's rows",
    ))
}

/// The frame; on a stream the partition ends with the current row.
fn frame(frame: &WindowFrame, order_by: &[SortKey], input: OverInput) -> Result<OverFrame, Failure> {
    let start = bound(&frame.start_bound, order_by, frame.units)?;
    let mut end = bound(&frame.end_bound, order_by, frame.units)?;
    if input == OverInput::Endless {
        end = match end {
            None => Some(0),
            Some(end) if end > 0 => return Err(frame_ahead()),
            within => within,
        };
    }
    if let (Some(start), Some(end)) = (start, end)
        && start > end
    {
        return Err(Failure::new(
            codes::OVER,
            "the frame ends before it starts",
            "write the earlier bound first: ROWS BETWEEN 10 PRECEDING AND CURRENT ROW",
        ));
    }
    let units = match (frame.units, order_by.is_empty()) {
        // Without an order all rows are peers; arrival tells them apart on a stream.
        (WindowFrameUnits::Range | WindowFrameUnits::Groups, true) if input == OverInput::Endless => {
            WindowFrameUnits::Rows
        }
        (units, _) => units,
    };
    Ok(match units {
        WindowFrameUnits::Rows => OverFrame::Rows { start, end },
        WindowFrameUnits::Range => OverFrame::Range { start, end },
        WindowFrameUnits::Groups => OverFrame::Groups { start, end },
    })
}

/// A frame that reaches behind the current row of a stream.
pub(crate) fn frame_ahead() -> Failure {
    Failure::new(
        codes::OVER,
        "the frame reaches behind the current row, to rows that have not come yet",
        "end it at CURRENT ROW, or put a window around the query: FROM s WINDOW TUMBLING (SIZE 1 MINUTE)",
    )
}

/// A bound relative to the current row, `None` for UNBOUNDED.
fn bound(
    bound: &WindowFrameBound,
    order_by: &[SortKey],
    units: WindowFrameUnits,
) -> Result<Option<i64>, Failure> {
    let (value, sign) = match bound {
        WindowFrameBound::CurrentRow => return Ok(Some(0)),
        WindowFrameBound::Preceding(value) => (value, -1),
        WindowFrameBound::Following(value) => (value, 1),
    };
    if value.is_null() {
        return Ok(None);
    }
    let distance = match units {
        WindowFrameUnits::Rows | WindowFrameUnits::Groups => rows(value),
        WindowFrameUnits::Range => range(value, order_by),
    };
    match distance {
        Some(distance) if distance >= 0 => Ok(Some(sign * distance)),
        _ => Err(Failure::new(
            codes::OVER,
            format!("{value} is no distance for this frame"),
            "ROWS and GROUPS take whole numbers, RANGE over a TIMESTAMP a fixed INTERVAL and over integers whole numbers",
        )),
    }
}

fn rows(value: &ScalarValue) -> Option<i64> {
    match value.cast_to(&DataType::Int64) {
        Ok(ScalarValue::Int64(rows)) => rows,
        Ok(_) | Err(_) => None,
    }
}

/// A distance of RANGE: nanoseconds over times, units of the key over integers.
fn range(value: &ScalarValue, order_by: &[SortKey]) -> Option<i64> {
    const DAY_NS: i64 = 86_400_000_000_000;
    let [SortKey { expr, .. }] = order_by else {
        return None;
    };
    match value {
        ScalarValue::IntervalMonthDayNano(Some(interval)) if interval.months == 0 => {
            i64::from(interval.days).checked_mul(DAY_NS)?.checked_add(interval.nanoseconds)
        }
        ScalarValue::IntervalDayTime(Some(interval)) => i64::from(interval.days)
            .checked_mul(DAY_NS)?
            .checked_add(i64::from(interval.milliseconds) * 1_000_000),
        ScalarValue::DurationNanosecond(Some(ns)) => Some(*ns),
        ScalarValue::Utf8(Some(text)) if matches!(expr.data_type, DataType::Timestamp(_, _)) => {
            crate::sql::parse_duration_text(text)
                .ok()
                .filter(|d| d.months == 0)
                .and_then(|d| i64::from(d.days).checked_mul(DAY_NS)?.checked_add(d.nanos))
        }
        other if expr.data_type.is_integer() => rows(other),
        _ => None,
    }
}

fn refused(name: &str, clause: &str, help: &str) -> Failure {
    Failure::new(codes::CALL_CLAUSE, format!("`{name}` takes no {clause}"), help)
}

fn wrong(name: &str, why: &str) -> Failure {
    Failure::new(codes::ARGUMENTS, format!("`{name}` {why}"), "SHOW FUNCTIONS lists how it is called")
}
