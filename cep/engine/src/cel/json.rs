//! Values as JSON, in the way the specification converts to `google.protobuf.Value`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value as Json};

use super::convert::{double_text, plain};
use super::value::Value;

impl Value {
    /// The value as JSON: times and durations are texts, bytes base64, NaN and infinities texts; a key of a map is
    /// its text. `None` for what has no such form: types, and records, whose names are not known here.
    pub fn to_json(&self) -> Option<Json> {
        Some(match self {
            Value::Null => Json::Null,
            Value::Bool(v) => Json::Bool(*v),
            Value::Int(v) => Json::from(*v),
            Value::Uint(v) => Json::from(*v),
            Value::Double(v) => Number::from_f64(*v).map_or_else(|| double_text(*v).into(), Json::Number),
            Value::String(text) => Json::from(&**text),
            Value::Bytes(bytes) => Json::from(STANDARD.encode(bytes)),
            Value::Timestamp(_) | Value::Duration(_) => Json::from(plain(self)),
            Value::List(values) => Json::Array(values.iter().map(Value::to_json).collect::<Option<_>>()?),
            Value::Map(map) => {
                let entries = map.entries().iter();
                Json::Object(entries.map(|(k, v)| Some((plain(k), v.to_json()?))).collect::<Option<_>>()?)
            }
            Value::Optional(inner) => inner.as_ref().map_or(Some(Json::Null), |inner| inner.to_json())?,
            Value::Record(_) | Value::Type(_) => return None,
        })
    }
}
