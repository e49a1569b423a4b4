//! Rows that come out later than the watermark: what event-time operators must not stand on.
//!
//! An operator that keeps rows back lets the watermark of its input pass them; a window by event time
//! behind it would take them for late and drop them.

use crate::plan::{BatchWindow, Node};

use crate::ast::RateKind;

use super::catalog::Catalog;
use super::pattern::is_prompt;

/// What keeps rows of `node` back, in the words of SQL; `None` when its rows come with the watermark.
pub(crate) fn held_by(node: &Node, catalog: &Catalog) -> Option<&'static str> {
    let here = match node {
        Node::Scan { stream, schema: _ } => {
            let entry = catalog.stream(*stream);
            // With an event time of its own a stream has a watermark of its own.
            if entry.stream.time.column.is_none() { entry.held_by } else { None }
        }
        Node::Delay { .. } => Some("WINDOW DELAY"),
        Node::Rate(rate) => match rate.kind {
            RateKind::First => None,
            RateKind::All | RateKind::Last | RateKind::Snapshot => Some("OUTPUT … EVERY"),
        },
        Node::Window(window) => match window.window {
            BatchWindow::ExternalTimeBatch { .. } => Some("EXTERNALTIMEBATCH"),
            BatchWindow::Tumbling { .. }
            | BatchWindow::Hop { .. }
            | BatchWindow::Cumulate { .. }
            | BatchWindow::Session { .. }
            | BatchWindow::TimeBatch { .. }
            | BatchWindow::LengthBatch { .. }
            | BatchWindow::Batch
            | BatchWindow::Cron { .. }
            | BatchWindow::ExpressionBatch { .. } => return None,
        },
        // Such a match is given once it is decided, which may be long after its last row.
        Node::Pattern(pattern) if !is_prompt(pattern) => Some("this pattern"),
        Node::Filter { .. }
        | Node::Project { .. }
        | Node::Union { .. }
        | Node::Sliding(_)
        | Node::Group(_)
        // Rows without a partner have an event time that the watermark has not passed.
        | Node::Join(_)
        | Node::Over(_)
        | Node::TableJoin(_)
        | Node::TableWrite(_)
        | Node::Pattern(_) | Node::Metrics(_) | Node::Rules(_) => None,
    };
    here.or_else(|| node.inputs().into_iter().find_map(|input| held_by(input, catalog)))
}
