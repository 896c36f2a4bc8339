//! Poison: whatever PostgreSQL would refuse is its own item's error, and the neighbours are stored.

use serde_json::json;

use super::house;

/// Sends a bad item between two good ones and answers the error of the bad one.
async fn refused(house: &super::TestHouse, inlet: &super::Inlet, name: &str, bad: &[u8]) -> String {
    let good = |at: u8| format!(r#"{{"_user_id":"{name}{at}","ok":"é"}}"#);
    let mut body = format!("[{},", good(1)).into_bytes();
    body.extend(bad);
    body.extend(format!(",{}]", good(3)).as_bytes());
    let reply = house.post_bytes(&inlet.token, &inlet.path("/stream/contacts"), body).await;
    assert_eq!(
        (reply.status, reply.outcomes()),
        (202, ["created", "invalid", "created"].map(str::to_owned).to_vec())
    );
    let answer = reply.json();
    assert_eq!(answer["errors"][0]["position"], 1);
    answer["errors"][0]["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn poison_of_every_kind_fails_alone() {
    let (_database, house, inlet) = house().await;
    let item = |rest: &str| format!(r#"{{"_user_id":"bad",{rest}}}"#).into_bytes();
    let deep = |levels: usize| format!(r#""x":{}1{}"#, "[".repeat(levels), "]".repeat(levels));
    let mut invalid_utf8 = item("\"x\":\"?\"");
    let at = invalid_utf8.iter().position(|byte| *byte == b'?').unwrap();
    invalid_utf8[at] = 0xff;
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nul", item(r#""x":"a\u0000b""#), "NUL"),
        ("nul in a name", item(r#""x\u0000":1"#), "NUL"),
        ("nul deep inside", item(r#""x":{"y":[{"z":"\u0000"}]}"#), "NUL"),
        ("nul in the id", br#"{"_user_id":"a\u0000b"}"#.to_vec(), "NUL"),
        ("high surrogate", item(r#""x":"\ud800""#), "not valid Unicode"),
        ("low surrogate", item(r#""x":"\udc00x""#), "not valid Unicode"),
        ("surrogates the wrong way round", item(r#""x":"\udc00\ud800""#), "not valid Unicode"),
        ("invalid bytes", invalid_utf8, "not valid Unicode"),
        ("a member twice", item(r#""x":1,"x":1"#), "x: appears more than once"),
        ("a member twice, escaped", item(r#""x":1,"\u0078":2"#), "x: appears more than once"),
        ("the id twice", item(r#""_user_id":"worse""#), "_user_id: appears more than once"),
        ("deep arrays", item(&deep(32)), "nested deeper than 32"),
        ("very deep arrays", item(&deep(10_000)), "nested deeper than 32"),
        ("a large exponent", item(r#""x":1e400000"#), "exponent"),
        ("an exponent just beyond", item(r#""x":1e309"#), "exponent"),
        ("a small exponent", item(r#""x":-1E-309"#), "exponent"),
        ("seventeen thousand digits", item(&format!(r#""x":{}"#, "9".repeat(17_000))), "longer than 64"),
        ("a long name", item(&format!(r#""{}":1"#, "n".repeat(257))), "name is longer than 256"),
        ("a long id", format!(r#"{{"_user_id":"{}"}}"#, "u".repeat(256)).into_bytes(), "longer than 255"),
        ("too large", item(&format!(r#""x":"{}""#, "v".repeat(33_000))), "larger than 32768 bytes"),
    ];
    for (name, bad, word) in &cases {
        let error = refused(&house, &inlet, name, bad).await;
        assert!(error.contains(word), "{name}: {error}");
    }
    let stored = house.number("select count(*) from contact").await;
    assert_eq!(stored, 2 * i64::try_from(cases.len()).unwrap());
    house.stop().await;
}

#[tokio::test]
async fn what_only_looks_like_poison_is_stored_as_it_is() {
    let (_database, house, inlet) = house().await;
    let deep = format!("{}1{}", "[".repeat(31), "]".repeat(31));
    let body = format!(
        r#"[{{"_user_id":"u\\u0000","a":"\\u0000","b":"\ud83d\ude00","c":1e308,"d":{deep},"e":"{}","f":"'; drop table event; --","\u00e9":"\ufffd\uffff"}}]"#,
        "x".repeat(300)
    );
    let reply = house.post_bytes(&inlet.token, &inlet.path("/stream/contacts"), body.clone()).await;
    assert_eq!(reply.outcomes(), ["created"], "{}", reply.text);
    let sent: serde_json::Value = serde_json::from_str(&body).unwrap();
    let stored = house.get(&inlet.token, &inlet.path("/stream/contacts/u%5Cu0000")).await.json();
    for name in ["a", "b", "d", "e", "f", "é"] {
        assert_eq!(stored["contact"]["contactData"][name], sent[0][name], "{name}");
    }
    house.stop().await;
}

#[tokio::test]
async fn numbers_keep_their_digits() {
    let (_database, house, inlet) = house().await;
    let number = "12345678901234567890.12345678901234567890";
    let event = format!(
        r#"[{{"_user_id":"u","_event_id":"e","_event_type":"own","_event_parameters":{{"n":{number}}}}}]"#
    );
    house.post_bytes(&inlet.token, &inlet.path("/stream/events"), event).await;
    let contact = format!(r#"[{{"_user_id":"u","n":{number}}}]"#);
    house.post_bytes(&inlet.token, &inlet.path("/stream/contacts"), contact).await;
    let text = house.get(&inlet.token, &inlet.path("/stream/contacts/u")).await.text;
    assert!(text.contains(number), "{text}");
    let found = format!("select count(*) from event where parameters::text like '%{number}%'");
    assert_eq!(house.number(&found).await, 2, "in the event and in the change of the contact");
    house.stop().await;
}

#[tokio::test]
async fn a_body_that_is_no_json_stores_nothing_of_it() {
    let (_database, house, inlet) = house().await;
    for tail in
        ["", ",", "]]", "] x", ",\u{feff}]", ",{\"a\":1e}]", ",{\"a\":\"\n\"}]", ",{\"a\":01}]", "\u{0}]"]
    {
        let body = format!(r#"[{{"_user_id":"u"}}{tail}"#);
        let reply = house.post_bytes(&inlet.token, &inlet.path("/stream/contacts"), body).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "malformed_json"), "{tail:?}");
    }
    let broken = [&b"[{\"_user_id\":\"u\"}\xff]"[..], b"\xff\xfe[\x00]\x00", b"[{\"_user_id\":\"u\\\xff\"}]"];
    for body in broken {
        let reply = house.post_bytes(&inlet.token, &inlet.path("/stream/contacts"), body).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "malformed_json"), "{body:?}");
    }
    assert_eq!(house.number("select count(*) from contact").await, 0);
    assert_eq!(json!(house.number("select count(*) from lot").await), 0);
    house.stop().await;
}
