//! What is sent is what arrives.

use net_wire::{Encoder, Kind, MESSAGE_BYTES_MAX, RequestId};

use crate::cases;
use crate::fixed::{encoded, established, receiver};
use crate::sample::Store;

#[test]
fn every_message_arrives_as_it_was_sent() {
    cases::each(300, |random| {
        let store = Store::new(random);
        let details = store.details();
        for kind in Kind::NAMED {
            let message = store.message(*kind, &details, random);
            let request = random.bits();
            let bytes = encoded(request, &message);
            assert!(bytes.len().is_multiple_of(8), "{kind:?}");
            let mut decoder = established(receiver(*kind));
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                assert_eq!(decoder.next(), Ok(None));
                rest = &rest[decoder.feed(rest)..];
            }
            let envelope = decoder.next().unwrap().unwrap();
            assert_eq!(envelope.request, RequestId(request));
            assert_eq!(envelope.message, message);
            assert_eq!(envelope.message.rows(), message.rows());
            assert_eq!(encoded(request, &envelope.message), bytes, "writing what was read");
            assert_eq!(decoder.next(), Ok(None));
        }
    });
}

#[test]
fn the_head_of_a_message_and_its_rows_make_the_message() {
    cases::each(50, |random| {
        let store = Store::new(random);
        let details = store.details();
        for kind in Kind::NAMED {
            let message = store.message(*kind, &details, random);
            let mut encoder = Encoder::new(MESSAGE_BYTES_MAX);
            let (mut whole, mut parts) = (vec![1, 2, 3], Vec::new());
            let range = encoder.encode(RequestId(7), &message, &mut whole).unwrap();
            encoder.encode_head(RequestId(7), &message, &mut parts).unwrap();
            parts.extend_from_slice(message.rows());
            assert_eq!(range, 3..whole.len());
            assert_eq!(whole[range], parts);
            if !message.rows().is_empty() {
                let rows = whole.len() - 3 - message.rows().len();
                assert!(rows.is_multiple_of(net_wire::ATTACHMENT_ALIGNMENT));
            }
        }
    });
}
