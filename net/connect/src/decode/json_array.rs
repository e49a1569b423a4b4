//! Elements of one top-level array, found without parsing them.

/// Finds where an element ends, byte by byte across blocks.
///
/// Brackets are counted, not matched: an element with the wrong ones is refused by the parser. A
/// line end inside a string, which JSON does not allow, ends the element, so that a missing quote
/// costs one element where elements stand on lines of their own.
#[derive(Debug, Default, Clone)]
pub(super) struct ElementScan {
    /// Bytes of the element looked at so far.
    pub(super) length: usize,
    depth: u32,
    in_string: bool,
    escaped: bool,
}

/// What the bytes looked at came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scanned {
    /// The element goes on.
    More,
    /// The element ends.
    Whole,
    /// The element is given up at a line end.
    Broken,
}

impl ElementScan {
    /// Looks at the next bytes; when the element does not go on, `length` is its length.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Scanned {
        for &byte in bytes {
            if self.in_string {
                match byte {
                    b'\n' => return Scanned::Broken,
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                self.length += 1;
                if !self.in_string && self.depth == 0 {
                    return Scanned::Whole;
                }
                continue;
            }
            match byte {
                b',' | b']' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => {
                    return Scanned::Whole;
                }
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        self.length += 1;
                        return Scanned::Whole;
                    }
                }
                _ => {}
            }
            self.length += 1;
        }
        Scanned::More
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
        ];
        for (text, length) in cases {
            for block in 1..=text.len() {
                let mut scan = ElementScan::default();
                let ended = text.as_bytes().chunks(block).any(|bytes| scan.advance(bytes) == Scanned::Whole);
                assert!(ended, "{text}");
                assert_eq!(scan.length, length, "{text} in blocks of {block}");
            }
        }
        let mut scan = ElementScan::default();
        assert_eq!(scan.advance(b"{\"a\":\"x},\n{}"), Scanned::Broken);
        assert_eq!(scan.length, 9);
    }
}
