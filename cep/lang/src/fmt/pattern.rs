//! Patterns: which tokens stand in one, their blanks and their keywords.

use datafusion_sql::sqlparser::tokenizer::Token;

use super::token::Tok;

/// Where a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Region {
    /// In no pattern.
    #[default]
    Outside,
    /// In the brackets of MATCH_RECOGNIZE, between its clauses.
    Clauses,
    /// In the brackets of PATTERN or SEQUENCE, in no condition.
    Shape,
}

/// Words of MATCH_RECOGNIZE that begin a clause, with the words behind that tell them from names.
const CLAUSES: &[(&str, &[&str])] = &[
    ("PARTITION", &["BY"]),
    ("ORDER", &["BY"]),
    ("MEASURES", &[]),
    ("ONE", &["ROW"]),
    ("ALL", &["ROWS"]),
    ("AFTER", &["MATCH"]),
    ("PATTERN", &[]),
    ("WITHIN", &[]),
    ("SUBSET", &[]),
    ("DEFINE", &[]),
];

/// Words that are keywords behind another one.
const BEHIND: &[(&str, &[&str])] = &[
    ("MATCH", &["AFTER", "PER"]),
    ("SKIP", &["MATCH"]),
    ("PAST", &["SKIP"]),
    ("TO", &["SKIP"]),
    ("NEXT", &["TO"]),
    ("FIRST", &["TO"]),
    ("LAST", &["PAST", "TO"]),
    ("ROW", &["ONE", "NEXT", "LAST"]),
    ("ROWS", &["ALL", "UNMATCHED"]),
    ("PER", &["ROW", "ROWS"]),
    ("SHOW", &["MATCH"]),
    ("OMIT", &["MATCH"]),
    ("EMPTY", &["SHOW", "OMIT"]),
    ("MATCHES", &["EMPTY", "OUT"]),
    ("UNMATCHED", &["WITH"]),
    ("TIMED", &["WITH"]),
    ("OUT", &["TIMED"]),
    ("STEPS", &["BETWEEN"]),
];

/// For each token, where it stands.
pub(super) fn regions(tokens: &[Tok]) -> Vec<Region> {
    let mut out = vec![Region::Outside; tokens.len()];
    let mut open: Vec<Region> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let here = open.last().copied().unwrap_or_default();
        if token.closes() {
            open.pop();
            out[at] = open.last().copied().unwrap_or_default();
            continue;
        }
        out[at] = here;
        if token.opens() {
            open.push(inside(tokens, at, here));
        }
    }
    out
}

/// What the bracket at `at` holds.
fn inside(tokens: &[Tok], at: usize, here: Region) -> Region {
    let before = |n: usize| at.checked_sub(n).map(|at| &tokens[at]);
    let is = |n: usize, words: &[&str]| before(n).is_some_and(|tok| tok.is_any(words));
    let round = tokens[at].token == Token::LParen;
    if here == Region::Shape {
        return if tokens[at].token == Token::LBracket { Region::Outside } else { Region::Shape };
    }
    if round && is(1, &["MATCH_RECOGNIZE"]) {
        return Region::Clauses;
    }
    let source = is(1, &["PATTERN", "SEQUENCE"]) && is(2, &["FROM"]);
    let rows = is(1, &["PATTERN"]) && here == Region::Clauses;
    if round && (source || rows) { Region::Shape } else { Region::Outside }
}

/// Whether a clause of MATCH_RECOGNIZE begins at `at`.
pub(super) fn starts_clause(tokens: &[Tok], at: usize) -> bool {
    CLAUSES.iter().any(|(first, second)| {
        tokens[at].is(first)
            && (second.is_empty() || tokens.get(at + 1).is_some_and(|tok| tok.is_any(second)))
    }) && at > 0
        && (tokens[at - 1].token == Token::LParen || tokens[at - 1].ends_operand())
}

/// Whether the word at `at` is a keyword of a pattern.
pub(super) fn is_keyword(tokens: &[Tok], at: usize, region: Region) -> bool {
    let next = tokens.get(at + 1);
    let is_call = next.is_some_and(|tok| tok.token == Token::LParen);
    let behind = at.checked_sub(1).map(|at| &tokens[at]);
    if tokens[at].is("MATCH_RECOGNIZE") {
        return is_call;
    }
    if tokens[at].is_any(&["PATTERN", "SEQUENCE"]) && is_call && behind.is_some_and(|tok| tok.is("FROM")) {
        return true;
    }
    if tokens[at].is_any(&["FINAL", "RUNNING"]) {
        return next.is_some_and(Tok::is_word)
            && tokens.get(at + 2).is_some_and(|tok| tok.token == Token::LParen);
    }
    if tokens[at].is("WITHIN") {
        return next.is_some_and(|tok| matches!(tok.token, Token::Number(_, _)) || tok.is("INTERVAL"));
    }
    if tokens[at].is("AFTER") {
        return next.is_some_and(|tok| tok.is("MATCH"));
    }
    let follows =
        BEHIND.iter().any(|(word, words)| tokens[at].is(word) && behind.is_some_and(|tok| tok.is_any(words)));
    match region {
        Region::Outside => follows,
        Region::Clauses => follows || starts_clause(tokens, at),
        Region::Shape => {
            follows
                || tokens[at].is("EVERY")
                    && next.is_some_and(|tok| tok.is_word() || tok.token == Token::LParen)
                || tokens[at].is("PERMUTE") && is_call
                || tokens[at].is("FOR") && behind.is_some_and(Tok::ends_operand)
        }
    }
}

/// Whether a blank stands before the token at `at` of a pattern; `None`: as elsewhere.
pub(super) fn blank(tokens: &[Tok], at: usize) -> Option<bool> {
    let (before, this) = (&tokens[at - 1], &tokens[at]);
    let is_mark = |tok: &Tok| matches!(&tok.token, Token::Placeholder(mark) if mark == "?");
    let quantifies = matches!(this.token, Token::Plus | Token::Mul) || is_mark(this);
    let in_angle = |at: usize| {
        let lt = tokens[..at].iter().rposition(|tok| tok.token == Token::Lt);
        let gt = tokens[..at].iter().rposition(|tok| tok.token == Token::Gt);
        lt.is_some_and(|lt| gt.is_none_or(|gt| gt < lt))
    };
    if this.token == Token::Arrow || before.token == Token::Arrow {
        return Some(true);
    }
    if quantifies || this.token == Token::Lt || before.token == Token::Lt {
        return Some(false);
    }
    if matches!(this.token, Token::Number(_, _) | Token::Colon | Token::Gt) && in_angle(at) {
        return Some(false);
    }
    let ends = tokens.get(at + 1).is_some_and(|tok| tok.token == Token::RBrace);
    match (&before.token, &this.token) {
        (Token::Comma, Token::Number(_, _)) if ends => Some(false),
        (_, Token::LBrace) => Some(tokens.get(at + 1).is_some_and(|tok| tok.token == Token::Minus)),
        (Token::LBrace, _) => Some(false),
        (Token::Minus, Token::RBrace) => Some(false),
        (Token::Minus, _) => Some(true),
        (Token::Word(_), Token::LParen) => Some(!before.is("PERMUTE")),
        (_, Token::LParen) if before.token != Token::LParen => Some(true),
        _ => None,
    }
}
