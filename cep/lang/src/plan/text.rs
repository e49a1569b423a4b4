//! Expressions and aggregate calls as SQL-like text, for EXPLAIN and for names of columns.

use std::fmt::Write;

use arrow_schema::{DataType, Schema};
use cep_types::options::format_duration;
use datafusion_common::ScalarValue;

use cep_types::sql_type::sql_type_name;

use super::{AggCall, AggFunc, BinaryOp, Expr, ExprKind, OverCall, OverFrame, OverFunc, SortKey, UnaryOp};

/// `expr` with the column names of `schema`.
pub fn expr_text(expr: &Expr, schema: &Schema) -> String {
    let mut out = String::new();
    Writer { out: &mut out, schema }.expr(expr, 0);
    out
}

/// `call` with the column names of `schema`.
pub fn call_text(call: &AggCall, schema: &Schema) -> String {
    let mut out = String::new();
    Writer { out: &mut out, schema }.call(call);
    out
}

/// A sort key with the column names of `schema`.
pub fn sort_text(key: &SortKey, schema: &Schema) -> String {
    let SortKey { expr, descending, nulls_first } = key;
    let mut out = expr_text(expr, schema);
    if *descending {
        out.push_str(" DESC");
    }
    if nulls_first != descending {
        out.push_str(if *nulls_first { " NULLS FIRST" } else { " NULLS LAST" });
    }
    out
}

/// Texts with a comma between.
pub(crate) fn list<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join(", ")
}

struct Writer<'a> {
    out: &'a mut String,
    schema: &'a Schema,
}

impl Writer<'_> {
    /// Writes `expr`, in brackets when it binds looser than `around`.
    fn expr(&mut self, expr: &Expr, around: u8) {
        let own = precedence(&expr.kind);
        if own < around {
            self.out.push('(');
        }
        self.kind(expr);
        if own < around {
            self.out.push(')');
        }
    }

    fn kind(&mut self, expr: &Expr) {
        let own = precedence(&expr.kind);
        match &expr.kind {
            ExprKind::Column(index) => match self.schema.fields().get(*index) {
                // A column of lowering's own, such as that of an IN, is shown without its mark.
                Some(field) => self.out.push_str(field.name().trim_start_matches('\u{1}')),
                None => self.push(format_args!("#{index}")),
            },
            ExprKind::Literal(value) => self.literal(value),
            ExprKind::Binary(op, left, right) => {
                self.expr(left, own);
                self.push(format_args!(" {} ", binary_text(*op)));
                self.expr(right, own + 1);
            }
            ExprKind::Unary(op, inner) => self.unary(*op, inner, own),
            ExprKind::Case { branches, otherwise } => {
                self.out.push_str("CASE");
                for (condition, value) in branches {
                    self.out.push_str(" WHEN ");
                    self.expr(condition, 0);
                    self.out.push_str(" THEN ");
                    self.expr(value, 0);
                }
                if let Some(value) = otherwise {
                    self.out.push_str(" ELSE ");
                    self.expr(value, 0);
                }
                self.out.push_str(" END");
            }
            ExprKind::Cast { input, safe } => {
                self.out.push_str(if *safe { "TRY_CAST(" } else { "CAST(" });
                self.expr(input, 0);
                self.push(format_args!(" AS {})", sql_type_name(&expr.data_type)));
            }
            ExprKind::Like { input, pattern, negated, case_insensitive, escape } => {
                self.expr(input, own + 1);
                self.out.push_str(if *negated { " NOT" } else { "" });
                self.out.push_str(if *case_insensitive { " ILIKE " } else { " LIKE " });
                self.expr(pattern, own + 1);
                if let Some(escape) = escape {
                    self.push(format_args!(" ESCAPE '{escape}'"));
                }
            }
            ExprKind::InList { input, list, negated } => {
                self.expr(input, own + 1);
                self.out.push_str(if *negated { " NOT IN (" } else { " IN (" });
                self.list(list);
                self.out.push(')');
            }
            ExprKind::Call { function, args, field: _ } => {
                self.push(format_args!("{}(", function.name()));
                self.list(args);
                self.out.push(')');
            }
            ExprKind::Stamp => self.out.push_str("now()"),
            ExprKind::EventTime => self.out.push_str("event_time()"),
        }
    }

    fn unary(&mut self, op: UnaryOp, inner: &Expr, own: u8) {
        let behind = match op {
            UnaryOp::Not => {
                self.out.push_str("NOT ");
                return self.expr(inner, own);
            }
            UnaryOp::Neg => {
                self.out.push('-');
                return self.expr(inner, own);
            }
            UnaryOp::IsNull => " IS NULL",
            UnaryOp::IsNotNull => " IS NOT NULL",
            UnaryOp::IsTrue => " IS TRUE",
            UnaryOp::IsNotTrue => " IS NOT TRUE",
            UnaryOp::IsFalse => " IS FALSE",
            UnaryOp::IsNotFalse => " IS NOT FALSE",
            UnaryOp::IsUnknown => " IS UNKNOWN",
            UnaryOp::IsNotUnknown => " IS NOT UNKNOWN",
        };
        self.expr(inner, own + 1);
        self.out.push_str(behind);
    }

    fn literal(&mut self, value: &ScalarValue) {
        match value {
            null if null.is_null() => self.out.push_str("NULL"),
            ScalarValue::Utf8(Some(text)) => self.push(format_args!("'{}'", text.replace('\'', "''"))),
            ScalarValue::Boolean(Some(value)) => self.out.push_str(if *value { "TRUE" } else { "FALSE" }),
            ScalarValue::Float64(Some(number)) => self.push(format_args!("{number:?}")),
            ScalarValue::Float32(Some(number)) => self.push(format_args!("{number:?}")),
            ScalarValue::Int32(Some(number)) => self.push(format_args!("{number}")),
            ScalarValue::Int64(Some(number)) => self.push(format_args!("{number}")),
            other => {
                let text = other.cast_to(&DataType::Utf8);
                let text = text.ok().and_then(|t| match t {
                    ScalarValue::Utf8(text) => text,
                    _other => None,
                });
                let text = text.unwrap_or_else(|| other.to_string());
                self.push(format_args!("{} '{text}'", sql_type_name(&other.data_type())));
            }
        }
    }

    fn call(&mut self, call: &AggCall) {
        let AggCall { func, args, distinct, filter, order_by, data_type: _, name: _ } = call;
        self.push(format_args!("{}(", agg_name(func)));
        let is_count_distinct = matches!(func, AggFunc::CountDistinct);
        if *distinct || is_count_distinct {
            self.out.push_str("DISTINCT ");
        }
        if args.is_empty() && matches!(func, AggFunc::Count) {
            self.out.push('*');
        }
        self.list(args);
        if let Some(constant) = agg_constant(func) {
            self.push(format_args!(", {constant}"));
        }
        if !order_by.is_empty() {
            let keys = list(order_by, |key| sort_text(key, self.schema));
            self.push(format_args!(" ORDER BY {keys}"));
        }
        self.out.push(')');
        if ignores_nulls(func) {
            self.out.push_str(" IGNORE NULLS");
        }
        if let Some(filter) = filter {
            self.out.push_str(" FILTER (WHERE ");
            self.expr(filter, 0);
            self.out.push(')');
        }
    }

    fn list(&mut self, exprs: &[Expr]) {
        for (at, expr) in exprs.iter().enumerate() {
            if at > 0 {
                self.out.push_str(", ");
            }
            self.expr(expr, 0);
        }
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        self.out.write_fmt(text).expect("writing to a string does not fail");
    }
}

/// Binding power of an expression's outermost operator.
fn precedence(kind: &ExprKind) -> u8 {
    match kind {
        ExprKind::Binary(op, _, _) => match op {
            BinaryOp::Or => 1,
            BinaryOp::And => 2,
            BinaryOp::Eq
            | BinaryOp::NotEq
            | BinaryOp::Lt
            | BinaryOp::LtEq
            | BinaryOp::Gt
            | BinaryOp::GtEq
            | BinaryOp::IsDistinct
            | BinaryOp::IsNotDistinct
            | BinaryOp::RegexMatch
            | BinaryOp::RegexIMatch
            | BinaryOp::RegexNotMatch
            | BinaryOp::RegexNotIMatch => 4,
            BinaryOp::BitAnd
            | BinaryOp::BitOr
            | BinaryOp::BitXor
            | BinaryOp::ShiftLeft
            | BinaryOp::ShiftRight => 5,
            BinaryOp::Concat => 6,
            BinaryOp::Add | BinaryOp::Sub => 7,
            BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod => 8,
        },
        ExprKind::Unary(UnaryOp::Not, _) => 3,
        ExprKind::Unary(UnaryOp::Neg, _) => 9,
        ExprKind::Unary(_, _) | ExprKind::Like { .. } | ExprKind::InList { .. } => 4,
        ExprKind::Column(_)
        | ExprKind::Literal(_)
        | ExprKind::Case { .. }
        | ExprKind::Cast { .. }
        | ExprKind::Call { .. }
        | ExprKind::Stamp
        | ExprKind::EventTime => 10,
    }
}

fn binary_text(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Mod => "%",
        BinaryOp::Eq => "=",
        BinaryOp::NotEq => "<>",
        BinaryOp::Lt => "<",
        BinaryOp::LtEq => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::GtEq => ">=",
        BinaryOp::And => "AND",
        BinaryOp::Or => "OR",
        BinaryOp::IsDistinct => "IS DISTINCT FROM",
        BinaryOp::IsNotDistinct => "IS NOT DISTINCT FROM",
        BinaryOp::Concat => "||",
        BinaryOp::RegexMatch => "~",
        BinaryOp::RegexIMatch => "~*",
        BinaryOp::RegexNotMatch => "!~",
        BinaryOp::RegexNotIMatch => "!~*",
        BinaryOp::BitAnd => "&",
        BinaryOp::BitOr => "|",
        BinaryOp::BitXor => "#",
        BinaryOp::ShiftLeft => "<<",
        BinaryOp::ShiftRight => ">>",
    }
}

/// Name of an aggregate as SQL has it.
pub fn agg_name(func: &AggFunc) -> &'static str {
    match func {
        AggFunc::Count | AggFunc::CountDistinct => "count",
        AggFunc::Sum => "sum",
        AggFunc::Avg => "avg",
        AggFunc::Min => "min",
        AggFunc::Max => "max",
        AggFunc::MinForever => "min_forever",
        AggFunc::MaxForever => "max_forever",
        AggFunc::Variance { population: true } => "var_pop",
        AggFunc::Variance { population: false } => "var",
        AggFunc::Stddev { population: true } => "stddev_pop",
        AggFunc::Stddev { population: false } => "stddev",
        AggFunc::Covariance { population: true } => "covar_pop",
        AggFunc::Covariance { population: false } => "covar_samp",
        AggFunc::Correlation => "corr",
        AggFunc::First { .. } => "first",
        AggFunc::Last { .. } => "last",
        AggFunc::Nth { .. } => "nth",
        AggFunc::ApproxCountDistinct => "approx_count_distinct",
        AggFunc::Quantile { .. } => "percentile",
        AggFunc::QuantileKll { .. } => "approx_percentile_kll",
        AggFunc::TopK { .. } => "topk",
        AggFunc::Mode => "mode",
        AggFunc::Collect => "array_agg",
        AggFunc::StringAgg { .. } => "string_agg",
        AggFunc::UnionSet => "union_set",
        AggFunc::BoolAnd => "bool_and",
        AggFunc::BoolOr => "bool_or",
        AggFunc::BitAnd => "bit_and",
        AggFunc::BitOr => "bit_or",
        AggFunc::BitXor => "bit_xor",
        AggFunc::Rate => "rate",
        AggFunc::Increase => "increase",
        AggFunc::Ewma { .. } => "ewma",
        AggFunc::ArgMin => "arg_min",
        AggFunc::ArgMax => "arg_max",
    }
}

fn agg_constant(func: &AggFunc) -> Option<String> {
    match func {
        AggFunc::Nth { n, ignore_nulls: _ } => Some(n.to_string()),
        AggFunc::Quantile { q, exact_max: _ } | AggFunc::QuantileKll { q } => Some(q.to_string()),
        AggFunc::TopK { k } => Some(k.to_string()),
        AggFunc::StringAgg { separator } => Some(format!("'{}'", separator.replace('\'', "''"))),
        AggFunc::Ewma { alpha } => Some(alpha.to_string()),
        _no_constant => None,
    }
}

fn ignores_nulls(func: &AggFunc) -> bool {
    matches!(
        func,
        AggFunc::First { ignore_nulls: true }
            | AggFunc::Last { ignore_nulls: true }
            | AggFunc::Nth { n: _, ignore_nulls: true }
    )
}

/// An OVER call's function and frame, without partition and order, which calls share.
pub fn over_text(call: &OverCall, schema: &Schema) -> String {
    let text = |expr: &Expr| expr_text(expr, schema);
    let (function, framed, ignore) = match &call.func {
        OverFunc::Aggregate(call) => (call_text(call, schema), true, false),
        OverFunc::RowNumber => ("row_number()".to_owned(), false, false),
        OverFunc::Rank => ("rank()".to_owned(), false, false),
        OverFunc::DenseRank => ("dense_rank()".to_owned(), false, false),
        OverFunc::PercentRank => ("percent_rank()".to_owned(), false, false),
        OverFunc::CumeDist => ("cume_dist()".to_owned(), false, false),
        OverFunc::Ntile(n) => (format!("ntile({n})"), false, false),
        OverFunc::Lag { value, offset, default, ignore_nulls } => {
            let name = if *offset < 0 { "lead" } else { "lag" };
            let default = default.as_ref().map(|d| format!(", {}", text(d))).unwrap_or_default();
            (format!("{name}({}, {}{default})", text(value), offset.unsigned_abs()), false, *ignore_nulls)
        }
        OverFunc::FirstValue { value, ignore_nulls } => {
            (format!("first_value({})", text(value)), true, *ignore_nulls)
        }
        OverFunc::LastValue { value, ignore_nulls } => {
            (format!("last_value({})", text(value)), true, *ignore_nulls)
        }
        OverFunc::NthValue { value, n, ignore_nulls } => {
            (format!("nth_value({}, {n})", text(value)), true, *ignore_nulls)
        }
    };
    let ignore = if ignore { " IGNORE NULLS" } else { "" };
    let by_time =
        matches!(call.order_by.as_slice(), [key] if matches!(key.expr.data_type, DataType::Timestamp(_, _)));
    let frame = if framed { format!(" {}", frame_text(&call.frame, by_time)) } else { String::new() };
    format!("{function}{ignore}{frame}")
}

fn frame_text(frame: &OverFrame, by_time: bool) -> String {
    let (unit, start, end) = match frame {
        OverFrame::Rows { start, end } => ("ROWS", start, end),
        OverFrame::Range { start, end } => ("RANGE", start, end),
        OverFrame::Groups { start, end } => ("GROUPS", start, end),
    };
    let is_time = by_time && matches!(frame, OverFrame::Range { .. });
    let distance = |n: i64| match is_time {
        true => format_duration(n.saturating_abs()),
        false => n.unsigned_abs().to_string(),
    };
    let bound = |bound: &Option<i64>, open: &str| match bound {
        None => format!("UNBOUNDED {open}"),
        Some(0) => "CURRENT ROW".to_owned(),
        Some(n) if *n < 0 => format!("{} PRECEDING", distance(*n)),
        Some(n) => format!("{} FOLLOWING", distance(*n)),
    };
    format!("{unit} BETWEEN {} AND {}", bound(start, "PRECEDING"), bound(end, "FOLLOWING"))
}
