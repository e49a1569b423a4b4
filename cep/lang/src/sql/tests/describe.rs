//! Statements on few lines, for golden tests.

use std::fmt::Write as _;

use crate::ast::{
    Duration, FromItem, InsertSource, JoinConstraint, OptionLiteral, Query, RateEvery, Relation,
    RelationSource, Select, SetExpr, Statement, StatementKind, Window, WindowKind,
};

/// A statement as an indented list of what it holds.
pub(super) fn describe(statement: &Statement) -> String {
    let mut out = String::new();
    match &statement.kind {
        StatementKind::CreateStream(create) => {
            let maybe = if create.if_not_exists { " if not exists" } else { "" };
            let _ = writeln!(out, "create stream{maybe} {}", create.name.text);
            for column in &create.columns {
                let json = if column.json { " json" } else { "" };
                let not_null = if column.not_null { " not null" } else { "" };
                let _ = writeln!(out, "  {}: {}{json}{not_null}", column.name.text, column.data_type);
            }
            options(&mut out, &create.options);
            if let Some(inner) = &create.query {
                query(&mut out, inner, 1);
            }
        }
        StatementKind::CreateView(create) => {
            let columns: Vec<_> = create.columns.iter().map(|c| c.text.as_str()).collect();
            let _ = writeln!(out, "create view {} ({})", create.name.text, columns.join(", "));
            query(&mut out, &create.query, 1);
        }
        StatementKind::CreateAggregation(create) => {
            let _ = writeln!(out, "create aggregation {}", create.name.text);
            options(&mut out, &create.options);
            query(&mut out, &create.query, 1);
            let by = create.by.as_ref().map_or("event time", |by| by.text.as_str());
            let _ = writeln!(out, "  by {by} every {:?}", create.grains);
        }
        StatementKind::Insert(insert) => {
            let columns: Vec<_> = insert.columns.iter().map(|c| c.text.as_str()).collect();
            let _ = writeln!(out, "insert into {} ({})", insert.target.text, columns.join(", "));
            match &insert.source {
                InsertSource::Query(inner) => query(&mut out, inner, 1),
                InsertSource::Values(rows) => {
                    for row in rows {
                        let _ = writeln!(out, "  row {}", list(row));
                    }
                }
            }
        }
        StatementKind::Select(inner) => {
            out.push_str("select\n");
            query(&mut out, inner, 1);
        }
        StatementKind::Explain(inner) => {
            let _ = write!(out, "explain {}", describe(inner));
        }
        other => {
            let _ = writeln!(out, "{other:?}");
        }
    }
    out
}

fn options(out: &mut String, options: &[crate::ast::WithOption]) {
    for option in options {
        let value = match &option.value {
            OptionLiteral::Text(text) => format!("text {text:?}"),
            OptionLiteral::Number(number) => format!("number {number}"),
            OptionLiteral::Bool(truth) => format!("bool {truth}"),
            OptionLiteral::IntervalNs(ns) => format!("interval {ns} ns"),
        };
        let _ = writeln!(out, "  with {} = {value}", option.key.text);
    }
}

fn list<T: std::fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn query(out: &mut String, query: &Query, depth: usize) {
    let pad = "  ".repeat(depth);
    for cte in &query.with {
        let columns: Vec<_> = cte.columns.iter().map(|c| c.text.as_str()).collect();
        let _ = writeln!(out, "{pad}cte {} ({})", cte.name.text, columns.join(", "));
        self::query(out, &cte.query, depth + 1);
    }
    set_expr(out, &query.body, depth);
    if !query.order_by.is_empty() {
        let _ = writeln!(out, "{pad}order by {}", list(&query.order_by));
    }
    if let Some(limit) = &query.limit {
        let _ = writeln!(out, "{pad}limit {limit}");
    }
    if let Some(offset) = &query.offset {
        let _ = writeln!(out, "{pad}offset {offset}");
    }
    if let Some(output) = &query.output {
        let every = match output.every {
            RateEvery::Events(rows) => format!("{rows} events"),
            RateEvery::Time(length) => duration(length),
        };
        let _ = writeln!(out, "{pad}output {:?} every {every}", output.kind);
    }
}

fn set_expr(out: &mut String, body: &SetExpr, depth: usize) {
    let pad = "  ".repeat(depth);
    match body {
        SetExpr::Select(inner) => select(out, inner, depth),
        SetExpr::UnionAll(operands) => {
            let _ = writeln!(out, "{pad}union all of {}", operands.len());
            for operand in operands {
                set_expr(out, operand, depth + 1);
            }
        }
        SetExpr::Nested(inner) => {
            let _ = writeln!(out, "{pad}nested");
            query(out, inner, depth + 1);
        }
    }
}

fn select(out: &mut String, select: &Select, depth: usize) {
    let pad = "  ".repeat(depth);
    let distinct = if select.distinct { "distinct " } else { "" };
    let _ = writeln!(out, "{pad}{distinct}items {}", list(&select.items));
    if let Some(from) = &select.from {
        from_item(out, from, depth);
    }
    if let Some(filter) = &select.filter {
        let _ = writeln!(out, "{pad}where {filter}");
    }
    if !select.group_by.is_empty() {
        let _ = writeln!(out, "{pad}group by {}", list(&select.group_by));
    }
    if let Some(having) = &select.having {
        let _ = writeln!(out, "{pad}having {having}");
    }
    if !select.named_windows.is_empty() {
        let _ = writeln!(out, "{pad}windows {}", list(&select.named_windows));
    }
    if let Some(qualify) = &select.qualify {
        let _ = writeln!(out, "{pad}qualify {qualify}");
    }
}

fn from_item(out: &mut String, item: &FromItem, depth: usize) {
    let join = match item {
        FromItem::Relation(one) => return relation(out, one, depth),
        FromItem::Join(join) => join,
    };
    let constraint = match &join.constraint {
        JoinConstraint::None => String::new(),
        JoinConstraint::On(condition) => format!(" on {condition}"),
        JoinConstraint::Using(columns) => {
            let columns: Vec<_> = columns.iter().map(|c| c.text.as_str()).collect();
            format!(" using {}", columns.join(", "))
        }
    };
    let asof = match &join.asof {
        None => String::new(),
        Some(asof) => match &asof.condition {
            None => " asof".to_owned(),
            Some(condition) => format!(" asof {condition}"),
        },
    };
    let _ = writeln!(out, "{}join {:?}{asof}{constraint}", "  ".repeat(depth), join.kind);
    from_item(out, &join.left, depth + 1);
    from_item(out, &join.right, depth + 1);
}

fn relation(out: &mut String, relation: &Relation, depth: usize) {
    let pad = "  ".repeat(depth);
    let alias = match &relation.alias {
        Some(alias) => {
            let columns: Vec<_> = relation.alias_columns.iter().map(|c| c.text.as_str()).collect();
            format!(" as {} ({})", alias.text, columns.join(", "))
        }
        None => String::new(),
    };
    match &relation.source {
        RelationSource::Name(name) => {
            let _ = writeln!(out, "{pad}from {}{alias}", name.text);
        }
        RelationSource::Derived(derived) => {
            let _ = writeln!(out, "{pad}from query{alias}");
            query(out, &derived.query, depth + 1);
        }
        RelationSource::Pattern(source) => super::patterns::describe_source(out, source, &pad),
        RelationSource::Recognize(recognize) => {
            super::patterns::describe_recognize(out, recognize, &pad, &alias);
            self::relation(out, &recognize.input, depth + 1);
        }
    }
    if let Some(filter) = &relation.pre_filter {
        let _ = writeln!(out, "{pad}  before the window: {filter}");
    }
    if let Some(inner) = &relation.window {
        let _ = writeln!(out, "{pad}  {}", window(inner));
    }
    if let Some(as_of) = &relation.as_of {
        let _ = writeln!(out, "{pad}  as of {}", as_of.time);
    }
    if relation.unidirectional.is_some() {
        let _ = writeln!(out, "{pad}  unidirectional");
    }
    if let Some(within) = &relation.within_per {
        let to = within.to.as_ref().map(|to| format!(", {to}")).unwrap_or_default();
        let _ = writeln!(out, "{pad}  within {}{to} per {:?}", within.from, within.per);
    }
}

/// A length of time: months, days, nanoseconds.
pub(super) fn duration(length: Duration) -> String {
    let mut parts = Vec::new();
    if length.months != 0 {
        parts.push(format!("{} mon", length.months));
    }
    if length.days != 0 {
        parts.push(format!("{} d", length.days));
    }
    if length.nanos != 0 || parts.is_empty() {
        parts.push(format!("{} ns", length.nanos));
    }
    parts.join(" ")
}

fn optional(name: &str, length: Option<Duration>) -> String {
    length.map(|l| format!(" {name} {}", duration(l))).unwrap_or_default()
}

/// A window on one line.
pub(super) fn window(window: &Window) -> String {
    let zone = |zone: &Option<String>| zone.as_ref().map(|z| format!(" zone {z}")).unwrap_or_default();
    let text = match &window.kind {
        WindowKind::Tumbling { size, offset, zone: z } => {
            format!("tumbling size {}{}{}", duration(*size), optional("offset", *offset), zone(z))
        }
        WindowKind::Hop { size, slide, offset, zone: z } => format!(
            "hop size {} slide {}{}{}",
            duration(*size),
            duration(*slide),
            optional("offset", *offset),
            zone(z)
        ),
        WindowKind::Cumulate { step, size, offset, zone: z } => format!(
            "cumulate step {} size {}{}{}",
            duration(*step),
            duration(*size),
            optional("offset", *offset),
            zone(z)
        ),
        WindowKind::Session { gap, keys } => format!("session gap {} keys [{}]", duration(*gap), list(keys)),
        WindowKind::Time { size } => format!("time size {}", duration(*size)),
        WindowKind::TimeBatch { size, start } => {
            format!("time batch size {} start {}", duration(*size), expr(start.as_ref()))
        }
        WindowKind::Length { rows } => format!("length {rows}"),
        WindowKind::LengthBatch { rows } => format!("length batch {rows}"),
        WindowKind::TimeLength { size, rows } => format!("time length size {} rows {rows}", duration(*size)),
        WindowKind::ExternalTime { column, size } => {
            format!("external time by {column} size {}", duration(*size))
        }
        WindowKind::ExternalTimeBatch { column, size, start, timeout } => format!(
            "external time batch by {column} size {} start {}{}",
            duration(*size),
            expr(start.as_ref()),
            optional("timeout", *timeout)
        ),
        WindowKind::Batch => "batch".to_owned(),
        WindowKind::Sort { rows, order } => format!("sort {rows} by {}", list(order)),
        WindowKind::Unique { keys } => format!("unique by {}", list(keys)),
        WindowKind::FirstUnique { keys } => format!("first unique by {}", list(keys)),
        WindowKind::Delay { delay } => format!("delay {}", duration(*delay)),
        WindowKind::Cron { expression } => format!("cron {expression}"),
        WindowKind::Expression { condition } => format!("expression {condition}"),
        WindowKind::ExpressionBatch { condition, include_triggering } => {
            format!("expression batch {condition} including {include_triggering}")
        }
        WindowKind::Frequent { counters, keys } => format!("frequent {counters} keys [{}]", list(keys)),
        WindowKind::LossyFrequent { support, error, keys } => {
            format!("lossy frequent {support} {error} keys [{}]", list(keys))
        }
    };
    match &window.time_column {
        Some(column) => format!("{text} over {}", column.text),
        None => text,
    }
}

fn expr(expr: Option<&datafusion_sql::sqlparser::ast::Expr>) -> String {
    expr.map_or("none".to_owned(), ToString::to_string)
}
