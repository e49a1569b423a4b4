//! The language front end: SQL, PromQL, CEL and bundles to one typed plan.

pub mod functions;
