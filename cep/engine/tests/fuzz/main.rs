//! Hostile input made up from seeds: scripts that are wrong, rows at the ends of their types,
//! checkpoints with other bytes. Nothing panics, nothing takes long, nothing is lost.
//!
//! `corpus` the scripts of the repository · `words` a script as words · `mutate` scripts made
//! wrong · `expressions` calls of everything with anything · `values` rows at the ends of their
//! types · `feed` a program run over rows. Targets: `scripts`, `rows`, `checkpoints`, `known`.
//!
//! CEPTRA_DEEP=1 runs more cases, CEPTRA_SEED=n one of them.

mod checkpoints;
mod corpus;
mod expressions;
mod feed;
#[path = "../harness/mod.rs"]
mod harness;
mod known;
mod mutate;
mod rows;
mod scripts;
mod values;
mod words;
