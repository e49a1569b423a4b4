//! From plan nodes to operators.

use cep_lang::plan::{BatchWindow, JoinBound, LatePolicy, Node, Program, WindowBody, WindowNode};

use super::window::{AlignedWindow, BatchWindowOp, Layout, ResultPlan, SessionWindow, is_lasting};
use super::{
    AsOfOp, DelayOp, GroupOp, JoinOp, MetricsOp, Operator, PatternOp, RateOp, RulesOp, SlidingWindowOp,
    StreamOver, TableJoinOp, TableWriteOp,
};
use crate::agg::{AggOptions, Order};

/// `state.keys.max` of what reads no stream.
const KEYS_MAX: u64 = 1_000_000;

/// The operator of a node that has state.
///
/// # Errors
/// The reason why it cannot be built, for the user.
pub fn build(node: &Node, program: &Program) -> Result<Operator, String> {
    match node {
        Node::Window(window) => build_window(window, program),
        Node::Over(over) => Ok(Operator::Over(Box::new(StreamOver::new(over)?))),
        Node::Group(group) => Ok(Operator::Group(Box::new(GroupOp::new(group)?))),
        Node::Rate(rate) => Ok(Operator::Rate(Box::new(RateOp::new(rate)?))),
        Node::Sliding(sliding) => Ok(Operator::Sliding(Box::new(SlidingWindowOp::new(sliding)?))),
        Node::Delay { input, delay_ns } => {
            Ok(Operator::Delay(Box::new(DelayOp::new(input.schema(), *delay_ns))))
        }
        Node::TableJoin(join) => Ok(Operator::TableJoin(Box::new(TableJoinOp::new(join)?))),
        Node::TableWrite(write) => Ok(Operator::TableWrite(Box::new(TableWriteOp::new(write)?))),
        Node::Join(join) => match join.bound {
            JoinBound::AsOf(bound) => Ok(Operator::AsOf(Box::new(AsOfOp::new(join, bound)?))),
            JoinBound::Windows(_) | JoinBound::Interval { .. } => {
                Ok(Operator::Join(Box::new(JoinOp::new(join)?)))
            }
        },
        Node::Pattern(pattern) => {
            Ok(Operator::Pattern(Box::new(PatternOp::new(pattern, keys_max(&pattern.input, program))?)))
        }
        Node::Metrics(metrics) => Ok(Operator::Metrics(Box::new(MetricsOp::new(metrics)?))),
        Node::Rules(rules) => Ok(Operator::Rules(Box::new(RulesOp::new(rules)?))),
        Node::Scan { .. } | Node::Filter { .. } | Node::Project { .. } | Node::Union { .. } => {
            unreachable!("the graph builds these")
        }
    }
}

fn build_window(node: &WindowNode, program: &Program) -> Result<Operator, String> {
    let (policy, correction_ns) = late_policy(node, program);
    let keys_max = keys_max(&node.input, program);
    let event_time = AggOptions { order: Order::EventTime, ..AggOptions::default() };
    if let Some(layout) = Layout::new(&node.window)? {
        if policy == LatePolicy::Retract && has_lasting(&node.body) {
            return Err("minForever and maxForever cannot be corrected by late rows; use min and max, \
                 or late.policy = 'drop'"
                .to_string());
        }
        let options = AggOptions { merged: !layout.is_tumbling(), ..event_time };
        let (shape, result) = ResultPlan::new(node, &[], &options, keys_max)?;
        return Ok(Operator::Aligned(Box::new(AlignedWindow::new(
            layout,
            shape,
            result,
            policy,
            correction_ns,
        ))));
    }
    if policy == LatePolicy::Retract {
        return Err("late.policy = 'retract' works with TUMBLING, HOP and CUMULATE windows; \
             use 'drop' with late.stream for this one"
            .to_string());
    }
    if let BatchWindow::Session { gap_ns, keys } = &node.window {
        let options = AggOptions { merged: true, ..event_time };
        let (shape, result) = ResultPlan::new(node, keys, &options, keys_max)?;
        return Ok(Operator::Session(Box::new(SessionWindow::new(*gap_ns, shape, result))));
    }
    let arrival = AggOptions { order: Order::Arrival, ..AggOptions::default() };
    let (shape, result) = ResultPlan::new(node, &[], &arrival, keys_max)?;
    let types: Vec<_> = node.input.schema().fields().iter().map(|f| f.data_type().clone()).collect();
    Ok(Operator::Batch(Box::new(BatchWindowOp::new(&node.window, shape, result, &types)?)))
}

/// Whether aggregates last from window to window.
fn has_lasting(body: &WindowBody) -> bool {
    matches!(body, WindowBody::Groups { calls, .. } if calls.iter().any(is_lasting))
}

/// The strictest `state.keys.max` of the streams below an operator.
fn keys_max(input: &Node, program: &Program) -> u64 {
    let below = input.scans();
    let own = below.iter().map(|s| program.streams[s.index()].options.state_keys_max);
    own.min().unwrap_or(KEYS_MAX)
}

/// Late policy of a window: retract if a stream below it says so.
fn late_policy(node: &WindowNode, program: &Program) -> (LatePolicy, i64) {
    let below = node.input.scans();
    let times = below.iter().map(|s| &program.streams[s.index()].time);
    let retract = times.filter(|t| t.late_policy == LatePolicy::Retract).map(|t| t.correction_ns).max();
    retract.map_or((LatePolicy::Drop, 0), |c| (LatePolicy::Retract, c))
}
