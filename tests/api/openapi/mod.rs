//! The OpenAPI document: what it lists, that its examples are right, and that real answers are what it says.

mod document;

mod examples;

mod answers;

mod page;

use std::sync::OnceLock;

use serde_json::{Value, json};
use tidegate::http::openapi;

/// The document as the program prints it.
pub fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| serde_json::from_str(&openapi::document(None).to_json().unwrap()).unwrap())
}

/// What a reference leads to; anything else is returned as it is.
pub fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => {
            let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads outside"));
            document().pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere"))
        }
        None => value,
    }
}

/// Every operation with its path and its method in capitals.
pub fn operations() -> impl Iterator<Item = (&'static str, String, &'static Value)> {
    let paths = document()["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter();
        operations.map(move |(method, operation)| (path.as_str(), method.to_uppercase(), operation))
    })
}

/// The answers of an operation by status, references resolved.
pub fn responses(operation: &'static Value) -> impl Iterator<Item = (u16, &'static Value)> {
    let responses = operation["responses"].as_object().unwrap().iter();
    responses.map(|(status, response)| (status.parse().unwrap(), resolved(response)))
}

/// The only content of a body, with its media type.
pub fn content(body: &'static Value) -> (&'static str, &'static Value) {
    let contents = body["content"].as_object().unwrap();
    assert_eq!(contents.len(), 1, "{body}");
    contents.iter().map(|(media_type, content)| (media_type.as_str(), content)).next().unwrap()
}

/// What is wrong with a value by a schema of the document (JSON Schema 2020-12), formats included. `closed` also refuses members
/// that an object's schema does not name: clients have to live with them, but we must not have undocumented ones.
pub fn faults(schema: &Value, value: &Value, closed: bool) -> Vec<String> {
    let (mut schema, mut components) = (schema.clone(), document()["components"].clone());
    if closed {
        close(&mut schema);
        close(&mut components["schemas"]);
    }
    schema["components"] = components;
    let options =
        jsonschema::options().with_draft(jsonschema::Draft::Draft202012).should_validate_formats(true);
    let validator = options.build(&schema).unwrap_or_else(|error| panic!("{error}: {schema}"));
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Closes every object that names its members, but for the parts of an `allOf` and for the attributes of a contact.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let open = members.contains_key("properties") && !members.contains_key("additionalProperties");
            let of_contact = members.get("properties").is_some_and(|names| names.get("_user_id").is_some());
            let pushed = members.get("properties").is_some_and(|names| names.get("outcome").is_some());
            if open && (!of_contact || pushed) {
                members.insert("additionalProperties".into(), json!(false));
            }
            members.iter_mut().filter(|(name, _)| *name != "allOf").for_each(|(_, inner)| close(inner));
        }
        Value::Array(values) => values.iter_mut().for_each(close),
        _ => {}
    }
}
