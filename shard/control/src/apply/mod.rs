//! One entry: time first, then the command.
//!
//! A handler looks before it changes anything: once it changes something it cannot fail. So a refusal
//! leaves every object as it was.

mod activation;
mod definition;
mod node;
mod owed;
mod progress;
mod settings;
mod space;
mod streams;

use cep_types::{Epoch, LogIndex, StampNs};

use crate::audit::{AuditRecord, AuditVerdict};
use crate::codec::{canonical, hex, sha256};
use crate::command::{Change, Command, Role};
use crate::control::{Applied, Control, State};
use crate::effect::Effect;
use crate::limits::{NAME_BYTES_MAX, TEXT_BYTES_MAX, WHY_BYTES_MAX};
use crate::memory::Remembered;
use crate::name::cut;
use crate::outcome::{Made, Outcome, Reason, Refusal};

/// What a handler did.
pub(crate) enum Done {
    /// It changed something.
    Changed(Option<Made>),
    /// It changed something that clients must know to reach partitions.
    Rerouted(Option<Made>),
    /// There was nothing to change.
    Noted,
}

pub(crate) type Verdict = Result<Done, Refusal>;

/// What gathers while an entry is applied.
pub(crate) struct Pass<'a> {
    pub(crate) command: &'a Command,
    pub(crate) effects: Vec<Effect>,
    audit: Vec<AuditRecord>,
}

impl Control {
    /// Applies one entry of the control group's log. Entries come in the order of the log; one at or below
    /// the last index is skipped. A stamp below the last one counts as the last one.
    pub fn apply(&mut self, index: LogIndex, stamp: StampNs, command: &Command) -> Applied {
        let state = &mut self.state;
        if index <= state.applied {
            return Applied {
                outcome: Outcome::Skipped,
                repeated: false,
                effects: Vec::new(),
                audit: Vec::new(),
            };
        }
        let epoch_before = state.epoch;
        state.applied = index;
        state.now = state.now.max(stamp);
        let mut pass = Pass { command, effects: Vec::new(), audit: Vec::new() };
        state.turn_overrides(&mut pass);
        let (outcome, repeated) = state.answer(&mut pass);
        pass.effects.extend(state.owed_since(epoch_before));
        pass.effects.sort_by_key(|effect| (effect.epoch(), effect.step()));
        Applied { outcome, repeated, effects: pass.effects, audit: pass.audit }
    }
}

impl State {
    /// The epoch of the change that is being made.
    pub(crate) fn next_epoch(&self) -> Epoch {
        Epoch(self.epoch.0.saturating_add(1))
    }

    fn answer(&mut self, pass: &mut Pass<'_>) -> (Outcome, bool) {
        let command = pass.command;
        if command.change.is_report() {
            return (self.attempt(pass), false);
        }
        let digest = hex(&sha256(&canonical(command)));
        if let Some(known) = self.memory.find(command.id) {
            if known.digest == digest {
                return (with_text(known.outcome.clone()), true);
            }
            let text = "another command had this id; give each command a random id of its own";
            let refusal = Refusal::new(Reason::CommandIdReused, command.change.object(), text);
            let outcome = Outcome::Refused(refusal);
            self.record_attempt(pass, &outcome);
            return (outcome, false);
        }
        let outcome = self.attempt(pass);
        self.memory.keep(Remembered { id: command.id, digest, outcome: outcome.clone() });
        (outcome, false)
    }

    fn attempt(&mut self, pass: &mut Pass<'_>) -> Outcome {
        let epoch = self.next_epoch();
        let verdict = self.may(pass.command).and_then(|()| self.handle(pass));
        let outcome = match verdict {
            Ok(Done::Noted) => Outcome::Noted,
            Err(refusal) => Outcome::Refused(refusal),
            Ok(Done::Changed(made)) => {
                self.epoch = epoch;
                Outcome::Accepted { epoch, made }
            }
            Ok(Done::Rerouted(made)) => {
                self.epoch = epoch;
                self.routing_epoch = epoch;
                Outcome::Accepted { epoch, made }
            }
        };
        self.record_attempt(pass, &outcome);
        outcome
    }

    /// Refuses what does not depend on the object.
    fn may(&self, command: &Command) -> Result<(), Refusal> {
        let change = &command.change;
        let refuse = |reason, text: String| Err(Refusal::new(reason, change.object(), text));
        if command.actor.is_empty() || command.actor.len() > NAME_BYTES_MAX {
            return refuse(Reason::Invalid, format!("say who asks, in at most {NAME_BYTES_MAX} bytes"));
        }
        if command.why.len() > WHY_BYTES_MAX {
            return refuse(Reason::Limit, format!("say why in at most {WHY_BYTES_MAX} bytes"));
        }
        let least = change.least_role();
        // A node speaks for itself and does not act for people; a person does not speak for a node.
        let allowed = match (least, command.role) {
            (Role::Node, role) => role == Role::Node,
            (_, Role::Node) => false,
            (least, role) => role >= least,
        };
        if !allowed {
            return refuse(Reason::NotAllowed, format!("{} needs the role {least:?}", change.action()));
        }
        if self.cluster.is_none() && !matches!(change, Change::Found { .. } | Change::Tick {}) {
            return refuse(Reason::NotFounded, "the cluster is not founded yet; do that first".to_owned());
        }
        if command.base.is_some_and(|base| base > self.epoch) {
            let text =
                format!("made against an epoch that is still to come; this group is at {}", self.epoch.0);
            return refuse(Reason::Stale, text);
        }
        Ok(())
    }

    fn handle(&mut self, pass: &mut Pass<'_>) -> Verdict {
        let command = pass.command;
        match &command.change {
            Change::Found { id, name, engine_level } => self.found(*id, name, *engine_level),
            Change::RaiseEngineLevel { level } => self.raise_engine_level(*level, command.base),
            Change::JoinNode(spec) => self.join_node(spec),
            Change::UpdateNode { node, spec } => self.update_node(*node, spec, command.base),
            Change::RemoveNode { node } => self.remove_node(*node, pass),
            Change::CreateSpace { name, partitions, seed, replicas } => {
                self.create_space(name, *partitions, *seed, *replicas)
            }
            Change::MovePartition { partition, voters } => {
                self.move_partition(*partition, voters, command.base)
            }
            Change::Deploy { name, kind, space, text, compiled } => {
                self.deploy(command, name, *kind, *space, text, compiled)
            }
            Change::Activate { definition, version, despite_quarantine } => {
                self.activate(definition, *version, *despite_quarantine, command.base)
            }
            Change::Stop { definition } => self.stop(definition, command.base),
            Change::RemoveDefinition { definition } => self.remove_definition(definition, pass),
            Change::Quarantine { definition, version, partition, index } => {
                self.quarantine(definition, *version, *partition, *index)
            }
            Change::PatchConfig { base, patch } => self.patch_config(*base, patch, pass),
            Change::RollbackConfig { base, to } => self.rollback_config(*base, *to, pass),
            Change::SetOverride { scope, settings, from, until } => {
                self.set_override(scope, settings, *from, *until, pass)
            }
            Change::CancelOverride { id } => self.cancel_override(*id, pass),
            Change::Acknowledge { partition, what, epoch, index: _ } => {
                self.acknowledge(*partition, what, *epoch)
            }
            Change::Tick {} => Ok(Done::Noted),
        }
    }

    fn record_attempt(&mut self, pass: &mut Pass<'_>, outcome: &Outcome) {
        let command = pass.command;
        let verdict = match outcome {
            Outcome::Accepted { .. } => AuditVerdict::Accepted,
            Outcome::Refused(refusal) => AuditVerdict::Refused(refusal.reason),
            Outcome::Noted | Outcome::Skipped if command.change.is_report() => return,
            Outcome::Noted | Outcome::Skipped => AuditVerdict::Noted,
        };
        let record = AuditRecord {
            actor: cut(&command.actor, NAME_BYTES_MAX),
            role: command.role,
            action: command.change.action().to_owned(),
            object: cut(&command.change.object(), TEXT_BYTES_MAX),
            verdict,
            why: cut(&command.why, WHY_BYTES_MAX),
            command: Some(command.id),
            ..self.blank_record()
        };
        pass.audit.push(self.audit.append(record));
    }

    /// Records something that time did.
    pub(crate) fn record_clock(&mut self, pass: &mut Pass<'_>, action: &str, object: String) {
        let record = AuditRecord {
            actor: "clock".to_owned(),
            action: action.to_owned(),
            object: cut(&object, TEXT_BYTES_MAX),
            ..self.blank_record()
        };
        pass.audit.push(self.audit.append(record));
    }

    fn blank_record(&self) -> AuditRecord {
        AuditRecord {
            number: 0,
            epoch: self.epoch,
            index: self.applied,
            stamp: self.now,
            actor: String::new(),
            role: Role::Node,
            action: String::new(),
            object: String::new(),
            verdict: AuditVerdict::Accepted,
            why: String::new(),
            command: None,
            previous: String::new(),
            hash: String::new(),
        }
    }
}

/// A remembered outcome for people: the text of a refusal is not kept, its meaning is.
fn with_text(mut outcome: Outcome) -> Outcome {
    if let Outcome::Refused(refusal) = &mut outcome {
        refusal.text =
            format!("refused before: {}; under a new id it is tried again", refusal.reason.meaning());
    }
    outcome
}

/// Refuses a command that was made before its object changed (R-CP-1).
pub(crate) fn fresh(base: Option<Epoch>, changed: Epoch, object: &str) -> Result<(), Refusal> {
    match base {
        Some(base) if base < changed => {
            let text =
                format!("it changed at epoch {}, the command was made at {}; look again", changed.0, base.0);
            Err(Refusal::new(Reason::Stale, object, text))
        }
        _ => Ok(()),
    }
}

/// The next number, and the one after it in its place.
pub(crate) fn take(next: &mut u32) -> u32 {
    let number = *next;
    *next = next.saturating_add(1);
    number
}
