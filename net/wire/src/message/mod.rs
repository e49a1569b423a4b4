//! The messages, each one type for writing and for reading.
//!
//! A message that is read holds together: numbers of enums that must be known are known, lists that
//! belong to the same rows have the same length, and what must be there is there. A message that does
//! not is not written either.

mod append;
mod columns;
mod query;
mod routing;
mod session;
mod subscribe;
mod values;

use flatbuffers::{Follow, Verifiable, VerifierOptions};

pub use append::{Ack, Append, Credits, EventIds, Outcome, Reason, Rejected, Run};
pub use columns::Column;
pub use query::{Query, QueryEnd, QueryRows, ReadAt};
pub use routing::{Endpoint, GetRouting, Routing, Space, Stream};
pub use session::{AuthMethod, Cancel, Credentials, Features, Goodbye, Heartbeat, Hello, Role, Welcome};
pub use subscribe::{Allow, Changelog, Delivery, PositionRun, Start, Subscribe, Subscribed, SubscriptionEnd};
pub use values::{Position, Versions, Window};

use crate::encoder::Builder;
use crate::kind::Kind;
use crate::limits::{APPARENT_SIZE_FACTOR, TABLE_DEPTH_MAX, TABLES_MAX};
use crate::status::Failure;

/// One message, as bytes and back.
trait Body<'a>: Sized {
    /// The generated root table.
    type Table: Follow<'a, Inner = Self::Table> + Verifiable + 'a;
    /// Most tables in it.
    const TABLES: usize = TABLES_MAX;

    /// From a verified table and the rows behind it.
    fn read(table: Self::Table, rows: &'a [u8]) -> Result<Self, String>;
    /// As a finished buffer.
    fn write(&self, builder: &mut Builder<'_>);
    /// The rows behind it.
    fn rows(&self) -> &'a [u8] {
        &[]
    }
    /// Whether it holds together; checked on the way in and out.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

fn read_body<'a, B: Body<'a>>(meta: &'a [u8], rows: &'a [u8]) -> Result<B, String> {
    let options = VerifierOptions {
        max_depth: TABLE_DEPTH_MAX,
        max_tables: B::TABLES,
        max_apparent_size: meta.len() * APPARENT_SIZE_FACTOR,
        ..VerifierOptions::default()
    };
    let table = flatbuffers::root_with_opts::<B::Table>(&options, meta).map_err(|error| {
        let text = error.to_string();
        text.lines().next().unwrap_or_default().trim_end_matches('.').to_owned()
    })?;
    let body = B::read(table, rows)?;
    body.check()?;
    Ok(body)
}

macro_rules! messages {
    ($( $kind:ident($body:ty), )+) => {
        /// A message of any kind.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs, reason = "each variant is its type, which says what it is")]
        pub enum Message<'a> {
            $( $kind($body), )+
        }

        impl<'a> Message<'a> {
            /// Its kind.
            pub fn kind(&self) -> Kind {
                match self {
                    $( Message::$kind(_) => Kind::$kind, )+
                }
            }

            /// The event frame behind it, not verified yet; empty when there is none.
            pub fn rows(&self) -> &'a [u8] {
                match self {
                    $( Message::$kind(body) => Body::rows(body), )+
                }
            }

            pub(crate) fn check(&self) -> Result<(), String> {
                match self {
                    $( Message::$kind(body) => Body::check(body), )+
                }
            }

            pub(crate) fn write(&self, builder: &mut Builder<'_>) {
                match self {
                    $( Message::$kind(body) => Body::write(body, builder), )+
                }
            }

            pub(crate) fn read(kind: Kind, meta: &'a [u8], rows: &'a [u8]) -> Result<Self, String> {
                match kind {
                    $( Kind::$kind => read_body::<$body>(meta, rows).map(Message::$kind), )+
                    Kind::Other(number) => Err(format!("kind {number} is unknown")),
                }
            }
        }

        $(
            impl<'a> From<$body> for Message<'a> {
                fn from(body: $body) -> Self {
                    Message::$kind(body)
                }
            }
        )+
    };
}

messages! {
    Hello(Hello<'a>),
    Welcome(Welcome<'a>),
    Heartbeat(Heartbeat),
    Goodbye(Goodbye<'a>),
    Error(Failure<'a>),
    Append(Append<'a>),
    Ack(Ack<'a>),
    Credits(Credits),
    GetRouting(GetRouting),
    Routing(Routing),
    Subscribe(Subscribe),
    Subscribed(Subscribed),
    Delivery(Delivery<'a>),
    Allow(Allow),
    SubscriptionEnd(SubscriptionEnd<'a>),
    Query(Query<'a>),
    QueryRows(QueryRows<'a>),
    QueryEnd(QueryEnd<'a>),
    Cancel(Cancel),
}
