//! What is remembered against a list of all rows that ever came.

use cep_types::StampNs;
use cep_types::frame::SchemaVersion;
use proptest::prelude::*;

use super::*;

const LIMITS: DedupLimits =
    DedupLimits { producers_max: 1_000, ids_max: 1_000, retry_window_ns: 1_000, skew_ns: 100 };

fn head(ids: PartIds, rows: u32, first_sent: i64) -> PartHead {
    let (stream, schema_version) = (cep_types::StreamId(1), SchemaVersion(1));
    PartHead { stream, schema_version, rows, ids, first_sent: StampNs(first_sent), replay: false }
}

fn judge(dedup: &mut Dedup, head: &PartHead, stamp: i64) -> Vec<Verdict> {
    let mut runs = Vec::new();
    dedup.judge(head, stamp, &mut runs);
    assert_eq!(runs.iter().map(|run| run.rows).sum::<u32>(), head.rows);
    runs.iter().flat_map(|run| std::iter::repeat_n(run.verdict, run.rows as usize)).collect()
}

fn opaque(ids: &[u128], first_sent: i64) -> PartHead {
    let ids: Vec<EventId> = ids.iter().map(|&id| EventId(id)).collect();
    head(PartIds::Opaque(ids.clone()), ids.len() as u32, first_sent)
}

/// An append: how long after the one before it comes, how long ago it was first sent, and its ids.
fn appends() -> impl Strategy<Value = Vec<(i64, i64, Vec<u128>)>> {
    prop::collection::vec((0..400i64, -150..1_200i64, prop::collection::vec(0..30u128, 1..6)), 1..80)
}

proptest! {
    /// With ids of the client's own, each of which keeps the time of its first try: none is new twice,
    /// however late it comes and however far the clock of its client is ahead.
    #[test]
    fn no_id_is_new_twice(appends in appends()) {
        let mut dedup = Dedup::new(LIMITS);
        let mut first_sent = BTreeMap::new();
        let mut was_new = BTreeSet::new();
        let mut stamp = 0;
        for (later, ago, ids) in appends {
            stamp += later;
            for id in ids {
                let sent = *first_sent.entry(id).or_insert(stamp - ago);
                let bytes = {
                    let mut out = Writer::default();
                    dedup.encode(&mut out);
                    out.bytes
                };
                dedup = Dedup::decode(LIMITS, &mut Reader::new(&bytes)).unwrap();
                let verdict = judge(&mut dedup, &opaque(&[id], sent), stamp)[0];
                match verdict {
                    Verdict::New => prop_assert!(was_new.insert(id), "{id} is new again at {stamp}"),
                    Verdict::Duplicate => prop_assert!(was_new.contains(&id)),
                    Verdict::Expired => prop_assert!(stamp - sent > 1_000 || sent - stamp > 100),
                    other => prop_assert!(false, "{other:?}"),
                }
            }
        }
    }

    /// Nor when the window and the capacity change between appends.
    #[test]
    fn no_id_is_new_twice_while_limits_change(
        appends in appends(),
        changes in prop::collection::vec((0..80usize, 1..2_000i64, 1..40usize), 0..6),
    ) {
        let mut dedup = Dedup::new(LIMITS);
        let mut limits = LIMITS;
        let mut first_sent = BTreeMap::new();
        let mut was_new = BTreeSet::new();
        let mut stamp = 0;
        for (at, (later, ago, ids)) in appends.into_iter().enumerate() {
            stamp += later;
            for &(_, retry_window_ns, ids_max) in changes.iter().filter(|change| change.0 == at) {
                limits = DedupLimits { retry_window_ns, ids_max, ..LIMITS };
                dedup.set_limits(limits, stamp);
            }
            for id in ids {
                let sent = *first_sent.entry(id).or_insert(stamp - ago);
                match judge(&mut dedup, &opaque(&[id], sent), stamp)[0] {
                    Verdict::New => prop_assert!(was_new.insert(id), "{id} is new again at {stamp}"),
                    Verdict::Duplicate => prop_assert!(was_new.contains(&id)),
                    Verdict::Full => prop_assert!(was_new.len() >= limits.ids_max),
                    _ => {}
                }
            }
        }
    }

    /// Numbered rows are new once each, in order, whatever is sent again and however it is cut.
    #[test]
    fn numbers_are_new_in_order(sends in prop::collection::vec((0..40u64, 1..20u32), 1..60)) {
        let mut dedup = Dedup::new(LIMITS);
        let mut next = 0;
        for (first, rows) in sends {
            let producer = ProducerId(5);
            let verdicts = judge(&mut dedup, &head(PartIds::Sequence { producer, first }, rows, 0), 0);
            for (number, verdict) in (first..).zip(verdicts) {
                let wanted = match number {
                    _ if first > next => Verdict::Gap,
                    number if number < next => Verdict::Duplicate,
                    _ => Verdict::New,
                };
                prop_assert_eq!(verdict, wanted);
            }
            if first <= next {
                next = next.max(first + u64::from(rows));
            }
            prop_assert_eq!(dedup.next_of(false, producer), next);
        }
    }
}

#[test]
fn a_full_table_takes_all_ids_of_an_append_or_none() {
    let mut dedup = Dedup::new(DedupLimits { ids_max: 4, ..LIMITS });
    assert_eq!(judge(&mut dedup, &opaque(&[1, 2, 3], 0), 0), [Verdict::New; 3]);
    assert_eq!(judge(&mut dedup, &opaque(&[3, 4, 5], 0), 0), [Verdict::Full; 3]);
    assert_eq!(
        judge(&mut dedup, &opaque(&[4, 3, 4], 0), 0),
        [Verdict::New, Verdict::Duplicate, Verdict::Duplicate]
    );
    // When the window is over there is room again.
    assert_eq!(judge(&mut dedup, &opaque(&[6, 7, 8], 1_101), 1_101), [Verdict::New; 3]);
}

#[test]
fn producers_are_forgotten_only_when_the_table_is_full_and_their_retries_are_over() {
    let mut dedup = Dedup::new(DedupLimits { producers_max: 2, ..LIMITS });
    let mut send = |producer, stamp| {
        let ids = PartIds::Sequence { producer: ProducerId(producer), first: 0 };
        judge(&mut dedup, &head(ids, 1, stamp), stamp)[0]
    };
    assert_eq!((send(1, 0), send(2, 500), send(3, 1_100)), (Verdict::New, Verdict::New, Verdict::Full));
    assert_eq!((send(3, 1_101), send(2, 1_101)), (Verdict::New, Verdict::Duplicate));
}
