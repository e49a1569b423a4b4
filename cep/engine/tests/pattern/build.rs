//! The plan of a case, by hand.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema};
use cep_lang::lower::{CompileOptions, compile};
use cep_lang::plan::{
    AggCall, AggFunc, BinaryOp, ElementId, End, Expr, ExprKind, MatchExpr, MatchRows, NamedExpr, Node,
    OverBound, PatternElement, PatternNode, PatternOrder, Position, Program, Scope, Slot,
};
use datafusion_common::ScalarValue;

use crate::case::{Case, Cond};

const KEY: usize = 1;
const N: usize = 2;
const ID: usize = 3;

const DECLARE: &str = "CREATE STREAM s (ts TIMESTAMP, k STRING, n BIGINT, id BIGINT) \
     WITH (\"event.time\" = 'ts', \"watermark.lateness\" = '1 second', clock = 'event'); SELECT * FROM s;";

fn at(of: Vec<usize>, from: End, skip: u64, offset: i64, scope: Scope) -> Position {
    Position { of: of.into_iter().map(ElementId).collect(), from, skip, offset, scope }
}

fn number(v: i64) -> Expr {
    let kind = ExprKind::Literal(ScalarValue::Int64(Some(v)));
    Expr { kind, data_type: DataType::Int64, nullable: false, span: None }
}

fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    let kind = ExprKind::Binary(op, Box::new(left), Box::new(right));
    Expr { kind, data_type: DataType::Boolean, nullable: true, span: None }
}

fn slot(index: usize) -> Expr {
    Expr::column(index, DataType::Int64, true)
}

fn sum(of: &[usize], scope: Scope) -> Slot {
    let call = AggCall {
        func: AggFunc::Sum,
        args: vec![Expr::column(N, DataType::Int64, true)],
        distinct: false,
        filter: None,
        order_by: Vec::new(),
        data_type: DataType::Int64,
        name: "sum".into(),
    };
    Slot::Aggregate { of: of.iter().map(|&e| ElementId(e)).collect(), call, scope }
}

fn count(of: Vec<usize>) -> Slot {
    let call = AggCall {
        func: AggFunc::Count,
        args: Vec::new(),
        distinct: false,
        filter: None,
        order_by: Vec::new(),
        data_type: DataType::Int64,
        name: "count".into(),
    };
    Slot::Aggregate { of: of.into_iter().map(ElementId).collect(), call, scope: Scope::Final }
}

fn row(at: Position, column: usize) -> Slot {
    Slot::Row { at, column }
}

fn condition(cond: &Cond) -> Option<MatchExpr> {
    use BinaryOp::{And, Gt, GtEq, Lt, LtEq};
    let own = Slot::Input(N);
    let two = |op, other: Slot| {
        Some(MatchExpr { slots: vec![own.clone(), other], expr: binary(op, slot(0), slot(1)) })
    };
    let running = Scope::Running;
    match cond {
        Cond::True => None,
        Cond::In(list) => {
            let kind = ExprKind::InList {
                input: Box::new(slot(0)),
                list: list.iter().map(|&v| number(v)).collect(),
                negated: false,
            };
            let expr = Expr { kind, data_type: DataType::Boolean, nullable: true, span: None };
            Some(MatchExpr { slots: vec![own], expr })
        }
        Cond::AbovePrev => two(Gt, row(at(vec![], End::Current, 0, -1, running), N)),
        Cond::BelowNext => two(Lt, row(at(vec![], End::Current, 0, 1, running), N)),
        Cond::AboveLast(e) => two(GtEq, row(at(vec![*e], End::Last, 0, 0, running), N)),
        Cond::BelowFirst(e) => two(LtEq, row(at(vec![*e], End::First, 0, 0, running), N)),
        Cond::BelowBeforeLast(e) => two(Lt, row(at(vec![*e], End::Last, 0, -1, running), N)),
        Cond::SumAtMost(of, c) => {
            Some(MatchExpr { slots: vec![sum(of, running)], expr: binary(LtEq, slot(0), number(*c)) })
        }
        Cond::SmallAndAbove(e) => Some(MatchExpr {
            slots: vec![own, row(at(vec![*e], End::Last, 0, 0, running), N)],
            expr: binary(And, binary(Lt, slot(0), number(3)), binary(GtEq, slot(0), slot(1))),
        }),
    }
}

pub fn program(case: &Case) -> Program {
    let mut program = compile(DECLARE, &CompileOptions::default()).expect("it compiles");
    let schema = program.streams[0].schema.clone();
    let text = |at: usize| Expr::column(at, DataType::Utf8, true);
    let mut slots: Vec<(Slot, DataType)> = Vec::new();
    let fin = Scope::Final;
    if case.all.is_some() {
        slots.push((Slot::Input(KEY), DataType::Utf8));
        slots.push((Slot::Input(ID), DataType::Int64));
        slots.push((Slot::Classifier(at(vec![], End::Current, 0, 0, Scope::Running)), DataType::Utf8));
        slots.push((Slot::MatchNumber, DataType::Int64));
        slots.push((sum(&[], Scope::Running), DataType::Int64));
    } else {
        slots.push((Slot::Input(KEY), DataType::Utf8));
        slots.push((Slot::MatchNumber, DataType::Int64));
        slots.push((Slot::TimedOut, DataType::Boolean));
        slots.push((count(vec![]), DataType::Int64));
        slots.push((Slot::FirstTime, DataType::Int64));
        slots.push((Slot::LastTime, DataType::Int64));
        for e in 0..case.conds.len() {
            slots.push((row(at(vec![e], End::First, 0, 0, fin), ID), DataType::Int64));
            slots.push((row(at(vec![e], End::Last, 0, 0, fin), ID), DataType::Int64));
            slots.push((row(at(vec![e], End::Last, 1, 0, fin), ID), DataType::Int64));
            slots.push((count(vec![e]), DataType::Int64));
        }
    }
    let exprs: Vec<NamedExpr> = (slots.iter().enumerate())
        .map(|(at, (_, t))| NamedExpr { name: format!("c{at}"), expr: Expr::column(at, t.clone(), true) })
        .collect();
    let fields: Vec<Field> = (slots.iter().enumerate())
        .map(|(at, (_, t))| Field::new(format!("c{at}"), t.clone(), true))
        .collect();
    let elements = (case.conds.iter().enumerate())
        .map(|(e, cond)| PatternElement { name: format!("e{e}"), tag: None, condition: condition(cond) })
        .collect();
    let rows = match case.all {
        None => MatchRows::One { timed_out: case.timed_out },
        Some((empty, unmatched)) => MatchRows::All { empty, unmatched },
    };
    program.queries[0].plan = Node::Pattern(Box::new(PatternNode {
        input: Node::Scan { stream: program.streams[0].id, schema },
        tag: None,
        keys: vec![text(KEY)],
        order: if case.event_time { PatternOrder::EventTime } else { PatternOrder::Log },
        elements,
        pattern: case.pattern.clone(),
        matching: case.matching,
        skip: case.skip.clone(),
        within: case.within.clone(),
        rows,
        slots: slots.into_iter().map(|(slot, _)| slot).collect(),
        exprs,
        schema: Arc::new(Schema::new(fields)),
        runs_max: 100_000,
        over_bound: OverBound::Reject,
        span: None,
    }));
    program
}
