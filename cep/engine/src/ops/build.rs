//! From plan nodes to operators.

use cep_lang::plan::{Node, Program};

use super::Operator;

/// The operator of a node that has one input and state.
///
/// # Errors
/// The reason why it cannot be built, for the user.
pub fn build(node: &Node, program: &Program) -> Result<Operator, String> {
    let _ = (node, program);
    Err("not here yet".to_string())
}
