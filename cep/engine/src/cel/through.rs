//! Macros that go through a list or a map.

use std::sync::Arc;

use super::compile::{Closure, Frame, compile};
use super::value::{Fault, Map, Outcome, Value, no_overload};
use cep_lang::cel::{Through, ThroughKind};

/// Steps of all macros of one list at most: what is written in a rule must end.
const ELEMENTS_MAX: usize = 1 << 20;

struct Steps {
    first: usize,
    second: Option<usize>,
    condition: Option<Closure>,
    step: Option<Closure>,
}

impl Steps {
    /// Puts an element into the variables.
    fn enter(&self, frame: &mut Frame<'_>, is_list: bool, at: usize, key: Option<&Value>, value: &Value) {
        let index = || Value::Int(at as i64);
        match self.second {
            Some(second) => {
                frame.set(self.first, key.cloned().unwrap_or_else(index));
                frame.set(second, value.clone());
            }
            None if is_list => frame.set(self.first, value.clone()),
            None => frame.set(self.first, key.cloned().unwrap_or_else(index)),
        }
    }

    fn holds(&self, frame: &mut Frame<'_>) -> Outcome<bool> {
        match &self.condition {
            None => Ok(true),
            Some(condition) => match condition(frame)? {
                Value::Bool(holds) => Ok(holds),
                other => Err(no_overload("condition of a macro", &[&other])),
            },
        }
    }

    fn made(&self, frame: &mut Frame<'_>) -> Outcome {
        self.step.as_ref().map_or(Ok(Value::Null), |step| step(frame))
    }
}

pub(super) fn compile_through(through: &Through) -> Outcome<Closure> {
    let input = compile(&through.input)?;
    let steps = Steps {
        first: through.first,
        second: through.second,
        condition: through.condition.as_ref().map(compile).transpose()?,
        step: through.step.as_ref().map(compile).transpose()?,
    };
    let what = through.what;
    Ok(Box::new(move |frame| {
        let input = input(frame)?;
        let elements: Vec<(Option<Value>, Value)> = match &input {
            Value::List(list) => list.iter().map(|value| (None, value.clone())).collect(),
            Value::Map(map) => map.entries().iter().map(|(k, v)| (Some(k.clone()), v.clone())).collect(),
            other => return Err(no_overload("macro over", &[other])),
        };
        if elements.len() > ELEMENTS_MAX {
            return Err(Fault::new("a macro goes through too many elements"));
        }
        let is_list = matches!(input, Value::List(_));
        match what {
            ThroughKind::All => absorb(&steps, frame, is_list, &elements, false),
            ThroughKind::Exists => absorb(&steps, frame, is_list, &elements, true),
            ThroughKind::ExistsOne => {
                let mut count = 0;
                for (at, (key, value)) in elements.iter().enumerate() {
                    steps.enter(frame, is_list, at, key.as_ref(), value);
                    count += usize::from(steps.holds(frame)?);
                }
                Ok(Value::Bool(count == 1))
            }
            ThroughKind::Filter => {
                let mut out = Vec::new();
                for (at, (key, value)) in elements.iter().enumerate() {
                    steps.enter(frame, is_list, at, key.as_ref(), value);
                    if steps.holds(frame)? {
                        out.push(if is_list { value.clone() } else { key.clone().unwrap_or(Value::Null) });
                    }
                }
                Ok(Value::list(out))
            }
            ThroughKind::Map => {
                let mut out = Vec::new();
                for (at, (key, value)) in elements.iter().enumerate() {
                    steps.enter(frame, is_list, at, key.as_ref(), value);
                    if steps.holds(frame)? {
                        out.push(steps.made(frame)?);
                    }
                }
                Ok(Value::list(out))
            }
            ThroughKind::TransformMap | ThroughKind::TransformMapEntry => {
                transform(&steps, frame, is_list, &elements, what == ThroughKind::TransformMapEntry)
            }
        }
    }))
}

/// `all` (`absorbing` FALSE) and `exists` (TRUE): as AND and OR over the elements.
fn absorb(
    steps: &Steps,
    frame: &mut Frame<'_>,
    is_list: bool,
    elements: &[(Option<Value>, Value)],
    absorbing: bool,
) -> Outcome {
    let mut fault = None;
    for (at, (key, value)) in elements.iter().enumerate() {
        steps.enter(frame, is_list, at, key.as_ref(), value);
        match steps.holds(frame) {
            Ok(holds) if holds == absorbing => return Ok(Value::Bool(absorbing)),
            Ok(_) => {}
            Err(error) => fault = fault.or(Some(error)),
        }
    }
    fault.map_or(Ok(Value::Bool(!absorbing)), Err)
}

fn transform(
    steps: &Steps,
    frame: &mut Frame<'_>,
    is_list: bool,
    elements: &[(Option<Value>, Value)],
    entries: bool,
) -> Outcome {
    let mut out = Map::default();
    for (at, (key, value)) in elements.iter().enumerate() {
        steps.enter(frame, is_list, at, key.as_ref(), value);
        if !steps.holds(frame)? {
            continue;
        }
        let made = steps.made(frame)?;
        if !entries {
            out.put(key.clone().unwrap_or(Value::Int(at as i64)), made)?;
            continue;
        }
        let Value::Map(made) = made else { return Err(no_overload("transformMapEntry", &[&made])) };
        for (key, value) in made.entries() {
            out.put(key.clone(), value.clone())?;
        }
    }
    Ok(Value::Map(Arc::new(out)))
}
