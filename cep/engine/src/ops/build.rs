//! From plan nodes to operators.

use cep_lang::plan::{LatePolicy, Node, Program, WindowNode};

use super::Operator;
use super::window::{AlignedWindow, Layout, ResultPlan};
use crate::agg::{AggOptions, Order};

/// The operator of a node that has one input and state.
///
/// # Errors
/// The reason why it cannot be built, for the user.
pub fn build(node: &Node, program: &Program) -> Result<Operator, String> {
    match node {
        Node::Window(window) => build_window(window, program),
        Node::Sliding(_) | Node::Delay { .. } | Node::Group(_) | Node::Over(_) | Node::Rate(_) => {
            Err("this operator is not there yet".to_string())
        }
        Node::Scan { .. } | Node::Filter { .. } | Node::Project { .. } | Node::Union { .. } => {
            unreachable!("the graph builds these")
        }
    }
}

fn build_window(node: &WindowNode, program: &Program) -> Result<Operator, String> {
    let (policy, correction_ns) = late_policy(node, program);
    let Some(layout) = Layout::new(&node.window)? else {
        return Err("this window is not there yet".to_string());
    };
    let options = AggOptions { order: Order::EventTime, ..AggOptions::default() };
    let (shape, result) = ResultPlan::new(node, &[], &options)?;
    Ok(Operator::Aligned(Box::new(AlignedWindow::new(layout, shape, result, policy, correction_ns))))
}

/// Late policy of a window: retract if a stream below it says so.
fn late_policy(node: &WindowNode, program: &Program) -> (LatePolicy, i64) {
    let below = node.input.scans();
    let times = below.iter().map(|s| &program.streams[s.index()].time);
    let retract = times.filter(|t| t.late_policy == LatePolicy::Retract).map(|t| t.correction_ns).max();
    retract.map_or((LatePolicy::Drop, 0), |c| (LatePolicy::Retract, c))
}
