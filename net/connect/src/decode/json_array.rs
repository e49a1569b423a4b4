//! Elements of one top-level array, found without parsing them.

/// Finds where an element ends, byte by byte across blocks.
///
/// Brackets are counted, not matched: an element with the wrong ones is refused by the parser. A
/// line end inside a string, which JSON does not allow, ends the string, so that a missing quote
/// costs one element where elements stand on lines of their own.
#[derive(Debug, Default, Clone)]
pub(super) struct ElementScan {
    /// Bytes of the element looked at so far.
    pub(super) length: usize,
    depth: u32,
    in_string: bool,
    escaped: bool,
}

impl ElementScan {
    /// Looks at the next bytes; `true` when the element ends, `length` being its length then.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> bool {
        for &byte in bytes {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' | b'\n' => self.in_string = false,
                    _ => {}
                }
                self.length += 1;
                if !self.in_string && self.depth == 0 {
                    return true;
                }
                continue;
            }
            match byte {
                b',' | b']' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => return true,
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        self.length += 1;
                        return true;
                    }
                }
                _ => {}
            }
            self.length += 1;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_end_where_they_end_whatever_the_blocks() {
        let cases = [
            (r#"{"a":[1,2]},"#, 11),
            (r#"{"a":"}],\"{"} ,"#, 14),
            ("12,", 2),
            ("12]", 2),
            ("\"a,b\"]", 5),
            ("[[1],[2]],", 9),
            ("{\"a\n\": 1},", 9),
        ];
        for (text, length) in cases {
            for block in 1..=text.len() {
                let mut scan = ElementScan::default();
                let ended = text.as_bytes().chunks(block).any(|bytes| scan.advance(bytes));
                assert!(ended, "{text}");
                assert_eq!(scan.length, length, "{text} in blocks of {block}");
            }
        }
    }
}
