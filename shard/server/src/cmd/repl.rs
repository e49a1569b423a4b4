//! `ceptra repl`.
