//! Which connectors run: those of the definitions that all partitions run.
//!
//! Invariants: one activation of a definition has one pump and one outlet; a pump ends with its activation, an
//! outlet when it has handed over what the activation made.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use cep_types::Epoch;
use shard_control::{Action, Control, Status};
use shard_rt::AbortOnDrop;
use shard_rt::sync::Notify;

use super::{ConnectorError, Connectors, Plan, outlet, pump};
use crate::control::deploy;
use crate::control::programs::Programs;
use crate::settings::Level;
use crate::shard::Shard;

/// How soon after a failure it is tried again, at first and at last.
const AGAIN_MIN: Duration = Duration::from_millis(200);
const AGAIN_MAX: Duration = Duration::from_secs(30);

/// The connectors of an activation.
#[derive(Default)]
pub(super) struct Running {
    /// All sources have ended, and the partitions know.
    pub(super) sources_done: Cell<bool>,
    /// The host knows that all is done.
    pub(super) told_end: Cell<bool>,
}

/// The connectors of a node.
#[derive(Default)]
pub(crate) struct Supervisor {
    pumps: RefCell<BTreeMap<String, (Epoch, AbortOnDrop<()>)>>,
    outlets_open: Rc<Cell<usize>>,
    closed: Rc<Notify>,
}

impl Supervisor {
    /// Starts and ends connectors, as the control group's state says.
    pub(crate) fn look(&self, shard: &Rc<Shard>, control: &Control, programs: &Programs) {
        let Some(connectors) = shard.hooks.connectors.clone() else { return };
        if shard.stopping.get() {
            return;
        }
        let wanted: BTreeMap<String, Epoch> = control.definitions().filter_map(active).collect();
        let mut pumps = self.pumps.borrow_mut();
        pumps.retain(|name, (epoch, _)| wanted.get(name) == Some(epoch));
        for (name, epoch) in wanted {
            if pumps.contains_key(&name) {
                continue;
            }
            let Some(definition) = control.definition(&name) else { continue };
            let Status::Active(version) = definition.status() else { continue };
            let space = control.spaces().find(|space| space.id == definition.space);
            let activation = deploy::activation(control, programs, &name, version, epoch);
            let plan = activation.ok().zip(space).and_then(|(activate, space)| Plan::of(&activate, space));
            let Some(plan) = plan else {
                let text = format!("definition '{name}': its connectors cannot be planned");
                (shard.hooks.log)(Level::Error, &text);
                continue;
            };
            pumps.insert(name, (epoch, self.start(shard, plan, &connectors)));
        }
    }

    fn start(&self, shard: &Rc<Shard>, plan: Plan, connectors: &Rc<dyn Connectors>) -> AbortOnDrop<()> {
        let (plan, running) = (Rc::new(plan), Rc::new(Running::default()));
        if !plan.outputs.is_empty() {
            self.outlets_open.set(self.outlets_open.get() + 1);
            let (shard, plan, running) = (Rc::clone(shard), Rc::clone(&plan), Rc::clone(&running));
            let (open, closed, connectors) =
                (Rc::clone(&self.outlets_open), Rc::clone(&self.closed), Rc::clone(connectors));
            let rt = shard.rt.clone();
            rt.spawn("outlet", async move {
                let mut again = AGAIN_MIN;
                while let Err(error) = outlet::hand_over(&shard, &plan, &*connectors, &running).await {
                    if shard.stopping.get() || !goes_on(&shard, &plan, &*connectors, &error, &mut again).await
                    {
                        break;
                    }
                }
                open.set(open.get() - 1);
                closed.all();
            });
        }
        let (task, connectors) = (Rc::clone(shard), Rc::clone(connectors));
        let pumping = shard.rt.spawn("pump", async move {
            let mut again = AGAIN_MIN;
            while let Err(error) = pump::pump(&task, &plan, &*connectors).await {
                if !goes_on(&task, &plan, &*connectors, &error, &mut again).await {
                    return;
                }
            }
            running.sources_done.set(true);
            if plan.outputs.is_empty() {
                connectors.ended(&plan, Ok(()));
            }
        });
        pumping.abort_on_drop()
    }

    /// Ends all: what sinks have is marked, so that it is not handed over again.
    pub(crate) async fn stop(&self) {
        self.pumps.borrow_mut().clear();
        while self.outlets_open.get() > 0 {
            self.closed.notified().await;
        }
    }
}

/// A definition that all partitions run with connectors, and its activation.
fn active(definition: &shard_control::Definition) -> Option<(String, Epoch)> {
    let Status::Active(version) = definition.status() else { return None };
    definition.versions.get(&version)?.compiled.connected.as_ref()?;
    let wanted = definition.wanted.as_ref().filter(|wanted| wanted.action == Action::Run(version))?;
    Some((definition.name.clone(), wanted.epoch))
}

/// Tells of a failure, and waits until it may be tried again; `false` if it may not.
async fn goes_on(
    shard: &Rc<Shard>,
    plan: &Plan,
    connectors: &dyn Connectors,
    error: &ConnectorError,
    again: &mut Duration,
) -> bool {
    let what = if error.is_final { "it is not tried again" } else { "it is tried again" };
    let text = format!("definition '{}': its connectors stopped: {error}; {what}", plan.name);
    (shard.hooks.log)(Level::Error, &text);
    connectors.ended(plan, Err(error));
    if error.is_final {
        return false;
    }
    shard.rt.sleep(*again).await;
    *again = (*again * 2).min(AGAIN_MAX);
    true
}
