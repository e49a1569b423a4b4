//! One scalar function of ours, written as data: name, parameters, result and kernel.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::{DataType, Field, FieldRef, IntervalUnit, TimeUnit};
use cep_types::sql_type::sql_type_name;
use datafusion_common::{Result, internal_err, plan_err};
use datafusion_expr::binary::type_union_resolution;
use datafusion_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion_expr::{
    ColumnarValue, DocSection, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};

use super::call::Call;
use super::json::tag_json;

/// What one argument may be, and what it is coerced to before the kernel runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Param {
    /// STRING (or JSON), handed over as `Utf8`.
    Text,
    /// STRING or BYTES, handed over as `Binary`.
    Bytes,
    /// STRING or an integer, handed over as `Utf8` or `Int64`: a step of a JSON path.
    TextOrInt,
    /// Any integer, handed over as `Int64`.
    Int,
    /// Any number, handed over as `Float64`.
    Double,
    /// Any number; `Float32` when every argument of this kind is FLOAT, otherwise `Float64`.
    Float,
    /// BOOL.
    Bool,
    /// TIMESTAMP, DATE or a text that reads as one, handed over as `Timestamp(Nanosecond, zone)`.
    Timestamp,
    /// INTERVAL, handed over as `Interval(MonthDayNano)`.
    Interval,
    /// Arguments of this kind are coerced to one type that holds them all.
    Common,
    /// Anything, handed over as it is (dictionaries and views are unpacked).
    Any,
}

/// The parameters of a function: `required`, then up to `optional`, then any number of `rest`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Params {
    pub(super) required: &'static [Param],
    pub(super) optional: &'static [Param],
    pub(super) rest: Option<Param>,
}

impl Params {
    /// Exactly these arguments.
    pub(super) const fn exactly(required: &'static [Param]) -> Self {
        Self { required, optional: &[], rest: None }
    }

    /// These arguments, the second list may be left out from its end.
    pub(super) const fn with_optional(required: &'static [Param], optional: &'static [Param]) -> Self {
        Self { required, optional, rest: None }
    }

    /// These arguments and then any number of `rest`.
    pub(super) const fn variadic(required: &'static [Param], rest: Param) -> Self {
        Self { required, optional: &[], rest: Some(rest) }
    }

    fn at(&self, index: usize) -> Option<Param> {
        self.required.iter().chain(self.optional).nth(index).copied().or(self.rest)
    }
}

/// The result type of a function.
#[derive(Debug, Clone)]
pub(super) enum Returns {
    /// Always this type.
    Type(DataType),
    /// JSON: `Utf8` tagged with the JSON extension name.
    Json,
    /// Computed from the coerced argument types.
    Of(fn(&[DataType]) -> Result<DataType>),
}

/// A rewrite of a call into an expression, for functions that must not evaluate every argument.
pub(super) type Rewrite = fn(Vec<Expr>) -> Result<Expr>;

/// A check of literal arguments at planning time; the index of an argument selects its literal.
pub(super) type LiteralCheck = fn(&ReturnFieldArgs<'_>) -> Result<()>;

/// A scalar function written as data.
#[derive(Debug, Clone)]
pub(super) struct Definition {
    pub(super) name: &'static str,
    pub(super) aliases: &'static [&'static str],
    /// For example `clamp(x, low, high)`.
    pub(super) syntax: &'static str,
    /// One line, shown by `SHOW FUNCTIONS`.
    pub(super) doc: &'static str,
    pub(super) params: Params,
    pub(super) returns: Returns,
    /// Column kernel; every argument has its coerced type.
    pub(super) eval: fn(&Call<'_>) -> Result<ArrayRef>,
    pub(super) rewrite: Option<Rewrite>,
    pub(super) check: Option<LiteralCheck>,
}

impl Definition {
    /// A function without rewrite and without planning-time check.
    pub(super) const fn new(
        name: &'static str,
        syntax: &'static str,
        doc: &'static str,
        params: Params,
        returns: Returns,
        eval: fn(&Call<'_>) -> Result<ArrayRef>,
    ) -> Self {
        Self { name, aliases: &[], syntax, doc, params, returns, eval, rewrite: None, check: None }
    }

    /// The same function with other names.
    pub(super) fn aliased(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// The same function, expanded to an expression by [`super::lower_calls`].
    pub(super) fn rewritten(mut self, rewrite: Rewrite) -> Self {
        self.rewrite = Some(rewrite);
        self
    }

    /// The same function with a check of its literal arguments at planning time.
    pub(super) fn checked(mut self, check: LiteralCheck) -> Self {
        self.check = Some(check);
        self
    }

    /// The DataFusion object under which the planner knows the function.
    pub(super) fn into_udf(self) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::new_from_impl(OwnScalar::new(self)))
    }
}

/// DataFusion's view of a [`Definition`].
#[derive(Debug)]
pub(super) struct OwnScalar {
    definition: Definition,
    aliases: Vec<String>,
    signature: Signature,
    documentation: Documentation,
}

impl OwnScalar {
    fn new(definition: Definition) -> Self {
        Self {
            aliases: definition.aliases.iter().map(|a| (*a).into()).collect(),
            // DataFusion asks a user-defined signature for types only when there are arguments.
            signature: if definition.params.required.is_empty()
                && definition.params.optional.is_empty()
                && definition.params.rest.is_none()
            {
                Signature::nullary(Volatility::Immutable)
            } else {
                Signature::user_defined(Volatility::Immutable)
            },
            documentation: Documentation::builder(DocSection::default(), definition.doc, definition.syntax)
                .build(),
            definition,
        }
    }

    /// The rewrite of this function's calls, if it has one.
    pub(super) fn rewrite(&self) -> Option<Rewrite> {
        self.definition.rewrite
    }
}

impl PartialEq for OwnScalar {
    fn eq(&self, other: &Self) -> bool {
        self.definition.name == other.definition.name
    }
}

impl Eq for OwnScalar {}

impl Hash for OwnScalar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.definition.name.hash(state);
    }
}

impl ScalarUDFImpl for OwnScalar {
    fn name(&self) -> &str {
        self.definition.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match &self.definition.returns {
            Returns::Type(data_type) => Ok(data_type.clone()),
            Returns::Json => Ok(DataType::Utf8),
            Returns::Of(of) => of(arg_types),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        if let Some(check) = self.definition.check {
            check(&args)?;
        }
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let field = Field::new(self.name(), self.return_type(&types)?, true);
        Ok(Arc::new(match self.definition.returns {
            Returns::Json => tag_json(field),
            Returns::Type(_) | Returns::Of(_) => field,
        }))
    }

    fn simplify(&self, args: Vec<Expr>, _info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        match self.definition.rewrite {
            Some(rewrite) => Ok(ExprSimplifyResult::Simplified(rewrite(args)?)),
            None => Ok(ExprSimplifyResult::Original(args)),
        }
    }

    fn short_circuits(&self) -> bool {
        self.definition.rewrite.is_some()
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        coerce(&self.definition, arg_types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let call = Call::new(self.name(), &args)?;
        let result = (self.definition.eval)(&call)?;
        if result.data_type() != args.return_field.data_type() || result.len() != call.rows() {
            return internal_err!(
                "{} produced {} rows of {} where {} of {} were due",
                self.name(),
                result.len(),
                result.data_type(),
                call.rows(),
                args.return_field.data_type()
            );
        }
        call.finish(result)
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

/// The types the kernel wants for arguments of `arg_types`, or what is wrong with them.
fn coerce(definition: &Definition, arg_types: &[DataType]) -> Result<Vec<DataType>> {
    let params = &definition.params;
    let count_max = params.required.len() + params.optional.len();
    if arg_types.len() < params.required.len() || (params.rest.is_none() && arg_types.len() > count_max) {
        return plan_err!(
            "{} does not take {} argument(s); it is called as {}",
            definition.name,
            arg_types.len(),
            definition.syntax
        );
    }
    let kinds: Vec<Param> =
        (0..arg_types.len()).map(|index| params.at(index).unwrap_or(Param::Any)).collect();
    let common = common_type(definition, &kinds, arg_types)?;
    let all_float32 = kinds
        .iter()
        .zip(arg_types)
        .filter(|(kind, _)| **kind == Param::Float)
        .all(|(_, data_type)| *data_type == DataType::Float32);
    kinds
        .iter()
        .zip(arg_types)
        .enumerate()
        .map(|(index, (kind, data_type))| {
            coerce_one(*kind, data_type, common.as_ref(), all_float32).map_or_else(
                || {
                    plan_err!(
                        "argument {} of {} cannot be {}; it is called as {}",
                        index + 1,
                        definition.name,
                        sql_type_name(data_type),
                        definition.syntax
                    )
                },
                Ok,
            )
        })
        .collect()
}

/// The one type of all [`Param::Common`] arguments.
fn common_type(definition: &Definition, kinds: &[Param], arg_types: &[DataType]) -> Result<Option<DataType>> {
    let types: Vec<DataType> = kinds
        .iter()
        .zip(arg_types)
        .filter(|(kind, _)| **kind == Param::Common)
        .map(|(_, data_type)| unpacked(data_type))
        .collect();
    if types.is_empty() {
        return Ok(None);
    }
    if types.iter().all(DataType::is_null) {
        return Ok(Some(DataType::Null));
    }
    // As everywhere: what holds a DECIMAL and a DOUBLE is a DOUBLE.
    if types.iter().any(DataType::is_floating) && types.iter().any(DataType::is_decimal) {
        return Ok(Some(DataType::Float64));
    }
    match type_union_resolution(&types) {
        Some(data_type) => Ok(Some(data_type)),
        None => plan_err!(
            "the arguments of {} have no common type ({}); CAST them to one",
            definition.name,
            types.iter().map(sql_type_name).collect::<Vec<_>>().join(", ")
        ),
    }
}

fn coerce_one(
    kind: Param,
    from: &DataType,
    common: Option<&DataType>,
    all_float32: bool,
) -> Option<DataType> {
    let from = unpacked(from);
    let is_text = matches!(from, DataType::Utf8 | DataType::LargeUtf8);
    let is_bytes = matches!(from, DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_));
    let is_null = from.is_null();
    match kind {
        Param::Text => (is_text || is_null).then_some(DataType::Utf8),
        Param::Bytes => (is_text || is_bytes || is_null).then_some(DataType::Binary),
        Param::TextOrInt if from.is_integer() => Some(DataType::Int64),
        Param::TextOrInt => (is_text || is_null).then_some(DataType::Utf8),
        Param::Int => (from.is_integer() || is_null).then_some(DataType::Int64),
        Param::Double => (from.is_numeric() || is_null).then_some(DataType::Float64),
        Param::Float if !(from.is_numeric() || is_null) => None,
        Param::Float if all_float32 => Some(DataType::Float32),
        Param::Float => Some(DataType::Float64),
        Param::Bool => (from == DataType::Boolean || is_null).then_some(DataType::Boolean),
        Param::Timestamp => match from {
            DataType::Timestamp(_, zone) => Some(DataType::Timestamp(TimeUnit::Nanosecond, zone)),
            DataType::Date32 | DataType::Date64 | DataType::Utf8 | DataType::LargeUtf8 | DataType::Null => {
                Some(DataType::Timestamp(TimeUnit::Nanosecond, None))
            }
            _ => None,
        },
        Param::Interval => (matches!(from, DataType::Interval(_)) || is_null || is_text)
            .then_some(DataType::Interval(IntervalUnit::MonthDayNano)),
        Param::Common => common.cloned(),
        Param::Any => Some(from),
    }
}

/// The plain type behind dictionaries and views.
fn unpacked(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, values) => unpacked(values),
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        other => other.clone(),
    }
}
