//! Base64, hexadecimal, binary digits and percent-encoding.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray};
use arrow_schema::DataType;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use datafusion_common::{Result, exec_err};

use crate::functions::call::Call;
use crate::functions::definition::{Definition, Param, Params, Returns};
use crate::functions::hash::hex;

pub(super) fn functions() -> Vec<Definition> {
    vec![
        Definition::new(
            "to_base64",
            "to_base64(x)",
            "Base64 with padding (RFC 4648) of a text or bytes.",
            Params::exactly(&[Param::Bytes]),
            Returns::Type(DataType::Utf8),
            |call| {
                let x = call.bytes(0)?;
                call.build_text(|row| Ok(x.at(row).map(|x| STANDARD.encode(x))))
            },
        )
        .aliased(&["base64"]),
        Definition::new(
            "from_base64",
            "from_base64(text)",
            "Bytes of a Base64 text, padded or not; NULL when it is not one.",
            Params::exactly(&[Param::Text]),
            Returns::Type(DataType::Binary),
            |call| build_bytes(call, decode_base64),
        )
        .aliased(&["unbase64"]),
        Definition::new(
            "hex",
            "hex(x)",
            "Two hexadecimal digits for each byte of a text or bytes; to_hex(n) is for integers.",
            Params::exactly(&[Param::Bytes]),
            Returns::Type(DataType::Utf8),
            |call| {
                let x = call.bytes(0)?;
                call.build_text(|row| Ok(x.at(row).map(hex)))
            },
        ),
        Definition::new(
            "unhex",
            "unhex(text)",
            "Bytes of pairs of hexadecimal digits; NULL when the text is not that.",
            Params::exactly(&[Param::Text]),
            Returns::Type(DataType::Binary),
            |call| build_bytes(call, decode_hex),
        )
        .aliased(&["from_hex"]),
        Definition::new(
            "bin",
            "bin(n)",
            "Binary digits of an integer, two's complement below 0.",
            Params::exactly(&[Param::Int]),
            Returns::Type(DataType::Utf8),
            |call| {
                let n = call.ints(0)?;
                call.build_text(|row| Ok(n.at(row).map(|n| format!("{n:b}"))))
            },
        )
        .aliased(&["to_binary"]),
        Definition::new(
            "url_encode",
            "url_encode(text)",
            "The text with every byte outside A–Z a–z 0–9 - _ . ~ as %XX (RFC 3986).",
            Params::exactly(&[Param::Text]),
            Returns::Type(DataType::Utf8),
            |call| {
                let text = call.text(0)?;
                call.build_text(|row| Ok(text.at(row).map(percent_encode)))
            },
        ),
        Definition::new(
            "url_decode",
            "url_decode(text)",
            "The text with %XX decoded and + as a space; NULL when that is not UTF-8 or a % stands alone.",
            Params::exactly(&[Param::Text]),
            Returns::Type(DataType::Utf8),
            |call| {
                let text = call.text(0)?;
                call.build_text(|row| Ok(text.at(row).and_then(percent_decode)))
            },
        ),
        Definition::new(
            "decode_utf8",
            "decode_utf8(bytes)",
            "The text that the bytes spell in UTF-8; an error when they do not.",
            Params::exactly(&[Param::Bytes]),
            Returns::Type(DataType::Utf8),
            |call| {
                let bytes = call.bytes(0)?;
                call.build_text(|row| match bytes.at(row).map(str::from_utf8) {
                    Some(Ok(text)) => Ok(Some(text)),
                    Some(Err(error)) => exec_err!("these bytes are no text: {error}"),
                    None => Ok(None),
                })
            },
        ),
    ]
}

fn build_bytes(call: &Call<'_>, decode: fn(&str) -> Option<Vec<u8>>) -> Result<ArrayRef> {
    let text = call.text(0)?;
    let decoded: BinaryArray = (0..call.rows()).map(|row| text.at(row).and_then(decode)).collect();
    Ok(Arc::new(decoded))
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    let text = text.trim_end_matches('=');
    STANDARD_NO_PAD.decode(text).ok()
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().map(|digit| digit.to_digit(16)).collect::<Option<Vec<u32>>>()?;
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}

fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => {
                encoded.push('%');
                encoded.push_str(&hex(&[byte]).to_ascii_uppercase());
            }
        }
    }
    encoded
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => decoded.push(b' '),
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                decoded.push(u8::try_from(high * 16 + low).ok()?);
            }
            other => decoded.push(other),
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn decoding_undoes_encoding(text: String, bytes: Vec<u8>) {
            prop_assert_eq!(percent_decode(&percent_encode(&text)), Some(text));
            prop_assert_eq!(decode_hex(&hex(&bytes)), Some(bytes.clone()));
            prop_assert_eq!(decode_base64(&STANDARD.encode(&bytes)), Some(bytes));
        }

        #[test]
        fn decoding_of_anything_never_panics(text: String) {
            let _ = (percent_decode(&text), decode_hex(&text), decode_base64(&text));
        }
    }

    #[test]
    fn known_encodings() {
        assert_eq!(percent_encode("a b/ü"), "a%20b%2F%C3%BC");
        assert_eq!(percent_decode("a+b%2F%c3%bc").as_deref(), Some("a b/ü"));
        assert_eq!(percent_decode("100%"), None);
        assert_eq!(percent_decode("%ff"), None);
        assert_eq!(decode_hex("0aFF"), Some(vec![10, 255]));
        assert_eq!(decode_hex("0a0"), None);
        assert_eq!(decode_base64("aGk="), Some(b"hi".to_vec()));
        assert_eq!(decode_base64("*"), None);
    }
}
