//! Mathematical functions whose bits are the same on every host.
//!
//! `sqrt`, `abs`, `ceil`, `floor`, `signum` and the degree conversions stay DataFusion's: they are
//! single exact IEEE 754 operations. Everything else that DataFusion takes from the host's `libm`
//! or from `powi` is here, on the `libm` crate and on a table of powers of ten.

mod elementary;
mod integer;
mod logarithm;
mod power;
mod rounding;

use std::sync::Arc;

use datafusion_expr::ScalarUDF;

use super::definition::Definition;

/// Functions of ours.
pub(super) fn functions() -> Vec<Definition> {
    let mut functions = elementary::functions();
    functions.extend(logarithm::functions());
    functions.extend(power::functions());
    functions.extend(integer::functions());
    functions
}

/// DataFusion functions with our kernel for floats inside.
pub(super) fn wrapped() -> Vec<Arc<ScalarUDF>> {
    vec![rounding::round(), rounding::trunc()]
}
