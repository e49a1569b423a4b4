//! FROM: one relation, or a tree of joins.

use datafusion_sql::sqlparser::ast as sql;

use super::{Name, Relation, Span};

/// What FROM reads.
#[derive(Debug, Clone, PartialEq)]
pub enum FromItem {
    /// One relation.
    Relation(Box<Relation>),
    /// Two of them joined; joins without parentheses lean to the left.
    Join(Box<Join>),
}

/// `left JOIN right …`, also `left, right`.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    /// What happens to rows without a partner.
    pub kind: JoinKind,
    /// The left side.
    pub left: FromItem,
    /// The right side.
    pub right: FromItem,
    /// ON or USING.
    pub constraint: JoinConstraint,
    /// `ASOF`: of the partners the nearest one only.
    pub asof: Option<AsOfJoin>,
    /// From the first word of the operator to the last token of the constraint.
    pub span: Span,
}

/// What happens to rows without a partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    /// `[INNER] JOIN`.
    Inner,
    /// `LEFT [OUTER] JOIN`.
    Left,
    /// `RIGHT [OUTER] JOIN`.
    Right,
    /// `FULL [OUTER] JOIN`.
    Full,
    /// `CROSS JOIN`, or a comma.
    Cross,
}

/// Which rows are partners.
#[derive(Debug, Clone, PartialEq)]
pub enum JoinConstraint {
    /// All: CROSS JOIN, a comma, ASOF with nothing but its MATCH_CONDITION.
    None,
    /// `ON condition`.
    On(sql::Expr),
    /// `USING (columns)`.
    Using(Vec<Name>),
}

/// `ASOF … [MATCH_CONDITION (condition)]`.
#[derive(Debug, Clone, PartialEq)]
pub struct AsOfJoin {
    /// Which partner is the nearest; `None`: an inequality of ON says it.
    pub condition: Option<sql::Expr>,
    /// The word ASOF.
    pub span: Span,
}

/// `FOR SYSTEM_TIME AS OF time` behind a relation.
#[derive(Debug, Clone, PartialEq)]
pub struct AsOf {
    /// The time.
    pub time: sql::Expr,
    /// The clause.
    pub span: Span,
}

impl FromItem {
    /// The only relation; `None` for a join.
    pub fn relation(&self) -> Option<&Relation> {
        match self {
            FromItem::Relation(relation) => Some(relation),
            FromItem::Join(_) => None,
        }
    }

    /// All relations, from left to right.
    pub fn relations(&self) -> Vec<&Relation> {
        match self {
            FromItem::Relation(relation) => vec![relation],
            FromItem::Join(join) => {
                let mut all = join.left.relations();
                all.extend(join.right.relations());
                all
            }
        }
    }

    /// All that was written.
    pub fn span(&self) -> Span {
        match self {
            FromItem::Relation(relation) => relation.span,
            FromItem::Join(join) => join.left.span().to(join.right.span()).to(join.span),
        }
    }
}
