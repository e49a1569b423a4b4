//! What evaluates some operands for some rows only: AND, OR, CASE, COALESCE, IN.

use arrow_schema::DataType;
use cep_lang::plan::{BinaryOp, Expr, ExprKind, UnaryOp};

use super::operator::{is_cheap, same_values};
use super::{Builder, Compiler, unsupported};
use crate::column::{Column, Values};
use crate::expr::ExprError;
use crate::expr::kernel::set::Set;
use crate::expr::program::{Block, Op, Operand};

impl Compiler {
    /// A chain of AND or OR. Terms that cannot fail and are cheap are combined for all rows; from
    /// the first other term on, each runs only where it is needed.
    pub(super) fn logic(&mut self, b: &mut Builder, or: bool, terms: &[&Expr]) -> Result<Operand, ExprError> {
        let eager = 1 + terms[1..].iter().take_while(|term| is_cheap(term)).count();
        if eager == terms.len() {
            return self.kleene(b, or, terms);
        }
        let mut blocks = vec![self.kleene_block(or, &terms[..eager])?];
        for term in &terms[eager..] {
            blocks.push(self.kleene_block(or, &[term])?);
        }
        Ok(self.push(b, Op::Logic { or, terms: blocks }, vec![], &DataType::Boolean))
    }

    fn kleene(&mut self, b: &mut Builder, or: bool, terms: &[&Expr]) -> Result<Operand, ExprError> {
        let mut operands = Vec::with_capacity(terms.len());
        for term in terms {
            let operand = self.operand(b, term)?;
            operands.push(self.boolean(operand, term)?);
        }
        if let [only] = operands[..] {
            return Ok(only);
        }
        Ok(self.push(b, Op::Kleene { or }, operands, &DataType::Boolean))
    }

    fn kleene_block(&mut self, or: bool, terms: &[&Expr]) -> Result<Block, ExprError> {
        let mut builder = Builder::default();
        let result = self.kleene(&mut builder, or, terms)?;
        Ok(builder.finish(result))
    }

    pub(super) fn case(
        &mut self,
        b: &mut Builder,
        expr: &Expr,
        branches: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
    ) -> Result<Operand, ExprError> {
        if let Some(result) = self.select(b, expr, branches, otherwise)? {
            return Ok(result);
        }
        let mut compiled = Vec::with_capacity(branches.len());
        for (condition, value) in branches {
            let condition = self.kleene_block(false, &[condition])?;
            compiled.push((condition, self.value_block(expr, value)?));
        }
        let otherwise = otherwise.map(|value| self.value_block(expr, value)).transpose()?;
        let like = Box::new(Column::new(&expr.data_type));
        Ok(self.push(b, Op::Case { branches: compiled, otherwise, like }, vec![], &expr.data_type))
    }

    /// A short CASE of cheap parts that cannot fail: all of them for all rows.
    fn select(
        &mut self,
        b: &mut Builder,
        expr: &Expr,
        branches: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
    ) -> Result<Option<Operand>, ExprError> {
        const BRANCHES_MAX: usize = 4;
        let like = Box::new(Column::new(&expr.data_type));
        let ours = !matches!(like.values, Values::Any(_));
        let value_fits = |v: &Expr| is_cheap(v) && same_values(&v.data_type, &expr.data_type);
        let fits =
            branches.iter().all(|(c, v)| is_cheap(c) && c.data_type == DataType::Boolean && value_fits(v))
                && otherwise.is_none_or(value_fits);
        if !ours || !fits || branches.len() > BRANCHES_MAX {
            return Ok(None);
        }
        let mut parts = Vec::with_capacity(2 * branches.len() + 1);
        for part in branches.iter().flat_map(|(c, v)| [c, v]).chain(otherwise) {
            parts.push(self.operand(b, part)?);
        }
        Ok(Some(self.push(b, Op::Select { like }, parts, &expr.data_type)))
    }

    /// The functions that evaluate lazily; the library has no other form of them.
    pub(super) fn first_known(
        &mut self,
        b: &mut Builder,
        expr: &Expr,
        name: &str,
        args: &[Expr],
    ) -> Result<Operand, ExprError> {
        match args {
            [known, then, otherwise] if name == "nvl2" => {
                let test = ExprKind::Unary(UnaryOp::IsNotNull, Box::new(known.clone()));
                let test = Expr { kind: test, data_type: DataType::Boolean, nullable: false, span: None };
                self.case(b, expr, &[(test, then.clone())], Some(otherwise))
            }
            [] => Err(unsupported(name, &[])),
            args if name != "nvl2" => self.coalesce(b, expr, args),
            _ => Err(unsupported(name, &args.iter().collect::<Vec<_>>())),
        }
    }

    fn coalesce(&mut self, b: &mut Builder, expr: &Expr, args: &[Expr]) -> Result<Operand, ExprError> {
        let terms = args.iter().map(|arg| self.value_block(expr, arg)).collect::<Result<_, _>>()?;
        let like = Box::new(Column::new(&expr.data_type));
        Ok(self.push(b, Op::Coalesce { terms, like }, vec![], &expr.data_type))
    }

    /// A branch of `whole`, which has its type.
    fn value_block(&mut self, whole: &Expr, value: &Expr) -> Result<Block, ExprError> {
        let mut builder = Builder::default();
        let mut result = self.operand(&mut builder, value)?;
        if !same_values(&value.data_type, &whole.data_type) {
            if value.data_type != DataType::Null {
                return Err(unsupported("CASE", &[whole, value]));
            }
            result = self.null(&whole.data_type)?;
        }
        Ok(builder.finish(result))
    }

    /// The list as a set, if all of it is constant, of the type of `input`, and of a kind of ours.
    fn constant_set(&mut self, input: &Expr, list: &[Expr]) -> Result<Option<Set>, ExprError> {
        let mut items = Vec::with_capacity(list.len());
        for item in list {
            if !same_values(&item.data_type, &input.data_type) {
                return Ok(None);
            }
            let block = self.block(item)?;
            match block.result {
                Operand::Const(at) if block.steps.is_empty() => items.push(at),
                _ => return Ok(None),
            }
        }
        let items: Vec<&Column> = items.iter().map(|&at| &self.machine.constants[at].column).collect();
        Ok(Set::new(&Column::new(&input.data_type), &items))
    }

    /// `x IN (a, b)` is `x = a OR x = b`, with its NULLs and its laziness.
    pub(super) fn in_list(
        &mut self,
        b: &mut Builder,
        expr: &Expr,
        input: &Expr,
        list: &[Expr],
        negated: bool,
    ) -> Result<Operand, ExprError> {
        if let Some(set) = self.constant_set(input, list)? {
            let operand = self.operand(b, input)?;
            return Ok(self.push(b, Op::InSet { set, negated }, vec![operand], &DataType::Boolean));
        }
        let equals: Vec<Expr> = list
            .iter()
            .map(|item| Expr {
                kind: ExprKind::Binary(BinaryOp::Eq, Box::new(input.clone()), Box::new(item.clone())),
                ..expr.clone()
            })
            .collect();
        let terms: Vec<&Expr> = equals.iter().collect();
        let found = self.logic(b, true, &terms)?;
        if negated {
            return Ok(self.push(b, Op::Not, vec![found], &DataType::Boolean));
        }
        Ok(found)
    }
}
