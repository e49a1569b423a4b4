//! Why an option was refused.

/// One refused option: which key, why, and what was probably meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("option '{key}': {reason}{}", .suggestion.as_ref().map(|s| format!(" ({s})")).unwrap_or_default())]
pub struct OptionError {
    /// The key as the user wrote it.
    pub key: String,
    /// What is wrong, in a sentence without a full stop.
    pub reason: String,
    /// What to write instead, when that is known.
    pub suggestion: Option<String>,
}

impl OptionError {
    /// An error without a suggestion.
    pub fn new(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { key: key.into(), reason: reason.into(), suggestion: None }
    }

    /// The same error with a suggestion.
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// The same error with "did you mean …" when a near name is known.
    pub(super) fn did_you_mean(self, nearest: Option<&str>) -> Self {
        match nearest {
            Some(name) => self.suggest(format!("did you mean '{name}'?")),
            None => self,
        }
    }
}
