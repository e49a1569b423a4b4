//! Types of CEL.

use std::fmt;
use std::sync::Arc;

/// A type of CEL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Known when it is evaluated.
    Dyn,
    /// `null_type`.
    Null,
    /// `bool`.
    Bool,
    /// `int`, 64 bit.
    Int,
    /// `uint`, 64 bit.
    Uint,
    /// `double`.
    Double,
    /// `string`, Unicode.
    String,
    /// `bytes`.
    Bytes,
    /// `google.protobuf.Timestamp`.
    Timestamp,
    /// `google.protobuf.Duration`.
    Duration,
    /// A type as a value.
    Type(Box<Type>),
    /// `list(T)`.
    List(Box<Type>),
    /// `map(K, V)`.
    Map(Box<Type>, Box<Type>),
    /// `optional_type(T)`.
    Optional(Box<Type>),
    /// Named fields, such as the columns of a stream.
    Record(Arc<Record>),
    /// A parameter of a signature: `A` is 0.
    Param(u8),
    /// To be found out.
    Var(u32),
}

/// A type with named fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it is called in messages.
    pub name: String,
    /// Its fields, in the order of their slots.
    pub fields: Vec<(String, Type)>,
}

impl Record {
    /// Slot and type of a field.
    pub fn field(&self, name: &str) -> Option<(usize, &Type)> {
        self.fields.iter().enumerate().find(|(_, (n, _))| n == name).map(|(at, (_, ty))| (at, ty))
    }
}

impl Type {
    /// `list(T)`.
    pub fn list(element: Type) -> Type {
        Type::List(Box::new(element))
    }

    /// `map(K, V)`.
    pub fn map(key: Type, value: Type) -> Type {
        Type::Map(Box::new(key), Box::new(value))
    }

    /// `optional_type(T)`.
    pub fn optional(inner: Type) -> Type {
        Type::Optional(Box::new(inner))
    }

    /// The type that a name stands for, as in `type(x) == int`.
    pub fn named(name: &str) -> Option<Type> {
        Some(match name {
            "null_type" => Type::Null,
            "bool" => Type::Bool,
            "int" => Type::Int,
            "uint" => Type::Uint,
            "double" => Type::Double,
            "string" => Type::String,
            "bytes" => Type::Bytes,
            "google.protobuf.Timestamp" => Type::Timestamp,
            "google.protobuf.Duration" => Type::Duration,
            "type" => Type::Type(Box::new(Type::Dyn)),
            "list" => Type::list(Type::Dyn),
            "map" => Type::map(Type::Dyn, Type::Dyn),
            "optional_type" => Type::optional(Type::Dyn),
            "dyn" => Type::Dyn,
            _ => return None,
        })
    }

    /// Types inside it.
    pub fn parts(&self) -> Vec<&Type> {
        match self {
            Type::Type(a) | Type::List(a) | Type::Optional(a) => vec![a],
            Type::Map(a, b) => vec![a, b],
            _ => vec![],
        }
    }

    /// The same with each part changed.
    pub fn with_parts(&self, mut change: impl FnMut(&Type) -> Type) -> Type {
        match self {
            Type::Type(a) => Type::Type(Box::new(change(a))),
            Type::List(a) => Type::list(change(a)),
            Type::Optional(a) => Type::optional(change(a)),
            Type::Map(a, b) => Type::map(change(a), change(b)),
            other => other.clone(),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Dyn | Type::Var(_) => f.write_str("dyn"),
            Type::Null => f.write_str("null"),
            Type::Bool => f.write_str("bool"),
            Type::Int => f.write_str("int"),
            Type::Uint => f.write_str("uint"),
            Type::Double => f.write_str("double"),
            Type::String => f.write_str("string"),
            Type::Bytes => f.write_str("bytes"),
            Type::Timestamp => f.write_str("timestamp"),
            Type::Duration => f.write_str("duration"),
            Type::Type(inner) => write!(f, "type({inner})"),
            Type::List(inner) => write!(f, "list({inner})"),
            Type::Map(key, value) => write!(f, "map({key}, {value})"),
            Type::Optional(inner) => write!(f, "optional({inner})"),
            Type::Record(record) => f.write_str(&record.name),
            Type::Param(at) => write!(f, "{}", char::from(b'A' + at)),
        }
    }
}
