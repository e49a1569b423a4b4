//! The control group as its host sees it: commands in; outcomes, effects, audit records and bytes out.

mod damage;
mod delivery;
mod golden;
mod properties;
mod refusals;
mod sample;
mod windows;
