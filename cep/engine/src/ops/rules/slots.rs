//! Values of the variables of rules for one row, read when a rule asks for them.

use arrow_schema::{DataType, SchemaRef};
use cep_lang::cel::Type;
use cep_lang::plan::{RuleSlot, RulesNode, SlotSource};

use crate::cel::{Map, Value};
use crate::chunk::Chunk;
use crate::column::{Column, Values};
use crate::ops::Origin;

/// The variables of a node's rules.
#[derive(Debug)]
pub(super) struct Slots {
    sources: Vec<(SlotSource, Type)>,
    types: Vec<DataType>,
    /// Value of each variable for the row; `None`: it has none.
    values: Vec<Option<Value>>,
    /// The row that each was read for, counted from 1.
    read_for: Vec<u64>,
    row: u64,
}

/// The row whose variables are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub input: &'a Chunk,
    pub at: usize,
    pub origin: Origin,
}

impl Slots {
    /// Variables of `node`.
    ///
    /// # Errors
    /// If a column cannot be a variable.
    pub fn new(node: &RulesNode) -> Result<Self, String> {
        let schema: &SchemaRef = node.input.schema();
        let types: Vec<DataType> = schema.fields().iter().map(|f| f.data_type().clone()).collect();
        for RuleSlot { name, source, .. } in &node.slots {
            let columns: Vec<usize> = match source {
                SlotSource::Column(at) | SlotSource::Value(at) => vec![*at],
                SlotSource::Record(columns) => columns.clone(),
                SlotSource::Labels(labels) => labels.iter().map(|(_, at)| *at).collect(),
                SlotSource::HasValue(_)
                | SlotSource::Nanoseconds(..)
                | SlotSource::LogIndex
                | SlotSource::Partition => vec![],
            };
            if let Some(&at) = columns.iter().find(|&&at| !is_readable(&types[at])) {
                return Err(format!(
                    "{name} reads column {} of type {}, which CEL has no values for; leave the column out",
                    schema.field(at).name(),
                    types[at]
                ));
            }
        }
        let count = node.slots.len();
        let sources = node.slots.iter().map(|slot| (slot.source.clone(), slot.ty.clone())).collect();
        Ok(Slots { sources, types, values: vec![None; count], read_for: vec![0; count], row: 0 })
    }

    /// The next row: nothing was read yet.
    pub fn next_row(&mut self) {
        self.row += 1;
    }

    /// Reads `slots` for the row, those that were not yet.
    pub fn read(&mut self, slots: &[usize], row: Row<'_>) {
        for &slot in slots {
            if self.read_for[slot] != self.row {
                self.read_for[slot] = self.row;
                self.values[slot] = self.value(slot, row);
            }
        }
    }

    /// What was read.
    pub fn values(&self) -> &[Option<Value>] {
        &self.values
    }

    /// Whether a variable that has no value makes a rule not hold, quietly.
    pub fn is_quiet(&self, slot: usize) -> bool {
        matches!(self.sources[slot].0, SlotSource::Value(_))
    }

    fn value(&self, slot: usize, Row { input, at, origin }: Row<'_>) -> Option<Value> {
        let column = |index: usize| value_at(&input.columns[index], &self.types[index], at);
        let (source, ty) = &self.sources[slot];
        match source {
            SlotSource::Column(index) => Some(as_type(column(*index), ty)),
            SlotSource::Value(index) => match column(*index) {
                Value::Null => None,
                value => Some(value),
            },
            SlotSource::HasValue(index) => Some(Value::Bool(input.columns[*index].is_valid(at))),
            SlotSource::Record(columns) => {
                let types: &[(String, Type)] = match ty {
                    Type::Record(record) => &record.fields,
                    _ => &[],
                };
                let field = |(nth, index): (usize, &usize)| match column(*index) {
                    Value::Null => None,
                    value => Some(types.get(nth).map_or(value.clone(), |(_, ty)| as_type(value, ty))),
                };
                Some(Value::Record(columns.iter().enumerate().map(field).collect()))
            }
            SlotSource::Labels(labels) => {
                let mut map = Map::default();
                for (name, index) in labels {
                    let value = column(*index);
                    if !matches!(value, Value::Null) {
                        map.put(Value::string(name.as_str()), value).expect("labels have names of their own");
                    }
                }
                Some(Value::Map(map.into()))
            }
            SlotSource::Nanoseconds(index, add) => match column(*index) {
                Value::Timestamp(ns) => Some(Value::Int((ns as i64).saturating_add(*add))),
                _ => Some(Value::Null),
            },
            SlotSource::LogIndex => Some(Value::Int(origin.index.0 as i64)),
            SlotSource::Partition => Some(Value::Int(i64::from(origin.partition))),
        }
    }
}

/// A whole number as the type that the rules were checked with.
fn as_type(value: Value, ty: &Type) -> Value {
    match (value, ty) {
        (Value::Int(v), Type::Double) => Value::Double(v as f64),
        (Value::Int(v), Type::Uint) if v >= 0 => Value::Uint(v as u64),
        (Value::Int(v), Type::Duration) => Value::Duration(i128::from(v)),
        (value, _) => value,
    }
}

fn is_readable(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Boolean
            | DataType::Int32
            | DataType::Int64
            | DataType::Float32
            | DataType::Float64
            | DataType::Utf8
            | DataType::Binary
            | DataType::Timestamp(_, _)
    )
}

/// A row of a column as a value of CEL.
fn value_at(column: &Column, data_type: &DataType, row: usize) -> Value {
    if !column.is_valid(row) {
        return Value::Null;
    }
    match (&column.values, data_type) {
        (Values::Bool(v), _) => Value::Bool(v[row]),
        (Values::I32(v), _) => Value::Int(i64::from(v[row])),
        (Values::I64(v), DataType::Timestamp(_, _)) => Value::Timestamp(i128::from(v[row])),
        (Values::I64(v), _) => Value::Int(v[row]),
        (Values::F32(v), _) => Value::Double(f64::from(v[row])),
        (Values::F64(v), _) => Value::Double(v[row]),
        (Values::Bytes { .. }, DataType::Binary) => Value::Bytes(column.bytes_at(row).into()),
        (Values::Bytes { .. }, _) => Value::string(String::from_utf8_lossy(column.bytes_at(row)).as_ref()),
        (Values::I128(_) | Values::Any(_), _) => Value::Null,
    }
}
