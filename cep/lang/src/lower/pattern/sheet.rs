//! Expressions over rows of a match: names to slots, through the planner, to the plan.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion_expr::Expr as Typed;

use crate::diag::{Result, codes, suggest};
use crate::plan::{
    AggCall, AggFunc, ElementId, End, Expr, ExprKind, MatchExpr, Position, Scope, Slot, UnaryOp, call_text,
};

use super::super::aggregate::AggregateLimits;
use super::super::columns::{Columns, extended, schema_of, unnamed};
use super::super::context::Context;
use super::super::error::Failure;
use super::super::group::Extraction;
use super::super::relation::StateLimits;
use super::super::sqlast::{At, Bound, Form, MatchNames, Relation, Scope as SqlScope, SqlExpr, bind};
use super::super::types::TIMESTAMP;
use super::elements::Elements;
use super::slots::Slots;

/// Columns of a match that no row has.
pub(crate) const MATCH_COLUMNS: [&str; 3] = ["match_start", "match_end", "timed_out"];

/// Where an expression stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The condition of an element.
    Condition(ElementId),
    /// The output; rows without FINAL or RUNNING are those of this scope.
    Output(Scope),
}

/// What its rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    /// PATTERN and SEQUENCE; whether partial matches that ended come out too.
    Source {
        /// WITH TIMED OUT MATCHES.
        timed_out: bool,
    },
    /// MATCH_RECOGNIZE.
    Recognize,
}

/// What a resolved name stands for.
#[derive(Debug)]
enum Entry {
    /// A value over the slots.
    Value(Expr),
    /// Column of each row of a group, inside an aggregate.
    Every { group: usize, column: usize },
    /// A row of a group itself, inside an aggregate.
    Row { group: usize },
}

/// Rows that aggregates go over.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    of: Vec<ElementId>,
    scope: Scope,
}

/// Expressions that share slots.
pub(crate) struct Sheet<'a> {
    context: &'a Context<'a>,
    elements: &'a Elements,
    /// The pattern's input.
    input: SchemaRef,
    /// For each element, those that may have rows when its condition is tested; `None`: any.
    seen: Option<&'a [BTreeSet<ElementId>]>,
    surface: Surface,
    place: Place,
    limits: StateLimits,
    entries: Vec<Entry>,
    fields: Vec<FieldRef>,
    groups: Vec<Group>,
    slots: Slots,
}

/// A lowered expression.
pub(crate) struct Lowered {
    /// Over the slots.
    pub expr: Expr,
    /// The column it makes, with the tag of JSON if it is.
    pub field: Field,
}

/// What a sheet is about.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    /// The statement.
    pub context: &'a Context<'a>,
    /// The variables.
    pub elements: &'a Elements,
    /// The pattern's input.
    pub input: &'a SchemaRef,
    /// See [`super::shape::seen_before`]; `None`: any element may have rows.
    pub seen: Option<&'a [BTreeSet<ElementId>]>,
    /// PATTERN or MATCH_RECOGNIZE.
    pub surface: Surface,
    /// Limits of the streams below.
    pub limits: StateLimits,
}

impl<'a> Sheet<'a> {
    /// An empty sheet.
    pub(crate) fn new(about: About<'a>, place: Place) -> Self {
        let About { context, elements, input, seen, surface, limits } = about;
        Self {
            context,
            elements,
            input: Arc::clone(input),
            seen,
            surface,
            place,
            limits,
            entries: Vec::new(),
            fields: Vec::new(),
            groups: Vec::new(),
            slots: Slots::default(),
        }
    }

    /// The condition of an element.
    ///
    /// # Errors
    /// Unknown names, rows that are not there, values that are not BOOL.
    pub(crate) fn condition(about: About<'a>, own: ElementId, sql: &SqlExpr) -> Result<MatchExpr> {
        let mut sheet = Sheet::new(about, Place::Condition(own));
        let (_typed, _columns, expr) = sheet.over_slots(sql)?;
        let expr = about.context.as_condition(expr, sql)?;
        Ok(MatchExpr { slots: sheet.slots.into_list(), expr })
    }

    /// An output column called `name`.
    ///
    /// # Errors
    /// Unknown names, types that no column can have.
    pub(crate) fn output(&mut self, sql: &SqlExpr, name: &str) -> Result<Lowered> {
        let (typed, columns, expr) = self.over_slots(sql)?;
        let span = self.context.places.of(sql);
        let wanted = super::super::types::column_type(&expr.data_type);
        if matches!(wanted, DataType::Union(_, _)) {
            let failure =
                Failure::new(codes::EXPRESSION, "a value of several types", "convert it: CAST(x AS type)");
            return Err(failure.boxed(span));
        }
        let expr = super::super::expr::cast_to(expr, &wanted);
        let field = self.context.conversion(&columns).field(&typed, &expr, name);
        Ok(Lowered { expr, field: field.as_ref().clone() })
    }

    /// A column of the row that comes out.
    pub(crate) fn input_column(&mut self, column: usize) -> Expr {
        let field = self.input.field(column).clone();
        self.slots.read(Slot::Input(column), field.data_type().clone(), field.is_nullable())
    }

    /// MATCH_NUMBER, for the lowering's own use.
    pub(crate) fn number(&mut self) -> Expr {
        self.slots.read(Slot::MatchNumber, DataType::Int64, true)
    }

    /// What was read.
    pub(crate) fn into_slots(self) -> Vec<Slot> {
        self.slots.into_list()
    }

    /// `sql` over the slots, and what its type was found with.
    fn over_slots(&mut self, sql: &SqlExpr) -> Result<(Typed, Columns, Expr)> {
        let context = self.context;
        let span = context.places.of(sql);
        let mut bound = sql.clone();
        bind(&mut bound, self).map_err(|refusal| context.places.refused(*refusal))?;
        let bound = context.resolved(&bound, &self.rest())?;
        let schema = schema_of(self.fields.clone());
        let rows = Columns::unnamed(&schema);
        let typed = context.typed(&bound, &rows)?;
        let mut extraction = Extraction::default();
        let count = self.entries.len();
        let failed = |failure: Failure| failure.boxed(span);
        let rest = extraction.aggregates(typed, &[], count, span).map_err(|error| failed(error.into()))?;
        let mut calls = Vec::new();
        let mut fields = Vec::new();
        for typed in &extraction.calls {
            let read = self.aggregate(typed, &rows).map_err(failed)?;
            let column = Expr { nullable: read.nullable, ..Expr::column(0, read.data_type.clone(), true) };
            fields.push(context.conversion(&rows).field(typed, &column, "aggregate"));
            calls.push(read);
        }
        let all = extended(&schema, fields);
        let names = (0..all.fields().len()).map(unnamed).collect();
        let columns = Columns::with_names(&all, names);
        let mut expr = context.converted(&rest, sql, &columns)?;
        self.replace(&mut expr, &calls);
        Ok((rest, columns, expr))
    }

    /// Names that are left are unknown; what can be known helps with the message.
    fn rest(&self) -> SqlScope<'_> {
        let relation =
            |qualifier, columns, open| Relation { qualifier, columns, prefix: "", open, outer: false };
        let own = match (self.place, self.surface) {
            (Place::Condition(own), _) => self.elements.get(own).schema.as_ref(),
            (Place::Output(_), _) => self.input.as_ref(),
        };
        let mut relations: Vec<Relation<'_>> = self
            .elements
            .list
            .iter()
            .filter(|element| !element.is_absent)
            .map(|element| relation(Some(element.name.as_str()), element.schema.as_ref(), false))
            .collect();
        relations.push(relation(None, own, true));
        let registry = self.context.registry();
        SqlScope { relations, joined: false, aliases: &[], aliases_first: false, windows: &[], registry }
    }

    /// Columns of `expr` are entries, then `calls`; puts in what they stand for.
    fn replace(&self, expr: &mut Expr, calls: &[Expr]) {
        if let ExprKind::Column(index) = expr.kind {
            let value = match self.entries.get(index) {
                Some(Entry::Value(value)) => value.clone(),
                Some(Entry::Every { .. } | Entry::Row { .. }) => {
                    unreachable!("rows of a group stand inside aggregates only")
                }
                None => calls[index - self.entries.len()].clone(),
            };
            *expr = Expr { span: expr.span, ..value };
            return;
        }
        expr.children_mut().into_iter().for_each(|child| self.replace(child, calls));
    }

    /// An aggregate as a slot.
    fn aggregate(&mut self, typed: &Typed, rows: &Columns) -> std::result::Result<Expr, Failure> {
        let Typed::AggregateFunction(call) = typed else {
            unreachable!("only aggregates are taken out");
        };
        let limits = AggregateLimits { quantile_exact_max: self.limits.quantile_exact_max };
        let mut call = self.context.conversion(rows).aggregate(typed, call, limits)?;
        if matches!(call.func, AggFunc::MinForever | AggFunc::MaxForever) {
            return Err(Failure::new(
                codes::AGGREGATE_PLACE,
                "an aggregate in a pattern is over the rows of a match, and minForever and maxForever are over more",
                "use min or max",
            ));
        }
        let group = self.group_of(&mut call);
        call.name = call_text(&call, &self.input);
        if group.is_none() {
            self.all_rows()?;
        }
        let Group { of, scope } = group.unwrap_or_else(|| Group { of: Vec::new(), scope: self.scope(None) });
        let counts =
            matches!(call.func, AggFunc::Count | AggFunc::CountDistinct | AggFunc::ApproxCountDistinct);
        Ok(self.slots.aggregate(typed, of, scope, call, !counts))
    }

    /// Makes the columns of a call those of the input; `None` when it reads none.
    fn group_of(&self, call: &mut AggCall) -> Option<Group> {
        let mut found = None;
        if let [Expr { kind: ExprKind::Column(index), .. }] = call.args.as_slice()
            && let Some(Entry::Row { group }) = self.entries.get(*index)
        {
            found = Some(*group);
            call.args.clear();
        }
        let parts =
            call.args.iter_mut().chain(&mut call.filter).chain(call.order_by.iter_mut().map(|k| &mut k.expr));
        for expr in parts {
            expr.map_columns(&mut |index| match &self.entries[*index] {
                Entry::Every { group, column } => {
                    found = Some(*group);
                    *index = *column;
                }
                Entry::Row { .. } | Entry::Value(_) => {
                    unreachable!("inside an aggregate every name is bound as a column of its rows")
                }
            });
        }
        found.map(|group| self.groups[group].clone())
    }

    fn scope(&self, written: Option<Scope>) -> Scope {
        match self.place {
            Place::Condition(_) => Scope::Running,
            Place::Output(default) => written.unwrap_or(default),
        }
    }

    /// Where `at` is; `own`: in the condition of one of `of`, or of all rows.
    fn position(&self, of: Vec<ElementId>, at: At) -> Position {
        let is_current = match self.place {
            Place::Condition(own) => of.is_empty() || of.contains(&own),
            Place::Output(_) => false,
        };
        let offset = at.offset.unwrap_or(0);
        if is_current && at.end == End::Last && at.skip == 0 {
            let scope = Scope::Running;
            return Position { of: Vec::new(), from: End::Current, skip: 0, offset, scope };
        }
        Position { of, from: at.end, skip: at.skip, offset, scope: self.scope(at.scope) }
    }

    fn entry(&mut self, entry: Entry, field: Field) -> Bound {
        let data_type = field.data_type().clone();
        let name = unnamed(self.entries.len());
        self.entries.push(entry);
        self.fields.push(Arc::new(field));
        Bound { name, data_type }
    }

    /// The value of an input column at a position.
    fn read(&mut self, position: Position, column: usize) -> Bound {
        let field = self.input.field(column).clone();
        let is_tested = position.from == End::Current && position.offset == 0;
        let (slot, nullable) = match is_tested {
            true => (Slot::Input(column), field.is_nullable()),
            false => (Slot::Row { at: position, column }, true),
        };
        let value = self.slots.read(slot, field.data_type().clone(), nullable);
        self.entry(Entry::Value(value), field.with_nullable(nullable))
    }

    /// `e[n].x` in the condition of `e` itself: a row before the one that is tested.
    fn earlier(&mut self, own: ElementId, at: At, column: usize) -> Bound {
        let position =
            |end, skip| Position { of: vec![own], from: end, skip, offset: 0, scope: Scope::Running };
        if at.end == End::Last {
            return self.read(position(End::Last, at.skip.saturating_add(1)), column);
        }
        // The row that is tested counts as one of the element's; e[n] is before it if there are more.
        let field = self.input.field(column).clone();
        let data_type = field.data_type().clone();
        let exists = Slot::Classifier(position(End::Last, at.skip.saturating_add(1)));
        let exists = self.slots.read(exists, DataType::Utf8, true);
        let row = Slot::Row { at: position(End::First, at.skip), column };
        let value = self.slots.read(row, data_type.clone(), true);
        let condition = Expr {
            kind: ExprKind::Unary(UnaryOp::IsNotNull, Box::new(exists)),
            data_type: DataType::Boolean,
            nullable: false,
            span: None,
        };
        let kind = ExprKind::Case { branches: vec![(condition, value)], otherwise: None };
        let case = Expr { kind, data_type, nullable: true, span: None };
        self.entry(Entry::Value(case), field.with_nullable(true))
    }

    /// Checks that rows of `of` can be there.
    fn check_rows(&self, name: &str, of: &[ElementId], at: At) -> std::result::Result<(), Failure> {
        if let Some(absent) = of.iter().find(|id| self.elements.get(**id).is_absent)
            && self.place != Place::Condition(*absent)
        {
            return Err(Failure::new(
                codes::PATTERN_NAME,
                format!("`{name}` is behind NOT and has no rows"),
                "refer to another element",
            ));
        }
        if let (Place::Condition(_), Some(Scope::Final)) = (self.place, at.scope) {
            return Err(Failure::new(
                codes::PATTERN_ROW,
                "FINAL is about a match that is complete, and a condition decides whether it will be",
                "leave out FINAL",
            ));
        }
        if let (Place::Condition(own), Some(seen)) = (self.place, self.seen)
            && !of.is_empty()
            && !of.iter().any(|id| *id == own || seen[own.0].contains(id))
        {
            return Err(Failure::new(
                codes::PATTERN_ROW,
                format!("`{name}` comes after `{}`, so it has no rows yet", self.elements.get(own).name),
                format!("put the condition on `{name}`, which comes later"),
            ));
        }
        if at.offset.is_some() && self.surface != Surface::Recognize {
            return Err(Failure::new(
                codes::PATTERN_ROW,
                "PREV and NEXT stand in MATCH_RECOGNIZE only",
                "take the row before of the same element: e1[last - 1].price",
            ));
        }
        Ok(())
    }

    fn group(&mut self, of: Vec<ElementId>, scope: Scope) -> usize {
        let group = Group { of, scope };
        self.groups.iter().position(|known| *known == group).unwrap_or_else(|| {
            self.groups.push(group);
            self.groups.len() - 1
        })
    }

    /// A column without a variable before it.
    fn open_column(&mut self, name: &str, at: At) -> std::result::Result<Option<Bound>, Failure> {
        match (self.surface, self.place) {
            (Surface::Recognize, _) => {
                let Some(column) = index_of(&self.input, name) else {
                    return Ok(None);
                };
                self.check_rows(name, &[], at)?;
                self.column_of(Vec::new(), at, column).map(Some)
            }
            (Surface::Source { .. }, Place::Condition(own)) => {
                let Some(at_own) = index_of(&self.elements.get(own).schema, name) else {
                    return Ok(None);
                };
                self.check_rows(name, &[own], at)?;
                if at.form == Form::Call {
                    return Err(which_element(name));
                }
                let column = self.elements.get(own).columns[at_own];
                self.column_of(vec![own], at, column).map(Some)
            }
            (Surface::Source { timed_out }, Place::Output(_)) => self.match_column(name, timed_out, at),
        }
    }

    /// `match_start` and its kin, or a column that one element has.
    fn match_column(
        &mut self,
        name: &str,
        timed_out: bool,
        at: At,
    ) -> std::result::Result<Option<Bound>, Failure> {
        let known = MATCH_COLUMNS.iter().find(|column| column.eq_ignore_ascii_case(name));
        if let Some(known) = known
            && at.form == Form::Plain
        {
            let (slot, data_type) = match *known {
                "match_start" => (Slot::FirstTime, TIMESTAMP),
                "match_end" => (Slot::LastTime, TIMESTAMP),
                _timed_out if !timed_out => {
                    return Err(Failure::new(
                        codes::PATTERN_BOUND,
                        "no partial match comes out here, so none is timed out",
                        "write WITH TIMED OUT MATCHES behind the pattern",
                    ));
                }
                _timed_out => (Slot::TimedOut, DataType::Boolean),
            };
            let value = self.slots.read(slot, data_type.clone(), true);
            return Ok(Some(self.entry(Entry::Value(value), Field::new(*known, data_type, true))));
        }
        match self.elements.with_column(name).as_slice() {
            [] => Err(self.no_column(name)),
            [one] => {
                let element = self.elements.get(*one);
                let column = index_of(&element.schema, name).expect("the element has the column");
                let column = element.columns[column];
                self.check_rows(name, &[*one], at)?;
                self.column_of(vec![*one], at, column).map(Some)
            }
            [first, ..] => Err(Failure::new(
                codes::AMBIGUOUS_COLUMN,
                format!("several elements have a column `{name}`"),
                format!("say of which one: {}.{name}", self.elements.get(*first).name),
            )),
        }
    }

    fn no_column(&self, name: &str) -> Failure {
        let elements = || self.elements.list.iter().filter(|e| !e.is_absent);
        let columns = elements().flat_map(|e| e.schema.fields().iter().map(|f| f.name().as_str()));
        let help = match suggest(name, columns.chain(MATCH_COLUMNS)) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!(
                "columns belong to elements, as in {}.price; text takes single quotes",
                elements().next().map_or("e1", |e| e.name.as_str())
            ),
        };
        Failure::new(codes::UNKNOWN_COLUMN, format!("there is no column `{name}`"), help)
    }

    /// The value of input column `column` of rows of `of`.
    fn column_of(
        &mut self,
        of: Vec<ElementId>,
        at: At,
        column: usize,
    ) -> std::result::Result<Bound, Failure> {
        if at.form == Form::Every {
            let scope = self.scope(at.scope);
            let group = self.group(of, scope);
            let field = self.input.field(column).clone();
            return Ok(self.entry(Entry::Every { group, column }, field));
        }
        if let (Surface::Source { .. }, Place::Condition(own), Form::Index | Form::Call) =
            (self.surface, self.place, at.form)
            && of == [own]
        {
            return Ok(self.earlier(own, at, column));
        }
        let position = self.position(of, at);
        Ok(self.read(position, column))
    }

    fn named(&self, name: &str) -> std::result::Result<Vec<ElementId>, Failure> {
        let own = match self.place {
            Place::Condition(own) => Some(own),
            Place::Output(_) => None,
        };
        self.elements.named(name, own)
    }

    fn of(&self, variable: Option<&str>, at: At) -> std::result::Result<Vec<ElementId>, Failure> {
        let Some(name) = variable else {
            self.check_rows("", &[], at)?;
            return Ok(Vec::new());
        };
        let of = self.named(name)?;
        self.check_rows(name, &of, at)?;
        Ok(of)
    }

    /// Whether an aggregate may be over all rows of a match.
    fn all_rows(&self) -> std::result::Result<(), Failure> {
        match self.surface {
            Surface::Recognize => Ok(()),
            Surface::Source { .. } => Err(Failure::new(
                codes::PATTERN_ROW,
                "an aggregate in a pattern is over the rows of an element, and this one names none",
                "count rows of an element: count(e1); count matches around the pattern: SELECT count(*) FROM (SELECT … FROM PATTERN (…)) …",
            )),
        }
    }

    fn recognize_only(&self, what: &str) -> std::result::Result<(), Failure> {
        match self.surface {
            Surface::Recognize => Ok(()),
            Surface::Source { .. } => Err(Failure::new(
                codes::PATTERN_ROW,
                format!("{what} stands in MATCH_RECOGNIZE only"),
                "elements of PATTERN and SEQUENCE are told apart by their names",
            )),
        }
    }
}

fn which_element(name: &str) -> Failure {
    Failure::new(
        codes::PATTERN_ROW,
        format!("the rows of which element? `{name}` alone is the row that is tested"),
        format!("name the element: LAST(e1.{name})"),
    )
}

fn index_of(schema: &Schema, name: &str) -> Option<usize> {
    schema.fields().iter().position(|field| field.name().eq_ignore_ascii_case(name))
}

impl MatchNames for Sheet<'_> {
    fn is_variable(&self, name: &str) -> bool {
        let own = match self.place {
            Place::Condition(own) => Some(own),
            Place::Output(_) => None,
        };
        self.elements.is_name(name, own)
    }

    fn is_aggregate(&self, name: &str) -> bool {
        self.context.registry().aggregate(&name.to_ascii_lowercase()).is_some()
    }

    fn column(
        &mut self,
        variable: Option<&str>,
        column: &str,
        at: At,
    ) -> std::result::Result<Option<Bound>, Failure> {
        let Some(name) = variable else {
            return self.open_column(column, at);
        };
        let of = self.named(name)?;
        let first = of.first().copied().expect("a name stands for an element at least");
        let element = self.elements.get(first);
        let Some(index) = index_of(&element.schema, column) else {
            let names: Vec<&str> = element.schema.fields().iter().map(|f| f.name().as_str()).collect();
            let help = match suggest(column, names.iter().copied()) {
                Some(close) => format!("did you mean `{close}`?"),
                None => format!("columns are {}", names.join(", ")),
            };
            let message = format!("`{name}` has no column `{column}`");
            return Err(Failure::new(codes::UNKNOWN_COLUMN, message, help));
        };
        let index = element.columns[index];
        self.check_rows(name, &of, at)?;
        self.column_of(of, at, index).map(Some)
    }

    fn row(&mut self, variable: Option<&str>, at: At) -> std::result::Result<Bound, Failure> {
        if variable.is_none() {
            self.all_rows()?;
        }
        let of = self.of(variable, at)?;
        let scope = self.scope(at.scope);
        let group = self.group(of, scope);
        Ok(self.entry(Entry::Row { group }, Field::new("row", DataType::Boolean, false)))
    }

    fn classifier(&mut self, variable: Option<&str>, at: At) -> std::result::Result<Bound, Failure> {
        self.recognize_only("CLASSIFIER")?;
        let of = self.of(variable, at)?;
        let position = self.position(of, at);
        let value = self.slots.read(Slot::Classifier(position), DataType::Utf8, true);
        Ok(self.entry(Entry::Value(value), Field::new("classifier", DataType::Utf8, true)))
    }

    fn match_number(&mut self) -> std::result::Result<Bound, Failure> {
        self.recognize_only("MATCH_NUMBER")?;
        let value = self.number();
        Ok(self.entry(Entry::Value(value), Field::new("match_number", DataType::Int64, true)))
    }

    fn match_time(&mut self) -> std::result::Result<Bound, Failure> {
        self.recognize_only("MATCH_ROWTIME")?;
        if let Place::Condition(_) = self.place {
            return Err(Failure::new(
                codes::PATTERN_ROW,
                "MATCH_ROWTIME is about a match that is complete",
                "compare the time of rows: LAST(A.ts)",
            ));
        }
        let value = self.slots.read(Slot::LastTime, TIMESTAMP, true);
        Ok(self.entry(Entry::Value(value), Field::new("match_rowtime", TIMESTAMP, true)))
    }
}
