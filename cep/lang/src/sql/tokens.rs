//! Cuts a script into statements of tokens with byte ranges, and refuses at token level what
//! `sqlparser` would read in a surprising way.

use datafusion_sql::sqlparser::keywords::Keyword;
use datafusion_sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, TokenizerError};

use crate::ast::Span;
use crate::diag::{Diagnostic, codes};

use super::dialect::CeptraDialect;

/// The statements of a script, as far as it could be cut into tokens.
pub(crate) struct Script {
    /// One entry for each statement with at least one token.
    pub(crate) statements: Vec<Piece>,
    /// Why the rest of the text is no sequence of tokens; the statement it is in is left out.
    pub(crate) error: Option<Diagnostic>,
}

/// The tokens of one statement, without white space and comments.
pub(crate) struct Piece {
    /// The tokens, behind a semicolon that gives the cursor a place to stand before the first.
    pub(crate) tokens: Vec<TokenWithSpan>,
    /// Byte range of each token.
    pub(crate) spans: Vec<Span>,
    /// Where the statement ends: an empty range behind its last token.
    pub(crate) end: Span,
}

/// A token of any kind with its byte range.
#[derive(Debug, Clone)]
pub(crate) struct Located {
    pub(crate) token: TokenWithSpan,
    pub(crate) span: Span,
}

/// Most comments that may touch an operator: the text is cut anew from each of them on.
const GLUED_COMMENTS_MAX: usize = 1000;

/// All tokens of `text`, white space and comments included, and why it stops early if it does.
pub(crate) fn tokenize(text: &str, unescape: bool) -> (Vec<Located>, Option<Diagnostic>) {
    let mut located: Vec<Located> = Vec::new();
    let mut from = Place { byte: 0, at: Location::new(1, 1) };
    for left in (0..=GLUED_COMMENTS_MAX).rev() {
        let (mut more, error) = tokenize_from(text, from, unescape);
        let glued = more.iter().position(|token| glued_comment(text, token));
        let Some(glued) = glued.filter(|_| left > 0) else {
            located.append(&mut more);
            return (located, error);
        };
        // `||/* c */`: the operator ends where the comment begins.
        more.truncate(glued + 1);
        let operator = more.last_mut().expect("it has just been found");
        operator.span.end -= 1;
        operator.token.span.end.column -= 1;
        operator.token.token = match operator.token.token {
            Token::PGCubeRoot => Token::StringConcat,
            _ => Token::Pipe,
        };
        from = Place { byte: operator.span.end, at: operator.token.span.end };
        located.append(&mut more);
    }
    unreachable!("the last round returns")
}

/// Whether the last character of an operator is the first of a comment behind it.
fn glued_comment(text: &str, token: &Located) -> bool {
    matches!(token.token.token, Token::PGCubeRoot | Token::PGSquareRoot)
        && text.as_bytes().get(token.span.end) == Some(&b'*')
}

/// A place in a text.
#[derive(Clone, Copy)]
struct Place {
    byte: usize,
    at: Location,
}

impl Place {
    /// Where `behind` is that counts from here.
    fn shift(self, behind: Location) -> Location {
        match behind.line {
            1 => Location::new(self.at.line, self.at.column + behind.column - 1),
            line => Location::new(self.at.line + line - 1, behind.column),
        }
    }
}

/// The tokens from a place on.
fn tokenize_from(text: &str, from: Place, unescape: bool) -> (Vec<Located>, Option<Diagnostic>) {
    let dialect = CeptraDialect::for_tokens(0);
    let mut tokens = Vec::new();
    let rest = &text[from.byte..];
    let outcome =
        Tokenizer::new(&dialect, rest).with_unescape(unescape).tokenize_with_location_into_buf(&mut tokens);
    let mut walk = ByteWalk::new(rest);
    let located: Vec<Located> = tokens
        .into_iter()
        .map(|mut token| {
            let start = from.byte + walk.byte;
            let end = from.byte + walk.advance_to(token.span.end);
            token.span.start = from.shift(token.span.start);
            token.span.end = from.shift(token.span.end);
            Located { token, span: Span::new(start, end) }
        })
        .collect();
    let error = outcome.err().map(|error| token_error(text, from.byte + walk.byte, &error));
    (located, error)
}

/// Walks a text once, from location to location.
struct ByteWalk<'a> {
    chars: std::str::Chars<'a>,
    length: usize,
    byte: usize,
    line: u64,
    column: u64,
}

impl<'a> ByteWalk<'a> {
    fn new(text: &'a str) -> Self {
        Self { chars: text.chars(), length: text.len(), byte: 0, line: 1, column: 1 }
    }

    /// Moves to `target` and returns its byte offset; stops at the end of the text.
    fn advance_to(&mut self, target: Location) -> usize {
        while (self.line, self.column) < (target.line, target.column) {
            match self.chars.next() {
                Some('\n') => {
                    self.line += 1;
                    self.column = 1;
                }
                Some(_) => self.column += 1,
                None => break,
            }
            self.byte = self.length - self.chars.as_str().len();
        }
        self.byte
    }
}

/// The tokenizer's error, placed at the token that could not be finished.
fn token_error(text: &str, start: usize, error: &TokenizerError) -> Diagnostic {
    let rest = &text[start..];
    let first = rest.chars().next();
    let (message, help, end) = match first {
        Some('\'') => (
            "this string is not closed".to_owned(),
            "close it with `'`; a quote inside a string is written twice: 'it''s'",
            text.len(),
        ),
        Some('"' | '`') => (
            "this quoted name is not closed".to_owned(),
            "close it with the quote it began with; strings take single quotes",
            text.len(),
        ),
        Some('/') if rest.starts_with("/*") => (
            "this comment is not closed".to_owned(),
            "close it with `*/`; comments nest, so each `/*` needs its own",
            text.len(),
        ),
        _ => (
            error.message.clone(),
            "look for a stray character or a quote that is not closed",
            start + first.map_or(0, char::len_utf8),
        ),
    };
    // The first line shows where it begins; the whole rest of the script would only bury it.
    let line_end = rest.find('\n').map_or(text.len(), |at| start + at);
    Diagnostic::at(codes::TOKEN, Span::new(start, end.min(line_end.max(start))), message).help(help)
}

impl Script {
    /// Cuts `text` at its semicolons.
    pub(crate) fn cut(text: &str) -> Self {
        let (located, error) = tokenize(text, true);
        let mut statements = Vec::new();
        let mut piece = Piece::new();
        for Located { token, span } in located {
            match token.token {
                Token::Whitespace(_) => {}
                Token::SemiColon => {
                    let done = std::mem::replace(&mut piece, Piece::new());
                    statements.extend(done.finished());
                }
                _ => piece.push(token, span),
            }
        }
        if error.is_none() {
            statements.extend(piece.finished());
        }
        Self { statements, error }
    }
}

impl Piece {
    fn new() -> Self {
        Self { tokens: Vec::new(), spans: Vec::new(), end: Span::default() }
    }

    /// Tokens of a text that stands inside the script, e.g. in a string, for a cursor.
    pub(crate) fn of(located: Vec<Located>, end: Span) -> Self {
        let mut piece = Self::new();
        for Located { token, span } in located {
            if !matches!(token.token, Token::Whitespace(_)) {
                piece.push(token, span);
            }
        }
        if piece.tokens.is_empty() {
            piece.push_anchor(end);
        }
        piece.end = end;
        piece
    }

    fn push_anchor(&mut self, span: Span) {
        self.tokens.push(TokenWithSpan::wrap(Token::SemiColon));
        self.spans.push(Span::new(span.start, span.start));
    }

    fn push(&mut self, token: TokenWithSpan, span: Span) {
        if self.tokens.is_empty() {
            self.push_anchor(span);
        }
        self.end = Span::new(span.end, span.end);
        self.tokens.push(token);
        self.spans.push(span);
    }

    fn finished(self) -> Option<Self> {
        (self.tokens.len() > 1).then_some(self)
    }

    /// Token-level checks; see [`Piece::check_numbers`] and [`Piece::check_filters`].
    pub(crate) fn check(&self) -> Result<(), Box<Diagnostic>> {
        self.check_numbers()?;
        self.check_filters()
    }

    /// Refuses `12abc`, which would be the number 12 under the alias `abc`, and `1_000`.
    fn check_numbers(&self) -> Result<(), Box<Diagnostic>> {
        for at in 1..self.tokens.len().saturating_sub(1) {
            let touches = self.spans[at].end == self.spans[at + 1].start;
            let is_number = matches!(self.tokens[at].token, Token::Number(_, _));
            if is_number && touches && matches!(self.tokens[at + 1].token, Token::Word(_)) {
                let span = self.spans[at].to(self.spans[at + 1]);
                return Err(Box::new(
                    Diagnostic::at(codes::NUMBER, span, "letters directly behind a number are no number")
                        .help("put a space between a number and its unit, and write 1000, not 1_000"),
                ));
            }
        }
        Ok(())
    }

    /// Refuses `FILTER` behind `)` without `(WHERE`: `sqlparser` would swallow it in silence.
    fn check_filters(&self) -> Result<(), Box<Diagnostic>> {
        let token = |at: usize| self.tokens.get(at).map(|t| &t.token);
        let word =
            |at: usize, keyword: Keyword| matches!(token(at), Some(Token::Word(w)) if w.keyword == keyword);
        for at in 1..self.tokens.len() {
            let is_filter = token(at) == Some(&Token::RParen) && word(at + 1, Keyword::FILTER);
            let is_whole = token(at + 2) == Some(&Token::LParen) && word(at + 3, Keyword::WHERE);
            if is_filter && !is_whole {
                return Err(Box::new(
                    Diagnostic::at(
                        codes::SYNTAX,
                        self.spans[at + 1],
                        "FILTER needs a condition in parentheses",
                    )
                    .help("write FILTER (WHERE condition), or quote the name \"filter\""),
                ));
            }
        }
        Ok(())
    }
}
