//! What functions there are, with the types they take and give: the standard library of the CEL
//! specification, and the extensions for strings, math, encoders and optional values as cel-go has them.
//!
//! A signature is `arguments->result`; one that begins with `type.` is called on a value of that type.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::ty::Type;

/// One way to call a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Whether it is called on its first parameter: `x.f(y)`.
    pub member: bool,
    /// Types of its parameters; type parameters are [`Type::Param`].
    pub params: Vec<Type>,
    /// What comes out.
    pub result: Type,
}

const TABLE: &[(&str, &[&str])] = &[
    (
        "_+_",
        &[
            "int,int->int",
            "uint,uint->uint",
            "double,double->double",
            "string,string->string",
            "bytes,bytes->bytes",
            "list(A),list(A)->list(A)",
            "timestamp,duration->timestamp",
            "duration,timestamp->timestamp",
            "duration,duration->duration",
        ],
    ),
    (
        "_-_",
        &[
            "int,int->int",
            "uint,uint->uint",
            "double,double->double",
            "timestamp,timestamp->duration",
            "timestamp,duration->timestamp",
            "duration,duration->duration",
        ],
    ),
    ("_*_", &["int,int->int", "uint,uint->uint", "double,double->double"]),
    ("_/_", &["int,int->int", "uint,uint->uint", "double,double->double"]),
    ("_%_", &["int,int->int", "uint,uint->uint"]),
    ("-_", &["int->int", "double->double"]),
    ("!_", &["bool->bool"]),
    ("_==_", &["A,A->bool"]),
    ("_!=_", &["A,A->bool"]),
    ("_<_", ORDER),
    ("_<=_", ORDER),
    ("_>_", ORDER),
    ("_>=_", ORDER),
    ("@in", &["A,list(A)->bool", "A,map(A,B)->bool"]),
    ("_[_]", &["list(A),int->A", "map(A,B),A->B", "opt(list(A)),int->opt(A)", "opt(map(A,B)),A->opt(B)"]),
    (
        "_[?_]",
        &["list(A),int->opt(A)", "map(A,B),A->opt(B)", "opt(list(A)),int->opt(A)", "opt(map(A,B)),A->opt(B)"],
    ),
    (
        "size",
        &[
            "string->int",
            "bytes->int",
            "list(A)->int",
            "map(A,B)->int",
            "string.->int",
            "bytes.->int",
            "list(A).->int",
            "map(A,B).->int",
        ],
    ),
    ("contains", &["string.string->bool"]),
    ("startsWith", &["string.string->bool"]),
    ("endsWith", &["string.string->bool"]),
    ("matches", &["string,string->bool", "string.string->bool"]),
    ("int", &["int->int", "uint->int", "double->int", "string->int", "timestamp->int", "duration->int"]),
    ("uint", &["uint->uint", "int->uint", "double->uint", "string->uint"]),
    ("double", &["double->double", "int->double", "uint->double", "string->double"]),
    ("bool", &["bool->bool", "string->bool"]),
    (
        "string",
        &[
            "string->string",
            "int->string",
            "uint->string",
            "double->string",
            "bool->string",
            "bytes->string",
            "timestamp->string",
            "duration->string",
        ],
    ),
    ("bytes", &["bytes->bytes", "string->bytes"]),
    ("timestamp", &["timestamp->timestamp", "string->timestamp", "int->timestamp"]),
    ("duration", &["duration->duration", "string->duration", "int->duration"]),
    ("type", &["A->type(A)"]),
    ("dyn", &["A->dyn"]),
    ("getFullYear", DATE),
    ("getMonth", DATE),
    ("getDayOfYear", DATE),
    ("getDayOfMonth", DATE),
    ("getDate", DATE),
    ("getDayOfWeek", DATE),
    ("getHours", CLOCK),
    ("getMinutes", CLOCK),
    ("getSeconds", CLOCK),
    ("getMilliseconds", CLOCK),
    // Strings.
    ("charAt", &["string.int->string"]),
    ("indexOf", &["string.string->int", "string.string,int->int"]),
    ("lastIndexOf", &["string.string->int", "string.string,int->int"]),
    ("join", &["list(string).->string", "list(string).string->string"]),
    ("lowerAscii", &["string.->string"]),
    ("upperAscii", &["string.->string"]),
    ("replace", &["string.string,string->string", "string.string,string,int->string"]),
    ("split", &["string.string->list(string)", "string.string,int->list(string)"]),
    ("substring", &["string.int->string", "string.int,int->string"]),
    ("trim", &["string.->string"]),
    ("reverse", &["string.->string"]),
    ("format", &["string.list(dyn)->string"]),
    ("strings.quote", &["string->string"]),
    ("base64.encode", &["bytes->string"]),
    ("base64.decode", &["string->bytes"]),
    // Math.
    ("math.ceil", &["double->double"]),
    ("math.floor", &["double->double"]),
    ("math.round", &["double->double"]),
    ("math.trunc", &["double->double"]),
    ("math.abs", NUMBER),
    ("math.sign", NUMBER),
    ("math.sqrt", &["double->double", "int->double", "uint->double"]),
    ("math.isNaN", &["double->bool"]),
    ("math.isInf", &["double->bool"]),
    ("math.isFinite", &["double->bool"]),
    ("math.bitAnd", BITS),
    ("math.bitOr", BITS),
    ("math.bitXor", BITS),
    ("math.bitNot", &["int->int", "uint->uint"]),
    ("math.bitShiftLeft", SHIFT),
    ("math.bitShiftRight", SHIFT),
    // Helpers of bundles (R-BUN-4); `min` and `max` are `math.least` and `math.greatest`.
    ("coalesce", &["A->A", "A,A->A", "A,A,A->A", "A,A,A,A->A", "A,A,A,A,A->A"]),
    ("clamp", &["int,int,int->int", "uint,uint,uint->uint", "double,double,double->double"]),
    ("safe_div", &["double,double,double->double", "int,int,int->int", "uint,uint,uint->uint"]),
    ("select", &["bool,A,A->A"]),
    // Optional values.
    ("optional.of", &["A->opt(A)"]),
    ("optional.ofNonZeroValue", &["A->opt(A)"]),
    ("optional.none", &["->opt(A)"]),
    ("hasValue", &["opt(A).->bool"]),
    ("value", &["opt(A).->A"]),
    ("or", &["opt(A).opt(A)->opt(A)"]),
    ("orValue", &["opt(A).A->A"]),
];

const ORDER: &[&str] = &[
    "bool,bool->bool",
    "int,int->bool",
    "int,uint->bool",
    "int,double->bool",
    "uint,uint->bool",
    "uint,int->bool",
    "uint,double->bool",
    "double,double->bool",
    "double,int->bool",
    "double,uint->bool",
    "string,string->bool",
    "bytes,bytes->bool",
    "timestamp,timestamp->bool",
    "duration,duration->bool",
];
const DATE: &[&str] = &["timestamp.->int", "timestamp.string->int"];
const CLOCK: &[&str] = &["timestamp.->int", "timestamp.string->int", "duration.->int"];
const NUMBER: &[&str] = &["int->int", "uint->uint", "double->double"];
const BITS: &[&str] = &["int,int->int", "uint,uint->uint"];
const SHIFT: &[&str] = &["int,int->int", "uint,int->uint"];

static SIGNATURES: LazyLock<BTreeMap<&'static str, Vec<Signature>>> = LazyLock::new(|| {
    let read_all = |texts: &&[&str]| texts.iter().map(|text| read(text)).collect();
    TABLE.iter().map(|(name, texts)| (*name, read_all(texts))).collect()
});

/// The ways to call a function; `None`: there is none of that name.
pub fn signatures(name: &str) -> Option<&'static [Signature]> {
    SIGNATURES.get(name).map(Vec::as_slice)
}

/// The names of all functions, with the table's own for operators.
pub fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|(name, _)| *name)
}

fn read(text: &str) -> Signature {
    let (params, result) = text.split_once("->").expect("the table has an arrow in each signature");
    let (target, rest) = match params.split_once('.') {
        Some((target, rest)) => (Some(target), rest),
        None => (None, params),
    };
    let mut all: Vec<Type> = target.iter().map(|target| read_type(target)).collect();
    let mut depth = 0;
    for part in rest.split(|c| {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        c == ',' && depth == 0
    }) {
        if !part.is_empty() {
            all.push(read_type(part));
        }
    }
    Signature { member: target.is_some(), params: all, result: read_type(result) }
}

fn read_type(text: &str) -> Type {
    if let Some((head, rest)) = text.split_once('(') {
        let inner = rest.strip_suffix(')').expect("the table closes what it opens");
        return match head {
            "list" => Type::list(read_type(inner)),
            "opt" => Type::optional(read_type(inner)),
            "type" => Type::Type(Box::new(read_type(inner))),
            "map" => {
                let (key, value) = inner.split_once(',').expect("a map has two types");
                Type::map(read_type(key), read_type(value))
            }
            other => unreachable!("the table has no type {other}"),
        };
    }
    match text {
        "A" => Type::Param(0),
        "B" => Type::Param(1),
        "timestamp" => Type::Timestamp,
        "duration" => Type::Duration,
        name => Type::named(name).expect("the table has types of CEL"),
    }
}
