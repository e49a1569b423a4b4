//! The operator.

use arrow_schema::DataType;
use cep_lang::cel;
use cep_lang::diag::codes;
use cep_lang::plan::{RULE_COLUMNS, Rule, RulesNode};
use cep_types::Op;

use super::event::{Cell, cell, derived_event_id, is_payload_type, push, push_text};
use super::index::Index;
use super::slots::{Row, Slots};
use crate::cel::{Compiled, Fault, Outcome, Value};
use crate::chunk::Chunk;
use crate::ops::{OpContext, OpError, Origin};

/// Rules over rows. It has no state: what rules remember is that of the metrics they are bound to.
#[derive(Debug)]
pub struct RulesOp {
    slots: Slots,
    index: Index,
    rules: Vec<Prepared>,
    version: u64,
    channels: Vec<String>,
    types: Vec<DataType>,
    /// Where the rules of the entry at `origin` are with their ordinals.
    origin: Origin,
    ordinals: Vec<u32>,
    found: Vec<u32>,
}

/// A rule that can be asked.
#[derive(Debug)]
struct Prepared {
    name: String,
    /// `bundle/rule`.
    id: String,
    channel: usize,
    schema_key: Option<String>,
    when: Ready,
    metadata: Vec<(String, Ready)>,
    payload: Vec<(usize, Ready)>,
    flags: Vec<usize>,
}

/// An expression with the variables it reads.
#[derive(Debug)]
struct Ready {
    run: Compiled,
    slots: Vec<usize>,
}

impl Ready {
    fn new(node: &cel::Node) -> Outcome<Ready> {
        let mut slots = Vec::new();
        node.walk(&mut |node| {
            if let cel::Kind::Variable(slot) = node.kind {
                slots.push(slot);
            }
        });
        slots.sort_unstable();
        slots.dedup();
        Ok(Ready { run: Compiled::new(node)?, slots })
    }

    fn evaluate(&self, slots: &mut Slots, row: Row<'_>) -> Outcome {
        slots.read(&self.slots, row);
        self.run.evaluate(slots.values())
    }
}

impl Prepared {
    fn new(rule: &Rule, bundle: &str) -> Outcome<Prepared> {
        let all = |parts: &[(String, cel::Node)]| {
            parts
                .iter()
                .map(|(name, node)| Ok((name.clone(), Ready::new(node)?)))
                .collect::<Outcome<Vec<_>>>()
        };
        Ok(Prepared {
            name: rule.name.clone(),
            id: format!("{bundle}/{}", rule.name),
            channel: rule.channel,
            schema_key: rule.schema_key.clone(),
            when: Ready::new(&rule.when)?,
            metadata: all(&rule.metadata)?,
            payload: rule
                .payload
                .iter()
                .map(|(at, node)| Ok((*at, Ready::new(node)?)))
                .collect::<Outcome<Vec<_>>>()?,
            flags: rule.flags.clone(),
        })
    }
}

impl RulesOp {
    /// Builds the operator of `node`.
    ///
    /// # Errors
    /// The reason why it cannot be built, for the user.
    pub fn new(node: &RulesNode) -> Result<Self, String> {
        let mut rules = Vec::with_capacity(node.rules.len());
        for rule in &node.rules {
            let prepared = Prepared::new(rule, &node.bundle);
            rules.push(prepared.map_err(|fault| format!("rule '{}': {fault}", rule.name))?);
        }
        let types: Vec<DataType> = node.schema.fields().iter().map(|f| f.data_type().clone()).collect();
        for field in &node.schema.fields()[RULE_COLUMNS.len()..] {
            if !is_payload_type(field.data_type()) {
                let (name, data_type) = (field.name(), field.data_type());
                return Err(format!("payload '{name}' of type {data_type} cannot be emitted"));
            }
        }
        Ok(RulesOp {
            slots: Slots::new(node)?,
            index: Index::new(node.rules.iter().map(|rule| &rule.when)),
            version: node.version,
            channels: node.channels.clone(),
            types,
            origin: Origin::default(),
            ordinals: vec![0; rules.len()],
            found: Vec::new(),
            rules,
        })
    }

    /// Processes a step.
    pub fn process(&mut self, input: &Chunk, out: &mut Chunk, cx: &mut OpContext<'_>) {
        if input.is_empty() {
            return;
        }
        if self.origin != cx.origin {
            self.origin = cx.origin;
            self.ordinals.fill(0);
        }
        let mut found = std::mem::take(&mut self.found);
        for at in 0..input.rows() {
            if matches!(input.ops.get(at), Some(Op::Delete | Op::UpdateBefore)) {
                continue;
            }
            let row = Row { input, at, origin: cx.origin };
            self.slots.next_row();
            self.index.find(&mut self.slots, row, &mut found);
            let mut failed: Option<(String, usize)> = None;
            for &rule in &found {
                if let Err(fault) = self.ask(rule as usize, row, out) {
                    let first = || (format!("rule '{}': {fault}", self.rules[rule as usize].name), 0);
                    failed.get_or_insert_with(first).1 += 1;
                }
            }
            if let Some((mut message, count)) = failed {
                if count > 1 {
                    message = format!("{message} (and {} other rules)", count - 1);
                }
                cx.errors.push(OpError::of_record(input.pos[at], codes::RULE_FAILED, message));
            }
        }
        self.found = found;
    }

    /// Asks whether a rule holds, and emits its event.
    fn ask(&mut self, rule: usize, row: Row<'_>, out: &mut Chunk) -> Outcome<()> {
        let prepared = &self.rules[rule];
        match prepared.when.evaluate(&mut self.slots, row) {
            Ok(Value::Bool(true)) => {}
            Ok(Value::Bool(false)) => return Ok(()),
            Ok(other) => return Err(Fault::new(format!("a condition is {}", other.type_name()))),
            Err(fault) if fault.is_absent() => return Ok(()),
            Err(fault) => return Err(fault),
        }
        // All of an event or nothing: cells first.
        let mut cells: Vec<Cell> = (RULE_COLUMNS.len()..self.types.len()).map(|_| Cell::Null).collect();
        for (at, ready) in &prepared.payload {
            let value = match ready.evaluate(&mut self.slots, row) {
                Err(fault) if fault.is_absent() => Value::Null,
                other => other?,
            };
            let named =
                |fault: Fault| Fault::new(format!("payload column {}: {fault}", at - RULE_COLUMNS.len() + 1));
            cells[at - RULE_COLUMNS.len()] = cell(&value, &self.types[*at]).map_err(named)?;
        }
        let metadata = metadata(&prepared.metadata, &mut self.slots, row)?;
        self.slots.read(&prepared.flags, row);
        let flags = prepared.flags.iter().fold(0, |all, &slot| match self.slots.values()[slot] {
            Some(Value::Int(flags)) => all | flags,
            _ => all,
        });
        let channel = &self.channels[prepared.channel];
        let ordinal = self.ordinals[rule];
        self.ordinals[rule] += 1;
        let id = derived_event_id(row.origin, self.version, &prepared.id, channel, ordinal);
        push_text(&mut out.columns[0], &format!("{id:016x}"));
        push_text(&mut out.columns[1], &prepared.name);
        out.columns[2].push_i64(self.version as i64);
        push_text(&mut out.columns[3], channel);
        for (column, text) in [(4, &prepared.schema_key), (5, &metadata)] {
            match text {
                Some(text) => push_text(&mut out.columns[column], text),
                None => out.columns[column].push_null(),
            }
        }
        out.columns[6].push_i64(flags);
        for (column, cell) in out.columns[RULE_COLUMNS.len()..].iter_mut().zip(cells) {
            push(column, cell);
        }
        out.time.push(row.input.time[row.at]);
        out.pos.push(row.input.pos[row.at]);
        Ok(())
    }
}

/// The metadata of an event, a JSON object; `None`: the rule gives none.
fn metadata(parts: &[(String, Ready)], slots: &mut Slots, row: Row<'_>) -> Outcome<Option<String>> {
    if parts.is_empty() {
        return Ok(None);
    }
    let mut object = serde_json::Map::new();
    for (name, ready) in parts {
        let value = match ready.evaluate(slots, row) {
            Err(fault) if fault.is_absent() => Value::Null,
            other => other?,
        };
        let json = value.to_json();
        let json = json.ok_or_else(|| Fault::new(format!("metadata '{name}' is {}", value.type_name())))?;
        object.insert(name.clone(), json);
    }
    Ok(Some(serde_json::Value::Object(object).to_string()))
}
