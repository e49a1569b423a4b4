//! Diagnostics as people and programs read them.

use miette::{
    Diagnostic as Miette, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode, SourceSpan,
};

use crate::sql::Locations;

use super::Diagnostic;
use super::excerpt::Excerpt;

/// Width that messages are wrapped at.
const WIDTH_COLUMNS: usize = 100;

/// A diagnostic with its text, for the report handler.
#[derive(Debug)]
struct Report<'a> {
    diagnostic: &'a Diagnostic,
    source: Excerpt<'a>,
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
/// `text` is the whole script; spans outside of it are clamped, long lines are cut around the place.
pub fn render(diagnostic: &Diagnostic, file_name: &str, text: &str, color: bool) -> String {
    let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let source = Excerpt { name: file_name, text };
    let span = diagnostic.span.map(|span| source.marked(span.start, span.end));
    let report = Report { diagnostic, source, span };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ast::Span;
    use crate::diag::codes;

    fn shown(text: &str, start: usize, end: usize) -> String {
        render(&Diagnostic::at(codes::SYNTAX, Span { start, end }, "wrong"), "x.sql", text, false)
    }

    #[test]
    fn a_place_in_a_line_of_a_megabyte_fits_a_screen() {
        let before = "é, ".repeat(300_000);
        let text = format!("SELECT 1;\n{before}wrong{before}\nSHOW STREAMS");
        let start = 10 + before.len();
        let shown = shown(&text, start, start + 5);
        assert!(shown.contains(&format!("x.sql:2:{}", before.len() + 1)), "{shown}");
        assert!(shown.contains("wrong") && shown.contains("here") && shown.len() < 5_000, "{shown}");
        assert!(shown.contains("2 │"), "{shown}");
    }

    #[test]
    fn a_long_place_is_cut_too() {
        let text = "x".repeat(200_000);
        assert!(shown(&text, 0, text.len()).len() < 20_000);
        let lines = "SELECT a FROM s\n".repeat(10_000);
        assert!(shown(&lines, 3, lines.len()).len() < 20_000);
        assert!(
            shown(&lines, 70_000, usize::MAX).contains("x.sql:4376:1"),
            "{}",
            shown(&lines, 70_000, usize::MAX)
        );
    }
}
