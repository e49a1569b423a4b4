//! Any message at all: random, of every kind, with every field at its edges now and then.

use std::sync::{Arc, LazyLock};

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, IntervalUnit, TimeUnit};
use cep_types::frame::{ColumnId, FrameHead, SchemaVersion, encode};
use cep_types::hash::SpaceSeed;
use cep_types::sql_type::tag_json;
use cep_types::{Epoch, EventId, LogIndex, Op, PartitionId, ProducerId, SpaceId, StampNs, StreamId};
use net_wire::*;

use crate::cases::Random;

static FRAMES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let frame = |rows: i64| {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
        let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
        let head = FrameHead { stream: StreamId(1), schema_version: SchemaVersion(1) };
        encode(head, &[ColumnId(1)], &batch).unwrap()
    };
    [1, 2, 9, 100, 3000].map(frame).into()
});

fn frame(random: &mut Random) -> &'static [u8] {
    random.pick::<Vec<u8>>(&FRAMES)
}

/// What messages borrow.
pub struct Store {
    texts: Vec<String>,
    ids: Vec<EventId>,
    runs: Vec<Run>,
    positions: Vec<PositionRun>,
    derived: Vec<u64>,
    ops: Vec<Op>,
    read_at: Vec<ReadAt>,
    proof: Vec<u8>,
}

fn number(random: &mut Random) -> u64 {
    match random.below(6) {
        0 => 0,
        1 => u64::MAX,
        2 => 1 << random.below(64),
        3 => random.below(300) as u64,
        _ => random.bits(),
    }
}

fn small(random: &mut Random) -> u32 {
    number(random) as u32
}

fn text(random: &mut Random) -> String {
    const PIECES: [&str; 6] = ["", "a", "größe", "事件", "\u{1f680}\0", "some longer text, with\nlines"];
    (0..random.below(4)).map(|_| *random.pick(&PIECES)).collect()
}

fn many<T>(random: &mut Random, max: usize, mut one: impl FnMut(&mut Random) -> T) -> Vec<T> {
    (0..random.below(max)).map(|_| one(random)).collect()
}

fn position(random: &mut Random) -> Position {
    Position { index: LogIndex(number(random)), ordinal: small(random) }
}

fn window(random: &mut Random) -> Window {
    Window { events: number(random), bytes: number(random) }
}

fn run(random: &mut Random, details: usize) -> Run {
    let detail = (details > 0 && random.one_in(2)).then(|| random.below(details) as u16);
    let rejected = Rejected { reason: Reason::from_code(1 + random.below(9) as u16), detail };
    let outcome = *random.pick(&[
        Outcome::Applied,
        Outcome::Duplicate,
        Outcome::LateDropped,
        Outcome::Rejected(rejected),
    ]);
    let place = random.one_in(2).then(|| (LogIndex(number(random).max(1)), small(random)));
    Run { count: small(random).max(1), outcome, place }
}

impl Store {
    pub fn new(random: &mut Random) -> Self {
        let texts = many(random, 5, text);
        let positions = many(random, 6, |random| PositionRun {
            first: Position { index: LogIndex(number(random)), ordinal: small(random) / 2 },
            count: 1 + random.below(5) as u32,
        });
        let rows = positions.iter().map(|run| run.count).sum::<u32>() as usize;
        Store {
            ids: many(random, 40, |random| {
                EventId(u128::from(random.bits()) << 64 | u128::from(random.bits()))
            }),
            runs: many(random, 20, |random| run(random, texts.len())),
            derived: (0..rows).map(|_| random.bits()).collect(),
            ops: (0..rows).map(|_| Op::from_code(random.below(4) as u8).unwrap()).collect(),
            read_at: many(random, 9, |random| ReadAt {
                partition: PartitionId(small(random)),
                index: LogIndex(number(random)),
            }),
            proof: many(random, 50, |random| random.bits() as u8),
            positions,
            texts,
        }
    }

    /// The texts as messages list them.
    pub fn details(&self) -> Vec<&str> {
        self.texts.iter().map(String::as_str).collect()
    }

    /// A message of that kind; `details` are [`details`](Self::details).
    pub fn message<'a>(&'a self, kind: Kind, details: &'a [&'a str], random: &mut Random) -> Message<'a> {
        match kind {
            Kind::Hello | Kind::Welcome | Kind::Heartbeat | Kind::Goodbye | Kind::Error | Kind::Cancel => {
                self.session(kind, random)
            }
            Kind::Append | Kind::Ack | Kind::Credits => self.append(kind, details, random),
            Kind::GetRouting => {
                let known = random.one_in(2).then(|| Epoch(number(random).max(1)));
                GetRouting { known }.into()
            }
            Kind::Routing => routing(random).into(),
            Kind::Query | Kind::QueryRows | Kind::QueryEnd => self.query(kind, random),
            _ => self.subscription(kind, random),
        }
    }

    fn text(&self, random: &mut Random) -> &str {
        if self.texts.is_empty() { "" } else { random.pick::<String>(&self.texts) }
    }

    fn failure(&self, random: &mut Random) -> Failure<'_> {
        Failure {
            status: Status::from_code(1 + random.below(400) as u16),
            text: self.text(random),
            retry_after_ms: small(random),
            earliest: random.one_in(3).then(|| position(random)),
            redirect: random.one_in(3).then(|| self.text(random)),
            routing_epoch: random.one_in(3).then(|| Epoch(number(random).max(1))),
            versions: random.one_in(3).then(|| Versions { min: small(random) as u16, max: 7 }),
        }
    }

    fn maybe_failure(&self, random: &mut Random) -> Option<Failure<'_>> {
        random.one_in(2).then(|| self.failure(random))
    }

    fn session(&self, kind: Kind, random: &mut Random) -> Message<'_> {
        match kind {
            Kind::Hello => Message::Hello(Hello {
                versions: Versions { min: small(random) as u16, max: small(random) as u16 },
                features: Features(number(random)),
                client: self.text(random),
                cluster: self.text(random),
                credentials: Credentials {
                    method: AuthMethod::from_code(random.below(5) as u8),
                    proof: &self.proof,
                },
                message_bytes_max: small(random),
            }),
            Kind::Welcome => Message::Welcome(Welcome {
                version: small(random) as u16,
                features: Features(number(random)),
                server: self.text(random),
                cluster: self.text(random),
                node: small(random),
                shard: small(random),
                role: Role::from_code(random.below(7) as u8),
                event_bytes_max: small(random),
                message_bytes_max: small(random),
                heartbeat_ms: small(random),
                retry_window_ms: small(random),
                credits: window(random),
                routing_epoch: Epoch(number(random)),
                time_ns: number(random) as i64,
            }),
            Kind::Heartbeat => Heartbeat { reply: random.one_in(2), sent_ns: number(random) as i64 }.into(),
            Kind::Goodbye => {
                let failure = self.maybe_failure(random).unwrap_or(Failure::none());
                Goodbye { failure, drain_ms: small(random) }.into()
            }
            Kind::Error => self.failure(random).into(),
            _ => Cancel.into(),
        }
    }

    fn append<'a>(&'a self, kind: Kind, details: &'a [&'a str], random: &mut Random) -> Message<'a> {
        let credits = window(random);
        match kind {
            Kind::Append => {
                let producer = ProducerId(number(random).max(1));
                let ids = if self.ids.is_empty() || random.one_in(2) {
                    EventIds::Sequence { producer, first: number(random) }
                } else {
                    EventIds::Opaque(self.ids.as_slice().into())
                };
                Message::Append(Append {
                    stream: StreamId(small(random)),
                    schema_version: SchemaVersion(small(random)),
                    partition: PartitionId(small(random)),
                    routing_epoch: Epoch(number(random)),
                    ids,
                    first_sent: StampNs(number(random) as i64),
                    replay: random.one_in(2),
                    timeout_ms: small(random),
                    rows: frame(random),
                })
            }
            Kind::Ack => match self.maybe_failure(random) {
                Some(failure) => Message::Ack(Ack {
                    runs: List::default(),
                    details: Texts::default(),
                    credits,
                    failure: Some(failure),
                }),
                None => Message::Ack(Ack {
                    runs: self.runs.as_slice().into(),
                    details: details.into(),
                    credits,
                    failure: None,
                }),
            },
            _ => Credits { space: SpaceId(small(random)), partition: PartitionId(small(random)), credits }
                .into(),
        }
    }

    fn subscription(&self, kind: Kind, random: &mut Random) -> Message<'_> {
        let place = position(random);
        let changelog = *random.pick(Changelog::ALL);
        match kind {
            Kind::Subscribe => Message::Subscribe(Subscribe {
                stream: StreamId(small(random)),
                partition: PartitionId(small(random)),
                routing_epoch: Epoch(number(random)),
                start: *random.pick(&[Start::Earliest, Start::Latest, Start::After(place)]),
                allowed: window(random),
            }),
            Kind::Subscribed => Message::Subscribed(Subscribed {
                schema_version: SchemaVersion(small(random)),
                changelog,
                columns: many(random, 6, column),
                after: place,
            }),
            Kind::Delivery => {
                let ops = if random.one_in(2) { &[][..] } else { &self.ops };
                let rows: &[u8] = if self.derived.is_empty() { &[] } else { frame(random) };
                Message::Delivery(Delivery {
                    positions: self.positions.as_slice().into(),
                    derived_ids: self.derived.as_slice().into(),
                    ops: ops.into(),
                    watermark_ns: random.one_in(2).then(|| number(random) as i64 >> 1),
                    rows,
                })
            }
            Kind::Allow => Allow { allowed: window(random) }.into(),
            _ => SubscriptionEnd { failure: self.failure(random), last: place }.into(),
        }
    }

    fn query(&self, kind: Kind, random: &mut Random) -> Message<'_> {
        let rows: &[u8] = if random.one_in(3) { &[] } else { frame(random) };
        match kind {
            Kind::Query => Message::Query(Query {
                sql: "SELECT 1",
                space: self.text(random),
                partition: random.one_in(2).then(|| PartitionId(small(random) >> 1)),
                rows_max: small(random),
                timeout_ms: small(random),
                parameters: rows,
            }),
            Kind::QueryRows => {
                QueryRows { part: small(random), columns: many(random, 6, column), rows }.into()
            }
            _ => Message::QueryEnd(QueryEnd {
                failure: self.maybe_failure(random),
                rows: number(random),
                parts: small(random),
                is_truncated: random.one_in(2),
                read_at: self.read_at.as_slice().into(),
            }),
        }
    }
}

fn field(random: &mut Random, depth: usize) -> Field {
    let name = text(random);
    let nested = if depth == 0 { 0 } else { 3 };
    let data_type = match random.below(13 + nested) {
        0 => DataType::Boolean,
        1 => DataType::Int32,
        2 => DataType::Int64,
        3 => DataType::Float32,
        4 => DataType::Float64,
        5 => {
            let precision = 1 + random.below(38) as u8;
            DataType::Decimal128(precision, random.below(usize::from(precision) + 1) as i8)
        }
        6 => DataType::Utf8,
        7 => DataType::Binary,
        8 => DataType::Timestamp(TimeUnit::Nanosecond, None),
        9 => DataType::Date32,
        10 => DataType::Time64(TimeUnit::Nanosecond),
        11 => DataType::Interval(IntervalUnit::MonthDayNano),
        12 => return tag_json(Field::new(name, DataType::Utf8, random.one_in(2))),
        13 => DataType::List(Arc::new(field(random, depth - 1))),
        14 => {
            let key = field(random, 0).with_nullable(false);
            let entries = DataType::Struct(vec![key, field(random, depth - 1)].into());
            DataType::Map(Arc::new(Field::new("entries", entries, false)), false)
        }
        _ => DataType::Struct((0..=random.below(3)).map(|_| field(random, depth - 1)).collect()),
    };
    Field::new(name, data_type, random.one_in(2))
}

fn column(random: &mut Random) -> Column {
    Column { id: ColumnId(small(random)), field: field(random, 3) }
}

fn routing(random: &mut Random) -> Routing {
    let endpoints = many(random, 5, |random| Endpoint {
        address: text(random),
        node: small(random),
        shard: small(random),
    });
    let spaces = many(random, 4, |random| Space {
        id: SpaceId(small(random)),
        name: text(random),
        seed: SpaceSeed(u128::from(random.bits()) << 64 | u128::from(random.bits())),
        leaders: (0..=random.below(40))
            .map(|_| {
                (!endpoints.is_empty() && random.one_in(2)).then(|| random.below(endpoints.len()) as u32)
            })
            .collect(),
    });
    let streams = if spaces.is_empty() {
        Vec::new()
    } else {
        many(random, 5, |random| {
            let columns = many(random, 6, column);
            let some = |random: &mut Random| {
                (!columns.is_empty() && random.one_in(2)).then(|| random.pick(&columns).id)
            };
            Stream {
                id: StreamId(small(random)),
                name: text(random),
                space: random.pick(&spaces).id,
                schema_version: SchemaVersion(small(random)),
                key: (0..random.below(3)).filter_map(|_| some(random)).collect(),
                event_time: some(random).filter(|id| id.0 != u32::MAX),
                columns,
                changelog: *random.pick(Changelog::ALL),
                can_append: random.one_in(2),
                can_subscribe: random.one_in(2),
            }
        })
    };
    Routing { epoch: Epoch(number(random)), endpoints, spaces, streams }
}
