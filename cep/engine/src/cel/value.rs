//! Values of CEL, and what makes two of them equal or ordered.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A value. Copies share what is large.
#[derive(Debug, Clone)]
pub enum Value {
    /// `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A signed number.
    Int(i64),
    /// An unsigned number.
    Uint(u64),
    /// A floating point number.
    Double(f64),
    /// Unicode text.
    String(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// Nanoseconds since 1970-01-01T00:00:00Z; years 1 to 9999.
    Timestamp(i128),
    /// Nanoseconds, within 64 bits.
    Duration(i128),
    /// A list.
    List(Arc<[Value]>),
    /// A map.
    Map(Arc<Map>),
    /// Values of a record's fields by slot; a field that is not there is `None`.
    Record(Arc<[Option<Value>]>),
    /// A type, by its name.
    Type(Arc<str>),
    /// An optional value.
    Optional(Option<Arc<Value>>),
}

/// The text of [`Fault::absent`].
const ABSENT: &str = "a variable has no value";

/// Why an expression has no value. The text begins as the specification calls it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Fault(pub String);

impl Fault {
    /// A fault with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Fault(text.into())
    }

    /// What a variable without a value makes of an expression.
    pub fn absent() -> Self {
        Fault(ABSENT.to_owned())
    }

    /// Whether a variable had no value.
    pub fn is_absent(&self) -> bool {
        self.0 == ABSENT
    }
}

/// What evaluation gives.
pub type Outcome<T = Value> = Result<T, Fault>;

/// A key of a map: whole numbers are one kind, whatever their type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Bool(bool),
    Number(i128),
    Text(Arc<str>),
}

impl Key {
    fn of(value: &Value) -> Option<Key> {
        Some(match value {
            Value::Bool(value) => Key::Bool(*value),
            Value::Int(value) => Key::Number(i128::from(*value)),
            Value::Uint(value) => Key::Number(i128::from(*value)),
            Value::Double(value) if value.fract() == 0.0 && value.abs() < 2f64.powi(64) => {
                Key::Number(*value as i128)
            }
            Value::String(value) => Key::Text(Arc::clone(value)),
            _ => return None,
        })
    }
}

/// A map; its entries come in the order in which they were put.
#[derive(Debug, Clone, Default)]
pub struct Map {
    entries: Vec<(Value, Value)>,
    index: BTreeMap<Key, usize>,
}

impl Map {
    /// Puts an entry.
    ///
    /// # Errors
    /// If the key is of a type that keys cannot have, or there already.
    pub fn put(&mut self, key: Value, value: Value) -> Outcome<()> {
        let allowed = matches!(key, Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::String(_));
        let Some(found) = Key::of(&key).filter(|_| allowed) else {
            return Err(Fault::new(format!("unsupported key type: {}", key.type_name())));
        };
        if self.index.insert(found, self.entries.len()).is_some() {
            return Err(Fault::new("Failed with repeated key"));
        }
        self.entries.push((key, value));
        Ok(())
    }

    /// The value of a key.
    pub fn get(&self, key: &Value) -> Option<&Value> {
        let at = *self.index.get(&Key::of(key)?)?;
        Some(&self.entries[at].1)
    }

    /// Its entries.
    pub fn entries(&self) -> &[(Value, Value)] {
        &self.entries
    }
}

impl Value {
    /// Text.
    pub fn string(text: impl Into<Arc<str>>) -> Value {
        Value::String(text.into())
    }

    /// A list.
    pub fn list(values: Vec<Value>) -> Value {
        Value::List(values.into())
    }

    /// The name of its type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null_type",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Uint(_) => "uint",
            Value::Double(_) => "double",
            Value::String(_) => "string",
            Value::Bytes(_) => "bytes",
            Value::Timestamp(_) => "google.protobuf.Timestamp",
            Value::Duration(_) => "google.protobuf.Duration",
            Value::List(_) => "list",
            Value::Map(_) | Value::Record(_) => "map",
            Value::Type(_) => "type",
            Value::Optional(_) => "optional_type",
        }
    }

    /// Whether both are the same value. Numbers are compared as numbers, whatever their types; values of
    /// different types are different, NaN is different from everything.
    pub fn equals(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::String(a), Value::String(b)) => a == b,
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::Timestamp(a), Value::Timestamp(b)) | (Value::Duration(a), Value::Duration(b)) => a == b,
            (Value::Type(a), Value::Type(b)) => a == b,
            (Value::List(a), Value::List(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.equals(b))
            }
            (Value::Map(a), Value::Map(b)) => {
                a.entries.len() == b.entries.len()
                    && a.entries.iter().all(|(key, value)| b.get(key).is_some_and(|b| value.equals(b)))
            }
            (Value::Record(a), Value::Record(b)) => {
                a.len() == b.len()
                    && a.iter().zip(b.iter()).all(|pair| match pair {
                        (Some(a), Some(b)) => a.equals(b),
                        (None, None) => true,
                        _ => false,
                    })
            }
            (Value::Optional(a), Value::Optional(b)) => match (a, b) {
                (Some(a), Some(b)) => a.equals(b),
                (None, None) => true,
                _ => false,
            },
            _ => self.number_order(other) == Some(Ordering::Equal),
        }
    }

    /// How two numbers compare: whole numbers exactly, beside a double as doubles; `None` if one is NaN or no number.
    fn number_order(&self, other: &Value) -> Option<Ordering> {
        let whole = |value: &Value| match value {
            Value::Int(value) => Some(i128::from(*value)),
            Value::Uint(value) => Some(i128::from(*value)),
            _ => None,
        };
        match (self, other) {
            (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
            (Value::Double(a), b) => double_order(*a, whole(b)?),
            (a, Value::Double(b)) => double_order(*b, whole(a)?).map(Ordering::reverse),
            (a, b) => Some(whole(a)?.cmp(&whole(b)?)),
        }
    }

    /// How two values compare.
    ///
    /// # Errors
    /// If their types have no order. Without an order, as with NaN, it is `None`.
    pub fn compare(&self, other: &Value) -> Outcome<Option<Ordering>> {
        Ok(match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
            (Value::Bytes(a), Value::Bytes(b)) => Some(a.cmp(b)),
            (Value::Timestamp(a), Value::Timestamp(b)) | (Value::Duration(a), Value::Duration(b)) => {
                Some(a.cmp(b))
            }
            (a, b) if a.is_number() && b.is_number() => a.number_order(b),
            (a, b) => return Err(no_overload("<", &[a, b])),
        })
    }

    /// Whether it is a number.
    pub fn is_number(&self) -> bool {
        matches!(self, Value::Int(_) | Value::Uint(_) | Value::Double(_))
    }

    /// Whether it is what `optional.ofNonZeroValue` leaves out.
    pub fn is_zero(&self) -> bool {
        match self {
            Value::Null => true,
            Value::Bool(value) => !value,
            Value::Int(value) => *value == 0,
            Value::Uint(value) => *value == 0,
            Value::Double(value) => *value == 0.0,
            Value::String(value) => value.is_empty(),
            Value::Bytes(value) => value.is_empty(),
            Value::Timestamp(_) | Value::Type(_) => false,
            Value::Duration(value) => *value == 0,
            Value::List(value) => value.is_empty(),
            Value::Map(value) => value.entries.is_empty(),
            Value::Record(value) => value.iter().all(Option::is_none),
            Value::Optional(value) => value.is_none(),
        }
    }
}

/// A double beside a whole number: beyond the range of whole numbers it is above or below all of them, within
/// it both are compared as doubles, as cel-go does.
fn double_order(a: f64, b: i128) -> Option<Ordering> {
    a.partial_cmp(&(b as f64))
}

/// No function of that name takes such values.
pub fn no_overload(name: &str, args: &[&Value]) -> Fault {
    let types: Vec<&str> = args.iter().map(|value| value.type_name()).collect();
    Fault::new(format!("no such overload: {name}({})", types.join(", ")))
}
