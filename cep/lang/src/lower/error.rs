//! The planner's errors in the user's words.

use datafusion_common::{DataFusionError, SchemaError};

use crate::ast::Span;
use crate::diag::{Diagnostic, codes};

use super::columns::MARK;
use super::planner::PlanError;

/// An error whose place may not be known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What is wrong.
    pub diagnostic: Diagnostic,
}

impl Failure {
    /// An error without a place.
    pub(crate) fn new(code: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        let help = Some(help.into());
        Self { diagnostic: Diagnostic { code, message: message.into(), span: None, help } }
    }

    /// The same error, at `span` unless it has a place already.
    pub(crate) fn at(mut self, span: Option<Span>) -> Self {
        self.diagnostic.span = self.diagnostic.span.or(span);
        self
    }

    /// The diagnostic, at `span` unless it has a place already.
    pub(crate) fn boxed(self, span: Option<Span>) -> Box<Diagnostic> {
        Box::new(self.at(span).diagnostic)
    }
}

impl From<DataFusionError> for Failure {
    fn from(error: DataFusionError) -> Self {
        let (code, message, help) = explain(&error);
        Self { diagnostic: Diagnostic { code, message, span: None, help } }
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Planner(error) => Failure::from(*error),
            PlanError::Argument { name, given, wanted } => Failure::new(
                codes::TYPE_MISMATCH,
                format!(
                    "{name} is {}, and this is {}",
                    super::types::type_name(&wanted),
                    super::types::type_name(&given)
                ),
                format!("convert it: CAST(… AS {})", super::types::type_name(&wanted)),
            ),
            PlanError::TooLarge => Failure::new(
                codes::TOO_DEEP,
                "the expression repeats its operands too often when calls such as coalesce, BETWEEN and CASE x are spelled out",
                "compute the inner parts in a view or a common table expression",
            ),
        }
    }
}

/// Code, message and help of a planner error.
fn explain(error: &DataFusionError) -> (&'static str, String, Option<String>) {
    match error {
        DataFusionError::Context(_, inner) => explain(inner),
        DataFusionError::Diagnostic(_, inner) => explain(inner),
        DataFusionError::Shared(inner) => explain(inner),
        DataFusionError::Collection(errors) => match errors.first() {
            Some(first) => explain(first),
            None => (codes::EXPRESSION, "the expression cannot be planned".to_owned(), None),
        },
        DataFusionError::SchemaError(error, _backtrace) => match error.as_ref() {
            SchemaError::FieldNotFound { field, valid_fields: _ } => {
                (codes::UNKNOWN_COLUMN, format!("there is no column `{}`", plain_text(&field.name)), None)
            }
            SchemaError::AmbiguousReference { field } => {
                (codes::AMBIGUOUS_COLUMN, format!("`{}` is ambiguous", plain_text(&field.name)), None)
            }
            SchemaError::DuplicateQualifiedField { qualifier: _, name }
            | SchemaError::DuplicateUnqualifiedField { name } => {
                (codes::COLUMN_TWICE, format!("there are two columns `{}`", plain_text(name)), None)
            }
        },
        other => of_message(&plain_text(&other.strip_backtrace())),
    }
}

/// What a message of the planner means; the messages are those of DataFusion 55.
fn of_message(message: &str) -> (&'static str, String, Option<String>) {
    let message = message
        .trim_start_matches("Error during planning: ")
        .trim_start_matches("This feature is not implemented: ")
        .trim_start_matches("Execution error: ")
        .trim_start_matches("Arrow error: ");
    let internal = message.strip_prefix("Internal error: ");
    let message = internal.unwrap_or(message);
    let message = message.split("\nThis issue was likely caused by a bug").next().unwrap_or(message);
    let message = message.split(". This issue was likely caused by a bug").next().unwrap_or(message);
    let message =
        message.split_once("coercion failed with: Error during planning: ").map_or(message, |(_, m)| m);
    if let Some((message, call)) = message.split_once("; it is called as ") {
        return (codes::ARGUMENTS, message.to_owned(), Some(format!("it is called as {call}")));
    }
    if let Some(rest) = message.strip_prefix("Cannot coerce arithmetic expression ") {
        let types = rest.trim_end_matches(" to valid types");
        return mismatch(format!("{types} is not defined"));
    }
    if let Some(rest) = message.strip_prefix("Cannot get result type for temporal operation ") {
        let types = rest.split(": ").next().unwrap_or(rest);
        return mismatch(format!("{types} is not defined"));
    }
    if let Some((name, found)) =
        message.strip_prefix("[return_type] ").and_then(|rest| rest.split_once(" not supported for "))
    {
        let name = name.to_lowercase();
        let help = "name the column; only count takes `*`".to_owned();
        return (codes::ARGUMENTS, format!("`{name}` does not take ({found})"), Some(help));
    }
    if let Some(found) = call_mismatch(message) {
        return found;
    }
    if let Some(name) = message.strip_prefix("[IGNORE | RESPECT] NULLS are not permitted for ") {
        let help = "filter instead: FILTER (WHERE x IS NOT NULL)".to_owned();
        return (codes::CALL_CLAUSE, format!("`{name}` takes no IGNORE NULLS"), Some(help));
    }
    let one_line: Vec<&str> = message.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let text = one_line.join("; ");
    let text = with_backticks(text.trim_end_matches('.'));
    let code = if text.to_lowercase().contains("coerce")
        || text.contains("compar")
        || text.contains("infer")
        || text.contains("takes integers")
    {
        codes::TYPE_MISMATCH
    } else if ABOUT_ARGUMENTS.iter().any(|word| text.contains(word)) {
        codes::ARGUMENTS
    } else {
        codes::EXPRESSION
    };
    let help = (code == codes::TYPE_MISMATCH).then(|| CAST_HELP.to_owned());
    (code, text, help)
}

/// Words of messages about the arguments of a call.
const ABOUT_ARGUMENTS: &[&str] =
    &["argument", "expects", "k of ", "n of ", "alpha of ", "called as", "takes one condition"];

/// `Function 'abs' expects` as users write it.
fn with_backticks(text: &str) -> String {
    let Some((name, rest)) = text.strip_prefix("Function '").and_then(|text| text.split_once('\'')) else {
        return text.to_owned();
    };
    format!("`{name}`{rest}")
}

const CAST_HELP: &str = "convert one side: CAST(x AS type)";

fn mismatch(message: String) -> (&'static str, String, Option<String>) {
    (codes::TYPE_MISMATCH, message, Some(CAST_HELP.to_owned()))
}

/// "No function matches the given name and argument types 'abs(STRING)'. …"
fn call_mismatch(message: &str) -> Option<(&'static str, String, Option<String>)> {
    let (_before, rest) = message.split_once("argument types '")?;
    let (call, rest) = rest.split_once("'.")?;
    let candidates: Vec<&str> = rest
        .lines()
        .map(str::trim)
        .filter(|line| line.contains('(') && !line.starts_with("Candidate"))
        .filter(|line| !line.contains("add explicit type casts"))
        .collect();
    let help = match candidates.first() {
        Some(_) => Some(format!("it takes {}", candidates.join(" or "))),
        None => Some(CAST_HELP.to_owned()),
    };
    let message = match call.split_once('(') {
        Some((name, types)) if types.len() > 1 => {
            format!("`{name}` does not take ({types}",)
        }
        Some((name, _nothing)) => format!("`{name}` needs arguments"),
        None => format!("there is no `{call}`"),
    };
    Some((codes::ARGUMENTS, message, help))
}

/// A planner's text without our marks and with SQL's names for types.
pub(crate) fn plain_text(text: &str) -> String {
    let text: String = text.chars().filter(|c| *c != MARK).collect();
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find(|c: char| c.is_ascii_alphabetic() || c == '_') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        match TYPES.iter().find(|(arrow, _sql)| *arrow == word) {
            Some((_arrow, sql)) => {
                out.push_str(sql);
                // Units and zones are no concern of the user.
                let has_unit = matches!(word, "Timestamp" | "Time64" | "Time32" | "Duration" | "Interval");
                rest = match behind.strip_prefix('(').filter(|_| has_unit).and_then(|b| b.split_once(')')) {
                    Some((_unit, behind)) => behind,
                    None => behind,
                };
            }
            None => {
                out.push_str(word);
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Arrow's names of types and SQL's.
const TYPES: &[(&str, &str)] = &[
    ("Utf8", "STRING"),
    ("LargeUtf8", "STRING"),
    ("Utf8View", "STRING"),
    ("Boolean", "BOOL"),
    ("Int8", "INT"),
    ("Int16", "INT"),
    ("Int32", "INT"),
    ("Int64", "BIGINT"),
    ("UInt8", "INT"),
    ("UInt16", "INT"),
    ("UInt32", "BIGINT"),
    ("UInt64", "BIGINT"),
    ("Float16", "FLOAT"),
    ("Float32", "FLOAT"),
    ("Float64", "DOUBLE"),
    ("Decimal32", "DECIMAL"),
    ("Decimal64", "DECIMAL"),
    ("Decimal128", "DECIMAL"),
    ("Decimal256", "DECIMAL"),
    ("Binary", "BYTES"),
    ("LargeBinary", "BYTES"),
    ("BinaryView", "BYTES"),
    ("Date32", "DATE"),
    ("Date64", "DATE"),
    ("Time32", "TIME"),
    ("Time64", "TIME"),
    ("Timestamp", "TIMESTAMP"),
    ("Duration", "INTERVAL"),
    ("Interval", "INTERVAL"),
    ("List", "ARRAY"),
    ("LargeList", "ARRAY"),
    ("FixedSizeList", "ARRAY"),
    ("Struct", "STRUCT"),
    ("Map", "MAP"),
    ("Null", "NULL"),
    ("String", "STRING"),
    ("Numeric", "a number"),
];

#[cfg(test)]
mod tests {
    use super::plain_text;

    #[test]
    fn types_have_their_sql_names_and_words_stay() {
        assert_eq!(plain_text("Utf8 + Int64"), "STRING + BIGINT");
        assert_eq!(plain_text("Timestamp(ns) < \u{1}price"), "TIMESTAMP < price");
        assert_eq!(plain_text("List(Int64) and Listing"), "ARRAY(BIGINT) and Listing");
    }
}
