//! BYTES as text: base64 (RFC 4648, padded), read also as `\x…` hexadecimal.

use super::Misfit;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends the base64 of `bytes`.
pub(crate) fn encode_base64(bytes: &[u8], out: &mut Vec<u8>) {
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            out.push(if place <= chunk.len() {
                ALPHABET[(word >> (18 - 6 * place) & 63) as usize]
            } else {
                b'='
            });
        }
    }
}

/// Appends the bytes that `text` stands for; on an error `out` may hold a part of them.
pub(crate) fn decode_bytes(text: &[u8], out: &mut Vec<u8>) -> Result<(), Misfit> {
    match text {
        [b'\\', b'x' | b'X', digits @ ..] => decode_hex(digits, out),
        text => decode_base64(text, out),
    }
}

fn decode_hex(digits: &[u8], out: &mut Vec<u8>) -> Result<(), Misfit> {
    if !digits.len().is_multiple_of(2) {
        return Err(Misfit::Malformed);
    }
    let digit = |byte: u8| (byte as char).to_digit(16).ok_or(Misfit::Malformed);
    for pair in digits.chunks_exact(2) {
        out.push((digit(pair[0])? << 4 | digit(pair[1])?) as u8);
    }
    Ok(())
}

fn decode_base64(text: &[u8], out: &mut Vec<u8>) -> Result<(), Misfit> {
    if !text.len().is_multiple_of(4) {
        return Err(Misfit::Malformed);
    }
    let padding = text.iter().rev().take_while(|&&b| b == b'=').count();
    if padding > 2 {
        return Err(Misfit::Malformed);
    }
    let digits = &text[..text.len() - padding];
    for chunk in digits.chunks(4) {
        let mut word: u32 = 0;
        for &byte in chunk {
            word = word << 6 | sextet(byte)?;
        }
        word <<= 6 * (4 - chunk.len());
        let bytes = word.to_be_bytes();
        out.extend_from_slice(&bytes[1..chunk.len()]);
        if chunk.len() < 4 && bytes[chunk.len()] != 0 {
            return Err(Misfit::Malformed); // bits beyond the end
        }
    }
    Ok(())
}

fn sextet(byte: u8) -> Result<u32, Misfit> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return Err(Misfit::Malformed),
    };
    Ok(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        encode_base64(bytes, &mut out);
        out
    }

    #[test]
    fn the_vectors_of_rfc_4648_hold() {
        let vectors = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, text) in vectors {
            assert_eq!(encoded(plain.as_bytes()), text.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut out = Vec::new();
            prop_assert_eq!(decode_bytes(&encoded(&bytes), &mut out), Ok(()));
            prop_assert_eq!(&out, &bytes);
            let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
            out.clear();
            prop_assert_eq!(decode_bytes(format!("\\x{hex}").as_bytes(), &mut out), Ok(()));
            prop_assert_eq!(&out, &bytes);
        }

        #[test]
        fn text_that_decodes_is_the_only_spelling(text in "[A-Za-z0-9+/=]{0,12}") {
            let mut out = Vec::new();
            if decode_bytes(text.as_bytes(), &mut out).is_ok() {
                prop_assert_eq!(encoded(&out), text.as_bytes());
            }
        }
    }
}
