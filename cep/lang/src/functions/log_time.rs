//! Time as the log tells it: `now()` and its relatives, and `event_time()`.
//!
//! These are marks in a plan. [`super::lower_calls`] replaces them by the expressions the engine
//! gives for the row's stamp and event time (R-DET-2); a mark is never evaluated.

use std::sync::Arc;

use arrow_schema::{DataType, TimeUnit};
use datafusion_common::{Result, internal_err};
use datafusion_expr::{
    Cast, ColumnarValue, DocSection, Documentation, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};

/// Canonical name of the mark for the row's stamp.
const NOW: &str = "now";

/// Canonical name of the mark for the row's event time.
const EVENT_TIME: &str = "event_time";

/// What a mark stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Mark {
    Now,
    CurrentDate,
    CurrentTime,
    EventTime,
}

impl Mark {
    const ALL: [Self; 4] = [Self::Now, Self::CurrentDate, Self::CurrentTime, Self::EventTime];

    fn name(self) -> &'static str {
        match self {
            Self::Now => NOW,
            Self::CurrentDate => "current_date",
            Self::CurrentTime => "current_time",
            Self::EventTime => EVENT_TIME,
        }
    }

    fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Now => &["current_timestamp", "localtimestamp"],
            Self::CurrentDate => &["today", "curdate"],
            Self::CurrentTime => &["localtime", "curtime"],
            Self::EventTime => &["eventtimestamp", "event_timestamp", "rowtime"],
        }
    }

    fn doc(self) -> &'static str {
        match self {
            Self::Now => {
                "The stamp of the row's log entry, UTC: the running maximum of event time with clock = event, the leader's wall clock at ingest with clock = ingest."
            }
            Self::CurrentDate => "The UTC date of now().",
            Self::CurrentTime => "The UTC time of day of now().",
            Self::EventTime => "The row's event time, UTC.",
        }
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Now | Self::EventTime => DataType::Timestamp(TimeUnit::Nanosecond, None),
            Self::CurrentDate => DataType::Date32,
            Self::CurrentTime => DataType::Time64(TimeUnit::Nanosecond),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct MarkFunction {
    mark: Mark,
    aliases: Vec<String>,
    signature: Signature,
    documentation: Documentation,
}

impl MarkFunction {
    fn new(mark: Mark) -> Self {
        Self {
            mark,
            aliases: mark.aliases().iter().map(|a| (*a).into()).collect(),
            signature: Signature::nullary(Volatility::Stable),
            documentation: Documentation::builder(
                DocSection::default(),
                mark.doc(),
                format!("{}()", mark.name()),
            )
            .build(),
        }
    }
}

impl ScalarUDFImpl for MarkFunction {
    fn name(&self) -> &str {
        self.mark.name()
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(self.mark.data_type())
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("{}() must be bound to the row's log time before it is evaluated", self.mark.name())
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

/// All marks.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    Mark::ALL.into_iter().map(|mark| Arc::new(ScalarUDF::new_from_impl(MarkFunction::new(mark)))).collect()
}

fn mark_of(function: &ScalarUDF) -> Option<Mark> {
    function.inner().downcast_ref::<MarkFunction>().map(|mark| mark.mark)
}

/// What a call of `function` stands for, given the expressions for stamp and event time; `None`
/// when the function is no mark.
pub(super) fn bound(function: &ScalarUDF, stamp: &Expr, event_time: &Expr) -> Option<Expr> {
    let mark = mark_of(function)?;
    let cast = |to: DataType| Expr::Cast(Cast::new(Box::new(stamp.clone()), to));
    Some(match mark {
        Mark::Now => stamp.clone(),
        Mark::EventTime => event_time.clone(),
        Mark::CurrentDate | Mark::CurrentTime => cast(mark.data_type()),
    })
}
