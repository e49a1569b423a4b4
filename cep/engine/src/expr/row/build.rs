//! From program to closures.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_schema::DataType;
use datafusion_expr::ColumnarValue;

use super::{RowSource, Scalar};
use crate::expr::TEXT_BYTES_MAX;
use crate::expr::error::RowFailure;
use crate::expr::foreign::Foreign;
use crate::expr::kernel::boolean::combine;
use crate::expr::kernel::cast::{CastOp, cast_failure, float_to_i32, float_to_i64, parse_bool, quoted};
use crate::expr::kernel::pattern::pattern_failure;
use crate::expr::kernel::text::too_long;
use crate::expr::ops::{Float, Int, int_failure, negate_failure};
use crate::expr::predicate::{Predicate, Term};
use crate::expr::program::{Block, Num, Op, Operand, Step, Test};
use crate::expr::run::Machine;
use crate::expr::temporal::{TemporalOp, shift_time, shift_timestamp, timestamp_failure};

type Value<'r> = Result<Scalar<'r>, RowFailure>;

/// A compiled expression.
pub(super) type Node = Box<dyn for<'r> Fn(&'r dyn RowSource) -> Value<'r> + Send + Sync>;

fn node(f: impl for<'r> Fn(&'r dyn RowSource) -> Value<'r> + Send + Sync + 'static) -> Node {
    Box::new(f)
}

/// An operand of an operator: constants are looked at where they are.
enum Arg {
    Node(Node),
    Const(Scalar<'static>),
}

impl Arg {
    fn eval<'x>(&'x self, row: &'x dyn RowSource) -> Value<'x> {
        match self {
            Arg::Node(node) => node(row),
            Arg::Const(value) => Ok(value.borrowed()),
        }
    }
}

/// The closure for `operand` of `block`.
pub(super) fn build(block: &Block, operand: Operand, machine: &Machine) -> Node {
    match operand {
        Operand::Column { index, .. } => node(move |row| Ok(row.value(index))),
        Operand::Const(at) => {
            let value = Scalar::of_column(&machine.constants[at].column, 0).into_owned();
            node(move |_| Ok(value.clone()))
        }
        Operand::Reg(reg) => {
            let step = block.steps.iter().find(|s| s.out == reg).expect("a register is written by its block");
            Builder { block, machine }.step(step)
        }
    }
}

fn whole(block: &Block, machine: &Machine) -> Node {
    build(block, block.result, machine)
}

/// The terms of a predicate.
pub(super) fn conjunction(predicate: &Predicate, machine: &Machine) -> Vec<Node> {
    let term = |term: &Term| match term {
        Term::Block(block) => whole(block, machine),
        Term::Compare { index, op, constant } => {
            let (index, op) = (*index, *op);
            let value = Scalar::of_column(&machine.constants[*constant].column, 0).into_owned();
            node(move |row| {
                let left = row.value(index);
                Ok(if left.is_null() { Scalar::Null } else { Scalar::Bool(op.holds(left.compare(&value))) })
            })
        }
    };
    predicate.terms.iter().map(term).collect()
}

struct Builder<'b> {
    block: &'b Block,
    machine: &'b Machine,
}

impl Builder<'_> {
    fn arg(&self, step: &Step, at: usize) -> Arg {
        match step.args[at] {
            Operand::Const(constant) => {
                Arg::Const(Scalar::of_column(&self.machine.constants[constant].column, 0).into_owned())
            }
            other => Arg::Node(build(self.block, other, self.machine)),
        }
    }

    /// A step of one operand that is NULL for NULL.
    fn strict1(
        &self,
        step: &Step,
        f: impl Fn(&Scalar<'_>) -> Value<'static> + Send + Sync + 'static,
    ) -> Node {
        let a = self.arg(step, 0);
        node(move |row| {
            let a = a.eval(row)?;
            if a.is_null() { Ok(Scalar::Null) } else { f(&a) }
        })
    }

    /// A step of two operands that is NULL where one is.
    fn strict2(
        &self,
        step: &Step,
        f: impl Fn(&Scalar<'_>, &Scalar<'_>) -> Value<'static> + Send + Sync + 'static,
    ) -> Node {
        let (a, b) = (self.arg(step, 0), self.arg(step, 1));
        node(move |row| {
            let (a, b) = (a.eval(row)?, b.eval(row)?);
            if a.is_null() || b.is_null() { Ok(Scalar::Null) } else { f(&a, &b) }
        })
    }

    fn step(&self, step: &Step) -> Node {
        match &step.op {
            Op::Copy => build(self.block, step.args[0], self.machine),
            Op::Stamp => node(|row| Ok(Scalar::I64(row.stamp()))),
            Op::EventTime => node(|row| Ok(Scalar::I64(row.event_time()))),
            Op::Arith(..)
            | Op::Decimal(_)
            | Op::Temporal(_)
            | Op::Bits(..)
            | Op::Negate(_)
            | Op::NegateDecimal => self.number(step),
            Op::Compare(..)
            | Op::Distinct { .. }
            | Op::Not
            | Op::Is { .. }
            | Op::Kleene { .. }
            | Op::Logic { .. } => self.truth(step),
            Op::Case { .. } | Op::Coalesce { .. } | Op::Select { .. } => self.choice(step),
            Op::Cast { cast, to, safe } => {
                let (cast, to, safe) = (*cast, to.clone(), *safe);
                self.strict1(step, move |a| match cast_scalar(cast, a) {
                    Some(value) => Ok(value),
                    None if safe => Ok(Scalar::Null),
                    None => Err(cast_failure(shown(a), &to)),
                })
            }
            Op::Match { .. } | Op::MatchEach { .. } | Op::InSet { .. } | Op::Concat => self.text(step),
            Op::Foreign(foreign) => self.foreign(step, foreign),
        }
    }

    fn number(&self, step: &Step) -> Node {
        match step.op {
            Op::Arith(op, Num::I32) => self.strict2(step, move |a, b| {
                let (a, b) = (i32_of(a), i32_of(b));
                i32::checked(op, a, b).map(Scalar::I32).ok_or_else(|| int_failure(op, a, b))
            }),
            Op::Arith(op, Num::I64) => self.strict2(step, move |a, b| {
                let (a, b) = (i64_of(a), i64_of(b));
                i64::checked(op, a, b).map(Scalar::I64).ok_or_else(|| int_failure(op, a, b))
            }),
            Op::Arith(op, Num::F32) => {
                self.strict2(step, move |a, b| Ok(Scalar::F32(f32::arith(op, f32_of(a), f32_of(b)))))
            }
            Op::Arith(op, Num::F64) => {
                self.strict2(step, move |a, b| Ok(Scalar::F64(f64::arith(op, f64_of(a), f64_of(b)))))
            }
            Op::Decimal(op) => self.strict2(step, move |a, b| {
                let (a, b) = (i128_of(a), i128_of(b));
                op.eval(a, b).map(Scalar::I128).ok_or_else(|| op.failure(a, b))
            }),
            Op::Temporal(op) => self.strict2(step, move |a, b| temporal(op, a, b)),
            Op::Bits(op, Num::I32) => {
                self.strict2(step, move |a, b| Ok(Scalar::I32(i32::bits(op, i32_of(a), i32_of(b)))))
            }
            Op::Bits(op, _) => {
                self.strict2(step, move |a, b| Ok(Scalar::I64(i64::bits(op, i64_of(a), i64_of(b)))))
            }
            Op::Negate(num) => self.strict1(step, move |a| match num {
                Num::I32 => {
                    i32_of(a).checked_negate().map(Scalar::I32).ok_or_else(|| negate_failure(i32_of(a)))
                }
                Num::I64 => {
                    i64_of(a).checked_negate().map(Scalar::I64).ok_or_else(|| negate_failure(i64_of(a)))
                }
                Num::F32 => Ok(Scalar::F32((-f32_of(a)).canonical())),
                Num::F64 => Ok(Scalar::F64((-f64_of(a)).canonical())),
            }),
            _ => self.strict1(step, |a| {
                i128_of(a).checked_neg().map(Scalar::I128).ok_or_else(crate::expr::decimal::negate_failure)
            }),
        }
    }

    fn truth(&self, step: &Step) -> Node {
        match &step.op {
            Op::Compare(op) => {
                let op = *op;
                self.strict2(step, move |a, b| Ok(Scalar::Bool(op.holds(a.compare(b)))))
            }
            Op::Distinct { negated } => {
                let (negated, a, b) = (*negated, self.arg(step, 0), self.arg(step, 1));
                node(move |row| {
                    let (a, b) = (a.eval(row)?, b.eval(row)?);
                    let differ = if a.is_null() || b.is_null() {
                        a.is_null() != b.is_null()
                    } else {
                        a.compare(&b).is_ne()
                    };
                    Ok(Scalar::Bool(differ != negated))
                })
            }
            Op::Not => self.strict1(step, |a| Ok(a.truth().map(|v| !v).into())),
            Op::Is { test, negated } => {
                let (test, negated, a) = (*test, *negated, self.arg(step, 0));
                node(move |row| {
                    let a = a.eval(row)?;
                    let is = match test {
                        Test::Null => a.is_null(),
                        Test::Truth(wanted) => a.truth() == Some(wanted),
                    };
                    Ok(Scalar::Bool(is != negated))
                })
            }
            Op::Kleene { or } => {
                let terms = step.args.iter().map(|&arg| build(self.block, arg, self.machine)).collect();
                logic(*or, terms)
            }
            Op::Logic { or, terms } => logic(*or, terms.iter().map(|t| whole(t, self.machine)).collect()),
            _ => unreachable!("the caller passes boolean steps"),
        }
    }

    fn choice(&self, step: &Step) -> Node {
        match &step.op {
            Op::Case { branches, otherwise, .. } => {
                let branches: Vec<(Node, Node)> =
                    branches.iter().map(|(c, v)| (whole(c, self.machine), whole(v, self.machine))).collect();
                case(branches, otherwise.as_ref().map(|block| whole(block, self.machine)))
            }
            Op::Select { .. } => {
                let mut parts = step.args.iter().map(|&arg| build(self.block, arg, self.machine));
                let mut branches = Vec::new();
                while let Some(condition) = parts.next() {
                    match parts.next() {
                        Some(value) => branches.push((condition, value)),
                        None => return case(branches, Some(condition)),
                    }
                }
                case(branches, None)
            }
            Op::Coalesce { terms, .. } => {
                let terms: Vec<Node> = terms.iter().map(|t| whole(t, self.machine)).collect();
                node(move |row| {
                    for term in &terms {
                        let value = term(row)?;
                        if !value.is_null() {
                            return Ok(value);
                        }
                    }
                    Ok(Scalar::Null)
                })
            }
            _ => unreachable!("the caller passes choosing steps"),
        }
    }

    fn text(&self, step: &Step) -> Node {
        match &step.op {
            Op::Match { matcher, negated } => {
                let (matcher, negated) = (matcher.clone(), *negated);
                self.strict1(step, move |a| Ok(Scalar::Bool(matcher.matches(a.bytes()) != negated)))
            }
            Op::MatchEach { kind, negated } => {
                let (kind, negated) = (*kind, *negated);
                self.strict2(step, move |a, pattern| {
                    let pattern = pattern.text();
                    let matcher =
                        kind.compile(pattern).map_err(|reason| pattern_failure(pattern, &reason))?;
                    Ok(Scalar::Bool(matcher.matches(a.bytes()) != negated))
                })
            }
            Op::InSet { set, negated } => {
                let (set, negated) = (set.clone(), *negated);
                self.strict1(step, move |a| Ok(set.holds(a).map(|found| found != negated).into()))
            }
            _ => {
                let parts: Vec<Arg> = (0..step.args.len()).map(|at| self.arg(step, at)).collect();
                node(move |row| {
                    let values = parts.iter().map(|p| p.eval(row)).collect::<Result<Vec<_>, _>>()?;
                    if values.iter().any(Scalar::is_null) {
                        return Ok(Scalar::Null);
                    }
                    let bytes: usize = values.iter().map(|v| v.bytes().len()).sum();
                    if bytes > TEXT_BYTES_MAX {
                        return Err(too_long(bytes));
                    }
                    let text: Vec<u8> = values.iter().flat_map(|v| v.bytes()).copied().collect();
                    Ok(Scalar::Bytes(Cow::Owned(text)))
                })
            }
        }
    }

    fn foreign(&self, step: &Step, foreign: &Foreign) -> Node {
        enum Input {
            Node(Node, DataType),
            Const(ColumnarValue),
        }
        let inputs: Vec<Input> = step
            .args
            .iter()
            .zip(&foreign.arg_types)
            .map(|(&operand, data_type)| match operand {
                Operand::Const(at) => {
                    Input::Const(ColumnarValue::Scalar(self.machine.constants[at].scalar.clone()))
                }
                other => Input::Node(build(self.block, other, self.machine), data_type.clone()),
            })
            .collect();
        let foreign = Arc::new(foreign.clone());
        node(move |row| {
            let mut args = Vec::with_capacity(inputs.len());
            for input in &inputs {
                args.push(match input {
                    Input::Const(value) => value.clone(),
                    Input::Node(node, data_type) => {
                        ColumnarValue::Array(node(row)?.to_column(data_type).to_arrow(data_type))
                    }
                });
            }
            let column = foreign.run_row(&args)?;
            Ok(Scalar::of_column(&column, 0).into_owned())
        })
    }
}

fn case(branches: Vec<(Node, Node)>, otherwise: Option<Node>) -> Node {
    node(move |row| {
        for (condition, value) in &branches {
            if condition(row)?.truth() == Some(true) {
                return value(row);
            }
        }
        otherwise.as_ref().map_or(Ok(Scalar::Null), |value| value(row))
    })
}

fn logic(or: bool, terms: Vec<Node>) -> Node {
    node(move |row| {
        let mut result = Some(!or);
        for term in &terms {
            result = combine(or, result, term(row)?.truth());
            if result == Some(or) {
                break;
            }
        }
        Ok(result.into())
    })
}

fn temporal(op: TemporalOp, a: &Scalar<'_>, b: &Scalar<'_>) -> Value<'static> {
    use arrow_array::cast::AsArray;
    use arrow_array::types::IntervalMonthDayNanoType;
    if op == TemporalOp::DateDifference {
        return Ok(Scalar::I64(i64::from(i32_of(a)) - i64::from(i32_of(b))));
    }
    let Scalar::Any(interval) = b else { panic!("{b:?} as an interval") };
    let interval = interval.as_primitive::<IntervalMonthDayNanoType>().value(0);
    match op {
        TemporalOp::Timestamp { subtract } => shift_timestamp(i64_of(a), interval, subtract)
            .map(Scalar::I64)
            .ok_or_else(|| timestamp_failure(i64_of(a), subtract)),
        TemporalOp::Time { subtract } => Ok(Scalar::I64(shift_time(i64_of(a), interval, subtract))),
        TemporalOp::DateDifference => unreachable!("dealt with above"),
    }
}

fn cast_scalar(op: CastOp, a: &Scalar<'_>) -> Option<Scalar<'static>> {
    let text = |t: String| Scalar::Bytes(Cow::Owned(t.into_bytes()));
    Some(match op {
        CastOp::Same => unreachable!("compiled to a copy or to nothing"),
        CastOp::BoolToI32 => Scalar::I32(i32::from(bool_of(a))),
        CastOp::BoolToI64 => Scalar::I64(i64::from(bool_of(a))),
        CastOp::I32ToBool => Scalar::Bool(i32_of(a) != 0),
        CastOp::I64ToBool => Scalar::Bool(i64_of(a) != 0),
        CastOp::I32ToI64 => Scalar::I64(i64::from(i32_of(a))),
        CastOp::I64ToI32 => Scalar::I32(i32::try_from(i64_of(a)).ok()?),
        CastOp::I32ToF32 => Scalar::F32(i32_of(a) as f32),
        CastOp::I32ToF64 => Scalar::F64(f64::from(i32_of(a))),
        CastOp::I64ToF32 => Scalar::F32(i64_of(a) as f32),
        CastOp::I64ToF64 => Scalar::F64(i64_of(a) as f64),
        CastOp::F32ToF64 => Scalar::F64(f64::from(f32_of(a)).canonical()),
        CastOp::F64ToF32 => Scalar::F32((f64_of(a) as f32).canonical()),
        CastOp::F32ToI32 => Scalar::I32(float_to_i32(f64::from(f32_of(a)))?),
        CastOp::F32ToI64 => Scalar::I64(float_to_i64(f64::from(f32_of(a)))?),
        CastOp::F64ToI32 => Scalar::I32(float_to_i32(f64_of(a))?),
        CastOp::F64ToI64 => Scalar::I64(float_to_i64(f64_of(a))?),
        CastOp::TextToBool => Scalar::Bool(parse_bool(a.text().trim_ascii())?),
        CastOp::TextToI32 => Scalar::I32(a.text().trim_ascii().parse().ok()?),
        CastOp::TextToI64 => Scalar::I64(a.text().trim_ascii().parse().ok()?),
        CastOp::TextToF32 => Scalar::F32(a.text().trim_ascii().parse::<f32>().ok()?.canonical()),
        CastOp::TextToF64 => Scalar::F64(a.text().trim_ascii().parse::<f64>().ok()?.canonical()),
        CastOp::BoolToText => text(bool_of(a).to_string()),
        CastOp::I32ToText => text(i32_of(a).to_string()),
        CastOp::I64ToText => text(i64_of(a).to_string()),
    })
}

/// A value in a message.
fn shown(value: &Scalar<'_>) -> String {
    match value {
        Scalar::I32(v) => v.to_string(),
        Scalar::I64(v) => v.to_string(),
        Scalar::F32(v) => format!("{v:?}"),
        Scalar::F64(v) => format!("{v:?}"),
        Scalar::Bytes(_) => quoted(value.text()),
        other => format!("{other:?}"),
    }
}

macro_rules! of {
    ($($name:ident: $kind:ident -> $t:ty),*) => {$(
        /// # Panics
        /// If the value is of another kind: operand types are checked when compiling.
        fn $name(value: &Scalar<'_>) -> $t {
            match value {
                Scalar::$kind(v) => *v,
                other => panic!("{other:?} where {} was compiled", stringify!($kind)),
            }
        }
    )*};
}

of!(bool_of: Bool -> bool, i32_of: I32 -> i32, i64_of: I64 -> i64, f32_of: F32 -> f32, f64_of: F64 -> f64,
    i128_of: I128 -> i128);
