//! The arguments of one call, ready for a kernel.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder, PrimitiveBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float64Type, Int64Type};
use arrow_array::{Array, ArrayAccessor, ArrayRef, BinaryArray, StringArray};
use arrow_array::{PrimitiveArray, new_null_array};
use arrow_schema::{DataType, FieldRef};
use datafusion_common::{Result, ScalarValue, internal_datafusion_err, internal_err};
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs};

/// One call: argument columns (constants have one row), the argument fields and the row count.
///
/// When every argument is a constant the call has one row and its result is a constant again.
pub(super) struct Call<'a> {
    name: &'a str,
    arrays: Vec<ArrayRef>,
    constant: Vec<bool>,
    fields: &'a [FieldRef],
    return_field: &'a FieldRef,
    rows: usize,
    all_constant: bool,
}

/// A typed view of one argument.
pub(super) struct Cells<A> {
    array: A,
    constant: bool,
}

impl<A: ArrayAccessor> Cells<A> {
    /// The value at `row`, `None` for NULL.
    pub(super) fn at(&self, row: usize) -> Option<A::Item> {
        let row = if self.constant { 0 } else { row };
        self.array.is_valid(row).then(|| self.array.value(row))
    }

    /// The value of an argument that is the same for every row: outer `None` when it varies.
    pub(super) fn constant(&self) -> Option<Option<A::Item>> {
        self.constant.then(|| self.at(0))
    }
}

impl<'a> Call<'a> {
    pub(super) fn new(name: &'a str, args: &'a ScalarFunctionArgs) -> Result<Self> {
        let all_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let mut arrays = Vec::with_capacity(args.args.len());
        let mut constant = Vec::with_capacity(args.args.len());
        for arg in &args.args {
            match arg {
                ColumnarValue::Array(array) => {
                    arrays.push(Arc::clone(array));
                    constant.push(false);
                }
                ColumnarValue::Scalar(scalar) => {
                    arrays.push(scalar.to_array()?);
                    constant.push(true);
                }
            }
        }
        Ok(Self {
            name,
            arrays,
            constant,
            fields: &args.arg_fields,
            return_field: &args.return_field,
            rows: if all_constant { 1 } else { args.number_rows },
            all_constant,
        })
    }

    /// Rows the kernel must produce.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Number of arguments.
    pub(super) fn count(&self) -> usize {
        self.arrays.len()
    }

    /// The declared field of argument `index`.
    pub(super) fn field(&self, index: usize) -> Option<&FieldRef> {
        self.fields.get(index)
    }

    /// The result type the planner announced.
    pub(super) fn return_type(&self) -> &DataType {
        self.return_field.data_type()
    }

    /// Argument `index` with as many rows as the call.
    pub(super) fn column(&self, index: usize) -> Result<ArrayRef> {
        let array = self.array(index)?;
        if self.constant[index] && self.rows != 1 {
            return ScalarValue::try_from_array(array, 0)?.to_array_of_size(self.rows);
        }
        Ok(Arc::clone(array))
    }

    /// The type of argument `index` after coercion.
    pub(super) fn type_of(&self, index: usize) -> Result<&DataType> {
        Ok(self.array(index)?.data_type())
    }

    /// True when argument `index` is the same for every row.
    pub(super) fn is_constant(&self, index: usize) -> bool {
        self.constant.get(index).copied().unwrap_or(true)
    }

    fn array(&self, index: usize) -> Result<&ArrayRef> {
        self.arrays
            .get(index)
            .ok_or_else(|| internal_datafusion_err!("{} has no argument {index}", self.name))
    }

    fn mismatch<T>(&self, index: usize, wanted: &str) -> Result<T> {
        internal_err!(
            "argument {} of {} is {} where {wanted} was due",
            index + 1,
            self.name,
            self.array(index)?.data_type()
        )
    }

    /// Argument `index` as text.
    pub(super) fn text(&self, index: usize) -> Result<Cells<&StringArray>> {
        match self.array(index)?.as_string_opt::<i32>() {
            Some(array) => Ok(Cells { array, constant: self.constant[index] }),
            None => self.mismatch(index, "Utf8"),
        }
    }

    /// Argument `index` as bytes.
    pub(super) fn bytes(&self, index: usize) -> Result<Cells<&BinaryArray>> {
        match self.array(index)?.as_binary_opt::<i32>() {
            Some(array) => Ok(Cells { array, constant: self.constant[index] }),
            None => self.mismatch(index, "Binary"),
        }
    }

    /// Argument `index` as the primitive type `T`.
    pub(super) fn primitive<T: ArrowPrimitiveType>(&self, index: usize) -> Result<Cells<&PrimitiveArray<T>>> {
        match self.array(index)?.as_primitive_opt::<T>() {
            Some(array) => Ok(Cells { array, constant: self.constant[index] }),
            None => self.mismatch(index, &T::DATA_TYPE.to_string()),
        }
    }

    /// Argument `index` as 64-bit integers.
    pub(super) fn ints(&self, index: usize) -> Result<Cells<&PrimitiveArray<Int64Type>>> {
        self.primitive(index)
    }

    /// Argument `index` as doubles.
    pub(super) fn doubles(&self, index: usize) -> Result<Cells<&PrimitiveArray<Float64Type>>> {
        self.primitive(index)
    }

    /// A STRING (or JSON) result, row by row.
    pub(super) fn build_text<S: AsRef<str>>(
        &self,
        mut row_value: impl FnMut(usize) -> Result<Option<S>>,
    ) -> Result<ArrayRef> {
        let mut builder = StringBuilder::with_capacity(self.rows, self.rows * 8);
        for row in 0..self.rows {
            builder.append_option(row_value(row)?);
        }
        Ok(Arc::new(builder.finish()))
    }

    /// A BOOL result, row by row.
    pub(super) fn build_bool(
        &self,
        mut row_value: impl FnMut(usize) -> Result<Option<bool>>,
    ) -> Result<ArrayRef> {
        let mut builder = BooleanBuilder::with_capacity(self.rows);
        for row in 0..self.rows {
            builder.append_option(row_value(row)?);
        }
        Ok(Arc::new(builder.finish()))
    }

    /// A BIGINT result, row by row.
    pub(super) fn build_int(
        &self,
        mut row_value: impl FnMut(usize) -> Result<Option<i64>>,
    ) -> Result<ArrayRef> {
        let mut builder = Int64Builder::with_capacity(self.rows);
        for row in 0..self.rows {
            builder.append_option(row_value(row)?);
        }
        Ok(Arc::new(builder.finish()))
    }

    /// A DOUBLE result, row by row; NaN is made canonical.
    pub(super) fn build_double(
        &self,
        mut row_value: impl FnMut(usize) -> Result<Option<f64>>,
    ) -> Result<ArrayRef> {
        let mut builder = Float64Builder::with_capacity(self.rows);
        for row in 0..self.rows {
            builder.append_option(row_value(row)?.map(super::nan::canonical_nan));
        }
        Ok(Arc::new(builder.finish()))
    }

    /// A result of the primitive type `T`, whose declared type (zone included) is the return type.
    pub(super) fn build_primitive<T: ArrowPrimitiveType>(
        &self,
        mut row_value: impl FnMut(usize) -> Result<Option<T::Native>>,
    ) -> Result<ArrayRef> {
        let mut builder =
            PrimitiveBuilder::<T>::with_capacity(self.rows).with_data_type(self.return_type().clone());
        for row in 0..self.rows {
            builder.append_option(row_value(row)?);
        }
        Ok(Arc::new(builder.finish()))
    }

    /// NULL for every row.
    pub(super) fn nulls(&self) -> ArrayRef {
        new_null_array(self.return_type(), self.rows)
    }

    /// Hands the kernel's column back: a constant when every argument was one.
    pub(super) fn finish(&self, result: ArrayRef) -> Result<ColumnarValue> {
        if self.all_constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}
