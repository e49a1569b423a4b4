//! Window functions by name.
//!
//! DataFusion's signatures and coercions; ranks and row numbers are BIGINT instead of unsigned.
//! They are declarations: the engine evaluates OVER clauses itself.

use std::sync::Arc;

use arrow_schema::{DataType, FieldRef};
use datafusion_common::{Result, not_impl_err};
use datafusion_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion_expr::{Documentation, PartitionEvaluator, Signature, WindowUDF, WindowUDFImpl};
use datafusion_functions_window::all_default_window_functions;

use super::adapted::own_type;

/// Other names of window functions: (alias, canonical name).
pub(super) const ALIASES: &[(&str, &str)] = &[
    ("first", "first_value"),
    ("last", "last_value"),
    ("nth", "nth_value"),
    ("nthvalue", "nth_value"),
    ("prev", "lag"),
    ("previous", "lag"),
    ("next", "lead"),
    ("rownumber", "row_number"),
    ("row_num", "row_number"),
    ("denserank", "dense_rank"),
    ("percentrank", "percent_rank"),
    ("cumedist", "cume_dist"),
];

#[derive(Debug, PartialEq, Eq, Hash)]
struct DeclaredWindow {
    inner: Arc<WindowUDF>,
}

impl WindowUDFImpl for DeclaredWindow {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn partition_evaluator(&self, _args: PartitionEvaluatorArgs) -> Result<Box<dyn PartitionEvaluator>> {
        not_impl_err!("{} is evaluated by the engine's OVER operator", self.inner.name())
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        let field = self.inner.field(args)?;
        let data_type = own_type(field.data_type());
        Ok(Arc::new(field.as_ref().clone().with_data_type(data_type)))
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arg_types)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

/// Every window function.
pub(super) fn functions() -> Vec<Arc<WindowUDF>> {
    all_default_window_functions()
        .into_iter()
        .map(|inner| Arc::new(WindowUDF::new_from_impl(DeclaredWindow { inner })))
        .collect()
}
