//! The part of JSONPath a mapping needs: members and array elements.

use std::fmt;

/// A path such as `$.server.zones[0]['a b']`; the empty path `$` is the whole record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPath {
    /// Steps from the root.
    pub steps: Vec<JsonStep>,
}

/// One step of a [`JsonPath`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum JsonStep {
    /// Member of an object, matched exactly.
    Key(String),
    /// Element of an array, from 0.
    Index(usize),
}

impl JsonPath {
    /// Parses a path.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub fn parse(text: &str) -> Result<JsonPath, String> {
        let mut rest = text
            .strip_prefix('$')
            .ok_or_else(|| format!("'{text}' does not start with '$', the record itself"))?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, tail) = if let Some(member) = rest.strip_prefix('.') {
                let end = member.find(['.', '[']).unwrap_or(member.len());
                let (name, tail) = member.split_at(end);
                if name.is_empty() || name == "*" {
                    return Err(format!("'{text}' has a '.' without a member name"));
                }
                (JsonStep::Key(name.to_owned()), tail)
            } else if let Some(inner) = rest.strip_prefix('[') {
                bracket(inner)
                    .ok_or_else(|| format!("'{text}' has a '[' that is neither [number] nor ['name']"))?
            } else {
                return Err(format!("'{text}' has '{rest}' where '.name' or '[n]' belongs"));
            };
            steps.push(step);
            rest = tail;
        }
        Ok(JsonPath { steps })
    }
}

/// The step in brackets and what follows; `inner` starts behind the `[`.
fn bracket(inner: &str) -> Option<(JsonStep, &str)> {
    for quote in ['\'', '"'] {
        if let Some(quoted) = inner.strip_prefix(quote) {
            let end = quoted.find(quote)?;
            let tail = quoted[end + 1..].strip_prefix(']')?;
            return Some((JsonStep::Key(quoted[..end].to_owned()), tail));
        }
    }
    let (digits, tail) = inner.split_once(']')?;
    Some((JsonStep::Index(digits.trim().parse().ok()?), tail))
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        for step in &self.steps {
            match step {
                JsonStep::Index(index) => write!(f, "[{index}]")?,
                JsonStep::Key(key) if key.contains(['.', '[', ']', '*']) || key.is_empty() => {
                    write!(f, "['{key}']")?;
                }
                JsonStep::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_print_as_they_were_read() {
        for text in ["$", "$.a", "$.a.b[0]", "$['hg.nginx.org'].x[3][1]", "$.a b"] {
            assert_eq!(JsonPath::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(JsonPath::parse("$[\"x\"]").unwrap(), JsonPath::parse("$.x").unwrap());
    }

    #[test]
    fn what_is_not_a_path_says_why() {
        for text in ["", "a.b", "$.", "$..a", "$.*", "$[x]", "$[1", "$['a]", "$a", "$[-1]"] {
            assert!(JsonPath::parse(text).is_err(), "{text}");
        }
    }
}
