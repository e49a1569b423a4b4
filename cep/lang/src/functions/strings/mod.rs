//! Text functions that DataFusion has not, or has with other arguments.

mod codec;
mod pattern;
mod search;

use super::definition::Definition;

pub(super) fn functions() -> Vec<Definition> {
    let mut functions = codec::functions();
    functions.extend(pattern::functions());
    functions.extend(search::functions());
    functions
}
