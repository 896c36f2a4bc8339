//! Properties of the domain station: whatever comes in, it judges each item by itself and never falls over.
#![allow(clippy::unwrap_used)]

use proptest::{collection::vec, prelude::*};
use tidegate::domain::{
    batch::{Batch, Draft, Malformed, Rules},
    canon::canonical,
    caps::Caps,
    catalogue::Catalogue,
    contact::{Contact, ContactDraft},
    country::Country,
    cursor::Cursor,
    event::EventDraft,
    excerpt,
    ids::Inlet,
    json::quote,
    number::canonical_number,
    scan::scan,
};

fn parse<T: Draft>(body: &[u8]) -> Result<Batch<T>, Malformed> {
    let caps = Caps::default();
    let rules = Rules {
        caps: &caps,
        catalogue: Catalogue::builtin(),
        strict: false,
        default_country: Country::parse("DE"),
        now: "2026-11-20T12:00:00Z".parse().unwrap(),
    };
    Batch::parse(Inlet { project: 1, datasource: 2 }, body, &rules)
}

/// Texts of numbers, tame and wild.
fn number() -> impl Strategy<Value = String> {
    prop_oneof!["-?(0|[1-9][0-9]{0,20})", "-?(0|[1-9][0-9]{0,9})\\.[0-9]{1,30}([eE][+-]?[0-9]{1,3})?"]
}

/// JSON texts of any shape, with names that mean something now and then.
fn json() -> impl Strategy<Value = String> {
    let string = prop_oneof![any::<String>().prop_map(|text| quote(&text)), Just("\"\\ud800\"".to_owned())];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        number(),
        string,
        "\"[0-9+@.a-zé-]{0,20}\"".prop_map(String::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        let names = prop_oneof![
            any::<String>(),
            proptest::sample::select(vec![
                "_user_id",
                "_event_id",
                "_event_type",
                "_event_date",
                "_event_parameters",
                "_email",
                "_phone_mobile",
                "_birth_date",
                "_segments",
                "_emial",
                "amount",
                "sku",
            ])
            .prop_map(String::from),
        ];
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(|items| format!("[{}]", items.join(" , "))),
            vec((names, inner), 0..6).prop_map(|members| object(&members)),
        ]
    })
}

fn object(members: &[(String, String)]) -> String {
    let members: Vec<_> = members.iter().map(|(name, value)| format!("{} :{value}", quote(name))).collect();
    format!("{{ {} }}", members.join(","))
}

/// An upsert that is good, of a few custom and known attributes.
fn contact() -> impl Strategy<Value = String> {
    let custom = ("[a-z]{1,4}", json().prop_filter("clean", |text| scan(text, &Caps::default()).is_ok()));
    (vec(custom, 0..6), any::<bool>()).prop_map(|(mut members, named)| {
        members.sort();
        members.dedup_by(|one, other| one.0 == other.0);
        members.push(("_user_id".to_owned(), "\"u\"".to_owned()));
        members.push(("_first_name".to_owned(), if named { "\"Ann\"" } else { "null" }.to_owned()));
        object(&members)
    })
}

/// One verdict without its position.
fn verdict<T: std::fmt::Debug>(batch: &Batch<T>, at: usize) -> String {
    format!("{:?} {:?}", batch.items[at].id, batch.items[at].verdict)
}

proptest! {
    #[test]
    fn any_bytes_are_judged_without_a_panic(body in vec(any::<u8>(), 0..400)) {
        let _ = parse::<EventDraft>(&body);
        let _ = parse::<ContactDraft>(&body);
    }

    #[test]
    fn any_bytes_in_a_string_are_one_items_affair(bytes in vec(any::<u8>(), 0..40)) {
        let mut body = b"[{\"_user_id\":\"a\",\"x\":\"".to_vec();
        body.extend(bytes);
        body.extend(b"\"},{\"_user_id\":\"b\"}]");
        if let Ok(batch) = parse::<ContactDraft>(&body) {
            prop_assert!(batch.items.last().is_some_and(|last| last.verdict.is_ok() && last.id == "b"));
        }
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in any::<String>()) {
        let _ = scan(&text, &Caps::default());
        canonical(&text);
        canonical_number(&text);
        let _ = Cursor::decode(&text);
        let _ = Contact::from_json(&text);
        prop_assert!(excerpt::excerpt(&text, |_| false).len() <= excerpt::LONGEST);
    }

    #[test]
    fn every_element_gets_its_own_verdict(items in vec(json(), 1..20)) {
        let body = format!(" [ {} ] ", items.join(" ,\n"));
        let events = parse::<EventDraft>(body.as_bytes()).unwrap();
        let contacts = parse::<ContactDraft>(body.as_bytes()).unwrap();
        prop_assert_eq!(events.items.len(), items.len());
        prop_assert_eq!(contacts.items.len(), items.len());
        for (at, item) in contacts.items.iter().enumerate() {
            prop_assert_eq!(item.position, at);
            prop_assert_eq!(item.verdict.is_err(), item.excerpt.is_some());
        }
    }

    #[test]
    fn neighbours_do_not_matter(items in vec(prop_oneof![json(), contact()], 1..8)) {
        let together = parse::<ContactDraft>(format!("[{}]", items.join(",")).as_bytes()).unwrap();
        for (at, item) in items.iter().enumerate() {
            let alone = parse::<ContactDraft>(format!("[{item}]").as_bytes()).unwrap();
            prop_assert_eq!(verdict(&together, at), verdict(&alone, 0));
        }
    }

    #[test]
    fn what_is_let_through_is_json_without_poison(item in prop_oneof![json(), contact()]) {
        let event = format!(r#"[{{"_user_id":"u","_event_id":"e","_event_type":"purchase","_event_parameters":{item}}}]"#);
        for item in parse::<EventDraft>(event.as_bytes()).unwrap().items {
            if let Ok(event) = item.verdict {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&event.parameters).is_ok());
                prop_assert!(scan(&event.parameters, &Caps::default()).is_ok());
            }
        }
    }

    #[test]
    fn numbers_have_one_spelling(text in number(), shift in 0usize..20, zeros in 0usize..5) {
        let canonical = canonical_number(&text);
        prop_assert_eq!(canonical_number(&canonical), canonical.clone());
        prop_assert!(serde_json::from_str::<&serde_json::value::RawValue>(&canonical).is_ok());
        // The same value, its point moved to the right and the exponent back.
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
        let exponent: i64 = exponent.parse().unwrap();
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let padded = format!("{fraction}{}", "0".repeat(shift));
        let (left, right) = padded.split_at(shift);
        let moved = format!("{whole}{left}.{right}{}E{}", "0".repeat(zeros + 1), exponent - shift as i64);
        prop_assert_eq!(canonical_number(&moved), canonical);
    }

    #[test]
    fn the_canonical_text_is_its_own(text in json()) {
        let once = canonical(&text);
        prop_assert_eq!(canonical(&once), once.clone());
        prop_assert!(serde_json::from_str::<&serde_json::value::RawValue>(&once).is_ok());
    }

    #[test]
    fn merging_twice_changes_nothing_more(stored in contact(), sent in contact()) {
        let drafts = parse::<ContactDraft>(format!("[{stored},{sent}]").as_bytes()).unwrap();
        let mut contact = Contact::default();
        for item in &drafts.items {
            let draft = item.verdict.as_ref().unwrap();
            let before = contact.clone();
            let changes = contact.merge(draft);
            prop_assert_eq!(changes.is_empty(), before == contact);
            prop_assert!(contact.merge(draft).is_empty());
        }
        prop_assert_eq!(Contact::from_json(&contact.to_json()).unwrap(), contact);
    }

    #[test]
    fn poison_is_caught_wherever_it_is(
        poison in proptest::sample::select(vec![
            r#""\u0000""#, r#""a\ud83d""#, r#""\ude00\ud83d""#, "1e309", "-0.5E-00309", r#"{"\u0000":1}"#,
            "11111111111111111111111111111111111111111111111111111111111111111",
        ]),
        path in vec((any::<bool>(), "[a-z/~]{0,5}", 0usize..3), 0..28),
    ) {
        let mut text = poison.to_owned();
        let mut pointer = String::new();
        for (array, name, before) in path {
            let step = if array { before.to_string() } else { name.replace('~', "~0").replace('/', "~1") };
            pointer = format!("/{step}{pointer}");
            text = if array {
                format!("[{}{text} , \"\\u0000\"]", "{\"a\":[1]},".repeat(before))
            } else {
                format!("{{\"x\":[{{}}] , {} : {text},\"y\":1e999}}", quote(&name))
            };
        }
        let fault = scan(&text, &Caps::default()).unwrap_err();
        prop_assert_eq!(fault.pointer, pointer);
    }

    #[test]
    fn content_ignores_spelling(members in vec(("[a-z]{1,3}", number()), 0..8), gap in "[ \n\t]{0,3}") {
        let mut members = members;
        members.sort();
        members.dedup_by(|one, other| one.0 == other.0);
        let event = |parameters: String| {
            let body = format!(r#"[{{"_user_id":"u","_event_id":"e","_event_type":"t","_event_parameters":{parameters}}}]"#);
            parse::<EventDraft>(body.as_bytes()).unwrap().items.remove(0).verdict.map(|event| event.content)
        };
        let one = event(object(&members));
        members.reverse();
        let other: Vec<_> =
            members.iter().map(|(name, value)| format!("{gap}\"{name}\"{gap}:{}{gap}", canonical_number(value))).collect();
        prop_assume!(one.is_ok());
        prop_assert_eq!(one, event(format!("{{{}}}", other.join(","))));
    }

    #[test]
    fn cursors_come_back_in_order(one in any::<(u32, u64, u64)>(), other in any::<(u32, u64, u64)>()) {
        let cursor = |(epoch, tx, id)| Cursor { epoch, tx, id };
        prop_assert_eq!(Cursor::decode(&cursor(one).encode()), Ok(cursor(one)));
        prop_assert_eq!(cursor(one) < cursor(other), one < other);
        // docs/api.md, "Waiting for one's own data": by the bytes that they are in base64url.
        let six_bits = |letter| match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'-' => 62,
            _ => 63,
        };
        let bytes = |place| cursor(place).encode().bytes().map(six_bits).collect::<Vec<u8>>();
        prop_assert_eq!(bytes(one).cmp(&bytes(other)), one.cmp(&other));
    }
}
