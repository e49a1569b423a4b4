//! Slots: what the expressions of a pattern read of a match, each thing once.

use arrow_schema::DataType;
use datafusion_expr::Expr as Typed;

use crate::plan::{AggCall, ElementId, Expr, Scope, Slot};

/// The slots of a condition, or of a pattern's output.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    list: Vec<Slot>,
    /// By slot, what an aggregate was before it became one: two calls are one slot if these are equal.
    calls: Vec<Option<Typed>>,
}

impl Slots {
    /// The expression that reads `slot`, which is no aggregate.
    pub(crate) fn read(&mut self, slot: Slot, data_type: DataType, nullable: bool) -> Expr {
        let index = self.list.iter().position(|known| is_same(known, &slot)).unwrap_or_else(|| {
            self.list.push(slot);
            self.calls.push(None);
            self.list.len() - 1
        });
        Expr::column(index, data_type, nullable)
    }

    /// The expression that reads an aggregate over rows of `of`.
    pub(crate) fn aggregate(
        &mut self,
        typed: &Typed,
        of: Vec<ElementId>,
        scope: Scope,
        call: AggCall,
        nullable: bool,
    ) -> Expr {
        let data_type = call.data_type.clone();
        let known = self.list.iter().zip(&self.calls).position(|(slot, known)| match slot {
            Slot::Aggregate { of: other, scope: other_scope, call: _ } => {
                *other == of && *other_scope == scope && known.as_ref() == Some(typed)
            }
            _row => false,
        });
        let index = known.unwrap_or_else(|| {
            self.list.push(Slot::Aggregate { of, call, scope });
            self.calls.push(Some(typed.clone()));
            self.list.len() - 1
        });
        Expr::column(index, data_type, nullable)
    }

    /// The slots, in order.
    pub(crate) fn into_list(self) -> Vec<Slot> {
        self.list
    }
}

fn is_same(a: &Slot, b: &Slot) -> bool {
    match (a, b) {
        (Slot::Input(a), Slot::Input(b)) => a == b,
        (Slot::Row { at: a, column: x }, Slot::Row { at: b, column: y }) => a == b && x == y,
        (Slot::Classifier(a), Slot::Classifier(b)) => a == b,
        (Slot::MatchNumber, Slot::MatchNumber)
        | (Slot::TimedOut, Slot::TimedOut)
        | (Slot::FirstTime, Slot::FirstTime)
        | (Slot::LastTime, Slot::LastTime) => true,
        (
            Slot::Input(_)
            | Slot::Row { .. }
            | Slot::Aggregate { .. }
            | Slot::Classifier(_)
            | Slot::MatchNumber
            | Slot::TimedOut
            | Slot::FirstTime
            | Slot::LastTime,
            _other,
        ) => false,
    }
}
