//! Queries: WITH, UNION ALL, ORDER BY, LIMIT and output rates around SELECT.

use arrow_schema::{Field, SchemaRef};

use crate::ast::{Cte, FromItem, Name, OutputRate, Query, RateKind, RelationSource, Select, SetExpr, Span};
use crate::diag::{Diagnostic, Result, codes};
use crate::plan::{Changelog, ExprKind, NamedExpr, Node, RateNode};

use super::columns::{Columns, column, schema_of};
use super::context::Context;
use super::error::Failure;
use super::expr::cast_to;
use super::from;
use super::join;
use super::pattern;
use super::projection;
use super::relation::{Relation, columns_of};
use super::select::{self, Around, Groups, Naming, Selected};
use super::sqlast::{Scope, expand, ordering, row_count};
use super::types::{column_type, common_type, field_type_name};

/// Most operators of one query; views and common table expressions are copied where they are read.
const OPERATORS_MAX: usize = 10_000;

/// Common table expressions in sight, the innermost first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ctes<'a> {
    outer: Option<&'a Ctes<'a>>,
    own: &'a [(Name, Relation)],
}

impl<'a> Ctes<'a> {
    /// None.
    pub(crate) const NONE: Ctes<'static> = Ctes { outer: None, own: &[] };

    /// The one called `name`.
    pub(crate) fn find(&self, name: &str) -> Option<&'a Relation> {
        let own = self.own.iter().rev().find(|(cte, _relation)| cte.matches(name));
        match own {
            Some((_name, relation)) => Some(relation),
            None => self.outer?.find(name),
        }
    }
}

/// Lowers a query.
///
/// # Errors
/// The first clause that cannot be done.
pub(crate) fn lower(context: &Context<'_>, query: &Query, ctes: &Ctes<'_>) -> Result<Relation> {
    lower_named(context, query, ctes, Naming::Own)
}

/// As [`lower`]; the columns get their names elsewhere, so that two may have one.
///
/// # Errors
/// As [`lower`].
pub(crate) fn lower_unnamed(context: &Context<'_>, query: &Query, ctes: &Ctes<'_>) -> Result<Relation> {
    lower_named(context, query, ctes, Naming::Elsewhere)
}

fn lower_named(context: &Context<'_>, query: &Query, ctes: &Ctes<'_>, naming: Naming) -> Result<Relation> {
    let Query { with, body, order_by, limit, offset, output, span } = query;
    let mut own: Vec<(Name, Relation)> = Vec::new();
    for cte in with {
        let relation = lower_cte(context, cte, &Ctes { outer: Some(ctes), own: &own })?;
        own.push((cte.name.clone(), relation));
    }
    let ctes = Ctes { outer: Some(ctes), own: &own };
    let rows = |expr: &Option<super::sqlast::SqlExpr>| expr.as_ref().and_then(row_count);
    let limit_span = limit.as_ref().or(offset.as_ref()).and_then(|expr| context.places.of(expr));
    let around = Around { order_by, skip: rows(offset).unwrap_or(0), fetch: rows(limit), limit_span, naming };
    let Selected { relation, groups } = match body {
        SetExpr::Select(select) => lower_select(context, select, around, &ctes)?,
        SetExpr::UnionAll(operands) => {
            let relation = union(context, operands, *span, &ctes, naming)?;
            let relation = order_and_limit(context, relation, around, *span)?;
            Selected { relation, groups: Groups::Columns(Vec::new()) }
        }
        SetExpr::Nested(inner) => {
            let relation = lower_named(context, inner, &ctes, naming)?;
            let relation = order_and_limit(context, relation, around, *span)?;
            Selected { relation, groups: Groups::Columns(Vec::new()) }
        }
    };
    match output {
        None => Ok(relation),
        Some(rate) => limit_rate(relation, rate, &groups),
    }
}

fn lower_cte(context: &Context<'_>, cte: &Cte, ctes: &Ctes<'_>) -> Result<Relation> {
    let Cte { name, columns, query } = cte;
    if reads_directly(&query.body, &name.text)
        && ctes.find(&name.text).is_none()
        && context.catalog.find(&name.text).is_none()
    {
        return Err(recursive(name));
    }
    let naming = if columns.is_empty() { Naming::Own } else { Naming::Elsewhere };
    let relation = lower_named(context, query, ctes, naming)?;
    renamed(relation, columns, name.span)
}

/// The error for a definition that reads itself.
pub(crate) fn recursive(name: &Name) -> Box<Diagnostic> {
    let message = format!("`{}` is defined by itself", name.text);
    Box::new(
        Diagnostic::at(codes::RECURSION, name.span, message)
            .help("read streams, or views that were declared before"),
    )
}

/// Whether a query's FROM names `name` anywhere.
pub(crate) fn reads_directly(body: &SetExpr, name: &str) -> bool {
    match body {
        SetExpr::Select(select) => select.from.as_ref().is_some_and(|item| {
            item.relations().into_iter().any(|relation| reads_source(&relation.source, name))
        }),
        SetExpr::UnionAll(operands) => operands.iter().any(|operand| reads_directly(operand, name)),
        SetExpr::Nested(query) => reads_directly(&query.body, name),
    }
}

fn reads_source(source: &RelationSource, name: &str) -> bool {
    match source {
        RelationSource::Name(source) => source.matches(name),
        RelationSource::Derived(derived) => reads_directly(&derived.query.body, name),
        RelationSource::Pattern(source) => source.streams().iter().any(|s| s.matches(name)),
        RelationSource::Recognize(recognize) => reads_source(&recognize.input.source, name),
    }
}

/// A relation under other column names; as it is when there are none.
///
/// # Errors
/// Another number of names than columns, a name twice.
pub(crate) fn renamed(relation: Relation, names: &[Name], span: Span) -> Result<Relation> {
    if names.is_empty() {
        return Ok(relation);
    }
    let schema = renamed_schema(&relation.schema, names, span)?;
    Ok(relation.renamed(schema))
}

/// Columns under other names; as they are when there are none.
///
/// # Errors
/// As [`renamed`].
pub(crate) fn renamed_schema(schema: &SchemaRef, names: &[Name], span: Span) -> Result<SchemaRef> {
    if names.is_empty() {
        return Ok(schema.clone());
    }
    let columns = schema.fields();
    if names.len() != columns.len() {
        let message = format!("{} names for {} columns", names.len(), columns.len());
        let all: Vec<&str> = columns.iter().map(|f| f.name().as_str()).collect();
        let help = format!("the columns are {}", all.join(", "));
        return Err(Box::new(Diagnostic::at(codes::COLUMN_COUNT, span, message).help(help)));
    }
    for (at, name) in names.iter().enumerate() {
        if names[..at].iter().any(|earlier| earlier.matches(&name.text)) {
            let message = format!("two columns are called `{}`", name.text);
            return Err(Box::new(
                Diagnostic::at(codes::COLUMN_TWICE, name.span, message).help("rename one of them"),
            ));
        }
    }
    let fields =
        columns.iter().zip(names).map(|(field, name)| field.as_ref().clone().with_name(&name.text).into());
    Ok(schema_of(fields.collect::<Vec<_>>()))
}

fn lower_select(
    context: &Context<'_>,
    select: &Select,
    around: Around<'_>,
    ctes: &Ctes<'_>,
) -> Result<Selected> {
    match &select.from {
        None => once(context, select, around),
        Some(FromItem::Join(join)) => {
            let joined = join::lower(context, join, select.filter.as_ref(), ctes)?;
            select::lower_joined(context, select, around, joined)
        }
        Some(FromItem::Relation(written)) => {
            if let RelationSource::Pattern(source) = &written.source {
                return pattern::lower_select(context, select, source, around, ctes);
            }
            let relation = from::lower(context, written, ctes)?;
            select::lower(context, select, around, relation, from::qualifier(written))
        }
    }
}

/// SELECT without FROM: one row of constants.
fn once(context: &Context<'_>, select: &Select, around: Around<'_>) -> Result<Selected> {
    let Select { distinct, items, from: _, filter, group_by, having, qualify, named_windows, span } = select;
    let has_clause = *distinct
        || filter.is_some()
        || !group_by.is_empty()
        || having.is_some()
        || qualify.is_some()
        || !named_windows.is_empty()
        || !around.order_by.is_empty()
        || around.skip > 0
        || around.fetch.is_some();
    if has_clause {
        let message = "a SELECT without FROM is one row of constants and takes no other clause";
        let help = "read a stream: SELECT … FROM s";
        return Err(Box::new(Diagnostic::at(codes::NO_INPUT, *span, message).help(help)));
    }
    let nothing = arrow_schema::Schema::empty();
    let scope = Scope { relations: Vec::new(), ..Scope::of(None, &nothing, context.registry()) };
    let items = expand(items, &scope).map_err(|refusal| context.places.refused(*refusal))?;
    let mut fields = Vec::new();
    let mut values = Vec::new();
    for item in items {
        let value = context.constant(&item.expr)?;
        let data_type = column_type(&value.data_type());
        let value = value.cast_to(&data_type).map_err(|error| Failure::from(error).boxed(Some(*span)))?;
        let taken =
            |name: &str| fields.iter().any(|f: &arrow_schema::FieldRef| f.name().eq_ignore_ascii_case(name));
        let Some(name) = around.naming.name(&item.name, fields.len(), taken) else {
            let message = format!("two columns are called `{}`", item.name);
            let help = "name one of them with AS";
            return Err(Box::new(Diagnostic::at(codes::COLUMN_TWICE, *span, message).help(help)));
        };
        fields.push(column(&name, data_type));
        values.push(value);
    }
    let relation = Relation::once(schema_of(fields), values);
    Ok(Selected { relation, groups: Groups::Columns(Vec::new()) })
}

/// A relation as a stream node.
///
/// # Errors
/// What is no stream.
pub(crate) fn closed(relation: Relation, span: Span) -> Result<(Node, Vec<usize>, Changelog)> {
    relation.closed().map_err(|failure| failure.boxed(Some(span)))
}

fn span_of(body: &SetExpr) -> Span {
    match body {
        SetExpr::Select(select) => select.span,
        SetExpr::UnionAll(operands) => operands.iter().map(span_of).reduce(Span::to).unwrap_or_default(),
        SetExpr::Nested(query) => query.span,
    }
}

/// One operand of a UNION ALL.
struct Operand {
    node: Node,
    times: Vec<usize>,
    changelog: Changelog,
    span: Span,
}

fn union(
    context: &Context<'_>,
    operands: &[SetExpr],
    span: Span,
    ctes: &Ctes<'_>,
    naming: Naming,
) -> Result<Relation> {
    let mut lowered = Vec::with_capacity(operands.len());
    for (at, operand) in operands.iter().enumerate() {
        // The first SELECT names the columns.
        let naming = if at == 0 { naming } else { Naming::Elsewhere };
        let nothing = Around { naming, ..Around::NOTHING };
        let relation = match operand {
            SetExpr::Select(select) => lower_select(context, select, nothing, ctes)?.relation,
            SetExpr::UnionAll(inner) => union(context, inner, span_of(operand), ctes, naming)?,
            SetExpr::Nested(query) => lower_named(context, query, ctes, naming)?,
        };
        let span = span_of(operand);
        let (node, times, changelog) = closed(relation, span)?;
        lowered.push(Operand { node, times, changelog, span });
    }
    let schema = common_schema(&lowered)?;
    let changelog = common_changelog(&lowered)?;
    let times = lowered
        .iter()
        .map(|o| o.times.clone())
        .reduce(|a, b| a.into_iter().filter(|t| b.contains(t)).collect());
    let inputs: Vec<Node> = lowered.into_iter().map(|operand| converted(operand.node, &schema)).collect();
    let node = Node::Union { inputs, schema };
    check_size(&node, span)?;
    let limits = context.catalog.limits(&node);
    Ok(Relation::stream(node, times.unwrap_or_default(), changelog, limits))
}

/// Bounds what copies of views and common table expressions can grow to.
pub(crate) fn check_size(node: &Node, span: Span) -> Result<()> {
    fn operators(node: &Node) -> usize {
        1 + node.inputs().into_iter().map(operators).sum::<usize>()
    }
    if operators(node) <= OPERATORS_MAX {
        return Ok(());
    }
    let message = format!("the query has more than {OPERATORS_MAX} operators");
    let help = "every use of a view or a common table expression is a copy of it; make a stream of it: CREATE STREAM … AS";
    Err(Box::new(Diagnostic::at(codes::TOO_DEEP, span, message).help(help)))
}

fn common_schema(operands: &[Operand]) -> Result<SchemaRef> {
    let mut fields = typed_columns(&operands[0].node);
    for operand in &operands[1..] {
        let others = typed_columns(&operand.node);
        if others.len() != fields.len() {
            let message = format!("this SELECT has {} columns, the first has {}", others.len(), fields.len());
            let help = "UNION ALL joins columns by position; select as many on each side";
            return Err(Box::new(Diagnostic::at(codes::COLUMN_COUNT, operand.span, message).help(help)));
        }
        for (field, other) in fields.iter_mut().zip(&others) {
            let Some(data_type) = common_type(field.data_type(), other.data_type()) else {
                let message = format!(
                    "column `{}` is {} here and {} in the first SELECT",
                    field.name(),
                    field_type_name(other),
                    field_type_name(field)
                );
                let help = "convert one of them: CAST(x AS type)";
                return Err(Box::new(Diagnostic::at(codes::TYPE_MISMATCH, operand.span, message).help(help)));
            };
            let nullable = field.is_nullable() || other.is_nullable();
            // A NULL is as much JSON as it is text.
            if field.data_type().is_null() {
                field.set_metadata(other.metadata().clone());
            } else if !other.data_type().is_null() && field.metadata() != other.metadata() {
                field.set_metadata(Default::default());
            }
            *field = field.clone().with_data_type(data_type).with_nullable(nullable);
        }
    }
    for field in &mut fields {
        *field = field.clone().with_data_type(column_type(field.data_type()));
    }
    Ok(schema_of(fields.into_iter().map(Into::into).collect::<Vec<_>>()))
}

/// The columns of a SELECT; one that is NULL for every row may still have any type.
fn typed_columns(node: &Node) -> Vec<Field> {
    let literals = super::insert::top_literals(node);
    let fields = node.schema().fields().iter().enumerate();
    fields
        .map(|(at, field)| match literals.get(at) {
            Some(Some(value)) if value.is_null() => {
                field.as_ref().clone().with_data_type(arrow_schema::DataType::Null)
            }
            _value => field.as_ref().clone(),
        })
        .collect()
}

fn common_changelog(operands: &[Operand]) -> Result<Changelog> {
    for operand in operands {
        if operand.changelog != Changelog::Append {
            let help = "put a window on its input, then its rows are final";
            let message = "UNION ALL cannot mix rows that are replaced or taken back later with others";
            return Err(Box::new(Diagnostic::at(codes::CHANGELOG, operand.span, message).help(help)));
        }
    }
    Ok(Changelog::Append)
}

/// `node` with the column types of `schema`.
pub(crate) fn converted(node: Node, schema: &SchemaRef) -> Node {
    let own = node.schema().clone();
    let same = own
        .fields()
        .iter()
        .zip(schema.fields())
        .all(|(a, b)| a.data_type() == b.data_type() && a.name() == b.name());
    if same {
        return node;
    }
    let exprs = columns_of(&own)
        .into_iter()
        .zip(schema.fields())
        .map(|(column, field)| NamedExpr {
            name: field.name().clone(),
            expr: cast_to(column.expr, field.data_type()),
        })
        .collect();
    projection::project(node, exprs, schema.clone())
}

/// ORDER BY and LIMIT of a query that is no single SELECT.
fn order_and_limit(
    context: &Context<'_>,
    mut relation: Relation,
    around: Around<'_>,
    span: Span,
) -> Result<Relation> {
    if !around.order_by.is_empty() {
        let schema = relation.schema.clone();
        let columns = Columns::named(&schema);
        let scope = Scope::of(None, &schema, context.registry());
        let mut keys = Vec::new();
        for item in around.order_by {
            let item = ordering(item);
            let position =
                row_count(&item.expr).and_then(|n| usize::try_from(n).ok()).and_then(|n| n.checked_sub(1));
            let expr = match position.filter(|at| *at < schema.fields().len()) {
                Some(at) => columns_of(&schema).swap_remove(at).expr,
                None => context.scalar(&item.expr, &scope, &columns)?,
            };
            keys.push(crate::plan::SortKey {
                expr,
                descending: item.descending,
                nulls_first: item.nulls_first,
            });
        }
        relation = relation.sort(keys).map_err(|failure| failure.boxed(Some(span)))?;
    }
    if around.skip > 0 || around.fetch.is_some() {
        let span = around.limit_span.unwrap_or(span);
        relation = relation.limit(around.skip, around.fetch).map_err(|failure| failure.boxed(Some(span)))?;
    }
    Ok(relation)
}

/// The columns by which rows of an unwindowed GROUP BY replace each other, where they are known.
fn replaced_by(node: &Node) -> Option<Vec<usize>> {
    match node {
        Node::Group(group) => Some((0..group.keys.len()).collect()),
        Node::Rate(rate) => replaced_by(&rate.input),
        Node::Project { input, exprs, schema: _ } => {
            let place = |key: usize| {
                exprs.iter().position(|e| matches!(e.expr.kind, ExprKind::Column(index) if index == key))
            };
            replaced_by(input)?.into_iter().map(place).collect()
        }
        Node::Scan { .. }
        | Node::Filter { .. }
        | Node::Union { .. }
        | Node::Window(_)
        | Node::Sliding(_)
        | Node::Delay { .. }
        | Node::Join(_)
        | Node::Over(_)
        | Node::TableJoin(_)
        | Node::TableWrite(_)
        | Node::Pattern(_)
        | Node::Metrics(_)
        | Node::Rules(_) => None,
    }
}

/// OUTPUT … EVERY ….
fn limit_rate(relation: Relation, rate: &OutputRate, groups: &Groups) -> Result<Relation> {
    let OutputRate { kind, every, span } = rate;
    let keys = match (kind, groups) {
        (RateKind::All, _) => Vec::new(),
        (RateKind::First | RateKind::Last | RateKind::Snapshot, Groups::Columns(columns)) => columns.clone(),
        (RateKind::First | RateKind::Last | RateKind::Snapshot, Groups::Missing(key)) => {
            return Err(Failure::new(
                codes::RATE,
                format!("this rate works on each group, and the group key `{key}` is not selected"),
                "add it to the select list",
            )
            .boxed(Some(*span)));
        }
    };
    let limits = relation.limits;
    let (input, times, changelog) = closed(relation, *span)?;
    if changelog == Changelog::Retract && *kind != RateKind::All {
        let message = "OUTPUT FIRST, LAST and SNAPSHOT cannot take rows that are taken back later";
        let help = "use OUTPUT ALL, which keeps corrections whole, or late.policy = 'drop'";
        return Err(Box::new(Diagnostic::at(codes::CHANGELOG, *span, message).help(help)));
    }
    let keys = match (kind, changelog) {
        (RateKind::All, _) | (_, Changelog::Append | Changelog::Retract) => keys,
        (_, Changelog::Upsert) => replaced_by(&input).ok_or_else(|| {
            let message =
                "this rate keeps one row of each key, and the key of these replaced rows is not known here";
            let help = "write OUTPUT in the query with the GROUP BY, and select its keys";
            Box::new(Diagnostic::at(codes::CHANGELOG, *span, message).help(help))
        })?,
    };
    // All but the first rows of a period are older than the watermark behind it.
    let times = if *kind == RateKind::First { times } else { Vec::new() };
    let node = Node::Rate(Box::new(RateNode { input, kind: *kind, every: *every, keys }));
    Ok(Relation::stream(node, times, changelog, limits))
}
