//! From the plan's tree to a program.
//!
//! Folding: a step whose operands are constants is run once, by the kernel that would run it later;
//! if it fails it stays, to fail for each row that reaches it.

mod choose;
mod operator;
mod text;

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef};
use cep_lang::plan::{BinaryOp, Expr, ExprKind};
use cep_types::sql_type::sql_type_name;
use datafusion_common::ScalarValue;
use datafusion_expr::{ScalarUDF, Volatility};

use super::error::RowErrors;
use super::foreign::{Foreign, ForeignOp};
use super::input::{Input, Rows};
use super::kernel::pattern::PatternKind;
use super::ops::{CmpOp, Float};
use super::predicate::{Predicate, Term, is_native};
use super::program::{Block, Constant, Op, Operand, Step};
use super::run::{Frame, Machine};
use super::{Compiled, DEPTH_MAX, ExprError, TEXT_BYTES_MAX};
use crate::column::Column;

/// Compiles `expr` with its predicate form where it is BOOL.
pub(super) fn compile(expr: &Expr) -> Result<Compiled, ExprError> {
    check_depth(expr)?;
    let mut compiler = Compiler { machine: Machine::default() };
    let mut builder = Builder::default();
    let mut result = compiler.operand(&mut builder, expr)?;
    if let Operand::Const(_) = result {
        // Not folded back: the caller wants a column.
        let out = compiler.machine.new_reg();
        builder.steps.push(Step { op: Op::Copy, args: vec![result], out });
        result = Operand::Reg(out);
    }
    let block = builder.finish(result);
    let predicate = match expr.data_type {
        DataType::Boolean => Some(compiler.predicate(expr)?),
        _ => None,
    };
    Ok(Compiled { block, predicate, machine: compiler.machine })
}

/// Refuses nesting beyond [`DEPTH_MAX`] without recursing. Chains of AND, OR and `||` are one
/// level: they are compiled flat.
fn check_depth(expr: &Expr) -> Result<(), ExprError> {
    let mut open = vec![(expr, 1usize)];
    while let Some((expr, depth)) = open.pop() {
        if depth > DEPTH_MAX {
            return Err(ExprError::TooDeep);
        }
        for child in expr.children() {
            let same_chain = chain_op(expr).is_some() && chain_op(expr) == chain_op(child);
            open.push((child, if same_chain { depth } else { depth + 1 }));
        }
    }
    Ok(())
}

fn chain_op(expr: &Expr) -> Option<BinaryOp> {
    match &expr.kind {
        ExprKind::Binary(op @ (BinaryOp::And | BinaryOp::Or | BinaryOp::Concat), _, _) => Some(*op),
        _ => None,
    }
}

/// The operands of a chain of `op`, left to right; recursion-free.
fn chain(op: BinaryOp, expr: &Expr) -> Vec<&Expr> {
    let mut leaves = Vec::new();
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        match &expr.kind {
            ExprKind::Binary(found, left, right) if *found == op => {
                open.push(right);
                open.push(left);
            }
            _ => leaves.push(expr),
        }
    }
    leaves
}

/// A block under construction.
#[derive(Default)]
struct Builder {
    columns: Vec<(usize, usize)>,
    steps: Vec<Step>,
}

impl Builder {
    fn finish(self, result: Operand) -> Block {
        Block { columns: self.columns, steps: self.steps, result }
    }
}

struct Compiler {
    machine: Machine,
}

impl Compiler {
    /// Compiles `expr` into `b`; returns where its value will be.
    fn operand(&mut self, b: &mut Builder, expr: &Expr) -> Result<Operand, ExprError> {
        match &expr.kind {
            ExprKind::Column(index) => Ok(self.column(b, *index)),
            ExprKind::Literal(value) => self.literal(value, &expr.data_type),
            ExprKind::Stamp => Ok(self.push(b, Op::Stamp, vec![], &expr.data_type)),
            ExprKind::EventTime => Ok(self.push(b, Op::EventTime, vec![], &expr.data_type)),
            ExprKind::Binary(BinaryOp::And, _, _) => {
                let terms = chain(BinaryOp::And, expr);
                self.logic(b, false, &terms)
            }
            ExprKind::Binary(BinaryOp::Or, _, _) => {
                let terms = chain(BinaryOp::Or, expr);
                self.logic(b, true, &terms)
            }
            ExprKind::Binary(BinaryOp::Concat, _, _) => {
                let parts = chain(BinaryOp::Concat, expr);
                self.concat(b, expr, &parts)
            }
            ExprKind::Binary(op, left, right) => self.binary(b, expr, *op, left, right),
            ExprKind::Unary(op, input) => self.unary(b, expr, *op, input),
            ExprKind::Case { branches, otherwise } => self.case(b, expr, branches, otherwise.as_deref()),
            ExprKind::Cast { input, safe } => self.cast(b, input, &expr.data_type, *safe),
            ExprKind::Like { input, pattern, negated, case_insensitive, escape } => {
                let kind =
                    PatternKind::Like { case_insensitive: *case_insensitive, escape: escape.unwrap_or('\\') };
                self.pattern(b, (kind, *negated), ("LIKE", input, pattern))
            }
            ExprKind::InList { input, list, negated } => self.in_list(b, expr, input, list, *negated),
            ExprKind::Call { function, args, field } => self.call(b, expr, function, args, field),
        }
    }

    /// Compiles `expr` as a block of its own.
    fn block(&mut self, expr: &Expr) -> Result<Block, ExprError> {
        let mut builder = Builder::default();
        let result = self.operand(&mut builder, expr)?;
        Ok(builder.finish(result))
    }

    fn column(&mut self, b: &mut Builder, index: usize) -> Operand {
        if let Some(&(_, gathered)) = b.columns.iter().find(|(known, _)| *known == index) {
            return Operand::Column { index, gathered };
        }
        let gathered = self.machine.new_reg();
        b.columns.push((index, gathered));
        Operand::Column { index, gathered }
    }

    fn literal(&mut self, value: &ScalarValue, data_type: &DataType) -> Result<Operand, ExprError> {
        let invalid = |e: datafusion_common::DataFusionError| ExprError::InvalidLiteral {
            data_type: sql_type_name(data_type),
            reason: e.strip_backtrace(),
        };
        let scalar = match value {
            ScalarValue::Float64(Some(v)) => ScalarValue::Float64(Some(v.canonical())),
            ScalarValue::Float32(Some(v)) => ScalarValue::Float32(Some(v.canonical())),
            other => other.clone(),
        };
        let scalar = if scalar.data_type() == *data_type {
            scalar
        } else if scalar.is_null() {
            ScalarValue::try_from(data_type).map_err(invalid)?
        } else {
            scalar.cast_to(data_type).map_err(invalid)?
        };
        if let Some(Some(text)) = scalar.try_as_str()
            && text.len() > TEXT_BYTES_MAX
        {
            let reason = format!("it has {} bytes, the limit is {TEXT_BYTES_MAX}", text.len());
            return Err(ExprError::InvalidLiteral { data_type: sql_type_name(data_type), reason });
        }
        let array = scalar.to_array().map_err(invalid)?;
        self.machine.constants.push(Constant { column: Column::from_arrow(&array), scalar });
        Ok(Operand::Const(self.machine.constants.len() - 1))
    }

    fn null(&mut self, data_type: &DataType) -> Result<Operand, ExprError> {
        self.literal(&ScalarValue::Null, data_type)
    }

    /// Adds a step, or its result if it is constant and does not fail.
    fn push(&mut self, b: &mut Builder, op: Op, args: Vec<Operand>, data_type: &DataType) -> Operand {
        let out = self.machine.new_reg();
        let step = Step { op, args, out };
        if is_constant(&step)
            && let Some(constant) = self.fold(&step, data_type)
        {
            self.machine.regs.pop();
            self.machine.constants.push(constant);
            return Operand::Const(self.machine.constants.len() - 1);
        }
        b.steps.push(step);
        Operand::Reg(out)
    }

    fn fold(&mut self, step: &Step, data_type: &DataType) -> Option<Constant> {
        let mut errors = RowErrors::new();
        let input = Input { columns: &[], rows: 1, stamp: &[], event_time: &[] };
        self.machine.step(step, Frame::new(&input, Rows::All), &mut errors);
        if !errors.is_empty() {
            return None;
        }
        let array = self.machine.regs[step.out].column.to_arrow(data_type);
        let scalar = ScalarValue::try_from_array(&array, 0).ok()?;
        Some(Constant { column: Column::from_arrow(&array), scalar })
    }

    /// Adds an operation of Arrow's, if Arrow has it for these types.
    fn foreign(
        &mut self,
        b: &mut Builder,
        op: ForeignOp,
        args: Vec<Operand>,
        (operation, operands): (&str, &[&Expr]),
        out_type: &DataType,
    ) -> Result<Operand, ExprError> {
        let arg_types = operands.iter().map(|e| e.data_type.clone()).collect();
        let foreign = Foreign { op, arg_types, out_type: out_type.clone() };
        if !foreign.is_possible() {
            return Err(unsupported(operation, operands));
        }
        Ok(self.push(b, Op::Foreign(Box::new(foreign)), args, out_type))
    }

    fn call(
        &mut self,
        b: &mut Builder,
        expr: &Expr,
        function: &Arc<ScalarUDF>,
        args: &[Expr],
        field: &FieldRef,
    ) -> Result<Operand, ExprError> {
        if function.signature().volatility == Volatility::Volatile {
            return Err(ExprError::Volatile { name: function.name().to_owned() });
        }
        if let "coalesce" | "nvl" | "nvl2" = function.name() {
            return self.first_known(b, expr, function.name(), args);
        }
        let operands = args.iter().map(|arg| self.operand(b, arg)).collect::<Result<Vec<_>, _>>()?;
        let arg_fields = args
            .iter()
            .enumerate()
            .map(|(at, arg)| Arc::new(Field::new(format!("arg{at}"), arg.data_type.clone(), arg.nullable)))
            .collect();
        let op = ForeignOp::Call { function: Arc::clone(function), arg_fields, field: Arc::clone(field) };
        let operand_exprs: Vec<&Expr> = args.iter().collect();
        self.foreign(b, op, operands, (function.name(), &operand_exprs), &expr.data_type)
    }

    /// The conjunction as terms that filter one after the other.
    fn predicate(&mut self, expr: &Expr) -> Result<Predicate, ExprError> {
        let mut terms = Vec::new();
        for term in chain(BinaryOp::And, expr) {
            let simple = self.simple_term(term)?;
            terms.push(match simple {
                Some(simple) => simple,
                None => Term::Block(self.block(term)?),
            });
        }
        Ok(Predicate::new(terms))
    }

    /// A comparison of a column with a constant, either way round.
    fn simple_term(&mut self, term: &Expr) -> Result<Option<Term>, ExprError> {
        let ExprKind::Binary(op, left, right) = &term.kind else { return Ok(None) };
        let Some(op) = comparison(*op) else { return Ok(None) };
        let (column, other, op) = match (&left.kind, &right.kind) {
            (ExprKind::Column(index), _) => (*index, right, op),
            (_, ExprKind::Column(index)) => (*index, left, op.flipped()),
            _ => return Ok(None),
        };
        if !operator::same_values(&left.data_type, &right.data_type) || !is_native(&left.data_type) {
            return Ok(None);
        }
        // A constant folds to no steps at all.
        let block = self.block(other)?;
        match block.result {
            Operand::Const(constant) if block.steps.is_empty() => {
                let known = self.machine.constants[constant].column.is_valid(0);
                Ok(known.then_some(Term::Compare { index: column, op, constant }))
            }
            _ => Ok(None),
        }
    }
}

/// Whether a step's result is the same for every row and every chunk.
fn is_constant(step: &Step) -> bool {
    let pure = match &step.op {
        Op::Stamp | Op::EventTime => false,
        Op::Foreign(f) => match &f.op {
            ForeignOp::Call { function, .. } => function.signature().volatility == Volatility::Immutable,
            _ => true,
        },
        _ => true,
    };
    pure && step.args.iter().all(|arg| matches!(arg, Operand::Const(_)))
        && step.op.blocks().iter().all(|block| block.columns.is_empty() && block.steps.is_empty())
}

fn comparison(op: BinaryOp) -> Option<CmpOp> {
    Some(match op {
        BinaryOp::Eq => CmpOp::Eq,
        BinaryOp::NotEq => CmpOp::NotEq,
        BinaryOp::Lt => CmpOp::Lt,
        BinaryOp::LtEq => CmpOp::LtEq,
        BinaryOp::Gt => CmpOp::Gt,
        BinaryOp::GtEq => CmpOp::GtEq,
        _ => return None,
    })
}

fn unsupported(operation: &str, operands: &[&Expr]) -> ExprError {
    let names: Vec<String> = operands.iter().map(|e| sql_type_name(&e.data_type)).collect();
    ExprError::Unsupported { operation: operation.to_owned(), operands: names.join(", ") }
}
