//! What bundles put into a session beside SQL: streams, and queries whose plans are made elsewhere.

use std::collections::BTreeSet;

use arrow_schema::{FieldRef, SchemaRef};

use crate::ast::{CreateStream, Name, Span, WithOption};
use crate::diag::Result;
use crate::plan::{Changelog, Node, Program, Stream, Target};

use super::catalog::{Object, folded};
use super::insert::Rows;
use super::{Session, show, stream};

/// A query that is made elsewhere, and the stream that it feeds.
#[derive(Debug)]
pub(crate) struct Feed {
    /// The stream's name.
    pub name: Name,
    /// Options of the stream.
    pub options: Vec<WithOption>,
    /// The operators.
    pub node: Node,
    /// Columns that are the rows' event time.
    pub times: Vec<usize>,
    /// What the rows mean.
    pub changelog: Changelog,
    /// Names of the streams that are read.
    pub reads: Vec<String>,
    /// Where it was written.
    pub span: Span,
}

impl Session {
    /// Declares a stream; `text` is that of its query, if it has one.
    ///
    /// # Errors
    /// As CREATE STREAM.
    pub(crate) fn declare(&mut self, create: &CreateStream, span: Span, text: &str) -> Result<()> {
        self.create_stream(create, span, text).map(drop)
    }

    /// The stream called `name`.
    pub(crate) fn declared(&self, name: &str) -> Option<&Stream> {
        match self.catalog.find(name)? {
            Object::Stream(at) => Some(&self.catalog.streams[at].stream),
            Object::View(_) | Object::Aggregation(_) | Object::Table(_) => None,
        }
    }

    /// All rows of the stream called `name`, its columns that are their event time, and what they mean.
    pub(crate) fn scan(&self, name: &str) -> Option<(Node, Vec<usize>, Changelog)> {
        let Object::Stream(at) = self.catalog.find(name)? else { return None };
        let entry = &self.catalog.streams[at];
        let (stream, schema) = (entry.stream.id, SchemaRef::clone(&entry.stream.schema));
        Some((Node::Scan { stream, schema }, entry.times.clone(), entry.stream.changelog))
    }

    /// Starts a query into a stream, which is declared if it is not there.
    ///
    /// # Errors
    /// Options that do not fit.
    pub(crate) fn feed(&mut self, feed: Feed) -> Result<()> {
        let Feed { name, options, node, times, changelog, reads, span } = feed;
        let id = match self.declared(&name.text) {
            Some(stream) => stream.id,
            None => {
                let fields: Vec<FieldRef> = node.schema().fields().iter().cloned().collect();
                let checked = stream::options(&options, &fields, span)?;
                let id = self.catalog.next_stream();
                let sides = stream::side_streams(&checked, &options);
                let clock = self.default_clock();
                let mut entry = stream::entry(id, &name.text, fields, checked, clock, false);
                entry.options_text = show::options_text(&options);
                self.catalog.add_stream(entry);
                self.link_side_streams(id, sides);
                id
            }
        };
        let uses: BTreeSet<String> = reads.iter().map(|name| folded(name)).collect();
        let rows = Rows { node, times, changelog };
        self.start(name.text.clone(), Target::Stream(id), rows, uses, span);
        Ok(())
    }

    /// Everything declared and started; for what is made of several parts.
    pub(crate) fn into_program(self) -> Program {
        self.program()
    }
}
