//! The index of the clients.

use std::fs;

use crate::script::folder;

#[test]
fn the_index_has_every_script_and_every_script_is_short_and_can_be_run() {
    use std::os::unix::fs::PermissionsExt;
    let index = fs::read_to_string(folder().join("README.md")).unwrap();
    let mut scripts = 0;
    for language in ["curl", "python", "javascript", "doors"] {
        for entry in fs::read_dir(folder().join(language)).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{language}/{}", entry.file_name().to_string_lossy());
            assert!(index.contains(&format!("]({name})")), "{name} is not in docs/clients/README.md");
            assert_ne!(entry.metadata().unwrap().permissions().mode() & 0o111, 0, "{name} cannot be run");
            let text = fs::read_to_string(entry.path()).unwrap();
            assert!(text.lines().count() <= 115, "{name} is longer than anyone reads");
            scripts += 1;
        }
    }
    assert_eq!(scripts, 20, "six tasks in three languages, and two at the doors");
}
