//! One SELECT: its clauses in the order in which they apply.

use arrow_schema::{FieldRef, SchemaRef};
use datafusion_common::Column;
use datafusion_common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion_expr::Expr as Typed;

use crate::ast::{Select, Span};
use crate::diag::{Diagnostic, Result, codes};
use crate::plan::{AggCall, Expr, NamedExpr, Node, SlidingNode, SortKey};

use super::aggregate::AggregateLimits;
use super::columns::{Columns, WINDOW_COLUMNS, extended, marked, schema_of, unnamed};
use super::context::Context;
use super::error::Failure;
use super::group::{Extraction, has_aggregate, has_over, ungrouped, with_columns};
use super::join::{Joined, Names, narrow};
use super::over::{OverInput, frame_ahead as ahead};
use super::relation::{FilterClause, Flow, OpenSliding, Relation};
use super::sqlast::{Item, Scope, SqlExpr, SqlOrderBy, by_position, expand, frame_ahead, ordering};
use super::table;

/// The clauses of the query around a SELECT.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around<'a> {
    /// ORDER BY.
    pub order_by: &'a [SqlOrderBy],
    /// OFFSET.
    pub skip: u64,
    /// LIMIT.
    pub fetch: Option<u64>,
    /// Where LIMIT or OFFSET was written.
    pub limit_span: Option<Span>,
    /// Whether the names of the select list count.
    pub naming: Naming,
}

/// Where the columns of a SELECT get their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// From the select list, so that each is unique.
    Own,
    /// By position from somewhere else, so that names may repeat.
    Elsewhere,
}

impl Naming {
    /// The name of the column at `at` that is written as `name`; `None` when it is `taken` and may
    /// not be.
    pub(crate) fn name(self, name: &str, at: usize, taken: impl Fn(&str) -> bool) -> Option<String> {
        match self {
            _ if !taken(name) => Some(name.to_owned()),
            Naming::Own => None,
            Naming::Elsewhere => {
                let numbered = |n: usize| format!("{name}:{n}");
                (at + 1..).map(numbered).find(|name| !taken(name))
            }
        }
    }
}

impl Around<'_> {
    /// No clause.
    pub(crate) const NOTHING: Around<'static> =
        Around { order_by: &[], skip: 0, fetch: None, limit_span: None, naming: Naming::Own };
}

/// A SELECT's result.
#[derive(Debug)]
pub(crate) struct Selected {
    /// The rows.
    pub relation: Relation,
    /// Where the group keys are among the columns.
    pub groups: Groups,
}

/// Group keys among output columns, for output rates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Groups {
    /// The columns that hold them; empty without GROUP BY.
    Columns(Vec<usize>),
    /// This key is not selected.
    Missing(String),
}

/// A written expression with its types.
struct Part {
    name: String,
    sql: SqlExpr,
    typed: Typed,
}

/// The clauses, resolved and typed over the input.
struct Clauses {
    items: Vec<Part>,
    filter: Option<Part>,
    keys: Vec<Part>,
    having: Option<Part>,
    qualify: Option<Part>,
    order_by: Vec<(Part, bool, bool)>,
}

impl Clauses {
    /// Everything computed after the groups are made.
    fn after_groups(&mut self) -> impl Iterator<Item = &mut Part> {
        self.items
            .iter_mut()
            .chain(&mut self.having)
            .chain(&mut self.qualify)
            .chain(self.order_by.iter_mut().map(|(part, _, _)| part))
    }

    /// All columns in them.
    fn columns(&self) -> impl Iterator<Item = Column> + '_ {
        let order_by = self.order_by.iter().map(|(part, _, _)| part);
        let optional = self.filter.iter().chain(&self.having).chain(&self.qualify);
        let parts = self.items.iter().chain(optional).chain(&self.keys).chain(order_by);
        parts.flat_map(|part| columns_in(&part.typed))
    }

    fn any(&self, is: impl Fn(&Typed) -> bool) -> bool {
        let order_by = self.order_by.iter().map(|(part, _, _)| part);
        self.items.iter().chain(&self.having).chain(&self.qualify).chain(order_by).any(|p| is(&p.typed))
    }
}

/// The columns in an expression.
fn columns_in(typed: &Typed) -> Vec<Column> {
    let mut found = Vec::new();
    let walked = typed.apply(|part| {
        if let Typed::Column(column) = part {
            found.push(column.clone());
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok(), "looking does not fail");
    found
}

/// Lowers a SELECT over its relation.
///
/// # Errors
/// The first clause, in the order of SQL, that cannot be done.
pub(crate) fn lower(
    context: &Context<'_>,
    select: &Select,
    around: Around<'_>,
    relation: Relation,
    qualifier: Option<&str>,
) -> Result<Selected> {
    let names = Names::One(qualifier);
    let (rewritten, relation) = table::without_subqueries(context, select, relation, names)?;
    let select = rewritten.as_ref().unwrap_or(select);
    let (columns, clauses) = read(context, select, around, &relation, names)?;
    Lowering { context, select, columns, clauses, relation }.run(around)
}

/// Lowers a SELECT over a join.
///
/// # Errors
/// As [`lower`].
pub(crate) fn lower_joined(
    context: &Context<'_>,
    select: &Select,
    around: Around<'_>,
    joined: Joined,
) -> Result<Selected> {
    let Joined { relation, sources, .. } = joined;
    let (rewritten, mut relation) =
        table::without_subqueries(context, select, relation, Names::Joined(&sources))?;
    let select = rewritten.as_ref().unwrap_or(select);
    let (mut columns, clauses) = read(context, select, around, &relation, Names::Joined(&sources))?;
    columns = narrow(&mut relation, columns, clauses.columns());
    Lowering { context, select, columns, clauses, relation }.run(around)
}

/// Reads the clauses over the columns of `relation`.
fn read(
    context: &Context<'_>,
    select: &Select,
    around: Around<'_>,
    relation: &Relation,
    names: Names<'_>,
) -> Result<(Columns, Clauses)> {
    let scope = Scope { windows: &select.named_windows, ..names.scope(&relation.schema, context) };
    let columns = names.columns(&relation.schema);
    let clauses = Reader { context, select, scope, columns: &columns }.clauses(around)?;
    Ok((columns, clauses))
}

/// Reads the clauses.
struct Reader<'a> {
    context: &'a Context<'a>,
    select: &'a Select,
    scope: Scope<'a>,
    columns: &'a Columns,
}

impl Reader<'_> {
    fn clauses(self, around: Around<'_>) -> Result<Clauses> {
        let Select {
            distinct: _,
            items,
            from: _,
            filter,
            group_by,
            having,
            qualify,
            named_windows: _,
            span: _,
        } = self.select;
        self.scope.check_windows().map_err(|refusal| self.context.places.refused(*refusal))?;
        let items = expand(items, &self.scope).map_err(|refusal| self.context.places.refused(*refusal))?;
        let parts = items
            .iter()
            .map(|item| self.part(&item.expr, &item.name, &self.scope))
            .collect::<Result<Vec<_>>>()?;
        let aliases: Vec<(String, SqlExpr)> = items
            .iter()
            .zip(&parts)
            .filter(|(item, _part)| item.is_alias)
            .map(|(item, part)| (item.name.clone(), part.sql.clone()))
            .collect();
        let with_aliases = Scope { aliases: &aliases, ..self.scope.clone() };
        let ordered = Scope { aliases_first: true, ..with_aliases.clone() };
        let optional = |sql: &Option<SqlExpr>, scope: &Scope<'_>| {
            sql.as_ref().map(|sql| self.part(sql, "", scope)).transpose()
        };
        Ok(Clauses {
            filter: optional(filter, &self.scope).map_err(|error| alias_in_where(error, &aliases))?,
            keys: group_by.iter().map(|key| self.key(key, &items, &with_aliases)).collect::<Result<_>>()?,
            having: optional(having, &with_aliases)?,
            qualify: optional(qualify, &with_aliases)?,
            order_by: around
                .order_by
                .iter()
                .map(|item| {
                    let item = ordering(item);
                    let part = self.key(&item.expr, &items, &ordered)?;
                    Ok((part, item.descending, item.nulls_first))
                })
                .collect::<Result<_>>()?,
            items: parts,
        })
    }

    fn part(&self, sql: &SqlExpr, name: &str, scope: &Scope<'_>) -> Result<Part> {
        let resolved = self.context.resolved(sql, scope)?;
        let typed = self.context.typed(&resolved, self.columns)?;
        Ok(Part { name: name.to_owned(), sql: resolved, typed })
    }

    /// A group key or an order, which may be a position in the select list.
    fn key(&self, sql: &SqlExpr, items: &[Item], scope: &Scope<'_>) -> Result<Part> {
        let item = by_position(sql, items).map_err(|refusal| self.context.places.refused(*refusal))?;
        match item {
            Some(item) => self.part(&item.expr, &item.name, &self.scope),
            None => self.part(sql, &super::sqlast::text_of(sql), scope),
        }
    }
}

/// Says more when WHERE uses a name that the select list gives.
fn alias_in_where(mut error: Box<Diagnostic>, aliases: &[(String, SqlExpr)]) -> Box<Diagnostic> {
    if error.code == codes::UNKNOWN_COLUMN
        && let Some((alias, _)) =
            aliases.iter().find(|(alias, _)| error.message.contains(&format!("`{alias}`")))
    {
        error.help = Some(format!(
            "`{alias}` is made by the select list, after WHERE; repeat its expression, or select from a subquery"
        ));
    }
    error
}

/// Applies the clauses.
struct Lowering<'a> {
    context: &'a Context<'a>,
    select: &'a Select,
    /// Of the relation as it is now.
    columns: Columns,
    clauses: Clauses,
    relation: Relation,
}

impl Lowering<'_> {
    fn run(mut self, around: Around<'_>) -> Result<Selected> {
        self.check_places()?;
        let sliding = match &self.relation.flow {
            Flow::Sliding(open) => Some(open.clone()),
            Flow::Stream(_) | Flow::Window(_) | Flow::Read(_) | Flow::Once(_) => None,
        };
        let groups = self.group_columns();
        match sliding {
            Some(open) => self.sliding(*open)?,
            None => {
                self.filter()?;
                self.aggregate()?;
            }
        }
        self.over()?;
        self.order(around)?;
        self.project(around.naming)?;
        if self.select.distinct {
            self.apply(self.select.span, |relation| relation.distinct())?;
        }
        if around.skip > 0 || around.fetch.is_some() {
            let span = around.limit_span.unwrap_or(self.select.span);
            self.apply(span, |relation| relation.limit(around.skip, around.fetch))?;
        }
        Ok(Selected { relation: self.relation, groups })
    }

    /// Refuses aggregates and OVER where no group exists yet.
    fn check_places(&self) -> Result<()> {
        let places = [("WHERE", self.clauses.filter.as_slice()), ("GROUP BY", self.clauses.keys.as_slice())];
        for (clause, parts) in places {
            for part in parts {
                let what = match (has_aggregate(&part.typed), has_over(&part.typed)) {
                    (true, _) => "an aggregate",
                    (false, true) => "OVER",
                    (false, false) => continue,
                };
                let help = match clause {
                    "WHERE" => "filter groups with HAVING and OVER results with QUALIFY",
                    _ => "compute it in a view first, then group by its column",
                };
                return Err(self.error(
                    codes::AGGREGATE_PLACE,
                    part,
                    &format!("{what} cannot stand in {clause}"),
                    help,
                ));
            }
        }
        Ok(())
    }

    fn error(&self, code: &'static str, part: &Part, message: &str, help: &str) -> Box<Diagnostic> {
        let span = self.context.places.of(&part.sql).or(Some(self.select.span));
        Failure::new(code, message, help).boxed(span)
    }

    /// Replaces the relation.
    fn apply(
        &mut self,
        span: Span,
        change: impl FnOnce(Relation) -> Result<Relation, Failure>,
    ) -> Result<()> {
        self.relation = change(self.relation.taken()).map_err(|failure| failure.boxed(Some(span)))?;
        Ok(())
    }

    fn filter(&mut self) -> Result<()> {
        let Some(part) = self.clauses.filter.take() else {
            return Ok(());
        };
        let predicate = self.predicate(&part)?;
        let span = self.context.places.of(&part.sql).unwrap_or(self.select.span);
        self.apply(span, |relation| relation.filter(predicate, FilterClause::Where))
    }

    fn predicate(&self, part: &Part) -> Result<Expr> {
        let expr = self.context.converted(&part.typed, &part.sql, &self.columns)?;
        self.context.as_condition(expr, &part.sql)
    }

    fn limits(&self) -> AggregateLimits {
        AggregateLimits { quantile_exact_max: self.relation.limits.quantile_exact_max }
    }

    /// GROUP BY, aggregates, HAVING.
    fn aggregate(&mut self) -> Result<()> {
        let grouped = !self.clauses.keys.is_empty() || self.clauses.having.is_some();
        if !grouped && !self.clauses.any(has_aggregate) {
            return Ok(());
        }
        let (keys, mut fields) = self.keys()?;
        let mut extraction = Extraction::default();
        self.take_out(&mut extraction, &keys.typed)?;
        let calls = self.calls(&extraction)?;
        fields.extend(calls.iter().zip(&extraction.calls).map(|(call, typed)| self.call_field(call, typed)));
        let schema = schema_of(fields);
        self.check_grouped()?;
        let span = self.select.span;
        self.apply(span, |relation| relation.aggregate(keys.exprs, calls, schema.clone()))?;
        self.columns = Columns::unnamed(&schema);
        self.having(FilterClause::Having)
    }

    fn having(&mut self, clause: FilterClause) -> Result<()> {
        let Some(part) = self.clauses.having.take() else {
            return Ok(());
        };
        let predicate = self.predicate(&part)?;
        let span = self.context.places.of(&part.sql).unwrap_or(self.select.span);
        self.apply(span, |relation| relation.filter(predicate, clause))
    }

    /// The group keys, each once; the window's edges join them, so that they can be selected.
    fn keys(&mut self) -> Result<(Keys, Vec<FieldRef>)> {
        let mut keys = Keys::default();
        let mut fields = Vec::new();
        for part in std::mem::take(&mut self.clauses.keys) {
            self.add_key(&mut keys, &mut fields, &part)?;
        }
        if let Flow::Window(open) = &self.relation.flow {
            for edge in open.edges.clone() {
                let typed = self.columns.reference(edge.column);
                let name = self.columns.field(edge.column).name().clone();
                let sql = super::sqlast::identifier(&crate::ast::Name {
                    text: marked(&name),
                    span: self.select.span,
                });
                self.add_key(&mut keys, &mut fields, &Part { name, sql, typed })?;
            }
        }
        Ok((keys, fields))
    }

    fn add_key(&self, keys: &mut Keys, fields: &mut Vec<FieldRef>, part: &Part) -> Result<()> {
        if keys.typed.contains(&part.typed) {
            return Ok(());
        }
        let expr = self.context.converted(&part.typed, &part.sql, &self.columns)?;
        let name = match expr.kind {
            crate::plan::ExprKind::Column(index) => self.columns.field(index).name().clone(),
            _ => part.name.clone(),
        };
        fields.push(self.context.conversion(&self.columns).field(&part.typed, &expr, &name));
        keys.exprs.push(NamedExpr { name, expr });
        keys.typed.push(part.typed.clone());
        Ok(())
    }

    /// Replaces keys and aggregates in every later clause.
    fn take_out(&mut self, extraction: &mut Extraction, keys: &[Typed]) -> Result<()> {
        let span = self.select.span;
        for part in self.clauses.after_groups() {
            let typed = std::mem::take(&mut part.typed);
            let owner = self.context.places.of(&part.sql);
            part.typed = extraction
                .aggregates(typed, keys, keys.len(), owner)
                .map_err(|error| Failure::from(error).boxed(Some(span)))?;
        }
        Ok(())
    }

    fn calls(&self, extraction: &Extraction) -> Result<Vec<AggCall>> {
        let conversion = self.context.conversion(&self.columns);
        extraction
            .calls
            .iter()
            .zip(&extraction.owners)
            .map(|(typed, owner)| {
                let Typed::AggregateFunction(call) = typed else {
                    unreachable!("only aggregates are taken out");
                };
                conversion
                    .aggregate(typed, call, self.limits())
                    .map_err(|failure| failure.boxed(owner.or(Some(self.select.span))))
            })
            .collect()
    }

    fn call_field(&self, call: &AggCall, typed: &Typed) -> FieldRef {
        let expr = Expr { nullable: !is_count(call), ..Expr::column(0, call.data_type.clone(), true) };
        self.context.conversion(&self.columns).field(typed, &expr, &call.name)
    }

    /// Refuses columns that are neither grouped nor inside an aggregate.
    fn check_grouped(&mut self) -> Result<()> {
        let places = &self.context.places;
        for part in self.clauses.after_groups() {
            if let Some(column) = ungrouped(&part.typed) {
                let name = super::error::plain_text(&column.name);
                let span = places.of_column(&column).or_else(|| places.of(&part.sql));
                return Err(Failure::new(
                    codes::NOT_GROUPED,
                    format!("`{name}` is neither grouped nor inside an aggregate"),
                    format!("add it to GROUP BY, or take one value: last({name})"),
                )
                .boxed(span));
            }
        }
        Ok(())
    }

    /// A sliding window: aggregates are over the window, other columns are the current row's.
    fn sliding(&mut self, open: OpenSliding) -> Result<()> {
        if let Some(part) = self.clauses.after_groups().find(|part| has_over(&part.typed)) {
            let span = self.context.places.of(&part.sql);
            return Err(Failure::new(
                codes::OVER,
                "OVER cannot stand over a sliding window, which is a frame itself",
                "write the aggregate without OVER, with GROUP BY for PARTITION BY; or leave out the window and give OVER a frame",
            )
            .boxed(span));
        }
        let filter = self.clauses.filter.take().map(|part| self.predicate(&part)).transpose()?;
        let keys = std::mem::take(&mut self.clauses.keys);
        let mut extraction = Extraction::default();
        let width = self.columns.schema().fields().len();
        self.take_out_sliding(&mut extraction, width)?;
        let keys: Vec<Expr> = keys
            .iter()
            .map(|part| self.context.converted(&part.typed, &part.sql, &self.columns))
            .collect::<Result<_>>()?;
        let calls = self.calls(&extraction)?;
        let fields = calls.iter().zip(&extraction.calls).map(|(call, typed)| self.call_field(call, typed));
        let schema = extended(self.columns.schema(), fields.collect::<Vec<_>>());
        let names = self.columns.schema().fields().iter().map(|f| marked(f.name()));
        let names = names.chain((width..schema.fields().len()).map(unnamed)).collect();
        self.columns = Columns::with_names(&schema, names);
        let OpenSliding { input, window } = open;
        let keys_max = self.relation.limits.keys_max;
        let node = SlidingNode { input, window, filter, keys, calls, schema: schema.clone(), keys_max };
        self.relation.flow = Flow::Stream(Node::Sliding(Box::new(node)));
        self.relation.schema = schema;
        self.having(FilterClause::Where)
    }

    fn take_out_sliding(&mut self, extraction: &mut Extraction, width: usize) -> Result<()> {
        let span = self.select.span;
        for part in self.clauses.after_groups() {
            let typed = std::mem::take(&mut part.typed);
            let owner = self.context.places.of(&part.sql);
            part.typed = extraction
                .aggregates(typed, &[], width, owner)
                .map_err(|error| Failure::from(error).boxed(Some(span)))?;
        }
        Ok(())
    }

    /// OVER calls and QUALIFY.
    fn over(&mut self) -> Result<()> {
        let mut extraction = Extraction::default();
        let span = self.select.span;
        for part in self.clauses.after_groups() {
            let owner = self.context.places.of(&part.sql);
            extraction
                .collect_over(&part.typed, owner)
                .map_err(|error| Failure::from(error).boxed(Some(span)))?;
        }
        if extraction.calls.is_empty() {
            return match self.clauses.qualify.take() {
                None => Ok(()),
                Some(part) => Err(self.error(
                    codes::AGGREGATE_PLACE,
                    &part,
                    "QUALIFY filters the results of OVER, and there is none",
                    "write WHERE, or HAVING for groups",
                )),
            };
        }
        let input = self.over_input()?;
        let order = super::over_groups::by_partition_and_order(&extraction.calls);
        let first = self.columns.schema().fields().len();
        let mut names: Vec<String> =
            (0..first).map(|i| self.columns.planner().field(i).name().clone()).collect();
        let mut column_of = vec![0; extraction.calls.len()];
        for group in order {
            let mut calls = Vec::new();
            let mut fields = Vec::new();
            for at in group {
                let Typed::WindowFunction(call) = &extraction.calls[at] else {
                    unreachable!("only OVER calls are taken out");
                };
                let call = self
                    .context
                    .conversion(&self.columns)
                    .over(&extraction.calls[at], call, input, self.limits())
                    .map_err(|failure| failure.boxed(extraction.owners[at].or(Some(span))))?;
                column_of[at] = names.len();
                names.push(unnamed(names.len()));
                let expr =
                    Expr::column(0, call.data_type.clone(), !super::over_groups::is_counting(&call.func));
                fields.push(self.context.conversion(&self.columns).field(
                    &extraction.calls[at],
                    &expr,
                    &call.name,
                ));
                calls.push(call);
            }
            let schema = extended(&self.relation.schema, fields);
            self.apply(span, |relation| relation.over(calls, schema.clone()))?;
            if let Flow::Stream(Node::Over(over)) = &self.relation.flow
                && over.event_time_order
            {
                super::from::check_late_order(self.context, &over.input, "an OVER", span)?;
            }
            self.columns = Columns::with_names(&schema, names.clone());
        }
        self.replace_over(&extraction, &column_of)?;
        let Some(part) = self.clauses.qualify.take() else {
            return Ok(());
        };
        let predicate = self.predicate(&part)?;
        self.apply(span, |relation| relation.filter(predicate, FilterClause::Where))
    }

    fn replace_over(&mut self, extraction: &Extraction, column_of: &[usize]) -> Result<()> {
        let span = self.select.span;
        let columns = self.columns.clone();
        for part in self.clauses.after_groups() {
            let typed = std::mem::take(&mut part.typed);
            part.typed = with_columns(typed, &extraction.calls, &|at| columns.reference(column_of[at]))
                .map_err(|error| Failure::from(error).boxed(Some(span)))?;
        }
        Ok(())
    }

    /// Refuses frames that look ahead on a stream, where they were written.
    fn over_input(&mut self) -> Result<OverInput> {
        if self.relation.is_bounded() {
            return Ok(OverInput::Bounded);
        }
        let windows = &self.select.named_windows;
        let places = &self.context.places;
        for part in self.clauses.after_groups() {
            if let Some(span) = frame_ahead(&part.sql, windows) {
                return Err(ahead().boxed(places.at(span)));
            }
        }
        Ok(OverInput::Endless)
    }

    fn order(&mut self, around: Around<'_>) -> Result<()> {
        if around.order_by.is_empty() {
            return Ok(());
        }
        let parts = std::mem::take(&mut self.clauses.order_by);
        let mut keys = Vec::new();
        let mut span = None;
        for (part, descending, nulls_first) in &parts {
            let expr = self.context.converted(&part.typed, &part.sql, &self.columns)?;
            span = span.or(expr.span);
            keys.push(SortKey { expr, descending: *descending, nulls_first: *nulls_first });
        }
        self.apply(span.unwrap_or(self.select.span), |relation| relation.sort(keys))
    }

    /// The select list.
    fn project(&mut self, naming: Naming) -> Result<()> {
        let items = std::mem::take(&mut self.clauses.items);
        let conversion = self.context.conversion(&self.columns);
        let mut exprs: Vec<NamedExpr> = Vec::new();
        let mut fields: Vec<FieldRef> = Vec::new();
        for part in &items {
            let span = self.context.places.of(&part.sql);
            let mut expr =
                conversion.value(&part.typed).map_err(|f| f.boxed(span.or(Some(self.select.span))))?;
            expr.span = span.or(expr.span);
            let taken = |name: &str| exprs.iter().any(|e| e.name.eq_ignore_ascii_case(name));
            let Some(name) = naming.name(&part.name, exprs.len(), taken) else {
                return Err(self.error(
                    codes::COLUMN_TWICE,
                    part,
                    &format!("two columns are called `{}`", part.name),
                    "name one of them with AS",
                ));
            };
            fields.push(conversion.field(&part.typed, &expr, &name));
            exprs.push(NamedExpr { name, expr });
        }
        let schema: SchemaRef = schema_of(fields);
        self.apply(self.select.span, |relation| Ok(relation.project(exprs, schema)))
    }

    /// Where GROUP BY keys are selected; the window's edges are not needed.
    fn group_columns(&self) -> Groups {
        let mut columns = Vec::new();
        for key in &self.clauses.keys {
            if let Typed::Column(column) = &key.typed
                && WINDOW_COLUMNS.iter().any(|edge| marked(edge) == column.name)
                && matches!(self.relation.flow, Flow::Window(_))
            {
                continue;
            }
            match self.clauses.items.iter().position(|item| item.typed == key.typed) {
                Some(column) => columns.push(column),
                None => return Groups::Missing(key.name.clone()),
            }
        }
        Groups::Columns(columns)
    }
}

fn is_count(call: &AggCall) -> bool {
    use crate::plan::AggFunc;
    matches!(call.func, AggFunc::Count | AggFunc::CountDistinct | AggFunc::ApproxCountDistinct)
}

#[derive(Default)]
struct Keys {
    typed: Vec<Typed>,
    exprs: Vec<NamedExpr>,
}
