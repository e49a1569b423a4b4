//! Documents from values: `to_json`, `json_object`, `json_array`.

use arrow_array::Array;
use arrow_array::ArrayRef;
use arrow_schema::DataType;
use datafusion_common::{Result, exec_err, plan_err};
use datafusion_expr::ReturnFieldArgs;

use super::convert::{write_text, write_value};
use super::is_json;
use crate::functions::call::Call;
use crate::functions::definition::{Definition, Param, Params, Returns};

pub(super) fn functions() -> Vec<Definition> {
    vec![
        Definition::new(
            "to_json",
            "to_json(x)",
            "x as JSON: rows of STRUCT and MAP as objects, ARRAY as arrays, TIMESTAMP as RFC 3339, BYTES as Base64, NaN and ∞ as strings, JSON as it is. NULL stays NULL.",
            Params::exactly(&[Param::Any]),
            Returns::Json,
            |call| {
                let (column, tagged) = (call.column(0)?, is_json(call.field(0)));
                call.build_text(|row| {
                    if column.data_type().is_null() || column.is_null(row) {
                        return Ok(None);
                    }
                    let mut json = String::new();
                    write_value(&column, row, tagged, &mut json)?;
                    Ok(Some(json))
                })
            },
        )
        .aliased(&["row_to_json", "to_jsonb", "json_quote"]),
        Definition::new(
            "json_object",
            "json_object(key, value, …)",
            "A JSON object of these members; a NULL value is a JSON null, a NULL key an error.",
            Params::variadic(&[], Param::Any),
            Returns::Json,
            object,
        )
        .aliased(&["json_build_object", "jsonb_build_object"])
        .checked(check_pairs),
        Definition::new(
            "json_array",
            "json_array(value, …)",
            "A JSON array of these values; NULL is a JSON null.",
            Params::variadic(&[], Param::Any),
            Returns::Json,
            |call| {
                let columns = columns(call)?;
                call.build_text(|row| {
                    let mut json = String::from("[");
                    for (index, (column, tagged)) in columns.iter().enumerate() {
                        if index > 0 {
                            json.push(',');
                        }
                        write_value(column, row, *tagged, &mut json)?;
                    }
                    json.push(']');
                    Ok(Some(json))
                })
            },
        )
        .aliased(&["json_build_array", "jsonb_build_array"]),
    ]
}

fn check_pairs(args: &ReturnFieldArgs<'_>) -> Result<()> {
    if !args.arg_fields.len().is_multiple_of(2) {
        return plan_err!("json_object takes pairs of key and value: json_object('a', 1, 'b', 2)");
    }
    for (index, field) in args.arg_fields.iter().enumerate().step_by(2) {
        let is_text = matches!(
            field.data_type(),
            DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 | DataType::Dictionary(_, _)
        );
        if !is_text {
            return plan_err!("argument {} of json_object is a key and must be STRING; CAST it", index + 1);
        }
    }
    Ok(())
}

fn columns(call: &Call<'_>) -> Result<Vec<(ArrayRef, bool)>> {
    (0..call.count()).map(|index| Ok((call.column(index)?, is_json(call.field(index))))).collect()
}

fn object(call: &Call<'_>) -> Result<ArrayRef> {
    let columns = columns(call)?;
    let keys = (0..call.count()).step_by(2).map(|index| call.text(index)).collect::<Result<Vec<_>>>()?;
    call.build_text(|row| {
        let mut json = String::from("{");
        for (index, key) in keys.iter().enumerate() {
            if index > 0 {
                json.push(',');
            }
            let Some(key) = key.at(row) else {
                return exec_err!("a key of json_object is NULL");
            };
            write_text(key, &mut json);
            json.push(':');
            let (column, tagged) = &columns[2 * index + 1];
            write_value(column, row, *tagged, &mut json)?;
        }
        json.push('}');
        Ok(Some(json))
    })
}
