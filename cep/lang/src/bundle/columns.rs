//! The columns of a source: declared, or told by their use.
//!
//! The rule: `event.time` is TIMESTAMP (BIGINT where `event.time.unit` is written), `partition.by` and labels are
//! STRING, metrics are DOUBLE (STRING where only `distinct` reads them), and what rules read has the type that they
//! need. What is told twice and differently, or not at all, has to be declared.

use std::collections::BTreeMap;

use arrow_schema::{DataType, TimeUnit};

use crate::ast::{ColumnDef, Name, Span, StatementKind};
use crate::cel::{self, Declared, Scope, Type, Unknowns};
use crate::diag::{Diagnostic, codes, suggest};
use crate::sql::parse_script;

use super::metrics::{LabelFrom, MetricFrom, SampleFrom};
use super::model::{MetricDecl, SourcePhase};
use super::promql::Tree;
use super::rules::{cel_type, column_type};
use super::yaml::Scalar;

/// Microseconds and less are as good as nanoseconds in a file.
pub(crate) const TIMESTAMP: DataType = DataType::Timestamp(TimeUnit::Nanosecond, None);

/// What the rest of a bundle does with the rows of a source.
pub(crate) struct Uses<'a> {
    /// Expressions over its metrics, with what was written.
    pub trees: Vec<(Tree, &'a Scalar)>,
    /// CEL over its rows, with the other names that it may use.
    pub rules: Vec<(Vec<&'a Scalar>, Vec<Declared>)>,
}

/// The columns of a source.
pub(crate) struct Columns {
    /// In order.
    pub columns: Vec<ColumnDef>,
    /// Paths of columns in JSON, with the place of each.
    pub paths: Vec<(String, Scalar)>,
    /// Its metrics.
    pub metrics: BTreeMap<String, MetricFrom>,
    /// What is wrong with columns of metrics was told; what reads them would only repeat it.
    pub is_wrong: bool,
}

/// Finds out the columns of a source.
pub(crate) fn columns_of(
    source: &SourcePhase,
    uses: &Uses<'_>,
    text: &str,
    errors: &mut Vec<Diagnostic>,
    warnings: &mut Vec<Diagnostic>,
) -> Columns {
    let before = errors.len();
    let mut finder =
        Finder { text, errors, known: Vec::new(), paths: Vec::new(), metrics: BTreeMap::new(), time: None };
    for (name, ty) in &source.columns {
        finder.declare(name, ty);
    }
    let declared = finder.known.len();
    finder.time_and_key(source);
    match &source.metrics {
        Some(written) => finder.mapped(written, uses),
        None => finder.by_default(uses),
    }
    let is_wrong = finder.errors.len() > before;
    finder.rules(uses);
    for column in finder.known[declared..].iter() {
        let names = finder.known[..declared].iter().map(|known| known.def.name.text.as_str());
        if let Some(close) = suggest(&column.def.name.text, names) {
            let message = format!("`{}` is not declared, and `{close}` is", column.def.name.text);
            let help = format!("write `{close}` if it is meant, or declare both");
            warnings.push(Diagnostic::at(codes::NEAR_NAME, column.place, message).help(help));
        }
    }
    let columns = finder.known.into_iter().map(|known| known.def).collect();
    Columns { columns, paths: finder.paths, metrics: finder.metrics, is_wrong }
}

/// The default mapping over columns that are known: each numeric column is a metric, and STRING columns are labels.
pub(crate) fn default_metrics(schema: &arrow_schema::SchemaRef) -> BTreeMap<String, MetricFrom> {
    let fields = schema.fields().iter();
    let labels = fields.clone().filter(|field| *field.data_type() == DataType::Utf8);
    let labels: Vec<String> = labels.map(|field| field.name().clone()).collect();
    let of = |name: &String| {
        let others = labels.iter().filter(|label| *label != name);
        let labels = others.map(|label| (label.clone(), LabelFrom { column: label.clone() })).collect();
        (name.clone(), MetricFrom { sample: SampleFrom::Column(name.clone()), labels })
    };
    fields.map(|field| of(field.name())).collect()
}

/// Whether samples can be of this type.
pub(crate) fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric()
}

/// Whether labels can be of this type.
pub(crate) fn is_label(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::Int32 | DataType::Int64)
}

struct Known {
    def: ColumnDef,
    /// What told its type; nothing: it was declared.
    told_by: Option<&'static str>,
    place: Span,
}

struct Finder<'a> {
    text: &'a str,
    errors: &'a mut Vec<Diagnostic>,
    known: Vec<Known>,
    paths: Vec<(String, Scalar)>,
    metrics: BTreeMap<String, MetricFrom>,
    /// The event time, which is no label.
    time: Option<String>,
}

impl Finder<'_> {
    fn find(&self, name: &str) -> Option<&Known> {
        self.known.iter().find(|known| known.def.name.text.eq_ignore_ascii_case(name))
    }

    fn declare(&mut self, name: &Scalar, ty: &Scalar) {
        if self.find(&name.text).is_some() {
            let message = format!("the column `{}` is declared twice", name.text);
            self.errors
                .push(Diagnostic::at(codes::COLUMN_TYPE, name.span, message).help("names match in any case"));
            return;
        }
        match read_type(ty, self.text) {
            Ok(mut def) => {
                def.name = Name { text: name.text.clone(), span: name.span };
                self.known.push(Known { def, told_by: None, place: name.span });
            }
            Err(error) => self.errors.push(*error),
        }
    }

    /// Makes a column known by a use of it. One that is declared has its type; one that another use told must have
    /// the same one.
    fn tell(&mut self, name: &str, data_type: DataType, told_by: &'static str, place: Span) {
        let Some(known) = self.find(name) else {
            let name = Name { text: name.to_owned(), span: place };
            let def = ColumnDef { name, data_type, json: false, not_null: false };
            self.known.push(Known { def, told_by: Some(told_by), place });
            return;
        };
        if let Some(before) = known.told_by
            && known.def.data_type != data_type
        {
            let types = [&known.def.data_type, &data_type].map(cep_types::sql_type::sql_type_name);
            let message =
                format!("`{name}` is {before}, so {}, and here {told_by}, so {}", types[0], types[1]);
            let help = format!("declare it, as in `columns: {{{name}: {}}}`, or use two columns", types[1]);
            self.errors.push(Diagnostic::at(codes::COLUMN_TYPE, place, message).help(help));
        }
    }

    fn time_and_key(&mut self, source: &SourcePhase) {
        let option =
            |name: &str| source.options.iter().find(|option| option.key.text.eq_ignore_ascii_case(name));
        if let Some(time) = option("event.time") {
            let is_epoch = option("event.time.unit").is_some();
            let data_type = if is_epoch { DataType::Int64 } else { TIMESTAMP };
            self.time = Some(time.value.text.clone());
            self.tell(&time.value.text, data_type, "the event time", time.value.span);
        }
        for key in &source.partition_by {
            self.tell(&key.text, DataType::Utf8, "a partition key", key.span);
        }
    }

    fn mapped(&mut self, written: &[MetricDecl], uses: &Uses<'_>) {
        for metric in written {
            let as_is = is_told_apart_only(&metric.name.text, uses);
            let sample = match metric.value.text.parse::<f64>() {
                Ok(value) if value.is_finite() => SampleFrom::Constant(value),
                _ => SampleFrom::Column(self.column_or_path(
                    &metric.value,
                    &metric.name.text,
                    &metric.name.text,
                )),
            };
            if let SampleFrom::Column(column) = &sample {
                self.sample(column, as_is, metric.value.span);
            }
            let mut labels = BTreeMap::new();
            for (label, from) in &metric.labels {
                let column = self.column_or_path(from, &label.text, &metric.name.text);
                self.label(&column, from.span);
                labels.insert(label.text.clone(), LabelFrom { column });
            }
            self.metrics.insert(metric.name.text.clone(), MetricFrom { sample, labels });
        }
    }

    /// The column that a metric or label is read from; a path gets a column of its own.
    fn column_or_path(&mut self, from: &Scalar, wanted: &str, metric: &str) -> String {
        if !from.text.starts_with('$') {
            return from.text.clone();
        }
        if let Some((column, _)) = self.paths.iter().find(|(_, path)| path.text == from.text) {
            return column.clone();
        }
        let name = match self.find(wanted) {
            None => wanted.to_owned(),
            Some(_) => format!("{metric}_{wanted}"),
        };
        self.paths.push((name.clone(), from.clone()));
        name
    }

    fn sample(&mut self, column: &str, as_is: bool, place: Span) {
        let data_type = if as_is { DataType::Utf8 } else { DataType::Float64 };
        // A label may also be told apart.
        let known = self.find(column).map(|known| (known.def.data_type.clone(), known.told_by));
        match known {
            None => self.tell(column, data_type, "a metric", place),
            Some((_, _)) if as_is => {}
            Some((known, None)) if is_number(&known) => {}
            Some((known, None)) => {
                let known = cep_types::sql_type::sql_type_name(&known);
                let message = format!("`{column}` is {known}, and samples are numbers");
                let help = "read a number, or count rows: map the metric to `value: 1`";
                self.errors.push(Diagnostic::at(codes::COLUMN_TYPE, place, message).help(help));
            }
            Some((_, Some(_))) => self.tell(column, data_type, "a metric", place),
        }
    }

    fn label(&mut self, column: &str, place: Span) {
        let known = self.find(column).map(|known| (known.def.data_type.clone(), known.told_by));
        match known {
            Some((known, None)) if is_label(&known) => {}
            Some((known, None)) => {
                let known = cep_types::sql_type::sql_type_name(&known);
                let message = format!("`{column}` is {known}, and labels are texts or whole numbers");
                self.errors
                    .push(Diagnostic::at(codes::COLUMN_TYPE, place, message).help("declare it STRING"));
            }
            _ => self.tell(column, DataType::Utf8, "a label", place),
        }
    }

    /// Each metric is the column of its name; labels are the columns that are declared STRING, the partition key,
    /// and what expressions match or group by.
    fn by_default(&mut self, uses: &Uses<'_>) {
        for (tree, written) in &uses.trees {
            let selector = tree.selector();
            let place = written.place(self.text, selector.place.0, selector.place.1);
            let as_is = is_told_apart_only(&selector.metric, uses);
            self.sample(&selector.metric, as_is, place);
            for matcher in &selector.matchers {
                self.label(&matcher.label, place);
            }
            for (label, at) in tree.grouped() {
                self.label(label, written.place(self.text, at.0, at.1));
            }
        }
        let metrics: Vec<String> =
            uses.trees.iter().map(|(tree, _)| tree.selector().metric.clone()).collect();
        let named = |known: &&Known| is_label(&known.def.data_type) && known.told_by != Some("a metric");
        let mut labels: Vec<String> = Vec::new();
        for known in self.known.iter().filter(named) {
            let is_text = known.def.data_type == DataType::Utf8 && !known.def.json;
            let is_used = uses.trees.iter().any(|(tree, _)| {
                let name = &known.def.name.text;
                let matched = tree.selector().matchers.iter().any(|m| m.label == *name);
                matched || tree.grouped().iter().any(|(label, _)| label == name)
            });
            let is_time = self.time.as_ref().is_some_and(|time| known.def.name.matches(time));
            if (is_text && !is_time) || is_used {
                labels.push(known.def.name.text.clone());
            }
        }
        for metric in metrics {
            let others = labels.iter().filter(|label| {
                // A column is a label of itself only where it is asked for.
                **label != metric
                    || uses.trees.iter().any(|(tree, _)| tree.grouped().iter().any(|(l, _)| l == *label))
            });
            let labels = others.map(|label| (label.clone(), LabelFrom { column: label.clone() })).collect();
            let sample = SampleFrom::Column(metric.clone());
            self.metrics.insert(metric, MetricFrom { sample, labels });
        }
    }

    /// Columns that only rules read.
    fn rules(&mut self, uses: &Uses<'_>) {
        let mut unknown: Vec<(String, &Scalar)> = Vec::new();
        for text in uses.rules.iter().flat_map(|(texts, _)| texts) {
            for field in cel::fields_read(&text.text, "payload") {
                if self.find(&field).is_none() && !unknown.iter().any(|(known, _)| *known == field) {
                    unknown.push((field, text));
                }
            }
        }
        if unknown.is_empty() {
            return;
        }
        let mut unknowns = Unknowns::default();
        let mut fields: Vec<(String, Type)> = self
            .known
            .iter()
            .map(|known| (known.def.name.text.clone(), cel_type(&known.def.data_type).unwrap_or(Type::Dyn)))
            .collect();
        fields.extend(unknown.iter().map(|(name, _)| (name.clone(), unknowns.open())));
        let payload = super::rules::payload_type(fields.clone());
        // Twice: what one rule says may help with another one that stands before it.
        for (texts, names) in uses.rules.iter().chain(&uses.rules) {
            let payload = Declared { name: "payload".to_owned(), ty: payload.clone() };
            let variables = std::iter::once(payload).chain(names.iter().cloned()).collect();
            let scope = Scope { variables, container: String::new() };
            texts.iter().for_each(|text| cel::learn(&text.text, &scope, &mut unknowns));
        }
        for (name, text) in unknown {
            let ty = fields.iter().find(|(field, _)| *field == name).map_or(Type::Dyn, |(_, ty)| ty.clone());
            match unknowns.known(&ty).and_then(|ty| column_type(&ty)) {
                Some(data_type) => self.tell(&name, data_type, "what rules compare it with", text.span),
                None => {
                    let at = text.text.find(&format!("payload.{name}"));
                    let place = at.map_or(text.span, |at| text.place(self.text, at, at + 8 + name.len()));
                    let message = format!("the type of the column `{name}` cannot be told from its use");
                    let help = format!("declare it in the source: `columns: {{{name}: DOUBLE}}`");
                    self.errors.push(Diagnostic::at(codes::COLUMN_TYPE, place, message).help(help));
                    // So that what else is wrong is told too.
                    self.tell(&name, DataType::Utf8, "not known", text.span);
                }
            }
        }
    }
}

/// Whether a metric's samples are told apart and nothing else.
fn is_told_apart_only(metric: &str, uses: &Uses<'_>) -> bool {
    let mut own = uses.trees.iter().filter(|(tree, _)| tree.selector().metric == metric).peekable();
    own.peek().is_some() && own.all(|(tree, _)| tree.is_distinct())
}

/// The type of a column, as SQL writes it.
fn read_type(ty: &Scalar, text: &str) -> Result<ColumnDef, Box<Diagnostic>> {
    const BEFORE: &str = "CREATE STREAM s (c ";
    let statements = parse_script(&format!("{BEFORE}{})", ty.text), &|_| None);
    let wrong = || {
        let message = format!("`{}` is no type of a column", ty.text);
        Box::new(
            Diagnostic::at(codes::COLUMN_TYPE, ty.span, message).help("write a type of SQL, such as DOUBLE"),
        )
    };
    let statements = statements.map_err(|errors| match errors.into_iter().next() {
        None => wrong(),
        Some(mut error) => {
            let inner = |at: usize| at.saturating_sub(BEFORE.len()).min(ty.text.len());
            error.span = Some(error.span.map_or(ty.span, |s| ty.place(text, inner(s.start), inner(s.end))));
            Box::new(error)
        }
    })?;
    match statements.into_iter().map(|statement| statement.kind).collect::<Vec<_>>().as_mut_slice() {
        // No bracket in the type may end the columns before their time.
        [StatementKind::CreateStream(create)] if create.columns.len() == 1 && create.options.is_empty() => {
            create.columns.pop().ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}
