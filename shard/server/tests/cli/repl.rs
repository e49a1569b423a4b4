//! The interactive session, driven through a pipe.
