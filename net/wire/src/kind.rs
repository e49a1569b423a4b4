//! Kinds of messages, and who sends them.

use crate::code::open_codes;

open_codes! {
    /// What a message is; its number stands in the header.
    pub enum Kind: u16 {
        /// Opens a connection.
        Hello = 1,
        /// Answers Hello.
        Welcome = 2,
        /// Says that the connection is alive.
        Heartbeat = 3,
        /// Announces the end of the connection.
        Goodbye = 4,
        /// Says that a request, or the connection, failed.
        Error = 5,
        /// Rows for a stream.
        Append = 16,
        /// What became of an append.
        Ack = 17,
        /// A new credit window.
        Credits = 18,
        /// Asks for the routing table.
        GetRouting = 32,
        /// The routing table.
        Routing = 33,
        /// Asks for the rows of a stream.
        Subscribe = 48,
        /// Answers Subscribe.
        Subscribed = 49,
        /// Rows of a subscription.
        Delivery = 50,
        /// Raises what a subscription may send.
        Allow = 51,
        /// Ends a subscription.
        SubscriptionEnd = 52,
        /// A bounded SELECT.
        Query = 64,
        /// Rows of a result.
        QueryRows = 65,
        /// Ends a result.
        QueryEnd = 66,
        /// Ends a subscription or a query before its time.
        Cancel = 80,
    }
}

/// An end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The one that connected.
    Client,
    /// The one that listened.
    Server,
}

impl Kind {
    /// Whether `side` sends messages of this kind.
    pub fn is_sent_by(self, side: Side) -> bool {
        match self {
            Kind::Heartbeat | Kind::Goodbye | Kind::Error => true,
            Kind::Hello
            | Kind::Append
            | Kind::GetRouting
            | Kind::Subscribe
            | Kind::Allow
            | Kind::Query
            | Kind::Cancel => side == Side::Client,
            Kind::Welcome
            | Kind::Ack
            | Kind::Credits
            | Kind::Routing
            | Kind::Subscribed
            | Kind::Delivery
            | Kind::SubscriptionEnd
            | Kind::QueryRows
            | Kind::QueryEnd => side == Side::Server,
            Kind::Other(_) => false,
        }
    }

    /// Whether `side` may receive it before the connection is established.
    pub(crate) fn is_of_handshake(self, receiver: Side) -> bool {
        match receiver {
            Side::Server => self == Kind::Hello,
            Side::Client => matches!(self, Kind::Welcome | Kind::Error | Kind::Goodbye),
        }
    }

    /// Whether an event frame may follow it.
    pub fn may_carry_rows(self) -> bool {
        matches!(self, Kind::Append | Kind::Delivery | Kind::Query | Kind::QueryRows)
    }
}

impl Side {
    /// The other end.
    pub fn peer(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
}
