//! Columns of streams and results: ids, names, types.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, IntervalUnit, TimeUnit};
use cep_types::frame::{ColumnId, NESTING_MAX, type_number};
use cep_types::sql_type::tag_json;
use flatbuffers::{ForwardsUOffset, Vector, WIPOffset};

use crate::encoder::Builder;
use crate::generated as wire;

/// A column of a stream or of a result.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its id: what frames name it by.
    pub id: ColumnId,
    /// Its name, type and nullability. Types are those of R-EVT-2; a dictionary is sent as its values.
    pub field: Field,
}

type WireColumns<'a> = Vector<'a, ForwardsUOffset<wire::Column<'a>>>;

/// The columns of a verified list.
pub(super) fn read(list: Option<WireColumns<'_>>) -> Result<Vec<Column>, String> {
    let list = list.unwrap_or_default();
    list.iter()
        .map(|column| Ok(Column { id: ColumnId(column.id()), field: read_field(column, NESTING_MAX)? }))
        .collect()
}

/// A list of `columns`; `None` when there are none.
pub(super) fn write<'b>(
    columns: &[Column],
    builder: &mut Builder<'b>,
) -> Option<WIPOffset<Vector<'b, ForwardsUOffset<wire::Column<'b>>>>> {
    let columns: Vec<_> =
        columns.iter().map(|column| write_field(column.id.0, &column.field, builder)).collect();
    (!columns.is_empty()).then(|| builder.create_vector(&columns))
}

/// Whether every column can be sent.
pub(super) fn check(columns: &[Column]) -> Result<(), String> {
    columns.iter().try_for_each(|column| check_field(&column.field, NESTING_MAX))
}

fn check_field(field: &Field, depth_left: usize) -> Result<(), String> {
    if depth_left == 0 {
        return Err(format!("column {} is nested too deep", field.name()));
    }
    if type_number(field).is_none() {
        return Err(format!("column {}: {} is no type of a stream", field.name(), field.data_type()));
    }
    parts(field.data_type()).iter().try_for_each(|part| check_field(part, depth_left - 1))
}

/// The parts of a nested type.
fn parts(data_type: &DataType) -> Vec<&Field> {
    match data_type {
        DataType::List(item) => vec![item],
        DataType::Map(entries, _) => parts(entries.data_type()),
        DataType::Struct(fields) => fields.iter().map(AsRef::as_ref).collect(),
        _ => Vec::new(),
    }
}

fn write_field<'b>(id: u32, field: &Field, builder: &mut Builder<'b>) -> WIPOffset<wire::Column<'b>> {
    let children: Vec<_> =
        (0..).zip(parts(field.data_type())).map(|(at, part)| write_field(at, part, builder)).collect();
    let children = (!children.is_empty()).then(|| builder.create_vector(&children));
    let name = builder.create_string(field.name());
    let (precision, scale) = match field.data_type() {
        DataType::Decimal128(precision, scale) => (*precision, scale.unsigned_abs()),
        _ => (0, 0),
    };
    let args = wire::ColumnArgs {
        id,
        name: Some(name),
        type_: type_number(field).unwrap_or_default(),
        precision,
        scale,
        nullable: field.is_nullable(),
        children,
    };
    wire::Column::create(builder, &args)
}

fn read_field(column: wire::Column<'_>, depth_left: usize) -> Result<Field, String> {
    let name = column.name().unwrap_or_default();
    if depth_left == 0 {
        return Err(format!("column {name} is nested too deep"));
    }
    let children = column.children().unwrap_or_default();
    let parts =
        || children.iter().map(|part| read_field(part, depth_left - 1)).collect::<Result<Vec<_>, _>>();
    let data_type = match column.type_() {
        1 => DataType::Boolean,
        2 => DataType::Int32,
        3 => DataType::Int64,
        4 => DataType::Float32,
        5 => DataType::Float64,
        6 => {
            let scale = i8::try_from(column.scale()).map_err(|_| format!("column {name}: no such scale"))?;
            DataType::Decimal128(column.precision(), scale)
        }
        7 | 16 => DataType::Utf8,
        8 => DataType::Binary,
        9 => DataType::Timestamp(TimeUnit::Nanosecond, None),
        10 => DataType::Date32,
        11 => DataType::Time64(TimeUnit::Nanosecond),
        12 => DataType::Interval(IntervalUnit::MonthDayNano),
        13 => match <[Field; 1]>::try_from(parts()?) {
            Ok([item]) => DataType::List(Arc::new(item)),
            Err(_) => return Err(format!("column {name}: an ARRAY has one part")),
        },
        14 => match <[Field; 2]>::try_from(parts()?) {
            Ok([key, value]) => {
                let entries = DataType::Struct(vec![key.with_nullable(false), value].into());
                DataType::Map(Arc::new(Field::new("entries", entries, false)), false)
            }
            Err(_) => return Err(format!("column {name}: a MAP has two parts")),
        },
        15 => DataType::Struct(Fields::from(parts()?)),
        other => return Err(format!("column {name}: unknown type {other}")),
    };
    let field = Field::new(name, data_type, column.nullable());
    let field = if column.type_() == 16 { tag_json(field) } else { field };
    // The inverse must agree: a DECIMAL out of range and a STRUCT without fields end here.
    if type_number(&field) != Some(column.type_()) {
        return Err(format!("column {name}: no such {}", field.data_type()));
    }
    Ok(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(field: &Field) -> Result<Vec<Column>, String> {
        let mut builder = Builder::new();
        let columns = [Column { id: ColumnId(7), field: field.clone() }];
        let columns = write(&columns, &mut builder);
        let args = wire::QueryRowsArgs { part: 0, columns };
        let root = wire::QueryRows::create(&mut builder, &args);
        builder.finish_minimal(root);
        let table = flatbuffers::root::<wire::QueryRows<'_>>(builder.finished_data());
        read(table.expect("written just now").columns())
    }

    fn nested(depth: usize) -> Field {
        (1..depth).fold(Field::new("x", DataType::Int64, true), |item, _| {
            Field::new("x", DataType::List(Arc::new(item)), true)
        })
    }

    #[test]
    fn every_type_comes_back_under_the_number_that_frames_use() {
        let text = |name: &str| Field::new(name, DataType::Utf8, false);
        let entries = DataType::Struct(vec![text("keys"), tag_json(text("values"))].into());
        let types = [
            DataType::Boolean,
            DataType::Int32,
            DataType::Int64,
            DataType::Float32,
            DataType::Float64,
            DataType::Decimal128(38, 38),
            DataType::Utf8,
            DataType::Binary,
            DataType::Timestamp(TimeUnit::Nanosecond, None),
            DataType::Date32,
            DataType::Time64(TimeUnit::Nanosecond),
            DataType::Interval(IntervalUnit::MonthDayNano),
            DataType::List(Arc::new(text("item"))),
            DataType::Map(Arc::new(Field::new("entries", entries, false)), false),
            DataType::Struct(vec![text("a"), Field::new("b", DataType::Decimal128(1, 0), true)].into()),
        ];
        let mut fields: Vec<Field> = types.map(|data_type| Field::new("größe", data_type, true)).into();
        fields.push(tag_json(text("doc")));
        for (number, field) in (1..).zip(&fields) {
            assert_eq!(type_number(field), Some(number), "{field}");
            let back = sent(field).unwrap();
            assert_eq!(back, [Column { id: ColumnId(7), field: field.clone() }]);
        }
    }

    #[test]
    fn what_is_no_type_of_a_stream_is_refused_on_both_ends() {
        let plain = |data_type| Field::new("x", data_type, true);
        let column = |field: &Field| Column { id: ColumnId(1), field: field.clone() };
        let list = plain(DataType::List(Arc::new(plain(DataType::UInt8))));
        let empty = plain(DataType::Struct(Fields::empty()));
        for field in [plain(DataType::Decimal128(39, 0)), list, empty, nested(NESTING_MAX + 1)] {
            assert!(check(&[column(&field)]).is_err(), "{field}");
            assert!(sent(&field).is_err(), "{field}");
        }
        assert_eq!(check(&[column(&nested(NESTING_MAX))]), Ok(()));
        assert!(sent(&nested(NESTING_MAX)).is_ok());
    }
}
