//! What was written by an older version is read as ever.

use std::fmt::Write;

use expect_test::expect_file;

use super::*;

fn membership(sets: &[&[u64]], nodes: &[u64]) -> Membership {
    let sets = sets.iter().map(|set| set.iter().copied().collect()).collect();
    Membership::new_with_defaults(sets, nodes.iter().copied().collect::<BTreeSet<u64>>())
}

fn payloads() -> Vec<(&'static str, Payload)> {
    vec![
        ("blank", Payload::Blank),
        ("normal", Payload::Normal(Proposal::new(Bytes::from_static(b"what was proposed")))),
        ("normal, empty", Payload::Normal(Proposal::new(Bytes::new()))),
        ("membership", Payload::Membership(membership(&[&[1]], &[1]))),
        ("joint membership", Payload::Membership(membership(&[&[1, 2, 3], &[2, 3, 4]], &[1, 2, 3, 4, 9]))),
    ]
}

fn votes() -> [Vote; 2] {
    let leader_id = LeaderId { term: 7, voted_for: 3 };
    [false, true].map(|committed| Vote { leader_id, committed })
}

fn link(first_chunk: u64, form: Form) -> Link {
    let membership = StoredMembership::new(Some(log_id(2, 30)), membership(&[&[1, 2, 3]], &[1, 2, 3]));
    let sizes = if form == Form::Pages { (70_000, 900_000) } else { (0, 0) };
    let (bytes, state_bytes) = sizes;
    Link { last: Some(log_id(5, 77)), membership, form, first_chunk, chunks: 4, bytes, state_bytes }
}

fn heads() -> [Head; 3] {
    let plain = Head { newest: Chain::of(link(12, Form::Plain)), older: None };
    let newest =
        Chain { full: link(16, Form::Pages), links: vec![link(1, Form::Pages), link(5, Form::Pages)] };
    let chained = Head { newest, older: Some(link(12, Form::Plain)) };
    let empty = Link {
        last: None,
        membership: StoredMembership::default(),
        form: Form::Pages,
        first_chunk: 1,
        chunks: 0,
        bytes: 0,
        state_bytes: 0,
    };
    [plain, chained, Head { newest: Chain::of(empty), older: None }]
}

#[test]
fn the_formats_are_written_as_ever() {
    let mut text = String::new();
    let mut put = |name: &str, bytes: &[u8]| {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let _ = writeln!(text, "{name}: {digits}");
    };
    payloads().iter().for_each(|(name, payload)| put(name, &encode_payload(payload)));
    votes().iter().for_each(|vote| put("vote", &encode_vote(vote)));
    put("committed position", &encode_committed(&log_id(7, 1_000)));
    heads().iter().for_each(|head| put("snapshot head, version 2", &encode_head(head)));
    expect_file!["golden/v2.txt"].assert_eq(&text);
}

#[test]
fn a_head_of_version_1_is_a_chain_of_one() {
    let golden = include_str!("golden/v1.txt");
    let heads = golden.lines().filter_map(|line| line.strip_prefix("snapshot head: "));
    let heads: Vec<Head> = heads
        .map(|digits| {
            let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal");
            let bytes: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
            decode_head(&bytes).expect("it is read")
        })
        .collect();
    assert_eq!(heads[0], Head { newest: Chain::of(link(12, Form::Plain)), older: None });
    assert_eq!((heads[1].newest.full.first_chunk, heads[1].newest.full.chunks), (1, 0));
}

#[test]
fn what_is_written_is_read_back_and_anything_else_is_refused() {
    for (name, payload) in payloads() {
        let bytes = encode_payload(&payload);
        assert_eq!(decode_payload(bytes.clone()).expect(name), payload, "{name}");
        let mut newer = bytes.to_vec();
        *newer.last_mut().expect("a version") = 2;
        assert!(decode_payload(newer.into()).is_err(), "{name}");
    }
    for vote in votes() {
        let bytes = encode_vote(&vote);
        assert_eq!(decode_vote(&bytes), Ok(vote));
        (0..bytes.len()).for_each(|len| assert!(decode_vote(&bytes[..len]).is_err()));
    }
    for head in heads() {
        let bytes = encode_head(&head);
        assert_eq!(decode_head(&bytes), Ok(head));
        (0..bytes.len()).for_each(|len| assert!(decode_head(&bytes[..len]).is_err()));
    }
    assert_eq!(decode_committed(&encode_committed(&log_id(7, 8))), Ok(log_id(7, 8)));
    for wrong in [&[][..], &[1], &[0, 0, 1], &[9, 1], &[255, 255, 255, 255, 255, 2, 1]] {
        assert!(decode_payload(Bytes::copy_from_slice(wrong)).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_payload_with_room_behind_it_is_not_copied() {
    let mut content = BytesMut::with_capacity(100);
    content.put_slice(b"content");
    let place = content.as_ptr();
    let proposal = Proposal::new(content.freeze());
    assert_eq!(proposal.content().as_ptr(), place);
    let Payload::Normal(read) = decode_payload(proposal.record()).expect("sound") else {
        panic!("another kind");
    };
    assert_eq!((read.content().as_ptr(), &read.content()[..]), (place, &b"content"[..]));
    let shared = Bytes::from(vec![1; 10]);
    assert_eq!(Proposal::new(shared.clone()).content(), shared);
}
