//! Tests that plan and evaluate calls through DataFusion's SQL planner.
