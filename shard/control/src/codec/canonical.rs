//! The one spelling of a document.

use serde::Serialize;
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};

/// The canonical bytes of `value`: keys sorted by their bytes, no space, integers in decimal, in strings
/// only `"`, `\` and control characters escaped (the latter as `\u00xx`).
pub(crate) fn canonical<T: Serialize>(value: &T) -> Vec<u8> {
    let value = serde_json::to_value(value).expect("every type of this crate is a JSON value");
    let mut out = Vec::new();
    write(&value, &mut out);
    out
}

/// SHA-256 of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Lower-case hexadecimal digits of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
            out.push(b'{');
            for (at, (key, field)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_text(key, out);
                out.push(b':');
                write(field, out);
            }
            out.push(b'}');
        }
    }
}

/// A fraction occurs only in a config patch that will be refused; it is spelled with the fewest digits
/// that mean it, and an exponent.
fn write_number(number: &Number, out: &mut Vec<u8>) {
    let text = match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(whole), ..) => whole.to_string(),
        (_, Some(whole), _) => whole.to_string(),
        (.., fraction) => format!("{:e}", fraction.unwrap_or_default()),
    };
    out.extend_from_slice(text.as_bytes());
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text.as_bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..=31 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_document_has_one_spelling() {
        let spelled = |text: &str| {
            let value: Value = serde_json::from_str(text).unwrap();
            String::from_utf8(canonical(&value)).unwrap()
        };
        assert_eq!(
            spelled(r#" { "b" : [1, -2 ] , "a":{"é":"\n\"\\\u00e9"} }"#),
            "{\"a\":{\"é\":\"\\u000a\\\"\\\\é\"},\"b\":[1,-2]}"
        );
        assert_eq!(spelled("[1.50,100e18,0.0]"), "[1.5e0,1e20,0e0]");
        assert_eq!(spelled(r#"{"b":null,"a":true}"#), spelled(r#"{"a":true,"b":null}"#));
    }

    #[test]
    fn digests_are_spelled_in_hexadecimal() {
        assert_eq!(hex(&sha256(b"abc"))[..16], *"ba7816bf8f01cfea");
    }
}
