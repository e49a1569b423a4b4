//! The streaming plan.
