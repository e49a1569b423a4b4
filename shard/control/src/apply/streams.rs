//! What streams there are when a definition runs another version.
//!
//! Streams belong to the definitions that are to run: a stream is there as long as one of them declares it.
//! Deploying only looks; activating and stopping change the streams, so a version that never runs leaves no
//! trace and going back is checked like going on.

use cep_types::{SpaceId, StreamId};

use crate::control::State;
use crate::definition::{Compiled, Definition};
use crate::limits::STREAMS_MAX;
use crate::name::folded;
use crate::outcome::{Problem, Reason, Refusal};
use crate::schema::{Stream, StreamDecl};

/// What an activation or a stop does to the streams.
#[derive(Debug, Default)]
pub(super) struct StreamPlan {
    /// New ones, and those with another schema.
    set: Vec<Stream>,
    /// Keys of those that go.
    dropped: Vec<String>,
    next_stream: u32,
}

fn declares<'a>(compiled: &'a Compiled, key: &str) -> Option<&'a StreamDecl> {
    compiled.declares.iter().find(|decl| folded(&decl.name) == key)
}

/// The streams that its sources fill.
fn feeds(compiled: Option<&Compiled>) -> &[String] {
    compiled.and_then(|compiled| compiled.connected.as_ref()).map_or(&[], |connected| &connected.feeds)
}

impl State {
    /// What becomes of the streams when definition `name` in `space` is to run `compiled`, or, without it,
    /// nothing.
    ///
    /// # Errors
    /// What other definitions that run do not allow.
    pub(super) fn plan_streams(
        &self,
        name: &str,
        space: SpaceId,
        compiled: Option<&Compiled>,
    ) -> Result<StreamPlan, Refusal> {
        let mut plan = StreamPlan { next_stream: self.next_stream, ..StreamPlan::default() };
        let mut problems = Vec::new();
        let declared = compiled.map_or(&[][..], |compiled| &compiled.declares);
        for decl in declared {
            self.plan_stream(name, space, decl, &mut plan, &mut problems);
        }
        let before = self.definitions.get(name).and_then(Definition::live);
        for old in before.map_or(&[][..], |compiled| &compiled.declares) {
            let key = folded(&old.name);
            let stays = compiled.is_some_and(|compiled| declares(compiled, &key).is_some());
            if stays || self.owners(name, &key).next().is_some() {
                continue;
            }
            let reader = self.readers(name, &key).next().map(|(reader, _)| reader);
            match reader {
                Some(reader) => {
                    let text =
                        format!("definition '{reader}' reads it; stop that one first, or keep the stream");
                    problems.push(Problem::new(format!("/streams/{}", old.name), text));
                }
                None => plan.dropped.push(key),
            }
        }
        for feed in feeds(compiled) {
            let rivals = self.definitions.values().filter(|definition| definition.name != name);
            let mut rivals = rivals
                .filter(|definition| feeds(definition.live()).iter().any(|f| folded(f) == folded(feed)));
            if let Some(rival) = rivals.next() {
                let text = format!(
                    "the sources of definition '{}' fill it already; deploy with connectors off, or stop that one",
                    rival.name
                );
                problems.push(Problem::new(format!("/streams/{feed}"), text));
            }
        }
        for reads in compiled.map_or(&[][..], |compiled| &compiled.reads) {
            self.check_reads(space, reads, &plan, &mut problems);
        }
        let count = (self.streams.len() + plan.set.len()).saturating_sub(plan.dropped.len());
        if count > STREAMS_MAX {
            problems.push(Problem::new(
                "/streams",
                format!("{count} streams; a cluster has at most {STREAMS_MAX}"),
            ));
        }
        if problems.is_empty() {
            return Ok(plan);
        }
        let text = "it does not fit what runs already; see the problems";
        Err(Refusal::new(Reason::Schema, format!("definition/{name}"), text).listing(problems))
    }

    fn plan_stream(
        &self,
        name: &str,
        space: SpaceId,
        decl: &StreamDecl,
        plan: &mut StreamPlan,
        problems: &mut Vec<Problem>,
    ) {
        let key = folded(&decl.name);
        let epoch = self.next_epoch();
        let path = format!("/streams/{}", decl.name);
        let Some(stream) = self.streams.get(&key) else {
            let id = StreamId(super::take(&mut plan.next_stream));
            plan.set.push(Stream::found(id, space, decl, epoch));
            return;
        };
        let other = self.owners(name, &key).next();
        if stream.space != space {
            let text =
                format!("it belongs to space {}; deploy to that one, or use another name", stream.space.0);
            problems.push(Problem::new(path, text));
            return;
        }
        match (stream.evolved(decl, epoch), other) {
            (Ok(None), _) => {}
            (Ok(Some(_)) | Err(_), Some(owner)) => {
                let text = format!(
                    "definition '{owner}' declares it differently; declare it the same, or use another name"
                );
                problems.push(Problem::new(path, text));
            }
            (Err(faults), None) => problems.extend(faults),
            (Ok(Some(next)), None) => {
                for (reader, columns) in self.readers(name, &key) {
                    for column in columns.iter().filter(|column| next.schema().column(column).is_none()) {
                        let text = format!(
                            "definition '{reader}' reads it; keep the column, or change that one first"
                        );
                        problems.push(Problem::new(format!("{path}/columns/{column}"), text));
                    }
                }
                plan.set.push(next);
            }
        }
    }

    fn check_reads(
        &self,
        space: SpaceId,
        reads: &crate::definition::Reads,
        plan: &StreamPlan,
        problems: &mut Vec<Problem>,
    ) {
        let key = folded(&reads.stream);
        let path = format!("/reads/{}", reads.stream);
        let planned = plan.set.iter().find(|stream| folded(&stream.name) == key);
        let kept = self.streams.get(&key).filter(|_| !plan.dropped.contains(&key));
        let Some(stream) = planned.or(kept) else {
            let near = cep_types::options::closest(
                &reads.stream,
                self.streams.values().map(|stream| stream.name.as_str()),
            );
            let hint = near.map_or(String::new(), |near| format!("; did you mean '{near}'?"));
            problems.push(Problem::new(path, format!("no definition that runs declares this stream{hint}")));
            return;
        };
        if stream.space != space {
            let text = format!(
                "it belongs to space {}; a definition reads streams of its own space",
                stream.space.0
            );
            problems.push(Problem::new(path.clone(), text));
        }
        for column in reads.columns.iter().filter(|column| stream.schema().column(column).is_none()) {
            problems.push(Problem::new(format!("{path}/columns/{column}"), "the stream has no such column"));
        }
    }

    /// Other definitions that are to run and declare the stream.
    fn owners<'a>(&'a self, name: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
        let others = self.definitions.values().filter(move |definition| definition.name != name);
        let own = others.filter(move |definition| {
            definition.live().is_some_and(|compiled| declares(compiled, key).is_some())
        });
        own.map(|definition| definition.name.as_str())
    }

    /// Other definitions that are to run and read the stream, with the columns they use.
    fn readers<'a>(&'a self, name: &'a str, key: &'a str) -> impl Iterator<Item = (&'a str, &'a [String])> {
        let others = self.definitions.values().filter(move |definition| definition.name != name);
        others.flat_map(move |definition| {
            let reads = definition.live().map_or(&[][..], |compiled| &compiled.reads);
            let mine = reads.iter().filter(move |reads| folded(&reads.stream) == key);
            mine.map(|reads| (definition.name.as_str(), reads.columns.as_slice()))
        })
    }

    /// Carries out a plan. Says whether anything changed.
    pub(super) fn set_streams(&mut self, plan: StreamPlan) -> bool {
        let changed = !plan.set.is_empty() || !plan.dropped.is_empty();
        for key in &plan.dropped {
            self.streams.remove(key);
        }
        for stream in plan.set {
            self.streams.insert(folded(&stream.name), stream);
        }
        self.next_stream = plan.next_stream;
        changed
    }
}
