//! Fitting a frame's column to the reader's field: names, nullability, and wider types.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, MapArray, StructArray, new_null_array};
use arrow_cast::CastOptions;
use arrow_schema::{ArrowError, DataType, Field, Fields};

use crate::sql_type::{field_type_name, is_json_field};

/// `array`, which the frame describes as `from`, as a column of `to`.
///
/// # Errors
/// With the reason, when a value of `from` might not fit `to`.
pub(super) fn conform(from: &Field, array: &ArrayRef, to: &Field) -> Result<ArrayRef, String> {
    if !to.is_nullable() && array.null_count() > 0 {
        return Err(format!("{} NULLs in a column that is NOT NULL", array.null_count()));
    }
    if is_json_field(to) && !is_json_field(from) {
        return Err(format!("{} is not known to be JSON", field_type_name(from)));
    }
    match (from.data_type(), to.data_type()) {
        (same, wanted) if same == wanted => Ok(array.clone()),
        (DataType::List(from_item), DataType::List(to_item)) => {
            let list = array.as_list::<i32>();
            let values = conform(from_item, list.values(), to_item)?;
            let offsets = list.offsets().clone();
            ListArray::try_new(to_item.clone(), offsets, values, list.nulls().cloned())
                .map(|list| Arc::new(list) as ArrayRef)
                .map_err(reason)
        }
        (DataType::Struct(from_fields), DataType::Struct(to_fields)) => {
            let record = conform_record(from_fields, array.as_struct(), to_fields)?;
            Ok(Arc::new(record))
        }
        (DataType::Map(from_entries, _), DataType::Map(to_entries, false)) => {
            conform_map(from_entries, array.as_map(), to_entries)
        }
        (narrow, wide) if widens(narrow, wide) => {
            let options = CastOptions { safe: false, ..CastOptions::default() };
            arrow_cast::cast_with_options(array, wide, &options).map_err(reason)
        }
        _ => Err(format!("{} in the frame, {} at the reader", field_type_name(from), field_type_name(to))),
    }
}

fn conform_record(from: &Fields, record: &StructArray, to: &Fields) -> Result<StructArray, String> {
    if from.len() > to.len() {
        return Err(format!("{} fields in the frame, {} at the reader", from.len(), to.len()));
    }
    let mut columns = Vec::with_capacity(to.len());
    for (index, wanted) in to.iter().enumerate() {
        columns.push(match from.get(index) {
            // A NULL under a NULL record is not a value: nullability is judged with the record's.
            Some(found) => {
                let lenient = wanted.as_ref().clone().with_nullable(true);
                conform(found, record.column(index), &lenient)?
            }
            None if wanted.is_nullable() => new_null_array(wanted.data_type(), record.len()),
            None => return Err(format!("no field {} in the frame, and it is NOT NULL", wanted.name())),
        });
    }
    StructArray::try_new(to.clone(), columns, record.nulls().cloned()).map_err(reason)
}

fn conform_map(from: &Field, map: &MapArray, to: &Arc<Field>) -> Result<ArrayRef, String> {
    let (DataType::Struct(from_fields), DataType::Struct(to_fields)) = (from.data_type(), to.data_type())
    else {
        return Err(format!("{} at the reader is no map", to.data_type()));
    };
    if from_fields.len() != to_fields.len() {
        return Err(format!("{} at the reader is no map", to.data_type()));
    }
    let entries = conform_record(from_fields, map.entries(), to_fields)?;
    let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
    MapArray::try_new(to.clone(), offsets, entries, nulls, false)
        .map(|map| Arc::new(map) as ArrayRef)
        .map_err(reason)
}

/// Whether every value of `from` is exactly a value of `to`.
fn widens(from: &DataType, to: &DataType) -> bool {
    use DataType as D;
    let whole_digits = |precision: u8, scale: i8| i16::from(precision) - i16::from(scale);
    match (from, to) {
        (D::Dictionary(_, values), plain) if values.as_ref() == plain => true,
        (plain, D::Dictionary(keys, values)) => **keys == D::Int32 && values.as_ref() == plain,
        (D::Int32, D::Int64 | D::Float64) | (D::Float32, D::Float64) => true,
        (D::Int32, D::Decimal128(precision, scale)) => whole_digits(*precision, *scale) >= 10,
        (D::Int64, D::Decimal128(precision, scale)) => whole_digits(*precision, *scale) >= 19,
        (D::Decimal128(p_from, s_from), D::Decimal128(p_to, s_to)) => {
            s_to >= s_from && whole_digits(*p_to, *s_to) >= whole_digits(*p_from, *s_from)
        }
        _ => false,
    }
}

fn reason(error: ArrowError) -> String {
    error.to_string()
}
