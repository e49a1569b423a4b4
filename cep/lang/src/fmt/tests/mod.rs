//! Tests of the formatter: how each statement looks, and what formatting keeps whatever it is given.

mod keeps;
mod looks;
