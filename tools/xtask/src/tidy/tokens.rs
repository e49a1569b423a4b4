//! Rust tokens in one flat list, so that a rule can match a short sequence of them anywhere:
//! comments and the inside of string literals never match.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::tree::SourceFile;

/// One token; delimiters of groups are tokens of their own.
pub(super) struct Token {
    /// The token as written.
    pub(super) text: String,
    /// 1-based line where it begins.
    pub(super) line: usize,
    /// 1-based line where it ends; differs for literals over several lines.
    pub(super) line_last: usize,
    /// Whether it is a literal (string, character, number).
    pub(super) literal: bool,
}

/// The tokens of a Rust file; empty for other files and for Rust that does not lex.
pub(super) fn flat(file: &SourceFile) -> Vec<Token> {
    let mut tokens = Vec::new();
    if file.is_rust()
        && let Some(stream) = file.tokens()
    {
        push(stream.clone(), &mut tokens);
    }
    tokens
}

fn push(stream: TokenStream, out: &mut Vec<Token>) {
    for tree in stream {
        let span = tree.span();
        let literal = matches!(tree, TokenTree::Literal(_));
        let mut plain = |text: String, line: usize, line_last: usize| {
            out.push(Token { text, line, line_last, literal });
        };
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                let (first, last) = (span.start().line, span.end().line);
                plain(open.to_owned(), first, first);
                push(group.stream(), out);
                out.push(Token { text: close.to_owned(), line: last, line_last: last, literal: false });
            }
            other => plain(other.to_string(), span.start().line, span.end().line),
        }
    }
}

/// Lines at which `sequence` begins.
pub(super) fn find(tokens: &[Token], sequence: &[&str]) -> Vec<usize> {
    tokens
        .windows(sequence.len())
        .filter(|window| window.iter().zip(sequence).all(|(token, text)| token.text == *text))
        .map(|window| window[0].line)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_match_code_and_neither_comments_nor_strings() {
        let text = "// a!\nfn f() { let s = \"a!\"; /* a! */\n a!(1); }\n";
        let tokens = flat(&SourceFile::new("x.rs", text));
        assert_eq!(find(&tokens, &["a", "!"]), vec![3]);
        assert_eq!(find(&tokens, &["(", "1", ")"]), vec![3]);
    }

    #[test]
    fn a_literal_knows_its_last_line() {
        let tokens = flat(&SourceFile::new("x.rs", "const A: &str = \"1\n2\n3\";\n"));
        let literal = tokens.iter().find(|token| token.literal).unwrap();
        assert_eq!((literal.line, literal.line_last), (1, 3));
    }
}
