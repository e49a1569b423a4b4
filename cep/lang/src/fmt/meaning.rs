//! What formatting must not change: the tokens, the comments, and the statement they parse to.

use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::{
    AsOf, AsOfJoin, ColumnDef, CreateAggregation, CreateStream, CreateView, Cte, Define, Derived, FromItem,
    Insert, InsertSource, Join, JoinConstraint, MatchRecognize, Measure, Name, OutputRate, PatternExpr,
    PatternExprKind, PatternSource, Query, Relation, RelationSource, Select, SetExpr, SkipKind, SkipTo, Span,
    Statement, StatementKind, Subset, Window, WithOption, WithinBound, WithinPer,
};
use crate::sql::parse_with;
use crate::sql::tokens::tokenize;

use super::placeholder;
use super::token::{self, Tok};

/// The statement that a text parses to, without spans; `None` when it is not exactly one.
pub(super) fn of(text: &str) -> Option<Statement> {
    let mut statements = parse_with(text, &placeholder).ok()?;
    let only = statements.pop().filter(|_only| statements.is_empty())?;
    Some(without_spans(only))
}

/// Whether `candidate` consists of `tokens` and their comments, up to the case of words.
pub(super) fn keeps_tokens(tokens: &[Tok], candidate: &str) -> bool {
    let (located, error) = tokenize(candidate, true);
    let (mut pieces, trailing) = token::pieces(candidate, located);
    let Some(piece) = pieces.pop() else {
        return false;
    };
    let had_end = tokens.last().is_some_and(|t| t.token == Token::SemiColon);
    let expected = tokens.len() + usize::from(!had_end);
    error.is_none()
        && pieces.is_empty()
        && trailing.is_empty()
        && piece.tokens.len() == expected
        && tokens.iter().zip(&piece.tokens).all(|(old, new)| same(old, new))
}

fn same(old: &Tok, new: &Tok) -> bool {
    let same_token = match (&old.token, &new.token) {
        (Token::Word(old), Token::Word(new)) if old.quote_style.is_none() => {
            new.quote_style.is_none() && old.value.eq_ignore_ascii_case(&new.value)
        }
        (old, new) => old == new,
    };
    let comments = |tok: &Tok| -> Vec<String> { tok.comments.iter().map(|c| c.text.clone()).collect() };
    same_token && comments(old) == comments(new)
}

/// The same statement at no place: two texts that mean the same give equal ones.
pub fn without_spans(mut statement: Statement) -> Statement {
    erase_statement(&mut statement);
    statement
}

fn erase_statement(statement: &mut Statement) {
    let Statement { kind, span } = statement;
    *span = Span::default();
    match kind {
        StatementKind::CreateStream(CreateStream { name, if_not_exists: _, columns, options, query }) => {
            erase_name(name);
            for ColumnDef { name, .. } in columns {
                erase_name(name);
            }
            erase_options(options);
            query.iter_mut().for_each(erase_query);
        }
        StatementKind::CreateView(CreateView { name, columns, query }) => {
            erase_name(name);
            columns.iter_mut().for_each(erase_name);
            erase_query(query);
        }
        StatementKind::CreateAggregation(CreateAggregation { name, options, query, by, grains: _ }) => {
            erase_name(name);
            erase_options(options);
            erase_query(query);
            by.iter_mut().for_each(erase_name);
        }
        StatementKind::Insert(Insert { verb: _, target, columns, source }) => {
            erase_name(target);
            columns.iter_mut().for_each(erase_name);
            if let InsertSource::Query(query) = source {
                erase_query(query);
            }
        }
        StatementKind::CreateTable(create) => {
            erase_name(&mut create.name);
            create.columns.iter_mut().for_each(|column| erase_name(&mut column.name));
            create.key.iter_mut().chain(create.indexes.iter_mut().flatten()).for_each(erase_name);
            erase_options(&mut create.options);
        }
        StatementKind::CreateIndex(create) => {
            create.name.iter_mut().for_each(erase_name);
            erase_name(&mut create.table);
            create.columns.iter_mut().for_each(erase_name);
        }
        StatementKind::CreateTrigger(create) => {
            erase_name(&mut create.name);
            create.schedule_span = Span::default();
        }
        StatementKind::CreateFunction(create) => {
            create.body_span = Span::default();
            erase_name(&mut create.name);
            create.parameters.iter_mut().for_each(|parameter| erase_name(&mut parameter.name));
        }
        StatementKind::Update(update) => {
            update.span = Span::default();
            erase_name(&mut update.table);
            update.alias.iter_mut().for_each(erase_name);
            update.set.iter_mut().for_each(|(name, _value)| erase_name(name));
            erase_relation(&mut update.from);
        }
        StatementKind::Delete(delete) => {
            delete.span = Span::default();
            erase_name(&mut delete.table);
            delete.alias.iter_mut().for_each(erase_name);
            erase_relation(&mut delete.using);
        }
        StatementKind::Select(query) => erase_query(query),
        StatementKind::Explain(inner) => erase_statement(inner),
        StatementKind::Show(_) => {}
        StatementKind::Describe(name) | StatementKind::Drop { name, .. } => erase_name(name),
    }
}

fn erase_name(name: &mut Name) {
    name.span = Span::default();
}

fn erase_options(options: &mut [WithOption]) {
    for WithOption { key, value: _, value_span } in options {
        erase_name(key);
        *value_span = Span::default();
    }
}

fn erase_query(query: &mut Query) {
    let Query { with, body, order_by: _, limit: _, offset: _, output, span } = query;
    *span = Span::default();
    for Cte { name, columns, query } in with {
        erase_name(name);
        columns.iter_mut().for_each(erase_name);
        erase_query(query);
    }
    erase_set_expr(body);
    if let Some(OutputRate { span, .. }) = output {
        *span = Span::default();
    }
}

fn erase_set_expr(body: &mut SetExpr) {
    match body {
        SetExpr::Select(select) => {
            let Select { from, span, .. } = select.as_mut();
            *span = Span::default();
            from.iter_mut().for_each(erase_from);
        }
        SetExpr::UnionAll(operands) => operands.iter_mut().for_each(erase_set_expr),
        SetExpr::Nested(query) => erase_query(query),
    }
}

fn erase_from(item: &mut FromItem) {
    let join = match item {
        FromItem::Relation(relation) => return erase_relation(relation),
        FromItem::Join(join) => join.as_mut(),
    };
    let Join { kind: _, left, right, constraint, asof, span } = join;
    *span = Span::default();
    erase_from(left);
    erase_from(right);
    if let JoinConstraint::Using(columns) = constraint {
        columns.iter_mut().for_each(erase_name);
    }
    if let Some(AsOfJoin { condition: _, span }) = asof {
        *span = Span::default();
    }
}

fn erase_relation(relation: &mut Relation) {
    let Relation {
        source,
        pre_filter: _,
        window,
        within_per,
        as_of,
        unidirectional,
        alias,
        alias_columns,
        span,
    } = relation;
    *span = Span::default();
    if let Some(AsOf { time: _, span }) = as_of {
        *span = Span::default();
    }
    *unidirectional = unidirectional.map(|_span| Span::default());
    match source {
        RelationSource::Name(name) => erase_name(name),
        RelationSource::Derived(Derived { query }) => erase_query(query),
        RelationSource::Pattern(source) => erase_pattern(source),
        RelationSource::Recognize(recognize) => erase_recognize(recognize),
    }
    if let Some(Window { kind: _, time_column, span }) = window {
        *span = Span::default();
        time_column.iter_mut().for_each(erase_name);
    }
    if let Some(WithinPer { span, .. }) = within_per {
        *span = Span::default();
    }
    alias.iter_mut().for_each(erase_name);
    alias_columns.iter_mut().for_each(erase_name);
}

fn erase_pattern(source: &mut PatternSource) {
    let PatternSource { kind: _, shape, within, partition_by: _, order_by: _, skip, timed_out, span } =
        source;
    *span = Span::default();
    erase_shape(shape);
    erase_bounds(within);
    skip.iter_mut().for_each(erase_skip);
    timed_out.iter_mut().for_each(|span| *span = Span::default());
}

fn erase_recognize(recognize: &mut MatchRecognize) {
    let MatchRecognize {
        input,
        partition_by: _,
        order_by: _,
        measures,
        rows: _,
        skip,
        shape,
        within,
        subsets,
        defines,
        span,
    } = recognize;
    *span = Span::default();
    erase_relation(input);
    measures.iter_mut().for_each(|Measure { expr: _, name }| erase_name(name));
    skip.iter_mut().for_each(erase_skip);
    erase_shape(shape);
    erase_bounds(within);
    for Subset { name, members } in subsets {
        erase_name(name);
        members.iter_mut().for_each(erase_name);
    }
    defines.iter_mut().for_each(|Define { name, condition: _ }| erase_name(name));
}

fn erase_skip(skip: &mut SkipTo) {
    let SkipTo { kind, span } = skip;
    *span = Span::default();
    match kind {
        SkipKind::PastLastRow | SkipKind::ToNextRow => {}
        SkipKind::ToFirst(name) | SkipKind::ToLast(name) => erase_name(name),
    }
}

fn erase_bounds(bounds: &mut [WithinBound]) {
    bounds.iter_mut().for_each(|WithinBound { kind: _, span }| *span = Span::default());
}

fn erase_shape(shape: &mut PatternExpr) {
    let PatternExpr { kind, span } = shape;
    *span = Span::default();
    match kind {
        PatternExprKind::Stream { alias, stream, filter: _ } => {
            alias.iter_mut().for_each(erase_name);
            erase_name(stream);
        }
        PatternExprKind::Variable(name) => erase_name(name),
        PatternExprKind::Then(parts)
        | PatternExprKind::Or(parts)
        | PatternExprKind::And(parts)
        | PatternExprKind::Permute(parts) => parts.iter_mut().for_each(erase_shape),
        PatternExprKind::Within { body, bounds } => {
            erase_bounds(bounds);
            erase_shape(body);
        }
        PatternExprKind::Repeat { body, .. }
        | PatternExprKind::Every(body)
        | PatternExprKind::Not { body, length: _ }
        | PatternExprKind::Exclude(body) => erase_shape(body),
        PatternExprKind::Start | PatternExprKind::End | PatternExprKind::Empty => {}
    }
}
