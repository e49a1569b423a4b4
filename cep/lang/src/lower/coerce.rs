//! Types of operands that must be one type: DataFusion's coercion, with our rules before it.
//!
//! - Where a DECIMAL meets a FLOAT or DOUBLE, both become DOUBLE, as they do in arithmetic and in
//!   UNION ALL: no DECIMAL has room for every DOUBLE. A constant such as `2.5` is exact as a DECIMAL and
//!   becomes one, so that `amount > 2.5` compares exactly.
//! - Bit operators take integers and nothing that would have to be rounded first.

use arrow_schema::DataType;
use datafusion_common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRewriter};
use datafusion_common::{DFSchema, DataFusionError, Result, ScalarValue, plan_err};
use datafusion_expr::{BinaryExpr, Case, Expr, ExprSchemable, Operator, WindowFunctionDefinition};
use datafusion_optimizer::analyzer::type_coercion::TypeCoercionRewriter;

use cep_types::sql_type::sql_type_name;

/// Functions whose arguments from this one on become one type.
const ONE_TYPE: &[(&str, usize)] = &[
    ("array", 0),
    ("coalesce", 0),
    ("greatest", 0),
    ("ifnull", 0),
    ("least", 0),
    ("make_array", 0),
    ("nullif", 0),
    ("nvl", 0),
    ("nvl2", 1),
];

/// Most digits of a DECIMAL.
const DIGITS_MAX: usize = 38;

/// `expr` with every conversion written as a cast.
///
/// # Errors
/// Types that do not fit.
pub(super) fn coerced(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    expr.rewrite(&mut Coercion { schema, inner: TypeCoercionRewriter::new(schema) }).data()
}

struct Coercion<'a> {
    schema: &'a DFSchema,
    inner: TypeCoercionRewriter<'a>,
}

impl TreeNodeRewriter for Coercion<'_> {
    type Node = Expr;

    fn f_up(&mut self, expr: Expr) -> Result<Transformed<Expr>> {
        let call = self.call(&expr);
        let coerced = self.prepared(expr).and_then(|expr| self.inner.f_up(expr));
        coerced.map_err(|error| match call {
            Some(call) if !is_plain(&error) => DataFusionError::Plan(call),
            _no_call => error,
        })
    }
}

impl Coercion<'_> {
    /// `expr`, whose operands have their final types, as our rules want it.
    fn prepared(&self, mut expr: Expr) -> Result<Expr> {
        match &mut expr {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                if compares(*op) {
                    self.unify(&mut [left, right])?;
                } else if let Some(instead) = bit_operator(*op) {
                    self.integers(*op, left, instead)?;
                    self.integers(*op, right, instead)?;
                }
            }
            Expr::Between(between) => {
                self.unify(&mut [&mut between.expr, &mut between.low, &mut between.high])?;
            }
            Expr::InList(list) => {
                let mut group: Vec<&mut Expr> = list.list.iter_mut().collect();
                group.push(&mut list.expr);
                self.unify(&mut group)?;
            }
            Expr::Case(Case { expr: operand, when_then_expr, else_expr }) => {
                let (mut whens, mut thens) = (Vec::new(), Vec::new());
                for (when, then) in when_then_expr {
                    whens.push(when.as_mut());
                    thens.push(then.as_mut());
                }
                if let Some(operand) = operand {
                    whens.push(operand);
                    self.unify(&mut whens)?;
                }
                thens.extend(else_expr.as_deref_mut());
                self.unify(&mut thens)?;
            }
            Expr::ScalarFunction(call) => {
                if let Some((_, first)) = ONE_TYPE.iter().find(|(name, _)| *name == call.func.name()) {
                    let mut group: Vec<&mut Expr> = call.args.iter_mut().skip(*first).collect();
                    self.unify(&mut group)?;
                }
            }
            _one_operand_or_none => {}
        }
        Ok(expr)
    }

    /// Makes the DECIMALs of `group` DOUBLEs, or its DOUBLE constants DECIMALs, when it has both.
    fn unify(&self, group: &mut [&mut Expr]) -> Result<()> {
        let types = group.iter().map(|e| e.get_type(self.schema)).collect::<Result<Vec<_>>>()?;
        if !(types.iter().any(DataType::is_decimal) && types.iter().any(DataType::is_floating)) {
            return Ok(());
        }
        let exact: Option<Vec<Option<Expr>>> = group
            .iter()
            .zip(&types)
            .map(|(e, data_type)| if data_type.is_floating() { as_decimal(e).map(Some) } else { Some(None) })
            .collect();
        let one_type = |exact: &Vec<Option<Expr>>| {
            let decimals = exact.iter().zip(&types).map(|(e, data_type)| match e {
                Some(Expr::Literal(value, _)) => value.data_type(),
                _kept => data_type.clone(),
            });
            digits(decimals) <= DIGITS_MAX
        };
        if let Some(exact) = exact.filter(one_type) {
            for (place, constant) in group.iter_mut().zip(exact) {
                if let Some(constant) = constant {
                    **place = constant;
                }
            }
            return Ok(());
        }
        for (place, data_type) in group.iter_mut().zip(&types) {
            if data_type.is_decimal() {
                let taken = std::mem::take(*place);
                **place = taken.cast_to(&DataType::Float64, self.schema)?;
            }
        }
        Ok(())
    }

    /// What to say when the arguments of a call do not fit: [`super::error`] reads it.
    fn call(&self, expr: &Expr) -> Option<String> {
        let (name, args, documentation) = match expr {
            Expr::ScalarFunction(call) => (call.func.name(), &call.args, call.func.documentation()),
            Expr::AggregateFunction(call) => (call.func.name(), &call.params.args, call.func.documentation()),
            Expr::WindowFunction(call) => {
                let documentation = match &call.fun {
                    WindowFunctionDefinition::AggregateUDF(function) => function.documentation(),
                    WindowFunctionDefinition::WindowUDF(function) => function.documentation(),
                };
                (call.fun.name(), &call.params.args, documentation)
            }
            _no_call => return None,
        };
        let types: Option<Vec<String>> = args
            .iter()
            .map(|arg| arg.get_type(self.schema).ok().map(|data_type| sql_type_name(&data_type)))
            .collect();
        let syntax = documentation.map_or("", |documentation| documentation.syntax_example.as_str());
        Some(format!("argument types '{name}({})'.\n{syntax}", types?.join(", ")))
    }

    fn integers(&self, op: Operator, operand: &Expr, instead: &str) -> Result<()> {
        let data_type = operand.get_type(self.schema)?;
        if data_type.is_integer() || data_type.is_null() {
            return Ok(());
        }
        let symbol = match op {
            Operator::BitwiseXor => "^",
            Operator::BitwiseAnd => "&",
            Operator::BitwiseOr => "|",
            Operator::BitwiseShiftLeft => "<<",
            _shift_right => ">>",
        };
        plan_err!("`{symbol}` takes integers, not {}{instead}", sql_type_name(&data_type))
    }
}

/// Whether the library itself says what is wrong with the arguments of a call.
fn is_plain(error: &DataFusionError) -> bool {
    let text = error.strip_backtrace();
    ["it is called as", "have no common type", "takes ", "needs ", "write "]
        .iter()
        .any(|words| text.contains(words))
}

/// Whether the operands of `op` must be one type, and it says how they compare.
fn compares(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

/// What to say about operands of a bit operator, `None` for any other.
fn bit_operator(op: Operator) -> Option<&'static str> {
    match op {
        Operator::BitwiseXor => Some("; a power is power(a, b)"),
        Operator::BitwiseAnd
        | Operator::BitwiseOr
        | Operator::BitwiseShiftLeft
        | Operator::BitwiseShiftRight => Some(""),
        _other => None,
    }
}

/// Digits before the point and behind it that hold all DECIMALs among `types`.
fn digits(types: impl Iterator<Item = DataType>) -> usize {
    let (mut whole, mut fraction) = (0, 0);
    for data_type in types {
        if let DataType::Decimal128(precision, scale) = data_type {
            let behind = usize::try_from(scale).unwrap_or(0);
            fraction = fraction.max(behind);
            whole = whole.max(usize::from(precision).saturating_sub(behind));
        }
    }
    whole + fraction
}

/// A constant DOUBLE as the DECIMAL of the digits it is written with.
fn as_decimal(expr: &Expr) -> Option<Expr> {
    let (value, negative) = match expr {
        Expr::Literal(ScalarValue::Float64(Some(value)), _) => (*value, false),
        Expr::Negative(inner) => match inner.as_ref() {
            Expr::Literal(ScalarValue::Float64(Some(value)), _) => (*value, true),
            _computed => return None,
        },
        _computed => return None,
    };
    if !value.is_finite() {
        return None;
    }
    // The shortest digits that read as this DOUBLE, never with an exponent.
    let text = format!("{value}");
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    let precision = digits.len().max(fraction.len()).max(1);
    if precision > DIGITS_MAX {
        return None;
    }
    let unscaled: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let unscaled = if negative != text.starts_with('-') { -unscaled } else { unscaled };
    let (precision, scale) = (u8::try_from(precision).ok()?, i8::try_from(fraction.len()).ok()?);
    Some(Expr::Literal(ScalarValue::Decimal128(Some(unscaled), precision, scale), None))
}

#[cfg(test)]
mod tests {
    use datafusion_expr::lit;

    use super::*;

    #[test]
    fn constants_are_the_decimals_they_are_written_as() {
        let shown = |value: f64| match as_decimal(&lit(value)) {
            Some(Expr::Literal(ScalarValue::Decimal128(Some(v), p, s), _)) => format!("{v} ({p}, {s})"),
            other => format!("{other:?}"),
        };
        assert_eq!(shown(2.5), "25 (2, 1)");
        assert_eq!(shown(-0.01), "-1 (2, 2)");
        assert_eq!(shown(0.0), "0 (1, 0)");
        assert_eq!(shown(1e20), "100000000000000000000 (21, 0)");
        assert_eq!(shown(1e-38), "1 (38, 38)");
        assert_eq!(shown(1e-39), "None");
        assert_eq!(shown(1e300), "None");
        assert_eq!(shown(f64::NAN), "None");
        let negative = Expr::Negative(Box::new(lit(2.5)));
        assert_eq!(
            as_decimal(&negative),
            Some(Expr::Literal(ScalarValue::Decimal128(Some(-25), 2, 1), None))
        );
    }
}
