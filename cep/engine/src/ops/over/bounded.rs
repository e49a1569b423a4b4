//! OVER on the bounded result of a window.

use cep_lang::plan::OverCall;

use crate::agg::AggOptions;
use crate::expr::RowErrors;
use crate::ops::window::bounded::{Moment, Relation};

/// Compiled OVER calls of one step.
#[derive(Debug)]
pub struct BoundedOver {}

impl BoundedOver {
    /// Compiles `calls`.
    ///
    /// # Errors
    /// The reason why one cannot be computed, for the user.
    pub fn new(_calls: &[OverCall], _options: &AggOptions) -> Result<Self, String> {
        Err("OVER on a window's result is not there yet".to_string())
    }

    /// Appends one column a call.
    pub fn run(&mut self, _relation: &mut Relation, _at: Moment, _errors: &mut RowErrors) {}
}
