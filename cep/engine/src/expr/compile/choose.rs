//! What evaluates some operands for some rows only: AND, OR, CASE, COALESCE, IN.

use arrow_schema::DataType;
use cep_lang::plan::{BinaryOp, Expr, ExprKind};

use super::operator::is_cheap;
use super::{Builder, Compiler, unsupported};
use crate::column::Column;
use crate::expr::ExprError;
use crate::expr::program::{Block, Op, Operand};

impl Compiler {
    /// A chain of AND or OR. Terms that cannot fail and are cheap are combined for all rows; from the first other term on, each runs
    /// only where it is needed.
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
        let mut result = None;
        for term in terms {
            let operand = self.operand(b, term)?;
            let operand = self.boolean(operand, term)?;
            result = Some(match result {
                None => operand,
                Some(before) => self.push(b, Op::Kleene { or }, vec![before, operand], &DataType::Boolean),
            });
        }
        Ok(result.expect("a chain has terms"))
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
        let mut compiled = Vec::with_capacity(branches.len());
        for (condition, value) in branches {
            let condition = self.kleene_block(false, &[condition])?;
            compiled.push((condition, self.value_block(expr, value)?));
        }
        let otherwise = otherwise.map(|value| self.value_block(expr, value)).transpose()?;
        let like = Box::new(Column::new(&expr.data_type));
        Ok(self.push(b, Op::Case { branches: compiled, otherwise, like }, vec![], &expr.data_type))
    }

    pub(super) fn coalesce(
        &mut self,
        b: &mut Builder,
        expr: &Expr,
        args: &[Expr],
    ) -> Result<Operand, ExprError> {
        let terms = args.iter().map(|arg| self.value_block(expr, arg)).collect::<Result<_, _>>()?;
        let like = Box::new(Column::new(&expr.data_type));
        Ok(self.push(b, Op::Coalesce { terms, like }, vec![], &expr.data_type))
    }

    /// A branch of `whole`, which has its type.
    fn value_block(&mut self, whole: &Expr, value: &Expr) -> Result<Block, ExprError> {
        let mut builder = Builder::default();
        let mut result = self.operand(&mut builder, value)?;
        if value.data_type != whole.data_type {
            if value.data_type != DataType::Null {
                return Err(unsupported("CASE", &[whole, value]));
            }
            result = self.null(&whole.data_type)?;
        }
        Ok(builder.finish(result))
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
