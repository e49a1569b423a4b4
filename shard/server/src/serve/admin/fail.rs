//! Errors of admin HTTP.

use axum::Json;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use shard_control::{Outcome, Reason, Refusal};

/// An error as it is answered.
#[derive(Debug)]
pub struct Fail {
    status: StatusCode,
    code: &'static str,
    message: String,
    problems: Vec<(String, String)>,
}

impl Fail {
    /// The request is wrong.
    pub fn bad(message: impl Into<String>) -> Self {
        Fail {
            status: StatusCode::BAD_REQUEST,
            code: "PERMANENT_INVALID",
            message: message.into(),
            problems: vec![],
        }
    }

    /// There is no such thing.
    pub fn missing(message: impl Into<String>) -> Self {
        Fail {
            status: StatusCode::NOT_FOUND,
            code: "PERMANENT_NOT_FOUND",
            message: message.into(),
            problems: vec![],
        }
    }

    /// It is not answered to who asks.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Fail::with(StatusCode::FORBIDDEN, message)
    }

    /// What HTTP has a status for.
    pub fn with(status: StatusCode, message: impl Into<String>) -> Self {
        let code = match status {
            StatusCode::FORBIDDEN => "PERMANENT_FORBIDDEN",
            StatusCode::REQUEST_TIMEOUT => "TRANSIENT_RETRY",
            StatusCode::PAYLOAD_TOO_LARGE => "PERMANENT_LIMIT",
            StatusCode::METHOD_NOT_ALLOWED => "PERMANENT_UNSUPPORTED",
            _ => "PERMANENT_INVALID",
        };
        Fail { status, code, message: message.into(), problems: vec![] }
    }

    /// The node cannot answer now.
    pub fn busy(message: impl Into<String>) -> Self {
        Fail {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: "TRANSIENT_RETRY",
            message: message.into(),
            problems: vec![],
        }
    }
}

impl From<&Refusal> for Fail {
    fn from(refusal: &Refusal) -> Self {
        let status = match refusal.reason {
            Reason::NotFound => StatusCode::NOT_FOUND,
            Reason::NotAllowed => StatusCode::FORBIDDEN,
            Reason::Stale
            | Reason::Exists
            | Reason::InUse
            | Reason::CommandIdReused
            | Reason::Quarantined => StatusCode::CONFLICT,
            Reason::NotFounded | Reason::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Reason::Invalid | Reason::Schema | Reason::Limit | Reason::Unsupported => StatusCode::BAD_REQUEST,
        };
        let problems = refusal.problems.iter().map(|p| (p.path.clone(), p.text.clone())).collect();
        Fail { status, code: refusal.reason.code(), message: refusal.text.clone(), problems }
    }
}

/// What was accepted, or why not.
pub fn accepted(outcome: &Outcome) -> Result<(), Fail> {
    outcome.refusal().map_or(Ok(()), |refusal| Err(refusal.into()))
}

impl IntoResponse for Fail {
    fn into_response(self) -> Response {
        let problems: Vec<_> =
            self.problems.iter().map(|(path, text)| json!({"path": path, "text": text})).collect();
        let error = json!({"error": {"code": self.code, "message": self.message, "problems": problems}});
        (self.status, Json(error)).into_response()
    }
}

/// No such path.
pub async fn unknown(uri: Uri) -> Fail {
    Fail::missing(format!("there is nothing at {}; see docs/admin.md for what there is", uri.path()))
}
