//! Data types: `sqlparser`'s many names to the types of R-EVT-2.

use std::sync::Arc;

use arrow_schema::{DataType as Arrow, Field, Fields, IntervalUnit, TimeUnit};
use cep_types::sql_type::tag_json;
use datafusion_sql::sqlparser::ast::{
    ArrayElemTypeDef, BinaryLength, CharacterLength, DataType, ExactNumberInfo, Expr, Spanned,
    StructBracketKind, StructField, TimezoneInfo,
};
use datafusion_sql::sqlparser::tokenizer::Span;

use crate::diag::{codes, suggest};

use super::{Checked, Refusal, ident, refuse};

/// Most digits of a DECIMAL.
const DECIMAL_DIGITS_MAX: u64 = 38;

/// Digits and scale of a DECIMAL without any, the planner's default for CAST.
const DECIMAL_DEFAULT: (u8, i8) = (38, 10);

/// Names of types, for "did you mean".
const NAMES: &[&str] = &[
    "BOOL",
    "INT",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL",
    "STRING",
    "BYTES",
    "TIMESTAMP",
    "DATE",
    "TIME",
    "INTERVAL",
    "ARRAY",
    "MAP",
    "STRUCT",
    "JSON",
    "BOOLEAN",
    "INTEGER",
    "VARCHAR",
    "TEXT",
];

/// A column's type.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnType {
    /// As Arrow.
    pub data_type: Arrow,
    /// Text that holds JSON.
    pub json: bool,
}

impl ColumnType {
    fn plain(data_type: Arrow) -> Self {
        Self { data_type, json: false }
    }

    /// The type as an element, value or field of another.
    fn into_field(self, name: &str) -> Field {
        let field = Field::new(name, self.data_type, true);
        if self.json { tag_json(field) } else { field }
    }
}

fn no(data_type: &DataType, help: &str) -> Box<Refusal> {
    refuse(codes::TYPE, Span::empty(), format!("the type {data_type} is not supported"), help)
}

/// The type that a column declared like this has.
///
/// # Errors
/// A type outside of R-EVT-2, or a parameter that would be ignored, with the type to use instead.
/// The span is empty: types carry none.
pub fn column_type(data_type: &DataType) -> Result<ColumnType, Box<Refusal>> {
    if let DataType::Array(element) = data_type {
        return array(data_type, element);
    }
    if let DataType::Map(key, value) = data_type {
        return map(key, value);
    }
    if let DataType::Struct(fields, StructBracketKind::AngleBrackets | StructBracketKind::Parentheses) =
        data_type
    {
        return structure(data_type, fields);
    }
    if let DataType::JSON = data_type {
        return Ok(ColumnType { data_type: Arrow::Utf8, json: true });
    }
    scalar(data_type).map(ColumnType::plain)
}

/// Checks the type of a CAST: the same types.
pub(super) fn check_cast(node: &Expr, data_type: &DataType) -> Checked {
    // Only a name that stands for no type has a place.
    let span = if let DataType::Custom(name, _modifiers) = data_type { name.span() } else { node.span() };
    column_type(data_type).map(drop).map_err(|refusal| Box::new(Refusal { span, ..*refusal }))
}

fn array(whole: &DataType, element: &ArrayElemTypeDef) -> Result<ColumnType, Box<Refusal>> {
    let element = match element {
        ArrayElemTypeDef::AngleBracket(element) | ArrayElemTypeDef::SquareBracket(element, None) => element,
        ArrayElemTypeDef::SquareBracket(_element, Some(_length)) => {
            return Err(no(whole, "arrays have any length: leave out the number"));
        }
        ArrayElemTypeDef::None | ArrayElemTypeDef::Parenthesis(_) => {
            return Err(no(whole, "write ARRAY<STRING> or STRING[]"));
        }
    };
    let item = column_type(element)?.into_field("item");
    Ok(ColumnType::plain(Arrow::List(Arc::new(item))))
}

fn map(key: &DataType, value: &DataType) -> Result<ColumnType, Box<Refusal>> {
    let key = column_type(key)?;
    let value = column_type(value)?.into_field("value");
    let entries = Fields::from(vec![Field::new("key", key.data_type, false), value]);
    let entries = Field::new("entries", Arrow::Struct(entries), false);
    Ok(ColumnType::plain(Arrow::Map(Arc::new(entries), false)))
}

fn structure(whole: &DataType, fields: &[StructField]) -> Result<ColumnType, Box<Refusal>> {
    if fields.is_empty() {
        return Err(no(whole, "write STRUCT<a INT, b STRING>"));
    }
    let mut out: Vec<Field> = Vec::with_capacity(fields.len());
    for StructField { field_name, field_type, options } in fields {
        let Some(name) = field_name else {
            return Err(no(whole, "every field needs a name: STRUCT<a INT, b STRING>"));
        };
        if options.is_some() {
            return Err(no(whole, "fields have no OPTIONS"));
        }
        ident(name)?;
        if out.iter().any(|field| field.name().eq_ignore_ascii_case(&name.value)) {
            return Err(refuse(
                codes::COLUMN_TWICE,
                name.span,
                format!("the field `{}` is declared twice", name.value),
                "names match in any case; rename one of them",
            ));
        }
        out.push(column_type(field_type)?.into_field(&name.value));
    }
    Ok(ColumnType::plain(Arrow::Struct(out.into())))
}

/// The table of types without parts: longer than a screen because it must be exhaustive.
#[rustfmt::skip]
fn scalar(data_type: &DataType) -> Result<Arrow, Box<Refusal>> {
    let no = |help: &str| Err(no(data_type, help));
    const WIDTH: &str = "use INT (32 bits) or BIGINT (64 bits)";
    const UNSIGNED: &str = "use BIGINT, or DECIMAL(20, 0) for unsigned 64 bits";
    const LENGTH: &str = "a length would not be checked: leave it out";
    match data_type {
        DataType::Bool | DataType::Boolean => Ok(Arrow::Boolean),
        DataType::Int(None) | DataType::Int4(None) | DataType::Integer(None) | DataType::Int32
        | DataType::Signed | DataType::SignedInteger => Ok(Arrow::Int32),
        DataType::BigInt(None) | DataType::Int8(None) | DataType::Int64 => Ok(Arrow::Int64),
        DataType::Real | DataType::Float4 | DataType::Float32 | DataType::Float(ExactNumberInfo::None) => Ok(Arrow::Float32),
        DataType::Double(ExactNumberInfo::None) | DataType::DoublePrecision | DataType::Float8 | DataType::Float64 => Ok(Arrow::Float64),
        DataType::Decimal(digits) | DataType::Numeric(digits) | DataType::Dec(digits) => decimal(data_type, digits),
        DataType::String(None) | DataType::Text | DataType::Varchar(None) | DataType::CharacterVarying(None)
        | DataType::CharVarying(None) | DataType::Nvarchar(None) | DataType::CharacterLargeObject(None)
        | DataType::CharLargeObject(None) | DataType::Clob(None) => Ok(Arrow::Utf8),
        DataType::Bytes(None) | DataType::Bytea | DataType::Blob(None) | DataType::Binary(None)
        | DataType::Varbinary(None) => Ok(Arrow::Binary),
        DataType::Timestamp(None | Some(9), TimezoneInfo::None | TimezoneInfo::WithoutTimeZone)
        | DataType::Datetime(None) => Ok(Arrow::Timestamp(TimeUnit::Nanosecond, None)),
        DataType::Date | DataType::Date32 => Ok(Arrow::Date32),
        DataType::Time(None | Some(9), TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => Ok(Arrow::Time64(TimeUnit::Nanosecond)),
        DataType::Interval { fields: None, precision: None } => Ok(Arrow::Interval(IntervalUnit::MonthDayNano)),

        DataType::Interval { fields: _fields, precision: _precision } => no("write INTERVAL; it holds months, days and nanoseconds"),
        DataType::Timestamp(_digits, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) | DataType::Datetime(_digits)
        | DataType::TimestampNtz(_digits) => no("write TIMESTAMP; it always holds nanoseconds"),
        DataType::Timestamp(_digits, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => no("write TIMESTAMP: it is an instant in UTC; AT TIME ZONE shows it elsewhere"),
        DataType::Time(_digits, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => no("write TIME; it always holds nanoseconds"),
        DataType::Time(_digits, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => no("write TIME; a time of day has no zone"),
        DataType::Datetime64(_digits, _zone) => no("write TIMESTAMP; it always holds nanoseconds"),
        DataType::Int(Some(_width)) | DataType::Int4(Some(_width)) | DataType::Integer(Some(_width))
        | DataType::BigInt(Some(_width)) | DataType::Int8(Some(_width)) => no("a display width has no meaning: leave it out"),
        DataType::TinyInt(_width) | DataType::SmallInt(_width) | DataType::MediumInt(_width) | DataType::Int2(_width) => no(WIDTH),
        DataType::Int16 => no(WIDTH),
        DataType::Int128 | DataType::Int256 | DataType::HugeInt | DataType::UHugeInt => no("use DECIMAL(38, 0)"),
        DataType::TinyIntUnsigned(_width) | DataType::SmallIntUnsigned(_width) | DataType::MediumIntUnsigned(_width)
        | DataType::IntUnsigned(_width) | DataType::Int2Unsigned(_width) | DataType::Int4Unsigned(_width)
        | DataType::Int8Unsigned(_width) | DataType::IntegerUnsigned(_width) | DataType::BigIntUnsigned(_width) => no(UNSIGNED),
        DataType::UTinyInt | DataType::USmallInt | DataType::UBigInt | DataType::Unsigned | DataType::UnsignedInteger
        | DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 | DataType::UInt128 | DataType::UInt256 => no(UNSIGNED),
        DataType::Float(_digits) => no("write FLOAT (32 bits) or DOUBLE (64 bits)"),
        DataType::Double(_digits) => no("write DOUBLE"),
        DataType::FloatUnsigned(_digits) | DataType::DoubleUnsigned(_digits) => no("write FLOAT or DOUBLE"),
        DataType::RealUnsigned | DataType::DoublePrecisionUnsigned => no("write FLOAT or DOUBLE"),
        DataType::DecimalUnsigned(_digits) | DataType::DecUnsigned(_digits) => no("write DECIMAL(p, s)"),
        DataType::BigNumeric(_digits) | DataType::BigDecimal(_digits) => no("write DECIMAL(38, s)"),
        DataType::Varchar(Some(_length)) | DataType::CharacterVarying(Some(_length)) | DataType::CharVarying(Some(_length))
        | DataType::Nvarchar(Some(_length)) => match _length {
            CharacterLength::IntegerLength { length: _characters, unit: _unit } => no(LENGTH),
            CharacterLength::Max => no("write STRING"),
        },
        DataType::Character(_length) | DataType::Char(_length) => no("CHAR pads with blanks: use STRING"),
        DataType::String(Some(_length)) | DataType::CharacterLargeObject(Some(_length)) | DataType::CharLargeObject(Some(_length))
        | DataType::Clob(Some(_length)) => no(LENGTH),
        DataType::Bytes(Some(_length)) | DataType::Blob(Some(_length)) | DataType::Binary(Some(_length)) => no(LENGTH),
        DataType::Varbinary(Some(BinaryLength::IntegerLength { length: _length })) => no(LENGTH),
        DataType::Varbinary(Some(BinaryLength::Max)) => no("write BYTES"),
        DataType::TinyText | DataType::MediumText | DataType::LongText => no("use STRING"),
        DataType::TinyBlob | DataType::MediumBlob | DataType::LongBlob => no("use BYTES"),
        DataType::FixedString(_length) => no("use STRING"),
        DataType::JSONB => no("use JSON"),
        DataType::Uuid => no("use STRING"),
        DataType::Bit(_length) | DataType::BitVarying(_length) | DataType::VarBit(_length) => no("use BYTES, or BOOL for one bit"),
        DataType::Enum(_members, _bits) => no("use STRING"),
        DataType::Set(_members) => no("use ARRAY<STRING>"),
        DataType::Custom(name, _modifiers) => Err(unknown(&name.to_string())),
        DataType::Nullable(_inner) => no("columns accept NULL unless declared NOT NULL"),
        DataType::LowCardinality(_inner) => no("write the type itself: text is stored by dictionary where that is smaller"),
        DataType::Tuple(_fields) => no("use STRUCT<a INT, b STRING>"),
        DataType::Nested(_columns) => no("use ARRAY<STRUCT<…>>"),
        DataType::Union(_fields) => no("use one column for each alternative, or JSON"),
        DataType::Table(_columns) => no("use ARRAY<STRUCT<…>>"),
        DataType::NamedTable { name: _name, columns: _columns } => no("use ARRAY<STRUCT<…>>"),
        DataType::GeometricType(_kind) => no("use STRUCT<x DOUBLE, y DOUBLE>"),
        DataType::Regclass | DataType::Unspecified | DataType::Trigger | DataType::AnyType | DataType::TsVector
        | DataType::TsQuery => no("use STRING"),
        // Taken care of by `column_type`.
        DataType::Array(_element) => no("write ARRAY<STRING>"),
        DataType::Map(_key, _value) => no("write MAP<STRING, DOUBLE>"),
        DataType::Struct(_fields, _brackets) => no("write STRUCT<a INT, b STRING>"),
        DataType::JSON => no("write JSON"),
    }
}

fn decimal(whole: &DataType, digits: &ExactNumberInfo) -> Result<Arrow, Box<Refusal>> {
    let (precision, scale) = match digits {
        ExactNumberInfo::None => {
            return Ok(Arrow::Decimal128(DECIMAL_DEFAULT.0, DECIMAL_DEFAULT.1));
        }
        ExactNumberInfo::Precision(precision) => (*precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (*precision, *scale),
    };
    let fits = (1..=DECIMAL_DIGITS_MAX).contains(&precision)
        && u64::try_from(scale).is_ok_and(|scale| scale <= precision);
    if let (true, Ok(precision), Ok(scale)) = (fits, u8::try_from(precision), i8::try_from(scale)) {
        return Ok(Arrow::Decimal128(precision, scale));
    }
    Err(refuse(
        codes::TYPE_PARAMETER,
        Span::empty(),
        format!("{whole} is out of range"),
        "DECIMAL(p, s) takes 1 to 38 digits p, 0 to p of them behind the point",
    ))
}

fn unknown(name: &str) -> Box<Refusal> {
    let help = match suggest(name, NAMES.iter().copied()) {
        Some(close) => format!("did you mean `{close}`?"),
        None => "BOOL, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p, s), STRING, BYTES, TIMESTAMP, DATE, TIME, INTERVAL, JSON, ARRAY<T>, MAP<K, V> or STRUCT<name T, …>".to_owned(),
    };
    refuse(codes::UNKNOWN_TYPE, Span::empty(), format!("there is no type `{name}`"), help)
}
