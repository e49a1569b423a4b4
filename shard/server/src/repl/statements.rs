//! Cutting what is typed into statements at `;`.

/// What is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Code,
    /// Within quotes of this kind.
    Quoted(u8),
    LineComment,
    /// `/* … */`, so many levels deep.
    BlockComment(u32),
}

/// Text that has been typed and is not yet a whole statement.
#[derive(Debug, Default)]
pub struct Statements {
    text: String,
}

impl Statements {
    /// Adds a line; gives the statements that it completes, with their `;`.
    pub fn push(&mut self, line: &str) -> Vec<String> {
        self.text.push_str(line);
        self.text.push('\n');
        let ends = ends(&self.text);
        let mut out = Vec::new();
        let mut start = 0;
        for end in ends {
            out.push(self.text[start..end].trim().to_owned());
            start = end;
        }
        self.text.drain(..start);
        if self.is_empty() {
            self.text.clear();
        }
        out.retain(|statement| statement != ";");
        out
    }

    /// Whether nothing has been begun.
    pub fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// What has been begun and not completed, at the end of the input.
    pub fn take_rest(&mut self) -> String {
        std::mem::take(&mut self.text).trim().to_owned()
    }
}

/// Bytes behind each `;` that ends a statement.
fn ends(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let mut state = State::Code;
    let mut ends = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let pair = (bytes[at], bytes.get(at + 1).copied());
        let mut step = 1;
        state = match (state, pair) {
            (State::Code, (b';', _)) => {
                ends.push(at + 1);
                State::Code
            }
            (State::Code, (quote @ (b'\'' | b'"' | b'`'), _)) => State::Quoted(quote),
            (State::Code, (b'-', Some(b'-'))) => State::LineComment,
            (State::Code, (b'/', Some(b'*'))) => {
                step = 2;
                State::BlockComment(1)
            }
            // A doubled quote leaves and enters again.
            (State::Quoted(quote), (byte, _)) if byte == quote => State::Code,
            (State::LineComment, (b'\n', _)) => State::Code,
            (State::BlockComment(depth), (b'*', Some(b'/'))) => {
                step = 2;
                if depth == 1 { State::Code } else { State::BlockComment(depth - 1) }
            }
            (State::BlockComment(depth), (b'/', Some(b'*'))) => {
                step = 2;
                State::BlockComment(depth + 1)
            }
            (state, _) => state,
        };
        at += step;
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_ends_at_a_semicolon_outside_of_quotes_and_comments() {
        let mut statements = Statements::default();
        assert_eq!(statements.push("SELECT 'a;''b;' -- not; here"), Vec::<String>::new());
        assert_eq!(
            statements.push("/* nor; /* here; */ */ FROM \"s;\"; SELECT 2;SEL"),
            ["SELECT 'a;''b;' -- not; here\n/* nor; /* here; */ */ FROM \"s;\";", "SELECT 2;"]
        );
        assert!(!statements.is_empty());
        assert_eq!(statements.push("ECT 3;"), ["SEL\nECT 3;"]);
        assert!(statements.is_empty());
        assert_eq!(statements.push(" ;;  "), Vec::<String>::new());
        assert_eq!(statements.push("SELECT 4"), Vec::<String>::new());
        assert_eq!(statements.take_rest(), "SELECT 4");
    }
}
