//! CREATE TABLE and CREATE INDEX.

use arrow_schema::{DataType, Field, FieldRef};
use cep_types::StreamId;
use cep_types::options::StreamOptions;

use crate::ast::{CreateIndex, CreateTable, Name, Span};
use crate::diag::{Diagnostic, Result, codes, suggest};
use crate::lower::catalog::{Catalog, Object};
use crate::lower::columns::schema_of;
use crate::lower::show::options_text;
use crate::lower::stream;
use crate::lower::types::field_type_name;
use crate::plan::{Table, TableId};

use super::{TableEntry, options};

/// A declared table, not yet in the catalog, and the options of the file it begins with.
///
/// # Errors
/// Options that are wrong, a key or index of unknown columns, types that a table does not keep.
pub(crate) fn create(
    id: TableId,
    create: &CreateTable,
    span: Span,
) -> Result<(TableEntry, Option<StreamOptions>)> {
    let CreateTable { name, if_not_exists: _, columns, key, indexes, options: written } = create;
    let mut fields = stream::fields(columns);
    for (column, field) in columns.iter().zip(&fields) {
        check_type(&column.name, field)?;
    }
    let key = places(&fields, key, &name.text)?;
    // A key has no NULL, said or not.
    for &column in &key {
        let field: &Field = &fields[column];
        fields[column] = field.clone().with_nullable(false).into();
    }
    let checked = options::read(written, &fields, !key.is_empty(), span)?;
    let indexes =
        indexes.iter().map(|columns| places(&fields, columns, &name.text)).collect::<Result<Vec<_>>>()?;
    let table = Table {
        id,
        name: name.text.clone(),
        schema: schema_of(fields),
        key,
        indexes,
        rows_max: checked.rows_max,
        full: checked.full,
        ttl_ns: checked.ttl_ns,
        conflict: checked.conflict,
        rows: Vec::new(),
        seed: None,
        span: Some(span),
    };
    let entry = TableEntry { table, is_dropped: false, options_text: options_text(written) };
    Ok((entry, checked.source))
}

/// Adds an index to a table that nobody probes yet by its columns.
///
/// # Errors
/// What is no table, unknown columns, an index that is there.
pub(crate) fn create_index(catalog: &mut Catalog, create: &CreateIndex) -> Result<String> {
    let CreateIndex { name, table, columns } = create;
    let at = match catalog.get(table)? {
        Object::Table(at) => at,
        other => {
            let message = format!("`{}` is {}, and tables have indexes", table.text, other.kind());
            return Err(Box::new(
                Diagnostic::at(codes::WRONG_KIND, table.span, message).help("name a table"),
            ));
        }
    };
    let own = &mut catalog.tables[at].table;
    let fields: Vec<FieldRef> = own.schema.fields().iter().cloned().collect();
    let places = places(&fields, columns, &own.name)?;
    if own.key == places || own.indexes.contains(&places) {
        let message = format!("`{}` is found by these columns already", own.name);
        return Err(Box::new(
            Diagnostic::at(codes::OBJECT_EXISTS, table.span, message).help("leave the index out"),
        ));
    }
    own.indexes.push(places);
    Ok(name.as_ref().map_or_else(|| own.name.clone(), |name| name.text.clone()))
}

/// Numbers of the named columns.
fn places(fields: &[FieldRef], names: &[Name], table: &str) -> Result<Vec<usize>> {
    let mut out = Vec::with_capacity(names.len());
    for name in names {
        let Some(at) = fields.iter().position(|field| name.matches(field.name())) else {
            let message = format!("`{table}` has no column `{}`", name.text);
            let help = match suggest(&name.text, fields.iter().map(|f| f.name().as_str())) {
                Some(close) => format!("did you mean `{close}`?"),
                None => "name one of its columns".to_owned(),
            };
            return Err(Box::new(Diagnostic::at(codes::UNKNOWN_COLUMN, name.span, message).help(help)));
        };
        if out.contains(&at) {
            let message = format!("the column `{}` is listed twice", name.text);
            return Err(Box::new(
                Diagnostic::at(codes::COLUMN_TWICE, name.span, message).help("list it once"),
            ));
        }
        out.push(at);
    }
    Ok(out)
}

fn check_type(name: &Name, field: &FieldRef) -> Result<()> {
    let is_kept = !matches!(
        field.data_type(),
        DataType::List(_)
            | DataType::Struct(_)
            | DataType::Map(_, _)
            | DataType::Interval(_)
            | DataType::Null
    );
    if is_kept {
        return Ok(());
    }
    let message = format!("`{}` is {}, which a table does not keep", name.text, field_type_name(field));
    let help =
        "a table keeps numbers, texts, times, BOOL, BYTES and JSON; keep its parts in columns, or it as JSON";
    Err(Box::new(Diagnostic::at(codes::TARGET_SCHEMA, name.span, message).help(help)))
}

/// The stream through which rows of a file come into a table. It has no name of its own.
pub(crate) fn seed(
    id: StreamId,
    table: &TableEntry,
    options: StreamOptions,
) -> crate::lower::catalog::StreamEntry {
    let fields = table.table.schema.fields().iter().cloned().collect();
    let clock = crate::plan::Clock::Event;
    let mut entry = stream::entry(id, &table.table.name, fields, options, clock, true);
    // Its rows move no clock, so that a host need not either.
    entry.stream.time.clock = clock;
    entry
}
