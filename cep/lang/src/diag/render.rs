//! Diagnostics as people and programs read them.

use miette::{
    Diagnostic as Miette, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode,
    SourceSpan,
};

use crate::sql::Locations;

use super::Diagnostic;

/// Width that messages are wrapped at.
const WIDTH_COLUMNS: usize = 100;

/// A diagnostic with its text, for the report handler.
#[derive(Debug)]
struct Report<'a> {
    diagnostic: &'a Diagnostic,
    source: NamedSource<String>,
    span: Option<SourceSpan>,
}

impl std::fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Report<'_> {}

impl Miette for Report<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn std::fmt::Display + 'b>> {
        Some(Box::new(self.diagnostic.code))
    }

    fn help<'b>(&'b self) -> Option<Box<dyn std::fmt::Display + 'b>> {
        let help = self.diagnostic.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.span.is_some().then_some(&self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.span?;
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(Some("here".to_owned()), span))))
    }
}

/// An error with the lines it stands in: code, message, place, help.
///
/// `text` is the whole script; spans outside of it are clamped.
pub fn render(diagnostic: &Diagnostic, file_name: &str, text: &str, color: bool) -> String {
    let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let span = diagnostic.span.map(|span| {
        let (start, end) = (boundary(text, span.start), boundary(text, span.end));
        SourceSpan::from((start, end.saturating_sub(start)))
    });
    let report = Report { diagnostic, source: NamedSource::new(file_name, text.to_owned()), span };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(WIDTH_COLUMNS).with_links(false);
    let mut out = String::new();
    if handler.render_report(&mut out, &report).is_err() {
        // The place cannot be shown; the rest still can.
        out = plain(diagnostic);
    }
    out
}

fn plain(diagnostic: &Diagnostic) -> String {
    match &diagnostic.help {
        Some(help) => format!("{diagnostic}\nhelp: {help}\n"),
        None => format!("{diagnostic}\n"),
    }
}

/// The character boundary at or before `byte`, at most the end.
fn boundary(text: &str, byte: usize) -> usize {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    byte
}

/// An error as one JSON object: `code`, `title`, `message`, `file`, and when known `span` with
/// `start` and `end` in bytes and `line` and `column` from 1 (columns in characters), and `help`.
pub fn render_json(diagnostic: &Diagnostic, file_name: &str, text: &str) -> serde_json::Value {
    let mut object = serde_json::Map::new();
    let mut put = |key: &str, value: serde_json::Value| {
        object.insert(key.to_owned(), value);
    };
    put("code", diagnostic.code.into());
    if let Some(doc) = super::explain(diagnostic.code) {
        put("title", doc.title.into());
    }
    put("message", diagnostic.message.as_str().into());
    put("file", file_name.into());
    if let Some(span) = diagnostic.span {
        let locations = Locations::new(text);
        let (line, column) = locations.line_column(span.start);
        let (end_line, end_column) = locations.line_column(span.end);
        put(
            "span",
            serde_json::json!({
                "start": span.start,
                "end": span.end,
                "line": line,
                "column": column,
                "end_line": end_line,
                "end_column": end_column,
            }),
        );
    }
    if let Some(help) = &diagnostic.help {
        put("help", help.as_str().into());
    }
    serde_json::Value::Object(object)
}
