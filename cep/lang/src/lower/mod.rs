//! Names and types resolved: the statement tree becomes the plan.

pub mod sqlast;
