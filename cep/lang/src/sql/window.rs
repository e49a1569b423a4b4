//! The window clause of a stream, `WINDOW KIND (…)` and `WINDOW('kind', …)`, and the parameters
//! that all spellings share.

use datafusion_sql::sqlparser::ast as sql;
use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::{Duration, Span, Window, WindowKind};
use crate::diag::{Diagnostic, Result, codes, suggest};

use super::cursor::Cursor;
use super::window_params::{ParamDoc, ParamType, WindowDoc, window_doc, window_docs};

/// SUPPORT divided by this is what LOSSYFREQUENT may miss when ERROR is not given.
const LOSSY_ERROR_DIVISOR: f64 = 10.0;

/// A parameter's value.
#[derive(Debug)]
enum Value {
    Duration(Duration),
    Count(u64),
    Fraction(f64),
    Text(String),
    Bool(bool),
    Expr(sql::Expr),
    Exprs(Vec<sql::Expr>),
    Orders(Vec<sql::OrderByExpr>),
}

/// The parameters of one window, as written.
pub(super) struct Args {
    doc: &'static WindowDoc,
    /// One entry for each of `doc.params`.
    values: Vec<Option<Value>>,
    /// Where the window's kind stands.
    kind_span: Span,
}

impl Cursor<'_> {
    /// Whether a window clause of a stream comes next.
    pub(super) fn at_window(&self) -> bool {
        self.is(0, "WINDOW") && !self.at_named_window()
    }

    /// `WINDOW KIND [(…)]` or `WINDOW('kind' [, …])`.
    pub(super) fn window_clause(&mut self) -> Result<Window> {
        let start = self.expect("WINDOW")?;
        let quoted = self.eat_token(&Token::LParen);
        let mut args = self.window_kind(quoted)?;
        if quoted {
            while self.eat_token(&Token::Comma) {
                self.window_param(&mut args, None)?;
            }
            self.expect_token(&Token::RParen)?;
        } else if self.eat_token(&Token::LParen) {
            if !self.is_token(0, &Token::RParen) {
                self.window_param(&mut args, None)?;
                while self.eat_token(&Token::Comma) {
                    self.window_param(&mut args, None)?;
                }
            }
            self.expect_token(&Token::RParen)?;
        }
        let span = self.since(start);
        Ok(Window { kind: args.kind()?, time_column: None, span })
    }

    /// The kind, as a word or in quotes.
    fn window_kind(&mut self, quoted: bool) -> Result<Args> {
        let span = self.span(0);
        let text = match self.token(0) {
            Token::SingleQuotedString(text) if quoted => text.clone(),
            Token::Word(word) if !quoted && word.quote_style.is_none() => word.value.clone(),
            _ if quoted => {
                return Err(Box::new(
                    self.unexpected("the window's kind in quotes")
                        .help("write WINDOW('tumbling', 1 MINUTE) or WINDOW TUMBLING (SIZE 1 MINUTE)"),
                ));
            }
            _ => return Err(self.unexpected("the window's kind, such as TUMBLING")),
        };
        let doc = window_doc(&text).ok_or_else(|| unknown_window(&text, span))?;
        self.advance();
        Ok(Args::new(doc, span))
    }

    /// Takes one parameter, named or by position in `order` (`doc.params` when `None`).
    pub(super) fn window_param(&mut self, args: &mut Args, order: Option<&[&str]>) -> Result<()> {
        let start = self.span(0);
        if let Some(at) = self.param_name(args.doc) {
            if args.values[at].is_some() {
                return Err(Box::new(
                    Diagnostic::at(
                        codes::WINDOW_PARAM,
                        start,
                        format!("{} is given twice", args.doc.params[at].name),
                    )
                    .help(format!("usage: {}", args.doc.usage())),
                ));
            }
            args.values[at] = Some(self.param_value(&args.doc.params[at])?);
            return Ok(());
        }
        if let Some(error) = self.unknown_param(args.doc) {
            return Err(error);
        }
        let Some(at) = self.position(args, order) else {
            return Err(Box::new(
                self.error(codes::WINDOW_PARAM, format!("{} takes no more parameters", args.doc.name))
                    .help(format!("usage: {}", args.doc.usage())),
            ));
        };
        let doc = &args.doc.params[at];
        let more = self.param_value(doc)?;
        match (&mut args.values[at], more) {
            (Some(Value::Exprs(list)), Value::Exprs(more)) => list.extend(more),
            (Some(Value::Orders(list)), Value::Orders(more)) => list.extend(more),
            (slot, more) => *slot = Some(more),
        }
        Ok(())
    }

    /// The parameter that the next value without a name belongs to.
    fn position(&self, args: &Args, order: Option<&[&str]>) -> Option<usize> {
        let open = |at: &usize| {
            let grows = matches!(args.doc.params[*at].takes, ParamType::Exprs | ParamType::Orders);
            args.values[*at].is_none() || grows
        };
        // LOSSYFREQUENT (0.1, key): what is no number is no ERROR.
        let fits = |at: &usize| {
            let doc = &args.doc.params[*at];
            doc.required || doc.takes != ParamType::Fraction || matches!(self.token(0), Token::Number(_, _))
        };
        let index_of = |name: &str| args.doc.params.iter().position(|p| p.name == name);
        match order {
            Some(order) => order.iter().filter_map(|name| index_of(name)).find(|at| open(at) && fits(at)),
            None => (0..args.doc.params.len()).find(|at| open(at) && fits(at)),
        }
    }

    /// Takes a parameter's name when one comes next: `SIZE …` or `SIZE => …`.
    fn param_name(&mut self, doc: &WindowDoc) -> Option<usize> {
        if self.are(&["INCLUDE", "TRIGGERING"]) {
            let at = doc.params.iter().position(|p| p.name == "INCLUDE_TRIGGERING")?;
            self.advance();
            self.advance();
            self.eat_token(&Token::RArrow);
            return Some(at);
        }
        let word = self.word(0)?;
        let at = doc.params.iter().position(|p| {
            p.name.eq_ignore_ascii_case(word) || p.aliases.iter().any(|a| a.eq_ignore_ascii_case(word))
        })?;
        let is_flag = doc.params[at].takes == ParamType::Bool;
        if !(self.value_follows(1) || is_flag) {
            return None;
        }
        self.advance();
        if doc.params[at].name == "BY" {
            self.eat(&["BY"]);
        }
        self.eat_token(&Token::RArrow);
        Some(at)
    }

    /// Whether the token `n` ahead begins a value, so that the word before it is a name.
    fn value_follows(&self, n: usize) -> bool {
        match self.token(n) {
            Token::RArrow | Token::Number(_, _) | Token::SingleQuotedString(_) => true,
            Token::Minus => matches!(self.token(n + 1), Token::Number(_, _)),
            Token::Word(word) => {
                word.quote_style.is_some()
                    || !matches!(
                        word.value.to_ascii_uppercase().as_str(),
                        "ASC"
                            | "DESC"
                            | "NULLS"
                            | "AND"
                            | "OR"
                            | "IS"
                            | "IN"
                            | "LIKE"
                            | "ILIKE"
                            | "NOT"
                            | "BETWEEN"
                            | "COLLATE"
                            | "AT"
                            | "SIMILAR"
                            | "DIV"
                            | "OVER"
                    )
            }
            _ => false,
        }
    }

    /// An error when the next word looks like the name of a parameter that does not exist.
    fn unknown_param(&self, doc: &WindowDoc) -> Option<Box<Diagnostic>> {
        let word = self.word(0)?;
        let is_name = matches!(self.token(1), Token::RArrow | Token::Number(_, _)) || self.is(1, "INTERVAL");
        if !is_name || self.is(0, "INTERVAL") {
            return None;
        }
        let error = self.error(codes::WINDOW_PARAM, format!("{} has no parameter `{word}`", doc.name));
        let names = doc.params.iter().map(|p| p.name);
        Some(Box::new(match suggest(word, names) {
            Some(close) => error.help(format!("did you mean `{close}`?")),
            None => error.help(format!("usage: {}", doc.usage())),
        }))
    }

    fn param_value(&mut self, doc: &ParamDoc) -> Result<Value> {
        let what = doc.name;
        Ok(match doc.takes {
            ParamType::Calendar => Value::Duration(self.duration(what)?.length),
            ParamType::Fixed => Value::Duration(self.fixed_duration(what)?.length),
            ParamType::Offset => Value::Duration(self.offset(what)?),
            ParamType::Count => Value::Count(self.count(what)?),
            ParamType::Fraction => Value::Fraction(self.fraction(what)?),
            ParamType::Cron => Value::Text(self.cron(what)?),
            ParamType::Zone => Value::Text(self.zone(what)?),
            ParamType::Bool => Value::Bool(self.flag_value()),
            ParamType::Expr => Value::Expr(self.descriptor_or_expr()?),
            ParamType::Condition if matches!(self.token(0), Token::SingleQuotedString(_)) => {
                Value::Expr(self.expr_in_string(what)?)
            }
            ParamType::Condition => Value::Expr(self.expr()?),
            ParamType::Exprs => Value::Exprs(vec![self.expr()?]),
            ParamType::Orders => Value::Orders(vec![self.order_by_expr()?]),
        })
    }

    /// `TRUE`, `FALSE`, or nothing, which is TRUE.
    fn flag_value(&mut self) -> bool {
        if self.eat(&["FALSE"]) {
            return false;
        }
        self.eat(&["TRUE"]);
        true
    }

    fn offset(&mut self, what: &str) -> Result<Duration> {
        let duration = self.any_duration(what)?;
        let Duration { months, days, nanos } = duration.length;
        if months < 0 || days < 0 || nanos < 0 {
            return Err(Box::new(
                Diagnostic::at(codes::DURATION, duration.span, "an offset is not negative")
                    .help("add the window's size to it: edges repeat with that period"),
            ));
        }
        Ok(duration.length)
    }

    /// A whole number ≥ 1.
    pub(super) fn count(&mut self, what: &str) -> Result<u64> {
        let span = self.span(0);
        let value = match self.token(0) {
            Token::Number(number, _) => number.parse::<u64>().ok().filter(|n| *n > 0),
            Token::Minus => None,
            _ => {
                return Err(self.unexpected(&format!("{what}, a whole number")));
            }
        };
        let Some(value) = value else {
            return Err(Box::new(
                Diagnostic::at(codes::COUNT, span, format!("{what} is a whole number from 1 on"))
                    .help("write it as digits, for example 100"),
            ));
        };
        self.advance();
        Ok(value)
    }

    fn fraction(&mut self, what: &str) -> Result<f64> {
        let value = match self.token(0) {
            Token::Number(number, _) => number.parse::<f64>().ok(),
            _ => None,
        };
        match value {
            Some(value) if value > 0.0 && value < 1.0 => {
                self.advance();
                Ok(value)
            }
            _ => Err(Box::new(
                self.error(codes::COUNT, format!("{what} is a number between 0 and 1"))
                    .help("for example 0.1 for a tenth"),
            )),
        }
    }

    fn cron(&mut self, what: &str) -> Result<String> {
        let span = self.span(0);
        let text = self.string(&format!("{what}, a cron expression in quotes"))?;
        match croner::parser::CronParser::builder()
            .seconds(croner::parser::Seconds::Optional)
            .build()
            .parse(&text)
        {
            Ok(_) => Ok(text),
            Err(reason) => Err(Box::new(
                Diagnostic::at(codes::CRON, span, format!("this is no cron expression: {reason}"))
                    .help("five fields, or six with seconds first: '0 */5 * * * *' is every five minutes"),
            )),
        }
    }

    fn zone(&mut self, what: &str) -> Result<String> {
        let span = self.span(0);
        let text = self.string(&format!("{what}, a time zone in quotes"))?;
        if text.parse::<chrono_tz::Tz>().is_ok() {
            return Ok(text);
        }
        let error = Diagnostic::at(codes::ZONE, span, format!("'{text}' is no time zone"));
        let close = suggest(&text, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
        Err(Box::new(match close {
            Some(close) => error.help(format!("did you mean '{close}'?")),
            None => error.help("take a name of the IANA database such as 'Europe/Berlin'"),
        }))
    }

    /// `DESCRIPTOR(column)` or an expression.
    fn descriptor_or_expr(&mut self) -> Result<sql::Expr> {
        if self.is(0, "DESCRIPTOR") && self.is_token(1, &Token::LParen) {
            self.advance();
            self.advance();
            let expr = self.expr()?;
            self.expect_token(&Token::RParen)?;
            return Ok(expr);
        }
        self.expr()
    }
}

/// "did you mean" for a window's kind.
pub(super) fn unknown_window(text: &str, span: Span) -> Box<Diagnostic> {
    let error = Diagnostic::at(codes::WINDOW, span, format!("there is no window `{text}`"));
    let names =
        window_docs().iter().flat_map(|doc| std::iter::once(doc.name).chain(doc.aliases.iter().copied()));
    Box::new(match suggest(&text.replace('_', ""), names) {
        Some(close) => error.help(format!("did you mean `{close}`?")),
        None => error.help("SHOW WINDOWS lists them all"),
    })
}

impl Args {
    pub(super) fn new(doc: &'static WindowDoc, kind_span: Span) -> Self {
        Self { doc, values: doc.params.iter().map(|_| None).collect(), kind_span }
    }

    /// Which kind it is.
    pub(super) fn doc(&self) -> &'static WindowDoc {
        self.doc
    }

    /// Whether the kind has this parameter and it is still open.
    pub(super) fn lacks(&self, name: &str) -> bool {
        self.doc.params.iter().zip(&self.values).any(|(p, v)| p.name == name && v.is_none())
    }

    /// Sets an expression parameter that the table spelling writes elsewhere.
    pub(super) fn set_expr(&mut self, name: &str, expr: sql::Expr) {
        if let Some(at) = self.doc.params.iter().position(|p| p.name == name) {
            self.values[at] = Some(Value::Expr(expr));
        }
    }

    /// Sets a list parameter that the table spelling writes elsewhere.
    pub(super) fn set_exprs(&mut self, name: &str, exprs: Vec<sql::Expr>) {
        if let Some(at) = self.doc.params.iter().position(|p| p.name == name) {
            self.values[at] = Some(Value::Exprs(exprs));
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.doc.params.iter().position(|p| p.name == name)?;
        self.values[at].take()
    }

    fn missing(&self, name: &str) -> Box<Diagnostic> {
        Box::new(
            Diagnostic::at(codes::WINDOW_PARAM, self.kind_span, format!("{} needs {name}", self.doc.name))
                .help(format!("usage: {}", self.doc.usage())),
        )
    }

    fn optional_duration(&mut self, name: &str) -> Option<Duration> {
        match self.take(name) {
            Some(Value::Duration(length)) if length != Duration::default() => Some(length),
            _ => None,
        }
    }

    fn duration(&mut self, name: &str) -> Result<Duration> {
        self.optional_duration(name).ok_or_else(|| self.missing(name))
    }

    fn count(&mut self, name: &str) -> Result<u64> {
        match self.take(name) {
            Some(Value::Count(count)) => Ok(count),
            _ => Err(self.missing(name)),
        }
    }

    fn optional_fraction(&mut self, name: &str) -> Option<f64> {
        match self.take(name) {
            Some(Value::Fraction(fraction)) => Some(fraction),
            _ => None,
        }
    }

    fn optional_text(&mut self, name: &str) -> Option<String> {
        match self.take(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn optional_expr(&mut self, name: &str) -> Option<sql::Expr> {
        match self.take(name) {
            Some(Value::Expr(expr)) => Some(expr),
            _ => None,
        }
    }

    fn expr(&mut self, name: &str) -> Result<sql::Expr> {
        self.optional_expr(name).ok_or_else(|| self.missing(name))
    }

    fn optional_exprs(&mut self, name: &str) -> Vec<sql::Expr> {
        match self.take(name) {
            Some(Value::Exprs(exprs)) => exprs,
            _ => Vec::new(),
        }
    }

    fn exprs(&mut self, name: &str) -> Result<Vec<sql::Expr>> {
        let exprs = self.optional_exprs(name);
        if exprs.is_empty() {
            return Err(self.missing(name));
        }
        Ok(exprs)
    }

    fn orders(&mut self, name: &str) -> Result<Vec<sql::OrderByExpr>> {
        match self.take(name) {
            Some(Value::Orders(orders)) => Ok(orders),
            _ => Err(self.missing(name)),
        }
    }

    fn flag(&mut self, name: &str) -> bool {
        matches!(self.take(name), Some(Value::Bool(true)))
    }

    /// The window they make, or which parameter is missing.
    pub(super) fn kind(mut self) -> Result<WindowKind> {
        Ok(match self.doc.name {
            "TUMBLING" => WindowKind::Tumbling {
                size: self.duration("SIZE")?,
                offset: self.optional_duration("OFFSET"),
                zone: self.optional_text("ZONE"),
            },
            "HOP" => WindowKind::Hop {
                size: self.duration("SIZE")?,
                slide: self.duration("SLIDE")?,
                offset: self.optional_duration("OFFSET"),
                zone: self.optional_text("ZONE"),
            },
            "CUMULATE" => WindowKind::Cumulate {
                step: self.duration("STEP")?,
                size: self.duration("SIZE")?,
                offset: self.optional_duration("OFFSET"),
                zone: self.optional_text("ZONE"),
            },
            "SESSION" => WindowKind::Session { gap: self.duration("GAP")?, keys: self.optional_exprs("KEY") },
            "TIME" => WindowKind::Time { size: self.duration("SIZE")? },
            "TIMEBATCH" => {
                WindowKind::TimeBatch { size: self.duration("SIZE")?, start: self.optional_expr("START") }
            }
            "LENGTH" => WindowKind::Length { rows: self.count("ROWS")? },
            "LENGTHBATCH" => WindowKind::LengthBatch { rows: self.count("ROWS")? },
            "TIMELENGTH" => {
                WindowKind::TimeLength { size: self.duration("SIZE")?, rows: self.count("ROWS")? }
            }
            "BATCH" => WindowKind::Batch,
            _ => return self.other_kind(),
        })
    }

    fn other_kind(mut self) -> Result<WindowKind> {
        Ok(match self.doc.name {
            "EXTERNALTIME" => {
                WindowKind::ExternalTime { column: self.expr("COLUMN")?, size: self.duration("SIZE")? }
            }
            "EXTERNALTIMEBATCH" => WindowKind::ExternalTimeBatch {
                column: self.expr("COLUMN")?,
                size: self.duration("SIZE")?,
                start: self.optional_expr("START"),
                timeout: self.optional_duration("TIMEOUT"),
            },
            "SORT" => WindowKind::Sort { rows: self.count("ROWS")?, order: self.orders("BY")? },
            "UNIQUE" => WindowKind::Unique { keys: self.exprs("KEY")? },
            "FIRSTUNIQUE" => WindowKind::FirstUnique { keys: self.exprs("KEY")? },
            "DELAY" => WindowKind::Delay { delay: self.duration("DELAY")? },
            "CRON" => WindowKind::Cron {
                expression: self.optional_text("EXPRESSION").ok_or_else(|| self.missing("EXPRESSION"))?,
            },
            "EXPRESSION" => WindowKind::Expression { condition: self.expr("CONDITION")? },
            "EXPRESSIONBATCH" => WindowKind::ExpressionBatch {
                condition: self.expr("CONDITION")?,
                include_triggering: self.flag("INCLUDE_TRIGGERING"),
            },
            "FREQUENT" => {
                WindowKind::Frequent { counters: self.count("COUNTERS")?, keys: self.optional_exprs("KEY") }
            }
            _ => {
                let support = self.optional_fraction("SUPPORT").ok_or_else(|| self.missing("SUPPORT"))?;
                WindowKind::LossyFrequent {
                    support,
                    error: self.optional_fraction("ERROR").unwrap_or(support / LOSSY_ERROR_DIVISOR),
                    keys: self.optional_exprs("KEY"),
                }
            }
        })
    }
}
