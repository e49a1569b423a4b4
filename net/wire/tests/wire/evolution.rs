//! Messages of later versions: what is new is ignored or answered, never misread.

use flatbuffers::FlatBufferBuilder;
use net_wire::*;

use crate::fixed::established;
use crate::framing::reseal;
use crate::stream::hear;

/// A message around any FlatBuffer.
fn framed(kind: u16, meta: &[u8]) -> Vec<u8> {
    let mut bytes = b"CEPW\x01\x00".to_vec();
    bytes.extend(kind.to_le_bytes());
    let total = (32 + meta.len()).next_multiple_of(8);
    bytes.extend(u32::try_from(total).unwrap().to_le_bytes());
    bytes.extend(u32::try_from(meta.len()).unwrap().to_le_bytes());
    bytes.extend(5_u64.to_le_bytes());
    bytes.extend([0; 8]);
    bytes.extend(meta);
    bytes.resize(total, 0);
    reseal(&mut bytes);
    bytes
}

/// Vtable slot of the field with that number.
fn slot(field: u16) -> u16 {
    4 + 2 * field
}

#[test]
fn fields_of_a_later_version_are_ignored() {
    let mut builder = FlatBufferBuilder::new();
    let text = builder.create_string("of version 2");
    let table = builder.start_table();
    builder.push_slot_always(slot(0), true);
    builder.push_slot_always(slot(1), 99_i64);
    builder.push_slot_always(slot(2), text);
    builder.push_slot_always(slot(7), u64::MAX);
    let root = builder.end_table(table);
    builder.finish_minimal(flatbuffers::WIPOffset::<()>::new(root.value()));
    let bytes = framed(Kind::Heartbeat.code(), builder.finished_data());
    let mut decoder = established(Side::Server);
    decoder.feed(&bytes);
    let envelope = decoder.next().unwrap().unwrap();
    assert_eq!(envelope.message, Heartbeat { reply: true, sent_ns: 99 }.into());
}

#[test]
fn fields_that_an_earlier_version_did_not_have_take_their_defaults() {
    let mut builder = FlatBufferBuilder::new();
    let table = builder.start_table();
    let root = builder.end_table(table);
    builder.finish_minimal(flatbuffers::WIPOffset::<()>::new(root.value()));
    let heard = |kind: Kind| {
        let bytes = framed(kind.code(), builder.finished_data());
        let side = crate::fixed::receiver(kind);
        hear(&mut established(side), &bytes, || usize::MAX).remove(0)
    };
    for kind in Kind::NAMED {
        // What cannot be left out is asked for; everything else can be.
        let needs = matches!(kind, Kind::Hello | Kind::Error | Kind::Append | Kind::Query);
        assert_eq!(heard(*kind).is_err(), needs, "{kind:?}: {:?}", heard(*kind));
    }
}

#[test]
fn a_kind_of_a_later_version_is_answered_and_skipped() {
    let stream = [framed(200, &[1; 40]), crate::fixed::bytes("heartbeat")].concat();
    let heard = hear(&mut established(Side::Server), &stream, || 3);
    let error = heard[0].clone().unwrap_err();
    assert_eq!((error.request(), error.status()), (RequestId(5), Status::PermanentUnsupported));
    let text = error.to_string();
    let answer = Message::Error(error.failure(&text));
    assert!(!crate::fixed::encoded(5, &answer).is_empty());
    assert!(heard[1].is_ok());
}

#[test]
fn numbers_of_a_later_version_are_kept_and_judged_by_their_range() {
    for (code, is_transient) in [(1, true), (4, true), (200, true), (255, true), (256, false), (999, false)] {
        let status = Status::from_code(code);
        assert_eq!((status.code(), status.is_transient()), (code, is_transient));
        assert!(!status.is_ok());
    }
    assert!(Status::Ok.is_ok() && !Status::Ok.is_transient());
    for status in Status::NAMED {
        assert_eq!(Status::from_code(status.code()), *status);
    }
    assert_eq!(Reason::from_code(900), Reason::Other(900));
    assert_eq!(Role::from_code(9), Role::Other(9));
    assert_eq!(AuthMethod::from_code(9), AuthMethod::Other(9));
}

#[test]
fn sides_without_a_common_version_part_with_the_versions_they_speak() {
    let theirs = Versions { min: 7, max: 9 };
    let error = PROTOCOL.common(theirs).unwrap_err();
    assert!(error.is_fatal());
    let text = error.to_string();
    assert_eq!(text, "the other side speaks versions 7 to 9, this one 1 to 1: upgrade the older side");
    let failure = error.failure(&text);
    assert_eq!((failure.status, failure.versions), (Status::PermanentVersion, Some(PROTOCOL)));
}

/// Tables may share what they refer to; a peer must not make a small message large that way.
#[test]
fn what_is_shared_counts_each_time() {
    let shared = |times: usize, bytes: usize| {
        let mut builder = FlatBufferBuilder::new();
        let address = builder.create_string(&"x".repeat(bytes));
        let table = builder.start_table();
        builder.push_slot_always(slot(0), address);
        let endpoint =
            flatbuffers::WIPOffset::<flatbuffers::Table<'_>>::new(builder.end_table(table).value());
        let endpoints = builder.create_vector(&vec![endpoint; times]);
        let table = builder.start_table();
        builder.push_slot_always(slot(1), endpoints);
        let root = builder.end_table(table);
        builder.finish_minimal(flatbuffers::WIPOffset::<()>::new(root.value()));
        let bytes = framed(Kind::Routing.code(), builder.finished_data());
        hear(&mut established(Side::Client), &bytes, || usize::MAX).remove(0)
    };
    assert!(shared(3, 10_000).is_ok());
    let error = shared(1_000, 10_000).unwrap_err();
    assert!(!error.is_fatal() && error.to_string().contains("Apparent size"), "{error}");
}
