//! The parser's tree into ours. What bundles do not compute is refused with the reason and the nearest form that
//! they do.

use std::time::Duration;

use promql_parser::label::MatchOp as ParsedOp;
use promql_parser::parser::{
    self, AggregateExpr, Call, Expr, LabelModifier, MatrixSelector, Offset, VectorSelector,
};

use crate::diag::codes;
use crate::plan::{MatchOp, RangeFunc, VectorOp};

use super::token::{Head, Kind, Prepared, prepare};
use super::tree::{Matcher, Selector, Tree};

/// Longest range, ns: 31 days.
const RANGE_NS_MAX: i64 = 31 * 86_400_000_000_000;
/// Most of `topk`.
const TOP_MAX: f64 = 100.0;
const CEL: &str = "do it in CEL: a rule reads the values of several queries";

/// Why an expression is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PromqlError {
    /// Code of the diagnostic.
    pub code: &'static str,
    /// Bytes of the expression.
    pub place: (usize, usize),
    /// The reason.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

/// Reads an expression over panes of `pane_ns`.
///
/// # Errors
/// That it is no PromQL, or none that bundles compute.
pub(crate) fn read(text: &str, pane_ns: i64) -> Result<Tree, PromqlError> {
    let whole = (0, text.len());
    let prepared = prepare(text).map_err(|wrong| PromqlError {
        code: codes::PROMQL_SUBSET,
        place: wrong.place,
        message: wrong.message,
        help: wrong.help.to_owned(),
    })?;
    let expr = parser::parse(&prepared.text).map_err(|message| PromqlError {
        code: codes::PROMQL_SYNTAX,
        place: whole,
        message: format!("this is not PromQL: {}", message.trim_end_matches('.')),
        help: "an expression is like `sum by (cell)(rate(drops_total{direction=\"down\"}[30s]))`".to_owned(),
    })?;
    let mut reader = Reader { text, prepared: &prepared, next: 0, pane_ns };
    reader.expr(&expr)
}

struct Reader<'a> {
    text: &'a str,
    prepared: &'a Prepared,
    /// The head that comes next.
    next: usize,
    pane_ns: i64,
}

type Result<T, E = PromqlError> = std::result::Result<T, E>;

impl Reader<'_> {
    fn refuse<T>(
        &self,
        place: (usize, usize),
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Result<T> {
        let (message, help) = (message.into(), help.into());
        Err(PromqlError { code: codes::PROMQL_SUBSET, place, message, help })
    }

    fn head(&mut self) -> Head {
        self.next += 1;
        let whole = Head { place: (0, self.text.len()), distinct: false };
        self.prepared.heads.get(self.next - 1).copied().unwrap_or(whole)
    }

    /// Where the first of these signs or words stands; else all of it.
    fn sign(&self, signs: &[&str]) -> (usize, usize) {
        let mut braces = 0_usize;
        for token in &self.prepared.tokens {
            let written = &self.text[token.start..token.end];
            match written {
                "{" => braces += 1,
                "}" => braces = braces.saturating_sub(1),
                _ if braces == 0
                    && matches!(token.kind, Kind::Sign | Kind::Word)
                    && signs.iter().any(|s| {
                        s.eq_ignore_ascii_case(written)
                            || (s.len() > 1 && s.starts_with(written) && token.kind == Kind::Sign)
                    }) =>
                {
                    return (token.start, token.end);
                }
                _ => {}
            }
        }
        (0, self.text.len())
    }

    fn expr(&mut self, expr: &Expr) -> Result<Tree> {
        let whole = (0, self.text.len());
        match expr {
            Expr::Aggregate(aggregate) => self.aggregate(aggregate),
            Expr::Call(call) => self.call(call),
            Expr::VectorSelector(selector) => {
                let (selector, offset_ns) = self.selector(selector)?;
                Ok(Tree::Instant { selector, offset_ns })
            }
            Expr::Paren(paren) => self.expr(&paren.expr),
            Expr::MatrixSelector(_) => {
                let place = self.head().place;
                self.refuse(
                    place,
                    "a range is no value",
                    "put a function around it, as in `rate(metric[5m])`",
                )
            }
            Expr::Binary(binary) => {
                let op = binary.op.to_string();
                let what = match op.as_str() {
                    "+" | "-" | "*" | "/" | "%" | "^" | "atan2" => "arithmetic is",
                    "and" | "or" | "unless" => "sets of series are",
                    _ => "comparisons are",
                };
                let place = self.sign(&[op.as_str()]);
                self.refuse(place, format!("{what} not computed by metrics"), CEL)
            }
            Expr::Unary(_) => {
                let place = self.sign(&["-", "+"]);
                self.refuse(place, "arithmetic is not computed by metrics", CEL)
            }
            Expr::Subquery(_) => {
                let place = self.sign(&["["]);
                let help = "aggregate a range of the metric itself, as in `max_over_time(metric[5m])`";
                self.refuse(place, "subqueries are not computed", help)
            }
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) => {
                self.refuse(whole, "a constant is no metric", "write it where it is used, in CEL")
            }
            Expr::Extension(_) => self.refuse(whole, "this is not computed", CEL),
        }
    }

    fn aggregate(&mut self, aggregate: &AggregateExpr) -> Result<Tree> {
        let AggregateExpr { op, expr, param, modifier } = aggregate;
        let head = self.head();
        let name = op.to_string();
        let op = match (name.as_str(), head.distinct) {
            (_, true) => VectorOp::Distinct,
            ("sum", _) => VectorOp::Sum,
            ("count", _) => VectorOp::Count,
            ("avg", _) => VectorOp::Avg,
            ("min", _) => VectorOp::Min,
            ("max", _) => VectorOp::Max,
            ("quantile", _) => VectorOp::Quantile(self.fraction(param.as_deref(), head.place, "quantile")?),
            ("topk", _) => VectorOp::TopK(self.top(param.as_deref(), head.place)?),
            (other, _) => return self.other_aggregate(other, head.place),
        };
        let by = match modifier {
            None => Vec::new(),
            Some(LabelModifier::Include(labels)) => {
                let mut by: Vec<(String, (usize, usize))> = Vec::new();
                for label in &labels.labels {
                    if !by.iter().any(|(known, _)| known == label) {
                        by.push((label.clone(), self.label_place(label, head.place)));
                    }
                }
                by
            }
            Some(LabelModifier::Exclude(_)) => {
                let place = self.sign(&["without"]);
                let help = "name the labels that stay: `by (…)`; what is left out has no bound";
                return self.refuse(place, "`without` is not computed", help);
            }
        };
        if head.distinct {
            let Expr::Call(call) = unwrapped(expr) else {
                return self.refuse(
                    head.place,
                    "`distinct` takes a range",
                    "write `distinct by (label)(metric[5m])`",
                );
            };
            let (selector, range_ns, offset_ns) =
                self.range(call.args.args.first().map(|a| &**a), head.place)?;
            let input = Tree::Range { func: RangeFunc::Distinct, selector, range_ns, offset_ns };
            return Ok(Tree::Aggregate { op, by, input: Box::new(input) });
        }
        let input = self.expr(expr)?;
        if let Some(inner) = input.labels()
            && let Some((label, place)) = by.iter().find(|(label, _)| !inner.contains(&label.as_str()))
        {
            let message =
                format!("the label `{label}` is not there any more: the inner aggregation drops it");
            return self.refuse(*place, message, "add it to the inner `by (…)`");
        }
        Ok(Tree::Aggregate { op, by, input: Box::new(input) })
    }

    fn other_aggregate<T>(&self, name: &str, place: (usize, usize)) -> Result<T> {
        let help = match name {
            "bottomk" => "use `topk`, or `min`",
            "stddev" | "stdvar" => "use `stddev_over_time` of a range",
            "group" => "use `count`",
            "count_values" => "use `distinct by (…)(metric[5m])` for their number",
            _ => "there are sum, count, avg, min, max, topk, quantile and distinct",
        };
        self.refuse(place, format!("`{name}` is not computed"), help)
    }

    fn label_place(&self, label: &str, head: (usize, usize)) -> (usize, usize) {
        let mut after =
            self.prepared.tokens.iter().filter(|token| token.start > head.0 && token.kind == Kind::Word);
        after
            .find(|token| &self.text[token.start..token.end] == label)
            .map_or(head, |token| (token.start, token.end))
    }

    fn number(&self, param: Option<&Expr>) -> Option<f64> {
        match param? {
            Expr::NumberLiteral(number) => Some(number.val),
            Expr::Paren(paren) => self.number(Some(&paren.expr)),
            Expr::Unary(unary) => self.number(Some(&unary.expr)).map(|value| -value),
            _ => None,
        }
    }

    fn fraction(&self, param: Option<&Expr>, place: (usize, usize), name: &str) -> Result<f64> {
        match self.number(param) {
            Some(value) if (0.0..=1.0).contains(&value) => Ok(value),
            _ => self.refuse(
                place,
                "a quantile is a number from 0 to 1",
                format!("write for example `{name}(0.99, …)`"),
            ),
        }
    }

    fn top(&self, param: Option<&Expr>, place: (usize, usize)) -> Result<u32> {
        match self.number(param) {
            Some(value) if (1.0..=TOP_MAX).contains(&value) && value.fract() == 0.0 => Ok(value as u32),
            _ => self.refuse(
                place,
                "`topk` takes a whole number from 1 to 100",
                "write for example `topk(3, …)`",
            ),
        }
    }

    fn call(&mut self, call: &Call) -> Result<Tree> {
        let Call { func, args } = call;
        let place = self.head().place;
        let args: Vec<&Expr> = args.args.iter().map(|arg| &**arg).collect();
        let func = match func.name {
            "rate" => RangeFunc::Rate,
            "increase" => RangeFunc::Increase,
            "delta" => RangeFunc::Delta,
            "count_over_time" => RangeFunc::Count,
            "sum_over_time" => RangeFunc::Sum,
            "avg_over_time" => RangeFunc::Avg,
            "min_over_time" => RangeFunc::Min,
            "max_over_time" => RangeFunc::Max,
            "stddev_over_time" => RangeFunc::Stddev,
            "last_over_time" => RangeFunc::Last,
            "quantile_over_time" => {
                RangeFunc::Quantile(self.fraction(args.first().copied(), place, "quantile_over_time")?)
            }
            other => return self.other_function(other, place),
        };
        let (selector, range_ns, offset_ns) = self.range(args.last().copied(), place)?;
        Ok(Tree::Range { func, selector, range_ns, offset_ns })
    }

    fn other_function<T>(&self, name: &str, place: (usize, usize)) -> Result<T> {
        let help = match name {
            "irate" => "use `rate` with a short range",
            "idelta" | "deriv" => "use `delta`",
            "stdvar_over_time" => "use `stddev_over_time`, and square it in CEL",
            "present_over_time" | "changes" | "resets" => "use `count_over_time`",
            "absent" | "absent_over_time" => "ask in CEL: `!fast[\"x\"].has_value`",
            "histogram_quantile" | "histogram_avg" | "histogram_count" | "histogram_sum" => {
                "use `quantile_over_time(0.99, metric[5m])` of the samples themselves"
            }
            "time" | "timestamp" => "use `watermark_ns` or a TIMESTAMP column in CEL",
            "label_replace" | "label_join" => "map labels in the source's `metrics`",
            "scalar" | "vector" => "read the value in CEL",
            _ => CEL,
        };
        self.refuse(place, format!("`{name}` is not computed"), help)
    }

    fn range(&mut self, arg: Option<&Expr>, function: (usize, usize)) -> Result<(Selector, i64, i64)> {
        match arg.map(unwrapped) {
            Some(Expr::MatrixSelector(MatrixSelector { vs, range })) => {
                let (selector, offset_ns) = self.selector(vs)?;
                let range_ns = self.panes(*range, "range", &["["])?;
                if range_ns == 0 {
                    return self.wrong_window(self.sign(&["["]), "the range is 0".to_owned());
                }
                Ok((selector, range_ns, offset_ns))
            }
            Some(Expr::Subquery(subquery)) => self.expr(&Expr::Subquery(subquery.clone())).and_then(|_| {
                self.refuse(function, "subqueries are not computed", "aggregate a range of the metric itself")
            }),
            _ => self.refuse(function, "this takes a range of a metric", "write `metric[5m]`"),
        }
    }

    fn wrong_window<T>(&self, place: (usize, usize), message: String) -> Result<T> {
        let pane = cep_types::options::format_duration(self.pane_ns);
        let help = format!("windows are made of panes of {pane}; use a multiple, 31 days at most");
        Err(PromqlError { code: codes::PROMQL_WINDOW, place, message, help })
    }

    fn panes(&self, duration: Duration, what: &str, signs: &[&str]) -> Result<i64> {
        let ns = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        let place = self.sign(signs);
        let written = cep_types::options::format_duration(ns);
        if ns > RANGE_NS_MAX {
            return self.wrong_window(place, format!("the {what} is longer than 31 days"));
        }
        if ns % self.pane_ns != 0 {
            return self.wrong_window(place, format!("the {what} {written} is no whole number of panes"));
        }
        Ok(ns)
    }

    fn selector(&mut self, selector: &VectorSelector) -> Result<(Selector, i64)> {
        let VectorSelector { name, matchers, offset, at } = selector;
        let place = if name.is_some() { self.head().place } else { self.sign(&["{"]) };
        if at.is_some() {
            let help = "values are as of the row's pane; use `offset` for earlier ones";
            return self.refuse(self.sign(&["@"]), "`@` is not computed", help);
        }
        if !matchers.or_matchers.is_empty() {
            let help = "use a regular expression, as in `{a=~\"x|y\"}`, or two queries";
            return self.refuse(place, "`or` between matchers is not computed", help);
        }
        let offset_ns = match offset {
            None => 0,
            Some(Offset::Pos(duration)) => self.panes(*duration, "offset", &["offset"])?,
            Some(Offset::Neg(_)) => {
                let help = "values are of rows that have come; use a positive offset";
                return self.refuse(self.sign(&["offset"]), "a negative offset looks into the future", help);
            }
        };
        let mut metric = name.clone();
        let mut out = Vec::new();
        for matcher in &matchers.matchers {
            let op = match &matcher.op {
                ParsedOp::Equal => MatchOp::Equal,
                ParsedOp::NotEqual => MatchOp::NotEqual,
                ParsedOp::Re(_) => MatchOp::Matches,
                ParsedOp::NotRe(_) => MatchOp::NotMatches,
            };
            if matcher.name == "__name__" {
                if op != MatchOp::Equal || metric.is_some() {
                    return self.refuse(place, "a selector is of one metric", "name it: `metric{…}`");
                }
                metric = Some(matcher.value.clone());
                continue;
            }
            if matches!(op, MatchOp::Matches | MatchOp::NotMatches)
                && let Err(error) = regex::Regex::new(&format!("^(?:{})$", matcher.value))
            {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                let message = format!("`{}` is no regular expression: {last}", matcher.value);
                return self.refuse(place, message, "escape signs that are meant as they are, as in `\\\\{`");
            }
            out.push(Matcher { label: matcher.name.clone(), op, value: matcher.value.clone() });
        }
        let Some(metric) = metric else {
            return self.refuse(place, "a selector names its metric", "write `metric{…}`");
        };
        out.sort_by(|a, b| a.label.cmp(&b.label));
        out.dedup();
        Ok((Selector { metric, place, matchers: out }, offset_ns))
    }
}

fn unwrapped(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => unwrapped(&paren.expr),
        other => other,
    }
}
