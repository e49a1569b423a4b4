//! Values that may have lost late samples are asked for that first (R-BUN-4).

use std::collections::BTreeSet;

use crate::cel::{Kind, Node};
use crate::plan::{RuleSlot, SlotSource};

use crate::bundle::metrics::MetricColumns;

/// What is known of the slots of a node.
pub(super) struct Guards<'a> {
    /// The slots.
    pub slots: &'a [RuleSlot],
    /// Columns of the values that late samples cannot always correct.
    pub fragile: &'a [MetricColumns],
}

impl Guards<'_> {
    /// Values, by their columns, that a condition asks of whether they are whole.
    pub(super) fn asked(&self, condition: &Node) -> BTreeSet<usize> {
        let mut out = BTreeSet::new();
        condition.walk(&mut |node| {
            let Kind::Variable(at) = node.kind else { return };
            let Some(slot) = self.slots.get(at) else { return };
            for fragile in self.fragile {
                let asks = slot.source == SlotSource::HasValue(fragile.value)
                    || slot.source == SlotSource::Column(fragile.flags);
                if asks {
                    out.insert(fragile.value);
                }
            }
        });
        out
    }

    /// The first value that is read where nothing asked before.
    pub(super) fn unguarded<'n>(&self, node: &'n Node, asked: &BTreeSet<usize>) -> Option<&'n Node> {
        match &node.kind {
            Kind::Variable(at) => match self.slots.get(*at).map(|slot| &slot.source) {
                Some(SlotSource::Value(column)) => {
                    let is_fragile = self.fragile.iter().any(|fragile| fragile.value == *column);
                    (is_fragile && !asked.contains(column)).then_some(node)
                }
                _ => None,
            },
            Kind::And(a, b) | Kind::Or(a, b) => {
                let with =
                    |other: &Node| asked.union(&self.asked(other)).copied().collect::<BTreeSet<usize>>();
                self.unguarded(a, &with(b)).or_else(|| self.unguarded(b, &with(a)))
            }
            Kind::Conditional(condition, a, b) => {
                let with: BTreeSet<usize> = asked.union(&self.asked(condition)).copied().collect();
                let first = self.unguarded(condition, asked);
                first.or_else(|| self.unguarded(a, &with)).or_else(|| self.unguarded(b, &with))
            }
            _ => node.children().into_iter().find_map(|child| self.unguarded(child, asked)),
        }
    }
}
