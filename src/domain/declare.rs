//! What a project may add to the built-in set, and how what it added may change.

use super::{
    caps::Caps,
    catalogue::Catalogue,
    rejection::Fault,
    spec::{AttributeSpec, DataType, EventSpec, ParameterSpec},
};

/// Longest label, title, name, category or icon, in characters.
pub const LABEL: usize = 200;
/// Longest description, in characters.
pub const DESCRIPTION: usize = 1_000;
/// Longest value that a parameter may be limited to, in characters: what one item can hold.
pub const LENGTH: std::ops::RangeInclusive<u32> = 1..=32_768;

/// What is to change of an attribute; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttributePatch {
    /// See [`AttributeSpec::data_type`].
    pub data_type: Option<DataType>,
    /// See [`AttributeSpec::display_label`].
    pub display_label: Option<String>,
    /// See [`AttributeSpec::description`].
    pub description: Option<String>,
    /// See [`AttributeSpec::multivalue`].
    pub multivalue: Option<bool>,
    /// See [`AttributeSpec::required_in_webhook`].
    pub required_in_webhook: Option<bool>,
    /// See [`AttributeSpec::important`].
    pub important: Option<bool>,
    /// See [`AttributeSpec::visible`].
    pub visible: Option<bool>,
}

/// What is to change of a type of event; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventPatch {
    /// See [`EventSpec::name`].
    pub name: Option<String>,
    /// See [`EventSpec::emoji`].
    pub emoji: Option<String>,
    /// See [`EventSpec::icon`].
    pub icon: Option<String>,
    /// See [`EventSpec::description`].
    pub description: Option<String>,
    /// See [`EventSpec::category`].
    pub category: Option<String>,
    /// See [`EventSpec::important`].
    pub important: Option<bool>,
}

/// What is to change of a parameter; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParameterPatch {
    /// See [`ParameterSpec::data_type`].
    pub data_type: Option<DataType>,
    /// See [`ParameterSpec::title`].
    pub title: Option<String>,
    /// See [`ParameterSpec::description`].
    pub description: Option<String>,
    /// See [`ParameterSpec::max_length`]; `Some(None)` takes the limit away.
    pub max_length: Option<Option<u32>>,
    /// See [`ParameterSpec::required`].
    pub required: Option<bool>,
    /// See [`ParameterSpec::multi_value`].
    pub multi_value: Option<bool>,
}

fn lay<T: Clone>(value: &mut T, patch: &Option<T>) {
    if let Some(new) = patch {
        value.clone_from(new);
    }
}

impl AttributePatch {
    /// An attribute of this name with everything else as the patch says; its label is its name where none is given.
    pub fn declare(&self, uid: &str, data_type: DataType) -> AttributeSpec {
        let mut spec = AttributeSpec {
            uid: uid.to_owned(),
            display_label: label_of(uid),
            description: String::new(),
            data_type,
            multivalue: false,
            required_in_webhook: false,
            read_only: false,
            important: false,
            visible: true,
            custom: true,
        };
        self.apply(&mut spec);
        spec
    }

    /// Lays the patch over a spec.
    pub fn apply(&self, spec: &mut AttributeSpec) {
        lay(&mut spec.data_type, &self.data_type);
        lay(&mut spec.display_label, &self.display_label);
        lay(&mut spec.description, &self.description);
        lay(&mut spec.multivalue, &self.multivalue);
        lay(&mut spec.required_in_webhook, &self.required_in_webhook);
        lay(&mut spec.important, &self.important);
        lay(&mut spec.visible, &self.visible);
    }
}

impl EventPatch {
    /// A type of event of this uid; its name is its uid where none is given.
    pub fn declare(&self, uid: &str) -> EventSpec {
        let mut spec = EventSpec {
            uid: uid.to_owned(),
            name: label_of(uid),
            emoji: "🔹".to_owned(),
            icon: "circle".to_owned(),
            description: String::new(),
            category: "custom".to_owned(),
            important: false,
            parameters: Vec::new(),
        };
        self.apply(&mut spec);
        spec
    }

    /// Lays the patch over a spec.
    pub fn apply(&self, spec: &mut EventSpec) {
        lay(&mut spec.name, &self.name);
        lay(&mut spec.emoji, &self.emoji);
        lay(&mut spec.icon, &self.icon);
        lay(&mut spec.description, &self.description);
        lay(&mut spec.category, &self.category);
        lay(&mut spec.important, &self.important);
    }
}

impl ParameterPatch {
    /// A parameter of this name; its title is its name where none is given.
    pub fn declare(&self, parameter: &str, data_type: DataType) -> ParameterSpec {
        let mut spec = ParameterSpec {
            parameter: parameter.to_owned(),
            title: label_of(parameter),
            description: String::new(),
            data_type,
            max_length: None,
            required: false,
            multi_value: false,
        };
        self.apply(&mut spec);
        spec
    }

    /// Lays the patch over a spec.
    pub fn apply(&self, spec: &mut ParameterSpec) {
        lay(&mut spec.data_type, &self.data_type);
        lay(&mut spec.title, &self.title);
        lay(&mut spec.description, &self.description);
        lay(&mut spec.max_length, &self.max_length);
        lay(&mut spec.required, &self.required);
        lay(&mut spec.multi_value, &self.multi_value);
    }
}

/// What a thing is called where nobody said it: its name, cut where a name may be longer than a label.
fn label_of(name: &str) -> String {
    name.chars().take(LABEL).collect()
}

/// The faults of an attribute that a project wants to have; none when it is sound.
pub fn attribute_faults(spec: &AttributeSpec, caps: &Caps) -> Vec<Fault> {
    let mut faults = name_faults("uid", &spec.uid, caps.name_bytes);
    if spec.uid.starts_with('_') {
        faults
            .push(Fault::at(["uid"], "must not begin with an underscore: those names are the server's own"));
    }
    if spec.uid == "id" {
        faults.push(Fault::at(
            ["uid"],
            "must not be `id`: reads of the audience show the contact's own id there",
        ));
    }
    faults.extend(text_fault("displayLabel", &spec.display_label, 1..=LABEL));
    faults.extend(text_fault("description", &spec.description, 0..=DESCRIPTION));
    faults
}

/// The faults of a type of event that a project wants to have; none when it is sound.
pub fn event_faults(spec: &EventSpec, caps: &Caps) -> Vec<Fault> {
    let mut faults = name_faults("uid", &spec.uid, caps.type_bytes);
    for (field, text, least) in [
        ("name", &spec.name, 1),
        ("emoji", &spec.emoji, 0),
        ("icon", &spec.icon, 0),
        ("category", &spec.category, 1),
    ] {
        faults.extend(text_fault(field, text, least..=LABEL));
    }
    faults.extend(text_fault("description", &spec.description, 0..=DESCRIPTION));
    faults
}

/// The faults of a parameter that a project wants to have on this type; none when it is sound.
pub fn parameter_faults(event_type: &str, spec: &ParameterSpec, caps: &Caps) -> Vec<Fault> {
    let mut faults = name_faults("parameter", &spec.parameter, caps.name_bytes);
    faults.extend(text_fault("title", &spec.title, 1..=LABEL));
    faults.extend(text_fault("description", &spec.description, 0..=DESCRIPTION));
    if spec.max_length.is_some_and(|length| !LENGTH.contains(&length)) {
        let rule = format!("must be from {} to {} characters", LENGTH.start(), LENGTH.end());
        faults.push(Fault::at(["maxLength"], rule));
    }
    if spec.required && Catalogue::builtin().event(event_type).is_some() {
        let rule =
            "cannot be set on a built-in type: whoever sends it may rely on no parameter being required";
        faults.push(Fault::at(["required"], rule));
    }
    faults
}

fn name_faults(field: &str, name: &str, longest: usize) -> Vec<Fault> {
    let sound = (1..=longest).contains(&name.len()) && !name.chars().any(char::is_control);
    let rule = || format!("must be 1 to {longest} bytes, without control characters");
    if sound { Vec::new() } else { vec![Fault::at([field], rule())] }
}

fn text_fault(field: &str, text: &str, characters: std::ops::RangeInclusive<usize>) -> Option<Fault> {
    let sound = characters.contains(&text.chars().count()) && !text.chars().any(char::is_control);
    let rule = || {
        let (least, most) = (characters.start(), characters.end());
        format!("must be {least} to {most} characters, none of them a control character")
    };
    (!sound).then(|| Fault::at([field], rule()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(faults: Vec<Fault>) -> Vec<String> {
        faults.into_iter().map(|fault| fault.field).collect()
    }

    #[rstest::rstest]
    #[case("shoe_size", &[])]
    #[case("größe", &[])]
    #[case("", &["uid"])]
    #[case("_shoe", &["uid"])]
    #[case("id", &["uid"])]
    #[case("ids", &[])]
    #[case("a\nb", &["uid"])]
    fn attributes_have_names_of_their_own(#[case] uid: &str, #[case] faulty: &[&str]) {
        let spec = AttributePatch { display_label: Some("Label".into()), ..Default::default() }
            .declare(uid, DataType::Int);
        assert_eq!(fields(attribute_faults(&spec, &Caps::default())), faulty);
    }

    #[test]
    fn texts_are_bounded() {
        let long = Some("x".repeat(1_001));
        let patch = AttributePatch {
            description: long.clone(),
            display_label: Some(String::new()),
            ..Default::default()
        };
        let spec = patch.declare("a", DataType::Int);
        assert_eq!(fields(attribute_faults(&spec, &Caps::default())), ["displayLabel", "description"]);
        let patch = EventPatch { name: long, ..Default::default() };
        assert_eq!(fields(event_faults(&patch.declare("a"), &Caps::default())), ["name"]);
    }

    #[test]
    fn the_longest_name_still_makes_a_label() {
        let caps = Caps::default();
        let name = "x".repeat(caps.name_bytes);
        assert!(attribute_faults(&AttributePatch::default().declare(&name, DataType::Int), &caps).is_empty());
        let parameter = ParameterPatch::default().declare(&name, DataType::Int);
        assert!(parameter_faults("own", &parameter, &caps).is_empty());
        assert_eq!(parameter.title.len(), LABEL);
    }

    #[test]
    fn built_in_types_never_require_anything() {
        let patch = ParameterPatch { required: Some(true), max_length: Some(Some(0)), ..Default::default() };
        let spec = patch.declare("gift", DataType::Bool);
        assert_eq!(fields(parameter_faults("purchase", &spec, &Caps::default())), ["maxLength", "required"]);
        assert_eq!(fields(parameter_faults("own", &spec, &Caps::default())), ["maxLength"]);
    }

    #[test]
    fn a_patch_leaves_the_rest_alone() {
        let mut spec =
            ParameterPatch { max_length: Some(Some(9)), ..Default::default() }.declare("a", DataType::Text);
        ParameterPatch { required: Some(true), ..Default::default() }.apply(&mut spec);
        assert_eq!((spec.max_length, spec.required, spec.title.as_str()), (Some(9), true, "a"));
        ParameterPatch { max_length: Some(None), ..Default::default() }.apply(&mut spec);
        assert_eq!(spec.max_length, None);
    }
}
