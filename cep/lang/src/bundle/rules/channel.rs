//! Where events go: URIs.

use crate::ast::{Name, OptionLiteral, Span, WithOption};
use crate::bundle::model::StreamOption;
use crate::diag::{Diagnostic, Result, codes, suggest};

/// A channel of a bundle.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Channel {
    /// As it was written.
    pub uri: String,
    /// What it stands for.
    pub target: Target,
}

/// What a channel stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A derived stream of this name.
    Stream(String),
    /// A file.
    File(String),
    /// Lines on standard error, with this before each.
    Log(Option<String>),
}

const SCHEMES: [&str; 3] = ["stream", "file", "log"];

/// Reads a URI.
///
/// # Errors
/// A scheme that there is no connector for, or nothing behind it.
pub(crate) fn channel_of(uri: &str, span: Span) -> Result<Channel> {
    let wrong = |message: String, help: String| {
        Err(Box::new(Diagnostic::at(codes::CHANNEL, span, message).help(help)))
    };
    let exist = "there are `stream://name`, `file://path` and `log://prefix`";
    let Some((scheme, rest)) = uri.split_once("://") else {
        return wrong(format!("`{uri}` is no channel"), exist.to_owned());
    };
    let target = match scheme {
        "stream" if crate::bundle::check::is_name(rest) => Target::Stream(rest.to_owned()),
        "stream" => {
            return wrong(
                format!("`{rest}` is no name of a stream"),
                "write letters, digits and `_`".to_owned(),
            );
        }
        "file" if !rest.trim().is_empty() => Target::File(rest.to_owned()),
        "file" => return wrong("the file has no path".to_owned(), "write `file://alerts.jsonl`".to_owned()),
        "log" => Target::Log((!rest.is_empty()).then(|| rest.to_owned())),
        "http" | "https" | "kafka" | "kafkas" | "grpc" | "grpcs" => {
            let help = format!("{exist}; a client may subscribe to a stream and send its rows on");
            return wrong(format!("there is no connector for `{scheme}://`"), help);
        }
        other => {
            let help = match suggest(other, SCHEMES) {
                Some(close) => format!("did you mean `{close}://`?"),
                None => exist.to_owned(),
            };
            return wrong(format!("`{other}://` is no channel"), help);
        }
    };
    Ok(Channel { uri: uri.to_owned(), target })
}

impl Channel {
    /// Options of the stream behind it, with those that were written for it.
    pub(crate) fn options(&self, span: Span, written: &[StreamOption]) -> Vec<WithOption> {
        let text = |key: &str, value: &str| WithOption {
            key: Name { text: key.to_owned(), span },
            value: OptionLiteral::Text(value.to_owned()),
            value_span: span,
        };
        let mut out = match &self.target {
            Target::Stream(_) => Vec::new(),
            Target::File(path) => {
                let lower = path.to_ascii_lowercase();
                let told =
                    [".csv", ".json", ".csv.gz", ".json.gz"].iter().any(|ending| lower.ends_with(ending))
                        || written.iter().any(|option| option.key.text.eq_ignore_ascii_case("format"));
                let mut out = vec![text("type", "sink"), text("extension", "file"), text("file.path", path)];
                if !told {
                    out.push(text("format", "json"));
                }
                out
            }
            Target::Log(prefix) => {
                let mut out = vec![text("type", "sink"), text("extension", "log")];
                out.extend(prefix.iter().map(|prefix| text("log.prefix", prefix)));
                out
            }
        };
        out.extend(written.iter().map(with_option));
        out
    }
}

/// An option as SQL's `WITH` has it.
pub(crate) fn with_option(option: &StreamOption) -> WithOption {
    let StreamOption { key, value } = option;
    let literal = match value.bool() {
        Some(value) => OptionLiteral::Bool(value),
        None if value.is_number() => OptionLiteral::Number(value.text.clone()),
        None => OptionLiteral::Text(value.text.clone()),
    };
    let name = if key.text == "path" { "file.path" } else { key.text.as_str() };
    WithOption { key: Name { text: name.to_owned(), span: key.span }, value: literal, value_span: value.span }
}
