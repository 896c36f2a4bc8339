//! Every example is valid by the schema it stands beside, and there is one for every body of every status.

use serde_json::{Value, json};

use super::{content, document, faults, operations, responses};

#[test]
fn every_status_of_every_operation_has_a_valid_example() {
    for (path, method, operation) in operations() {
        for (status, response) in responses(operation) {
            let (_, body) = content(response);
            let examples: Vec<&Value> =
                body["examples"].as_object().unwrap().values().map(|example| &example["value"]).collect();
            assert!(!examples.is_empty(), "{method} {path} {status} has no example");
            for example in examples {
                let faults = faults(&body["schema"], example, true);
                assert!(faults.is_empty(), "{method} {path} {status}: {faults:?}\n{example}");
            }
        }
        if operation["requestBody"].is_object() {
            let (media_type, body) = content(&operation["requestBody"]);
            let example = &body["examples"]["example"]["value"];
            let faults = faults(&body["schema"], example, false);
            assert!(media_type == "application/json" && faults.is_empty(), "{method} {path}: {faults:?}");
        }
    }
}

#[test]
fn headers_and_parameters_have_valid_examples() {
    for (name, header) in document()["components"]["headers"].as_object().unwrap() {
        let faults = faults(&header["schema"], &header["example"], false);
        assert!(faults.is_empty(), "{name}: {faults:?}");
    }
    for (path, method, operation) in operations() {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let faults = faults(&parameter["schema"], &parameter["example"], false);
            assert!(faults.is_empty(), "{method} {path} {}: {faults:?}", parameter["name"]);
        }
    }
}

#[test]
fn links_lead_to_operations_by_a_part_of_the_answer() {
    let mut seen = 0;
    for (path, method, operation) in operations() {
        for (status, response) in responses(operation) {
            for (name, link) in response["links"].as_object().into_iter().flatten() {
                let what = format!("{method} {path} {status} {name}");
                let (_, _, target) = operations()
                    .find(|(_, _, other)| other["operationId"] == link["operationId"])
                    .unwrap_or_else(|| panic!("{what} leads nowhere"));
                let wanted = target["parameters"].as_array().unwrap().iter();
                let mut wanted: Vec<&str> = wanted
                    .filter(|parameter| parameter["in"] == "path")
                    .map(|parameter| parameter["name"].as_str().unwrap())
                    .collect();
                wanted.sort_unstable();
                let given = link["parameters"].as_object().unwrap();
                assert_eq!(given.keys().collect::<Vec<_>>(), wanted, "{what}");
                for expression in given.values().filter_map(Value::as_str) {
                    let Some(pointer) = expression.strip_prefix("$response.body#") else { continue };
                    let (_, body) = content(response);
                    let part = body["examples"]["example"]["value"].pointer(pointer);
                    assert!(part.is_some_and(Value::is_string), "{what}: {expression}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 8, "{seen}");
}

/// What is held to a schema above could fail.
#[test]
fn schemas_refuse_what_is_wrong() {
    let schema = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let refused = |name: &str, value: Value| !faults(&schema(name), &value, true).is_empty();
    let contact = |more: Value| {
        let mut item = json!({ "_user_id": "u" });
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([item])
    };
    for good in
        [json!({}), json!({ "_birth_date": "" }), json!({ "_loyalty_points": "7", "own": { "a": [1] } })]
    {
        assert!(!refused("ContactBatch", contact(good.clone())), "{good}");
    }
    for bad in [
        json!({ "_user_id": 7 }),
        json!({ "_user_id": "" }),
        json!({ "_emial": "a@b.de" }),
        json!({ "_email": 7 }),
        json!({ "_contact_id": "x" }),
        json!({ "_consent_email": "yes" }),
        json!({ "": 1 }),
    ] {
        assert!(refused("ContactBatch", contact(bad.clone())), "{bad}");
    }
    assert!(refused("ContactBatch", json!([])) && refused("ContactBatch", json!({ "_user_id": "u" })));
    assert!(refused("EventBatch", json!([{ "_user_id": "u", "_event_id": "e" }])));
    assert!(
        refused("NewDatasource", json!({ "name": " " })) && refused("NewDatasource", json!({ "nome": "x" }))
    );
    assert!(refused("ProjectChange", json!({ "limits": { "meta": 0 } })));
    assert!(!refused("DatasourceChange", json!({ "plan": null, "limits": { "meta": null } })));
    assert!(refused("NewAttribute", json!({ "uid": "_own", "dataType": "int" })));
    assert!(refused("Project", json!({ "uid": null })));
}
