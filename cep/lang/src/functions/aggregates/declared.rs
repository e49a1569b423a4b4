//! Aggregates of ours, and DataFusion's under our rule that nobody runs their accumulators.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields};
use datafusion_common::{Result, not_impl_err, plan_err};
use datafusion_expr::function::AccumulatorArgs;
use datafusion_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, DocSection, Documentation, Signature, Volatility,
};
use datafusion_functions_aggregate::all_default_aggregate_functions;

use super::catalog::{AGGREGATES, AggregateDoc};
use cep_types::sql_type::sql_type_name;

/// One argument of an aggregate of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Argument {
    /// Anything.
    Any,
    /// A type with an order: no MAP, no JSON-like nesting.
    Ordered,
    /// Any number, as DOUBLE.
    Number,
    /// A probability or weight as a literal, DOUBLE.
    Fraction,
    /// A positive literal integer, BIGINT.
    Count,
    /// STRING.
    Text,
    /// BOOL.
    Condition,
}

impl Argument {
    fn coerce(self, from: &DataType) -> Option<DataType> {
        let from = match from {
            DataType::Dictionary(_, values) => values.as_ref(),
            other => other,
        };
        let number = from.is_numeric() || from.is_null();
        match self {
            Self::Any => Some(from.clone()),
            Self::Ordered => {
                (!matches!(from, DataType::Map(_, _) | DataType::Union(_, _))).then(|| from.clone())
            }
            Self::Number | Self::Fraction => number.then_some(DataType::Float64),
            Self::Count => from.is_integer().then_some(DataType::Int64),
            Self::Text => (matches!(from, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
                || from.is_null())
            .then_some(DataType::Utf8),
            Self::Condition => (*from == DataType::Boolean || from.is_null()).then_some(DataType::Boolean),
        }
    }
}

/// The result type as a function of the (coerced) type of the first argument.
type Returns = fn(&DataType) -> DataType;

#[derive(Debug)]
struct DeclaredAggregate {
    doc: &'static AggregateDoc,
    required: &'static [Argument],
    optional: &'static [Argument],
    returns: Returns,
    within_group: bool,
    aliases: Vec<String>,
    signature: Signature,
    documentation: Documentation,
}

impl PartialEq for DeclaredAggregate {
    fn eq(&self, other: &Self) -> bool {
        self.doc.name == other.doc.name
    }
}

impl Eq for DeclaredAggregate {}

impl Hash for DeclaredAggregate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.doc.name.hash(state);
    }
}

impl AggregateUDFImpl for DeclaredAggregate {
    fn name(&self) -> &str {
        self.doc.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types.first() {
            Some(first) => Ok((self.returns)(first)),
            None => plan_err!("{} is called as {}", self.doc.name, self.doc.syntax),
        }
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        if arg_types.len() < self.required.len()
            || arg_types.len() > self.required.len() + self.optional.len()
        {
            return plan_err!(
                "{} does not take {} argument(s); it is called as {}",
                self.doc.name,
                arg_types.len(),
                self.doc.syntax
            );
        }
        self.required
            .iter()
            .chain(self.optional)
            .zip(arg_types)
            .enumerate()
            .map(|(index, (argument, from))| match argument.coerce(from) {
                Some(to) => Ok(to),
                None => plan_err!(
                    "argument {} of {} cannot be {}; it is called as {}",
                    index + 1,
                    self.doc.name,
                    sql_type_name(from),
                    self.doc.syntax
                ),
            })
            .collect()
    }

    fn accumulator(&self, _args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        not_impl_err!("{} is a state of the engine", self.doc.name)
    }

    fn supports_within_group_clause(&self) -> bool {
        self.within_group
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

fn double(_: &DataType) -> DataType {
    DataType::Float64
}

fn bigint(_: &DataType) -> DataType {
    DataType::Int64
}

fn text(_: &DataType) -> DataType {
    DataType::Utf8
}

fn same(first: &DataType) -> DataType {
    first.clone()
}

fn list_of(item: &DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item.clone(), true)))
}

fn set_of(first: &DataType) -> DataType {
    match first {
        DataType::List(_) => first.clone(),
        DataType::LargeList(item) | DataType::FixedSizeList(item, _) => list_of(item.data_type()),
        item => list_of(item),
    }
}

fn counted_values(item: &DataType) -> DataType {
    let fields: Fields =
        vec![Field::new("value", item.clone(), true), Field::new("count", DataType::Int64, false)].into();
    list_of(&DataType::Struct(fields))
}

/// Shape of an aggregate of ours; `None` when DataFusion's declaration serves.
#[allow(clippy::type_complexity)]
fn shape(name: &str) -> Option<(&'static [Argument], &'static [Argument], Returns)> {
    use Argument::{Any, Condition, Count, Fraction, Number, Ordered, Text};
    let shape: (&'static [Argument], &'static [Argument], Returns) = match name {
        "approx_count_distinct" | "count_distinct" => (&[Any], &[], bigint),
        "count_if" => (&[Condition], &[], bigint),
        "percentile" | "approx_percentile_kll" => (&[Number, Fraction], &[], double),
        "median" | "rate" | "increase" => (&[Number], &[], double),
        "ewma" => (&[Number, Fraction], &[], double),
        "arg_max" | "arg_min" => (&[Any, Ordered], &[], same),
        "max_forever" | "min_forever" | "mode" => (&[Ordered], &[], same),
        "regr_count" => (&[Number, Number], &[], bigint),
        "string_agg" => (&[Text], &[Text], text),
        "topk" => (&[Ordered, Count], &[], counted_values),
        "union_set" => (&[Ordered], &[], set_of),
        _ => return None,
    };
    Some(shape)
}

fn declare(doc: &'static AggregateDoc) -> Option<Arc<AggregateUDF>> {
    let (required, optional, returns) = shape(doc.name)?;
    Some(Arc::new(AggregateUDF::new_from_impl(DeclaredAggregate {
        doc,
        required,
        optional,
        returns,
        within_group: doc.name == "percentile",
        aliases: doc.aliases.iter().map(|alias| (*alias).into()).collect(),
        signature: Signature::user_defined(Volatility::Immutable),
        documentation: Documentation::builder(DocSection::default(), doc.doc, doc.syntax).build(),
    })))
}

/// The declaration of every aggregate in [`AGGREGATES`].
pub(in crate::functions) fn functions() -> Vec<(&'static AggregateDoc, Arc<AggregateUDF>)> {
    let theirs = all_default_aggregate_functions();
    AGGREGATES
        .iter()
        .filter_map(|doc| {
            let function = declare(doc)
                .or_else(|| theirs.iter().find(|function| function.name() == doc.name).cloned())?;
            Some((doc, function))
        })
        .collect()
}
