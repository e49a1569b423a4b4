//! Samples and labels of rows.

use arrow_schema::DataType;
use cep_lang::plan::{Expr, MetricsNode};
use smallvec::SmallVec;

use crate::agg::same_expr;
use crate::chunk::Chunk;
use crate::column::{Column, Values};
use crate::keys::encode_value;
use crate::metrics::{LabelTuples, distinct_sample, put_label};
use crate::ops::prepare::Prepare;

/// Where the samples of rows are, and the labels of the row at hand.
#[derive(Debug)]
pub(super) struct Inputs {
    /// Expression of each metric's value.
    values: Vec<usize>,
    /// Metrics with the same labels share them.
    sources: Vec<LabelSource>,
    /// Labels of each metric.
    source_of: Vec<usize>,
    key: Vec<u8>,
}

#[derive(Debug)]
struct LabelSource {
    /// Expressions, in order of the labels.
    exprs: Vec<usize>,
    tuples: LabelTuples,
    /// Number of the tuple of the row at hand, once it was asked for.
    current: Option<u32>,
}

/// Rows of a step with what the expressions say of them.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    /// The chunk.
    pub input: &'a Chunk,
    /// Which of its rows, and their times.
    pub prepare: &'a Prepare,
    /// What each expression says.
    pub columns: SmallVec<[&'a Column; 16]>,
}

impl Inputs {
    /// Numbers and compiles the expressions of `node`, each once.
    pub fn new(node: &MetricsNode) -> Result<(Prepare, Self), String> {
        let mut exprs: Vec<&Expr> = Vec::new();
        let mut sources: Vec<LabelSource> = Vec::new();
        let (mut values, mut source_of) = (Vec::new(), Vec::new());
        for metric in &node.metrics {
            if !metric.labels.is_sorted_by(|a, b| a.0 < b.0) {
                return Err(format!(
                    "labels of the metric '{}' are not in order of their names",
                    metric.name
                ));
            }
            if let Some((name, _)) = metric.labels.iter().find(|(_, e)| e.data_type != DataType::Utf8) {
                return Err(format!("the label '{name}' of the metric '{}' is not a text", metric.name));
            }
            values.push(position_or_push(&mut exprs, &metric.value));
            let own = metric.labels.iter().map(|(_, expr)| position_or_push(&mut exprs, expr));
            let own: Vec<usize> = own.collect();
            let known = sources.iter().position(|source| source.exprs == own);
            source_of.push(known.unwrap_or_else(|| {
                sources.push(LabelSource { exprs: own, tuples: LabelTuples::default(), current: None });
                sources.len() - 1
            }));
        }
        let prepare = Prepare::new(None, &exprs).map_err(|e| e.to_string())?;
        Ok((prepare, Inputs { values, sources, source_of, key: Vec::new() }))
    }

    /// The next row is at hand.
    pub fn begin_row(&mut self) {
        self.sources.iter_mut().for_each(|source| source.current = None);
    }

    /// What a row says of a metric; none where it is NULL.
    #[inline]
    pub fn sample(&mut self, rows: &Rows<'_>, metric: usize, row: usize) -> Option<f64> {
        let column = rows.columns[self.values[metric]];
        if !column.is_valid(row) {
            return None;
        }
        if let Values::F64(values) = &column.values {
            return Some(values[row]);
        }
        self.key.clear();
        encode_value(column, row, &mut self.key);
        Some(distinct_sample(&self.key))
    }

    /// Labels that the row at hand has for a metric, with their number and its generation.
    #[inline]
    pub fn labels(&mut self, rows: &Rows<'_>, metric: usize, row: usize) -> (u32, &[u8], u64) {
        let source = &mut self.sources[self.source_of[metric]];
        let tuple = match source.current {
            Some(tuple) => tuple,
            None => {
                self.key.clear();
                for &expr in &source.exprs {
                    let column = rows.columns[expr];
                    put_label(&mut self.key, if column.is_valid(row) { column.bytes_at(row) } else { b"" });
                }
                *source.current.insert(source.tuples.number(&self.key))
            }
        };
        (tuple, source.tuples.key(tuple), source.tuples.generation())
    }
}

/// Number of `expr` among `exprs`, to which it is added if it is new.
fn position_or_push<'a>(exprs: &mut Vec<&'a Expr>, expr: &'a Expr) -> usize {
    exprs.iter().position(|known| same_expr(known, expr)).unwrap_or_else(|| {
        exprs.push(expr);
        exprs.len() - 1
    })
}
