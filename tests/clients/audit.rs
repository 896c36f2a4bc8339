//! The audit of a sender, by the lines in docs/api.md.

use std::{fs, path::Path};

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    home::{Ran, bare},
    script::Access,
    support::{house::TestHouse, postgres::TestDatabase},
};

/// The Python of the page.
fn client() -> String {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/api.md")).unwrap();
    let section = page.split("### The audit of a sender").nth(1).unwrap();
    section.split("```python\n").nth(1).unwrap().split("```").next().unwrap().to_owned()
}

#[tokio::test]
async fn ten_lines_tell_whether_what_was_sent_is_there() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let inlet = house.inlet().await;
    let script = client();
    assert_eq!(script.lines().count(), 10);
    let ids = ["order-1", "Zoë", "東京 \"7\""];
    let batch: Value = ids
        .iter()
        .map(|id| json!({ "_user_id": "ada", "_event_id": id, "_event_type": "purchase" }))
        .collect();
    for _ in 0..2 {
        assert_eq!(house.post(&inlet.token, &inlet.path("/stream/events"), &batch).await.status, 202);
    }
    let folder = crate::folder::Folder::below(&std::env::temp_dir());
    let (now, margin) = (house.state.clock.now(), SignedDuration::from_mins(5));
    let audit = async |ids: &[&str]| {
        let file = folder.path().join("ids");
        fs::write(&file, ids.iter().map(|id| format!("{id}\n")).collect::<String>()).unwrap();
        let mut command = bare("python3", folder.path());
        command
            .args(["-c", &script])
            .arg(&file)
            .args([(now - margin).to_string(), (now + margin).to_string()]);
        let access = Access::to(&house, &inlet);
        command.env("TIDEGATE_URL", &access.url).env("TIDEGATE_PROJECT", &access.project);
        command.env("TIDEGATE_DATASOURCE", &access.datasource).env("TIDEGATE_TOKEN", &access.token);
        Ran::of(command).await
    };
    let ran = audit(&ids).await;
    assert!(ran.out.starts_with("stored: 3, sum "), "{ran:?}");
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    for others in [&ids[..2], &["order-1", "Zoë", "order-3"], &[ids[0], ids[1], ids[2], "order-4"]] {
        assert_eq!(audit(others).await.code, Some(1), "{others:?}");
    }
    house.stop().await;
}
